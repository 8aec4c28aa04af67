# --- dry runs ------------------------------------------------------------------------------------------------------

# The check of an act, and in lines what would come after it. Nothing is signalled, started or written.
plan_restart() {
  progress check "looking for $a_id"
  check_agent || return
  plan=
  case $f_kind in
    alive)
      name_of "$f_pid"
      plan_line "$a_id is alive: pid $f_pid ($name)"
      ;;
    gone) plan_line "$a_id is dead" ;;
    *) plan_line "whether $a_id is dead cannot be told on this host" ;;
  esac
  plan_stop && plan_start && reply ok "${plan%"$nl"}"
}

plan_line() { # TEXT: what comes from outside may hold anything
  plan=$plan$(printf '%s' "$1" | tr '\001-\037\177' '?')$nl
}

plan_stop() { # status 1 after a failure was reported
  case $a_kind in
    pane | process) ;;
    hermes) if [ "$mode" = stop-first ] && is_stopped_by_unit; then return 0; fi ;;
    command)
      if [ "$mode" = stop-first ] && [ -n "$a_stop" ]; then plan_words Z "would be run to stop it:"; fi
      return 0
      ;;
    *) return 0 ;;
  esac
  if [ "$mode" = only-dead ] || { [ $f_kind != alive ] && [ -z "$m_pid" ]; }; then
    # Its children may outlive it.
    [ $a_kind = process ] && [ -n "$ff_pid" ] || return 0
    session=$ff_pid
  else
    may_signal || return
    find_session
  fi
  find_members
  case $a_grace in
    ?*000) pl_after="${a_grace%000} s" ;;
    *) pl_after="$a_grace ms" ;;
  esac
  IFS=' '
  for member in $members; do
    name_of "${member%%=*}"
    plan_line "would get SIGTERM, and SIGKILL after $pl_after: pid ${member%%=*} ($name)"
  done
}

plan_start() {
  case $a_kind in
    pane) plan_pane ;;
    process)
      plan_words A 'would be started:'
      plan_line "with its output in $a_log, in the folder ${a_cwd:-${HOME:-/}}"
      ;;
    command) plan_words A 'would be run:' ;;
    service)
      if [ "$a_scope" = user ]; then pl_of=' --user'; else pl_of=; fi
      plan_line "would be run: systemctl$pl_of restart -- $a_unit"
      ;;
    launchd) plan_line "would be run: launchctl kickstart$([ "$mode" = only-dead ] || echo ' -k') $a_label" ;;
    hermes) plan_hermes ;;
  esac
  return 0
}

plan_words() { # TAG TEXT: the words of a command, each as one
  pw_line=$2
  IFS=$nl
  for line in $block; do
    case $line in "$1":*) ;; *) continue ;; esac
    line=${line#?:}
    case $line in
      *\'*) pw_line="$pw_line \"$line\"" ;;
      '' | *[!A-Za-z0-9_./:=@%+,-]*) pw_line="$pw_line '$line'" ;;
      *) pw_line="$pw_line $line" ;;
    esac
  done
  plan_line "$pw_line"
}

name_of() { # PID: name of its program; outside text
  name=
  if [ "$has_proc" = yes ]; then
    IFS= read -r name 2>/dev/null <"/proc/$1/comm"
  else
    name=$(ps -o comm= -p "$1" 2>/dev/null)
  fi
  [ -n "$name" ] || name='?'
}
