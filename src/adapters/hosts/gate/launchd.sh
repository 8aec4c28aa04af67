# --- launchd -------------------------------------------------------------------------------------------------------
# Written for macOS, where nobody has run it yet; tried with a stand-in for launchctl.

# A user's jobs are in the domain of his GUI session where he has one, else in his background domain.
find_domain() { # of the agent loaded: domain, and printed: what launchd says of the job; status 1 where it knows no such job
  if [ "$a_scope" = system ]; then
    domain=system
    printed=$(bounded 5 launchctl print "system/$a_label" 2>/dev/null)
    return
  fi
  fd_uid=$(id -u)
  for domain in "gui/$fd_uid" "user/$fd_uid"; do
    printed=$(bounded 5 launchctl print "$domain/$a_label" 2>/dev/null) && return
  done
  return 1
}

# A job that launchd does not know was unloaded by somebody: whether it is dead is not for us to say.
find_by_label() {
  find_domain || return
  f_kind=gone
  IFS=$nl
  for line in $printed; do
    # Deeper lines are of other things than the job.
    case $line in "${tab}pid = "*) ;; *) continue ;; esac
    fl_pid=${line#"${tab}pid = "}
    is_pid "$fl_pid" || continue
    f_pid=$fl_pid
    if proc_read "$fl_pid"; then f_kind=alive f_epoch=$p_epoch; fi
    return
  done
}

# -k ends the running one first, by launchd itself. Not where only the dead may be started: it may have come back meanwhile.
start_launchd() {
  if ! find_domain; then
    fail start "launchd has no job $a_label: load it first (launchctl bootstrap)"
    return
  fi
  progress start "restarting the job $a_label"
  set -- launchctl kickstart
  [ "$mode" = only-dead ] || set -- "$@" -k
  if [ "$a_scope" = system ] && [ "$(id -u)" != 0 ]; then set -- sudo -n "$@"; fi
  bounded $command_s "$@" "$domain/$a_label" >/dev/null 2>"$lock.err"
  ended $? start "kickstart of the job $a_label" && reply ok "the job $a_label was restarted"
}
