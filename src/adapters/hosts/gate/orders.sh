# --- orders --------------------------------------------------------------------------------------------------------

# An order is `really=WATCH.NUMBER` or `dry=WATCH.NUMBER`. The number comes from the ledger of that watch and only grows, so
# an order that was given before, whatever became of the one who gave it, is told from a new one and is not followed again.
read_order() { # ORDER: o_kind (really dry) o_watch o_number; status 1 and problem when it is malformed
  problem='the order is malformed'
  case $1 in
    really=*.*) o_kind=really ;;
    dry=*.*) o_kind=dry ;;
    *) return 1 ;;
  esac
  o_watch=${1#*=}
  o_number=${o_watch#*.}
  o_watch=${o_watch%%.*}
  case $o_watch in '' | *[!a-z0-9-]*) return 1 ;; esac
  [ ${#o_watch} -le 36 ] && is_attempt "$o_number" || return 1
  problem=
}

is_attempt() { # up to 15 digits, which every shell can compare
  case $1 in '' | 0* | *[!0-9]* | ????????????????*) return 1 ;; esac
}

# The last number of each watch for each thing that is acted upon stands in a file of its own. To be called while the lock
# of KEY is held, before anything is changed. Where the home of this user cannot be written, /tmp has to do: what is
# noted has to outlive the watch, not the host. Both are read, for a disk may have been full only for a while.
take_order() { # ORDER KEY; status 1 and problem when it must not be followed. Of a dry run nothing is noted.
  read_order "$1" || return 1
  [ $o_kind = really ] || return 0
  sum_of "$2"
  to_name=$o_watch.$sum to_last=0
  to_home=${XDG_STATE_HOME:-${HOME:+$HOME/.local/state}}
  case $to_home in /*) to_home=$to_home/towerwatch/attempts ;; *) to_home= ;; esac
  to_tmp=/tmp/towerwatch-$(id -u)
  own_folder "$to_tmp" || return 1
  for to_folder in "$to_home" "$to_tmp/attempts"; do
    [ -n "$to_folder" ] || continue
    last_attempt "$to_folder/$to_name" || return 1
  done
  if [ "$o_number" -le "$to_last" ]; then
    problem="this order was given before (attempt $o_number), nothing was done"
    [ "$o_number" -eq "$to_last" ] || problem="a later order than this one was given since (attempt $to_last, this is $o_number), nothing was done"
    return 1
  fi
  if [ -n "$to_home" ] && note_attempt "$to_home"; then return 0; fi
  own_folder "$to_tmp/attempts" && note_attempt "$to_tmp/attempts" && return 0
  problem="the attempt could not be noted, so nothing was done: let this user write ${to_home:-$to_tmp/attempts}"
  return 1
}

last_attempt() { # FILE: to_last, where it holds a higher number; status 1 and problem when it cannot be told
  [ -e "$1" ] || [ -L "$1" ] || return 0
  if [ ! -L "$1" ] && [ -f "$1" ]; then
    # Empty: the host lost its power between the making and the writing. It says nothing.
    [ -s "$1" ] || return 0
    la_text=$(bounded 2 head -c 17 -- "$1" 2>/dev/null | tr -c '0-9\n' x)
    if is_attempt "$la_text"; then
      [ "$la_text" -le "$to_last" ] || to_last=$la_text
      return 0
    fi
  fi
  problem="which orders were given before cannot be told, so nothing was done: $1 is no note of this gate, look at it and remove it"
  return 1
}

note_attempt() { # FOLDER; status 1 when it cannot be
  (umask 077 && mkdir -p "$1") 2>/dev/null
  [ -d "$1" ] && [ -O "$1" ] || return 1
  forget_attempts "$1"
  na_new=$1/$to_name.$$.new
  rm -f "$na_new"
  # Not through a link that somebody laid there: noclobber makes the file, or fails.
  if ! (umask 077 && set -C && printf '%s\n' "$o_number" >"$na_new") 2>/dev/null; then
    rm -f "$na_new"
    return 1
  fi
  # Where sync takes no files it writes everything, or nothing: as well as this host can.
  bounded 5 sync "$na_new" >/dev/null 2>&1
  if ! mv -f "$na_new" "$1/$to_name" 2>/dev/null; then
    rm -f "$na_new"
    return 1
  fi
  bounded 5 sync "$1" >/dev/null 2>&1
  return 0
}

# A note is worth something while the one who gave the order may still be at it: minutes. Those of agents and watches that
# are no more go after a month, once there are many.
forget_attempts() { # FOLDER
  set +f
  set -- "$1" "$1"/*
  set -f
  [ $# -gt 200 ] || return 0
  bounded 5 find "$1" -type f -mtime +30 -exec rm -f -- '{}' + >/dev/null 2>&1
  return 0
}
