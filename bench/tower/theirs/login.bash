# Logs in to a telnet game on file descriptor 3: login HOST PORT ACCOUNT, the password as the first line of stdin.
login() {
  local password
  IFS= read -r password
  exec 3<>"/dev/tcp/$1/$2"
  # Somebody has to read what the game says, or it would sooner or later wait for us.
  cat <&3 >/dev/null &
  # The game shows its greeting only once it has given up on telnet negotiation.
  sleep 3
  printf 'connect %s %s\r\n' "$3" "$password" >&3
}
