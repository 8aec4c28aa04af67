#!/bin/sh
# One agent of the demo fleet: works a little, says so in its terminal, and proves with a heartbeat file that it lives.
#
#   sh worker.sh NAME json|mtime|epoch HEARTBEAT_FILE PID_FILE MODEL SECONDS
#
# TERM ends it cleanly. USR1 hangs it: the process lives on and no beat comes. (SIGSTOP would be undone by tmux, which
# continues a stopped pane process, so the hang has to be in here.)
set -u

name=$1 format=$2 file=$3 pid_file=$4 model=$5 seconds=$6
hung='' nap='' seq=0 left=0 busy=false doing='' seed=$$

trap 'kill "$nap" 2>/dev/null; exit 0' TERM
trap 'hung=yes; kill "$nap" 2>/dev/null' USR1

# Not every date knows %N, and a JSON number must not end in letters.
clock=%s.%N
case $(date +%N) in '' | *[!0-9]*) clock=%s ;; esac
epoch=$(date +%s)-$$

# Sets `drawn` to one of 0 … $1-1. Shell arithmetic, because a fork for each draw would cost more than the work.
draw() {
  seed=$(((seed * 1103515245 + 12345) % 2147483648))
  drawn=$((seed / 65536 % $1))
}

next_task() {
  draw 3
  if [ "$drawn" -eq 0 ]; then
    busy=false doing='waiting for work'
    draw 3
    left=$((drawn + 2))
  else
    busy=true
    draw 9
    case $drawn in
      0) task='reading the-nexus' ;;
      1) task='reviewing fleet-ops' ;;
      2) task='writing a patch for hermes-agent' ;;
      3) task='running the tests of timmy-home' ;;
      4) task='answering a question in the-nexus' ;;
      5) task='reproducing fleet-ops' ;;
      6) task='splitting up timmy-home' ;;
      7) task='rebasing the-nexus' ;;
      *) task='writing docs for fleet-ops' ;;
    esac
    draw 1900
    doing="$task#$((drawn + 100))"
    draw 6
    left=$((drawn + 3))
  fi
  echo "$name: $doing"
}

# A reader must never see half a file, hence the rename; where only the time of change counts there is nothing to halve.
beat() {
  seq=$((seq + 1))
  case $format in
    mtime) echo "$seq" >"$file" ;;
    epoch) date "+$clock" >"$file.new" && mv -f "$file.new" "$file" ;;
    json)
      printf '{"at":%s,"pid":%s,"epoch":"%s","seq":%s,"busy":%s,"doing":"%s","model":"%s"}\n' \
        "$(date "+$clock")" "$$" "$epoch" "$seq" "$busy" "$doing" "$model" >"$file.new" && mv -f "$file.new" "$file"
      ;;
  esac
}

main() {
  case $format in
    json | mtime | epoch) ;;
    *) echo "worker.sh: no such heartbeat format: $format (json, mtime or epoch)" >&2; exit 64 ;;
  esac
  echo "$$" >"$pid_file"
  echo "$name: awake, thinking with $model"
  while :; do
    if [ -z "$hung" ]; then
      [ "$left" -gt 0 ] || next_task
      left=$((left - 1))
      beat
    fi
    # In the background and waited for: a trap runs at once then, instead of when the sleep is over.
    sleep "$seconds" &
    nap=$!
    wait "$nap"
  done
}

# On one line with its end: the shell reads a script as it goes, and this file may be replaced under a running worker.
main; exit
