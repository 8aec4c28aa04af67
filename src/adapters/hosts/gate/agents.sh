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
        f_kind=alive f_epoch=$p_epoch m_pid=$pane_pid m_epoch=$p_epoch fp_tty=$p_tty fp_start=$p_start
        # The stated pid counts only on this pane's terminal: it may be of another namespace, or used again since. One that
        # was there before and is no more is the agent's death, though the shell that it was started from lives on. Not where
        # the pane began after it: the watch, which states it, has not heard yet of the life that is in there now.
        if [ -z "$hint" ] || [ "$hint" = "$pane_pid" ]; then
          remember_life
        elif proc_read "$hint" && [ "$p_tty" = "$fp_tty" ] && [ "$p_tty" != 0 ]; then
          f_pid=$hint f_epoch=$p_epoch
          remember_life
        elif last_life && [ "$l_pid" = "$hint" ] && ! { [ "$fp_start" -gt "${l_epoch##*:}" ]; } 2>/dev/null; then
          f_kind=gone f_pid=$hint f_epoch=
        fi
        return
        ;;
      missing)
        # Somebody may have called its window something else.
        if last_life && is_still "$l_pid" "$l_epoch"; then
          f_kind=alive f_pid=$l_pid f_epoch=$l_epoch
          return
        fi
        ;;
    esac
  fi
  case $a_kind in
    process | command) find_by_file ;;
    hermes) find_by_gateway ;;
  esac
  if [ -n "$hint" ]; then
    # The one of the pid file was read last: a shell reads /proc byte by byte, and no process is read twice.
    if [ "$hint" = "$m_pid" ] || proc_read "$hint"; then
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
    hermes) if is_gateway_gone || [ -n "$f_pid" ]; then f_kind=gone; fi ;;
    service) find_by_unit ;;
    launchd) find_by_label ;;
  esac
  if [ $f_kind = gone ] && [ -z "$f_pid" ]; then f_pid=$hint; fi
}

# The process that was last seen in an agent's pane. Of a look it is what this gate saw before; of an act, which has a gate
# of its own, what the watch says that the other one saw.
remember_life() { # f_pid f_epoch, of the agent loaded
  rl_line="$a_id $f_pid $f_epoch"
  case $lives in *"$nl$rl_line$nl"*) return ;; esac
  if last_life; then lives=${lives%%"$nl$a_id "*}$nl${lives#*"$nl$a_id $l_pid $l_epoch$nl"}; fi
  lives=$lives$rl_line$nl
}

take_life() { # life=PID.BOOT.START of the agent loaded, or nothing; what is malformed is nothing
  tk_life=${1#life=}
  tk_pid=${tk_life%%.*} tk_life=${tk_life#*.}
  case $1 in life=*.*.*) ;; *) return ;; esac
  is_pid "$tk_pid" && lives=$nl$a_id\ $tk_pid\ ${tk_life%%.*}:${tk_life#*.}$nl
}

last_life() { # of the agent loaded: l_pid l_epoch; status 1 when none was seen
  case $lives in *"$nl$a_id "*) ;; *) return 1 ;; esac
  l_epoch=${lives#*"$nl$a_id "}
  l_epoch=${l_epoch%%"$nl"*}
  l_pid=${l_epoch%% *} l_epoch=${l_epoch#* }
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
