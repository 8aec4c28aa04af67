# sh tell.sh FIFO WORD…: what monit executes.
fifo=$1
shift
echo "$*" >"$fifo"
