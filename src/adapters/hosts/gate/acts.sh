# --- acts ----------------------------------------------------------------------------------------------------------

# LIFE is `PID.BOOT.START` of the process that the watch saw last, where the agent lives in a pane.
verb_restart() { # ID MODE ORDER [PID [life=LIFE]]
  mode= order= hint= problem=
  [ $# -ge 3 ] && [ $# -le 5 ] || { refuse 'restart takes an id, a mode and an order'; return; }
  mode=$2 order=$3 hint=${4-}
  case $mode in stop-first | only-dead) ;; *) refuse 'the mode of a restart is stop-first or only-dead'; return ;; esac
  is_id "$1" || { refuse 'the id is malformed'; return; }
  [ "$hint" != 0 ] || hint=
  [ -z "$hint" ] || is_pid "$hint" || { refuse 'the pid is malformed'; return; }
  read_order "$order" || { refuse "$problem"; return; }
  load_agent "$1" || { refuse 'no such agent was declared'; return; }
  take_life "${5-}"
  find_key
  begin_act "$order" "$key" "$a_id" || return
  if [ $o_kind = dry ]; then plan_restart; else do_restart; fi
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
  survey "$a_paths" "$a_socket"
  find_process
  [ "$a_kind" != hermes ] || find_by_gateway_unit
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
    alive)
      if proc_read "$f_pid" && [ "$p_state" = T ]; then
        refuse "$a_id is alive (pid $f_pid), but stands still: somebody stopped it (SIGSTOP)"
      else
        refuse "$a_id is alive (pid $f_pid)"
      fi
      ;;
    unknown) refuse "whether $a_id is dead cannot be told on this host" ;;
    *)
      [ "$a_kind" != hermes ] || check_settings
      return
      ;;
  esac
  return 1
}
