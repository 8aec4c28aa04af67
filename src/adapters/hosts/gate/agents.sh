# --- agents ------------------------------------------------------------------------------------------------------

# The agent's process: f_kind (alive gone unknown) f_pid f_epoch. Beside it the process that its body is known by (a
# pane's own, the one in the pid file), which may be a parent of it: m_pid m_epoch, empty when not alive.
# f_ours=no: only the heartbeat says that this pid is the agent. Good enough to look at, not to signal: an agent that
# states somebody else's pid must not get it killed.
find_process() { # of the agent loaded; hint: the pid that its own heartbeat file states, or empty
  f_kind=unknown f_pid= f_epoch= f_ours=yes m_pid= m_epoch= ff_pid= fp_named=$hint
  pane_kind= pane_id= pane_pid=
  if [ "$a_kind" = pane ]; then
    find_pane
    case $pane_kind in
      dead)
        f_kind=gone
        return
        ;;
      alive)
        f_kind=gone f_pid=$pane_pid
        proc_read "$pane_pid" || return
        f_kind=alive f_epoch=$p_epoch m_pid=$pane_pid m_epoch=$p_epoch fp_tty=$p_tty
        # The stated pid counts only on this pane's terminal: it may be of another namespace, or used again since.
        [ -n "$hint" ] && [ "$hint" != "$pane_pid" ] && proc_read "$hint" && [ "$p_tty" = "$fp_tty" ] && [ "$p_tty" != 0 ] || return
        f_pid=$hint f_epoch=$p_epoch
        return
        ;;
    esac
  fi
  case $a_kind in process | command) find_by_file ;; esac
  if [ -n "$hint" ]; then
    if proc_read "$hint"; then
      if ! stat_of "$a_file" || [ $st_type != file ]; then
        # Whether it is the agent can't be told while its heartbeat is not there, which need not mean that it is gone.
        fp_named=
      elif born_by "$st_mtime"; then
        [ "$hint" = "$m_pid" ] || { [ -n "$ff_pid" ] && [ "$p_session" = "$ff_pid" ]; } || f_ours=no
        f_kind=alive f_pid=$hint f_epoch=$p_epoch
        return
      fi
    fi
  fi
  if [ -n "$m_pid" ]; then
    f_kind=alive f_pid=$m_pid f_epoch=$m_epoch
    return
  fi
  case $a_kind in
    pane) [ "$pane_kind" = unknown ] || f_kind=gone ;;
    process) f_kind=gone ;;
    command) [ -z "$fp_named$a_pid" ] || f_kind=gone ;;
    service) find_by_unit ;;
  esac
  if [ $f_kind = gone ] && [ -z "$f_pid" ]; then f_pid=$hint; fi
}

# A process that the gate started has its epoch in `PIDFILE.epoch`, which no change of the clock can put out. For a pid
# file that somebody else wrote, the time it was written has to do.
find_by_file() {
  [ -n "$a_pid" ] && [ -f "$a_pid" ] && [ -r "$a_pid" ] || return
  ff_named=
  IFS=" $tab" read -r ff_pid ff_rest 2>/dev/null <"$a_pid"
  is_pid "$ff_pid" || return
  f_pid=$ff_pid
  proc_read "$ff_pid" || return
  if [ -f "$a_pid.epoch" ]; then IFS= read -r ff_named 2>/dev/null <"$a_pid.epoch"; fi
  case $ff_named in
    "$ff_pid "*) [ "$ff_named" = "$ff_pid $p_epoch" ] ;;
    *) stat_through "$a_pid" && born_by "$st_mtime" ;;
  esac || {
    # Somebody else has the pid now, and a session of that number is his.
    ff_pid=
    return
  }
  m_pid=$ff_pid m_epoch=$p_epoch
}

find_by_unit() {
  fu_out=$(systemctl_of 5 show --property=MainPID -- "$a_unit" 2>/dev/null) || return
  case $fu_out in MainPID=*) ;; *) return ;; esac
  fu_pid=${fu_out#MainPID=}
  if [ "$fu_pid" = 0 ]; then
    f_kind=gone
  elif is_pid "$fu_pid"; then
    f_pid=$fu_pid f_kind=gone
    if proc_read "$fu_pid"; then f_kind=alive f_epoch=$p_epoch; fi
  fi
}

systemctl_of() { # SECONDS ARGUMENT… of the agent's scope
  so_s=$1
  shift
  if [ "$a_scope" = user ]; then
    XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)} bounded "$so_s" systemctl --user "$@"
  elif [ "$1" = restart ] && [ "$(id -u)" != 0 ]; then
    bounded "$so_s" sudo -n systemctl "$@"
  else
    bounded "$so_s" systemctl "$@"
  fi
}
