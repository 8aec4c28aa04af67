# Says in the game what is written into a FIFO, a line each, so that who writes need not log in every time.
#   bash mouth.bash HOST PORT ACCOUNT FIFO, the password as the first line of stdin
. "${BASH_SOURCE%/*}/login.bash"
login "$1" "$2" "$3"
# Open for both, so that it does not end with the first writer.
exec 4<>"$4"
while IFS= read -r line <&4; do printf 'say %s\r\n' "$line" >&3; done
