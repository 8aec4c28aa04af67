# --- processes ---------------------------------------------------------------------------------------------------

# p_epoch is boot id and start time: the same pid with another epoch is another process. A zombie counts as gone.
proc_read() { # PID: p_epoch p_session p_tty p_start p_state; status 1 when it is gone
  is_pid "$1" || return 1
  if [ "$has_proc" = no ]; then
    IFS=' '
    set -- $(ps -o stat= -o lstart= -p "$1" 2>/dev/null)
    [ $# -eq 6 ] || return 1
    case $1 in Z*) return 1 ;; esac
    p_epoch=$boot:$2-$3-$4-$5-$6 p_session= p_tty= p_start= p_state=${1%"${1#?}"}
    return 0
  fi
  p_line=
  # The name of a program may hold spaces, parentheses and newlines: what counts comes after the last parenthesis.
  while IFS= read -r p_more; do p_line="$p_line $p_more"; done 2>/dev/null <"/proc/$1/stat"
  case $p_line in *')'*) ;; *) return 1 ;; esac
  IFS=' '
  set -- ${p_line##*)}
  [ $# -ge 20 ] || return 1
  case $1 in Z | X | x) return 1 ;; esac
  p_state=$1 p_session=$4 p_tty=$5 p_start=${20}
  p_epoch=$boot:$p_start
}

# A pid in a file may have been given to another process since. A process that began after the file was written is
# another one. Where the times make no sense (a container that fakes its uptime) the pid is believed.
born_by() { # MS: whether the process read last was born by then (plus 2 s)
  [ -n "$p_start" ] || return 0
  IFS=' .' read -r up_s up_cs up_rest </proc/uptime || return 0
  p_age=$((up_s * 1000 - p_start * 1000 / ticks))
  [ "$p_age" -ge -2000 ] || return 0
  [ $((now - p_age)) -le $(($1 + 2000)) ]
}
