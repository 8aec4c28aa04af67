# The usual home-grown watchdog: looks at all panes once a second and says in the game who died and who is back.
#   bash shell-loop.bash HOST PORT ACCOUNT TMUX_SOCKET, the password as the first line of stdin
. "${BASH_SOURCE%/*}/login.bash"
login "$1" "$2" "$3"
socket=$4
declare -A dead
printf 'say shell-loop: watching\r\n' >&3
while :; do
  panes=$(tmux -S "$socket" list-panes -a -F '#{pane_dead} #{window_name}')
  while read -r is_dead name; do
    [ "$is_dead" = "${dead[$name]:-0}" ] && continue
    dead[$name]=$is_dead
    if [ "$is_dead" = 1 ]; then said='is dead'; else said='is back'; fi
    printf 'say shell-loop: %s %s\r\n' "$name" "$said" >&3
  done <<<"$panes"
  sleep 1
done
