# --- one act at a time ---------------------------------------------------------------------------------------------

# A lock is a symbolic link to `pid.epoch` of the gate that holds it: made and readable in one step. It is named after
# what is acted upon, so that two watches that call one pane by two names exclude each other too.
take_lock() { # of the agent loaded; status 1 and problem when it cannot be had
  case $a_kind in
    pane) tl_key="pane $a_socket $a_target" ;;
    service) tl_key="service $a_scope $a_unit" ;;
    process) tl_key="process $a_pid" ;;
    *) tl_key="command $block" ;;
  esac
  locks=/tmp/towerwatch-$(id -u)
  if command -v cksum >/dev/null; then tl_sum=cksum; else tl_sum=md5sum; fi
  lock=$locks/$(printf '%s' "$tl_key" | $tl_sum | tr -d ' ')
  proc_read $$ || p_epoch=$boot:0
  tl_owner=$$.$p_epoch
  tl_tries=5
  while [ $tl_tries -gt 0 ]; do
    tl_tries=$((tl_tries - 1))
    (umask 077 && mkdir "$locks") 2>/dev/null
    if [ -L "$locks" ] || { [ -d "$locks" ] && [ ! -O "$locks" ]; }; then
      problem="$locks is not a folder of this user: remove it"
      return 1
    fi
    ln -s "$tl_owner" "$lock" 2>/dev/null && return 0
    tl_held=$(readlink "$lock") || continue
    problem="another act on $a_id is under way (pid ${tl_held%%.*})"
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
