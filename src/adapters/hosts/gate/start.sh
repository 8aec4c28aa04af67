# --- starting ------------------------------------------------------------------------------------------------------

pause() {
  sleep "$pause_s" </dev/null
}

restore_locale() {
  if [ -n "$had_lc_all" ]; then LC_ALL=$was_lc_all; else unset LC_ALL; fi
}

start_process() {
  if [ -n "$a_cwd" ] && [ ! -d "$a_cwd" ]; then
    fail start "there is no folder $a_cwd to start $a_id in"
    return
  fi
  sp_new=$a_pid.$$.new
  if ! (: >"$sp_new") 2>/dev/null; then
    fail start "the pid file $a_pid cannot be written"
    return
  fi
  set --
  IFS=$nl
  for line in $block; do case $line in A:*) set -- "$@" "${line#A:}" ;; esac; done
  progress start "starting $a_id"
  start_detached "${a_cwd:-${HOME:-/}}" "$a_log" "$@" || {
    rm -f "$sp_new"
    return
  }
  proc_read "$sp_pid" && printf '%s %s\n' "$sp_pid" "$p_epoch" >"$sp_new" && mv -f "$sp_new" "$a_pid.epoch"
  printf '%s\n' "$sp_pid" >"$sp_new" && mv -f "$sp_new" "$a_pid"
  pause
  pause
  if proc_read "$sp_pid"; then
    reply ok "$a_id runs as pid $sp_pid"
    return
  fi
  wait "$sp_pid"
  fail start "$a_id ended at once with status $?: $(last_line "$a_log")"
}

start_detached() { # FOLDER LOG WORD…: sp_pid; status 1 after a failure was reported
  sd_folder=$1 sd_log=$2
  shift 2
  if ! (: >>"$sd_log") 2>/dev/null; then
    fail start "the log $sd_log cannot be written"
    return 1
  fi
  # A shell without job control has its background children ignore SIGINT and SIGQUIT, for good.
  case $1 in *=*) ;; *) if [ "$has_default_signal" = yes ]; then set -- env --default-signal=INT,QUIT "$@"; fi ;; esac
  # A session of its own, so that it and its children can be stopped together; macOS has perl for that.
  case $has_setsid in
    yes) set -- setsid "$@" ;;
    perl) set -- perl -e 'use POSIX; POSIX::setsid(); exec {$ARGV[0]} @ARGV; exit 127' -- "$@" ;;
  esac
  (
    restore_locale
    cd -- "$sd_folder" || exit 126
    exec "$@"
  ) </dev/null >>"$sd_log" 2>&1 &
  sp_pid=$!
}

start_command() {
  progress start "running the start command of $a_id"
  run_command A start && reply ok "the start command of $a_id is done"
}

start_service() {
  progress start "restarting the unit $a_unit"
  systemctl_of $command_s restart -- "$a_unit" >/dev/null 2>"$lock.err"
  ended $? start "restart of the unit $a_unit" && reply ok "the unit $a_unit was restarted"
}

# Its output goes to a file, not to a pipe: a daemon that the command leaves behind would hold the pipe open.
run_command() { # A or Z, STEP; status 1 after a failure was reported
  rc_step=$2
  rc_tag=$1
  set --
  IFS=$nl
  for line in $block; do case $line in "$rc_tag":*) set -- "$@" "${line#?:}" ;; esac; done
  (
    cd -- "${HOME:-/}" || exit 126
    restore_locale
    bounded $command_s "$@"
  ) >/dev/null 2>"$lock.err"
  ended $? "$rc_step" "the $rc_step command of $a_id"
}

ended() { # STATUS STEP WHAT; status 1 after a failure was reported
  case $1 in
    0) return 0 ;;
    124 | 137) fail "$2" "$3 did not end in $command_s s" ;;
    *) fail "$2" "$3 ended with status $1: $(last_line "$lock.err")" ;;
  esac
  return 1
}
