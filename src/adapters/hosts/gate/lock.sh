# --- one act at a time ---------------------------------------------------------------------------------------------

# What is acted upon, by what it is and not by what it is called, so that two watches that call one pane by two names
# exclude each other too.
find_key() { # of the agent loaded: key
  case $a_kind in
    pane) key="pane $a_socket $a_target" ;;
    service) key="service $a_scope $a_unit" ;;
    process) key="process $a_pid" ;;
    launchd) key="launchd $a_scope $a_label" ;;
    hermes) key="hermes $a_home" ;;
    *) key="$a_kind $block" ;;
  esac
}

sum_of() { # TEXT: sum, fit to name a file
  if command -v cksum >/dev/null; then so_sum=cksum; else so_sum=md5sum; fi
  sum=$(printf '%s' "$1" | $so_sum | tr -d ' ')
}

# In /tmp, where every user may write: a folder of ours, or none.
own_folder() { # FOLDER; status 1 and problem when it cannot be had
  (umask 077 && mkdir "$1") 2>/dev/null
  if [ -L "$1" ] || { [ -e "$1" ] && { [ ! -d "$1" ] || [ ! -O "$1" ]; }; }; then
    problem="$1 is not a folder of this user: remove it"
    return 1
  fi
}

# A lock is a symbolic link to `pid.epoch` of the gate that holds it: made and readable in one step.
take_lock() { # KEY NAME; status 1 and problem when it cannot be had
  locks=/tmp/towerwatch-$(id -u)
  sum_of "$1"
  lock=$locks/$sum
  proc_read $$ || p_epoch=$boot:0
  tl_owner=$$.$p_epoch
  tl_tries=5
  while [ $tl_tries -gt 0 ]; do
    tl_tries=$((tl_tries - 1))
    own_folder "$locks" || return 1
    ln -s "$tl_owner" "$lock" 2>/dev/null && return 0
    tl_held=$(readlink "$lock") || continue
    problem="another act on $2 is under way (pid ${tl_held%%.*})"
    if proc_read "${tl_held%%.*}" && [ "${tl_held%%.*}.$p_epoch" = "$tl_held" ]; then return 1; fi
    # Its holder is dead. Only one may break it: whoever makes the folder that is named after the dead holder.
    mkdir "$lock.$tl_held" 2>/dev/null || return 1
    [ "$(readlink "$lock")" = "$tl_held" ] && rm -f "$lock"
    rmdir "$lock.$tl_held"
  done
  problem="${problem:-no lock could be made in $locks}"
  return 1
}

drop_lock() {
  rm -f "$lock" "$lock.err"
  rmdir "$locks" 2>/dev/null
}
