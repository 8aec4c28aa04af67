# --- acts ----------------------------------------------------------------------------------------------------------

verb_act() { # restart ID MODE ORDER [PID] | respawn ID ORDER
  act=$1 mode=${3-} hint=${5-} problem=
  case $act in
    restart)
      [ $# -eq 4 ] || [ $# -eq 5 ] || { refuse 'restart takes an id, a mode and an order'; return; }
      case $mode in stop-first | only-dead) ;; *) refuse 'the mode of a restart is stop-first or only-dead'; return ;; esac
      ;;
    respawn) [ $# -eq 3 ] || { refuse 'respawn takes an id and an order'; return; } ;;
  esac
  is_id "$2" || { refuse 'the id is malformed'; return; }
  [ -z "$hint" ] || is_pid "$hint" || { refuse 'the pid is malformed'; return; }
  load_agent "$2" || { refuse 'no such agent was declared'; return; }
  if ! take_lock; then
    refuse "$problem"
    return
  fi
  # From here on the act is brought to its end whatever becomes of the watch. A handler, not '': what is ignored
  # here would be ignored by the agent, too.
  trap : HUP INT TERM PIPE
  do_"$act"
  drop_lock
  trap - HUP INT TERM PIPE
}

survey_agent() {
  survey "$a_file$nl$a_pid" "$a_socket"
  find_process
}

do_respawn() {
  if [ "$a_kind" != pane ]; then
    refuse "$a_id does not live in a pane"
    return
  fi
  progress check "looking for the pane $a_target"
  survey_agent
  check_pane || return
  if [ $pane_kind = alive ]; then
    refuse "the pane of $a_id is alive"
    return
  fi
  start_pane
}

do_restart() {
  progress check "looking for $a_id"
  survey_agent
  if [ $a_kind = pane ]; then check_pane || return; fi
  if [ "$mode" = only-dead ]; then
    case $f_kind in
      alive)
        refuse "$a_id is alive (pid $f_pid)"
        return
        ;;
      unknown)
        refuse "whether $a_id is dead cannot be told on this host"
        return
        ;;
    esac
    end_remains || return
  else
    stop_agent || return
  fi
  start_"$a_kind"
}

check_pane() {
  case $pane_kind in
    unknown) fail check "tmux did not answer on $a_socket" ;;
    missing) fail check "there is no pane $a_target on the tmux server at $a_socket" ;;
    *) return 0 ;;
  esac
  return 1
}
