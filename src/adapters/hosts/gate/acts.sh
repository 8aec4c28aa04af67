# --- acts ----------------------------------------------------------------------------------------------------------

verb_act() { # restart ID MODE ORDER [PID] | respawn ID ORDER
  act=$1 mode= order= hint= problem=
  case $act in
    restart)
      [ $# -eq 4 ] || [ $# -eq 5 ] || { refuse 'restart takes an id, a mode and an order'; return; }
      mode=$3 order=$4 hint=${5-}
      case $mode in stop-first | only-dead) ;; *) refuse 'the mode of a restart is stop-first or only-dead'; return ;; esac
      ;;
    respawn)
      [ $# -eq 3 ] || { refuse 'respawn takes an id and an order'; return; }
      order=$3
      ;;
  esac
  is_id "$2" || { refuse 'the id is malformed'; return; }
  [ -z "$hint" ] || is_pid "$hint" || { refuse 'the pid is malformed'; return; }
  read_order "$order" || { refuse "$problem"; return; }
  load_agent "$2" || { refuse 'no such agent was declared'; return; }
  find_key
  begin_act "$order" "$key" "$a_id" || return
  if [ $o_kind = dry ]; then plan_"$act"; else do_"$act"; fi
  end_act
}

# What every verb that changes something does first: the lock, then the order is noted. Of a dry run neither.
begin_act() { # ORDER KEY NAME; status 1 after it was refused
  if ! read_order "$1"; then
    refuse "$problem"
    return 1
  fi
  [ $o_kind = really ] || return 0
  if ! take_lock "$2" "$3"; then
    refuse "$problem"
    return 1
  fi
  # From here on the act is brought to its end whatever becomes of the watch. A handler, not '': what is ignored
  # here would be ignored by the agent, too.
  trap : HUP INT TERM PIPE
  if ! take_order "$1" "$2"; then
    end_act
    refuse "$problem"
    return 1
  fi
}

end_act() {
  [ $o_kind = really ] || return 0
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
  check_agent || return
  if [ "$mode" = only-dead ]; then
    end_remains || return
  else
    stop_agent || return
  fi
  start_"$a_kind"
}

check_agent() { # as MODE has it; status 1 after it was refused or failed
  survey_agent
  if [ $a_kind = pane ]; then check_pane || return; fi
  [ "$mode" = only-dead ] || return 0
  case $f_kind in
    alive) refuse "$a_id is alive (pid $f_pid)" ;;
    unknown) refuse "whether $a_id is dead cannot be told on this host" ;;
    *) return 0 ;;
  esac
  return 1
}

check_pane() {
  case $pane_kind in
    unknown) fail check "tmux did not answer on $a_socket" ;;
    missing) fail check "there is no pane $a_target on the tmux server at $a_socket" ;;
    *) return 0 ;;
  esac
  return 1
}
