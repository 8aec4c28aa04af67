# --- stopping ------------------------------------------------------------------------------------------------------

stop_agent() {
  case $a_kind in
    service | launchd) return 0 ;;
    hermes) if is_stopped_by_unit; then return 0; fi ;;
    command)
      [ -n "$a_stop" ] || return 0
      progress stop "running the stop command of $a_id"
      run_command Z stop
      return
      ;;
  esac
  if [ $f_kind != alive ] && [ -z "$m_pid" ]; then
    progress stop "$a_id is not running"
    end_remains
    return
  fi
  may_signal || return
  find_session
  end_agent
}

may_signal() { # status 1 after a failure was reported
  [ $f_ours = no ] || return 0
  fail stop "pid $f_pid, which the heartbeat of $a_id states, was not started for it: it is not stopped for that"
  return 1
}

# A pane's process leads a session, and so does what the gate started: its children are the agent as much as it is
# (`sh -c worker` need not be the worker).
find_session() { # session
  session=
  if [ -n "$m_pid" ]; then
    proc_read "$m_pid" && [ "$p_session" = "$m_pid" ] && session=$m_pid
  elif [ -n "$ff_pid" ]; then
    session=$ff_pid
  fi
  return 0
}

# Children that outlive the process of the pid file. Its number is not given to anybody while they live.
end_remains() { # status 1 after a failure was reported
  [ $a_kind = process ] && [ -n "$ff_pid" ] || return 0
  session=$ff_pid
  find_members
  [ -n "$members" ] || return 0
  f_pid=${members%%=*}
  end_agent
}

is_still() { # PID EPOCH
  proc_read "$1" && [ "$p_epoch" = "$2" ]
}

find_members() { # members: `PID=EPOCH` of all that is to be ended and lives
  members=
  if [ -n "$m_pid" ] && is_still "$m_pid" "$m_epoch"; then members="$m_pid=$m_epoch "; fi
  if [ $f_kind = alive ] && [ "$f_pid" != "$m_pid" ] && is_still "$f_pid" "$f_epoch"; then members="$members$f_pid=$f_epoch "; fi
  [ -n "$session" ] || return 0
  set +f
  for fm_pid in /proc/[0-9]*; do
    set -f
    fm_pid=${fm_pid#/proc/}
    case " $members" in *" $fm_pid="*) continue ;; esac
    if proc_read "$fm_pid" && [ "$p_session" = "$session" ]; then members="$members$fm_pid=$p_epoch "; fi
  done
}

keep_living() { # members: those of them that still live
  kl_left=
  IFS=' '
  for member in $members; do
    if is_still "${member%%=*}" "${member#*=}"; then kl_left="$kl_left$member "; fi
  done
  members=$kl_left
}

# The start time is read again right before each signal: a pid may have been given to another process.
end_agent() { # status 1 after a failure was reported
  if proc_read "$f_pid" && [ "$p_state" = T ]; then
    progress stop "pid $f_pid stands still (SIGSTOP): asking it to stop (SIGTERM), and to go on so that it can"
  else
    progress stop "asking pid $f_pid to stop (SIGTERM)"
  fi
  ea_signal=TERM ea_left=$a_grace told=' '
  find_members
  while [ -n "$members" ]; do
    if [ "$ea_left" -le 0 ]; then
      if [ $ea_signal = KILL ]; then
        fail stop "pid ${members%%=*} outlives SIGKILL"
        return 1
      fi
      progress stop "pid ${members%%=*} did not stop in $a_grace ms: SIGKILL"
      ea_signal=KILL ea_left=5000 told=' '
    fi
    IFS=' '
    for member in $members; do
      case $told in *" $member "*) continue ;; esac
      told="$told$member "
      ea_pid=${member%%=*} ea_this=$ea_signal
      # A shell in use by hand around the agent ignores SIGTERM and ends by SIGHUP.
      if [ $a_kind = pane ] && [ $ea_signal = TERM ] && [ "$ea_pid" = "$m_pid" ] && [ "$ea_pid" != "$f_pid" ]; then ea_this=HUP; fi
      is_still "$ea_pid" "${member#*=}" || continue
      if ! kill -s $ea_this "$ea_pid" 2>/dev/null && is_still "$ea_pid" "${member#*=}"; then
        fail stop "this user may not signal pid $ea_pid"
        return 1
      fi
      # One that stands still takes no signal but SIGKILL before it goes on.
      [ $ea_signal = KILL ] || kill -s CONT "$ea_pid" 2>/dev/null
    done
    pause
    ea_left=$((ea_left - pause_ms))
    keep_living
    # Going through all processes costs: only for children born meanwhile, once those known have ended.
    [ -n "$members" ] || find_members
  done
  progress stop "pid $f_pid has ended"
}
