# --- Hermes --------------------------------------------------------------------------------------------------------

# How long a gateway may take from its start to its first heartbeat.
gateway_ms=20000

# Which process is the gateway stands in HOME/gateway.pid, with its start time in ticks. SIGKILL leaves the file behind, so a
# pid without that start time says nothing. gateway_state.json goes on to say "running" and is never looked at.
find_by_gateway() { # of the agent loaded: f_pid m_pid m_epoch; a hint that is the stale pid of the file is dropped
  stat_of "$a_home/gateway.pid" && [ $st_type = file ] && [ "$st_size" -le 4096 ] || return
  read_text "$a_home/gateway.pid" || return
  number_after '"pid":' "$content" && is_pid "$number" || return
  f_pid=$number
  fg_start=
  if number_after '"start_time":' "$content"; then fg_start=$number; fi
  content=
  if ! proc_read "$f_pid"; then return; fi
  if [ -n "$p_start" ] && [ -n "$fg_start" ]; then
    [ "$p_start" = "$fg_start" ]
  else
    born_by "$st_mtime"
  fi || {
    # Somebody else has the pid now.
    [ "$hint" != "$f_pid" ] || hint=
    return
  }
  m_pid=$f_pid m_epoch=$p_epoch
}

number_after() { # KEY TEXT: the whole number behind the last KEY: number; status 1 where there is none
  case $2 in *"$1"*) ;; *) return 1 ;; esac
  number=${2##*"$1"}
  number=${number#"${number%%[! ]*}"}
  number=${number%%[!0-9]*}
  [ -n "$number" ]
}

# Without a file, and with a home that can be looked into, there is no gateway.
is_gateway_gone() {
  stat_of "$a_home/gateway.pid" && return
  [ "$stat_status" -lt 124 ] && ! hidden "$a_home/gateway.pid"
}

# Only for acts: one more process at each look would cost too much. While it starts, a gateway has no pid file yet, but its
# unit knows its process.
look_at_unit() { # of the agent loaded: un_load un_main un_active un_status un_ended (ms, or empty)
  un_load= un_main= un_active= un_status= un_ended=
  command -v systemctl >/dev/null || return 0
  lu_out=$(systemctl_of 5 show --timestamp=unix --property=LoadState,ActiveState,MainPID,ExecMainStatus,ExecMainExitTimestamp \
    -- "$a_unit" 2>/dev/null) ||
    lu_out=$(systemctl_of 5 show --property=LoadState,ActiveState,MainPID,ExecMainStatus -- "$a_unit" 2>/dev/null) || return 0
  IFS=$nl
  for line in $lu_out; do
    value=${line#*=}
    case $line in
      LoadState=*) un_load=$value ;;
      ActiveState=*) un_active=$value ;;
      MainPID=*) if is_pid "$value"; then un_main=$value; fi ;;
      ExecMainStatus=*) un_status=$value ;;
      ExecMainExitTimestamp=@*)
        value=${value#@}
        case $value in '' | *[!0-9]* | ????????????*) ;; *) un_ended=${value}000 ;; esac
        ;;
    esac
  done
}

find_by_gateway_unit() { # after find_process
  look_at_unit
  if [ "$un_load" = loaded ] && [ $f_kind != alive ] && [ -n "$un_main" ] && proc_read "$un_main"; then
    f_kind=alive f_pid=$un_main f_epoch=$p_epoch f_ours=yes m_pid=$un_main m_epoch=$p_epoch
  fi
}

# 78 is EX_CONFIG: it would not start with these settings, and systemd does not try again either. Unless one of them was
# written since.
check_settings() { # status 1 after it was said
  [ "$un_load" = loaded ] && [ "$un_active" = failed ] && [ "$un_status" = 78 ] && [ -n "$un_ended" ] || return 0
  cs_stats=$stats cs_status=$stat_status cs_newer=no
  stat_files "$a_configs" -L
  IFS=$nl
  for cs_file in $a_configs; do
    if stat_of "$cs_file" && [ "$st_mtime" -ge "$un_ended" ]; then cs_newer=yes; fi
  done
  stats=$cs_stats stat_status=$cs_status
  [ $cs_newer = no ] || return 0
  fail_settings check "its settings are broken: the unit $a_unit ended with status 78, and they are the same still: fix them first"
  return 1
}

fail_settings() { # STEP TEXT
  reply failed "$1 settings$nl$2"
}

# Run by its unit it is stopped by that, so that systemd knows that it was meant. One that somebody started beside the unit
# would keep the unit from starting.
is_stopped_by_unit() {
  [ "$un_load" = loaded ] && { [ -z "$m_pid" ] || [ "$m_pid" = "$un_main" ]; }
}

# Never `gateway restart`: without systemd that does not return, it becomes the gateway.
start_hermes() {
  sh_old=$m_epoch
  if [ "$un_load" = loaded ]; then
    progress start "restarting the unit $a_unit"
    systemctl_of $command_s restart -- "$a_unit" >/dev/null 2>"$lock.err"
    ended $? start "restart of the unit $a_unit" || return
    sp_pid= sp_log=
  else
    if [ ! -x "$a_program" ]; then
      fail start "there is no program $a_program to start $a_id with"
      return
    fi
    sp_log=${a_journal:-$a_home/logs/towerwatch-start.log}
    [ -n "$a_journal" ] || (umask 077 && mkdir -p "$a_home/logs") 2>/dev/null
    progress start "starting $a_id: gateway run --replace"
    start_detached "$a_home" "$sp_log" env "HERMES_HOME=$a_home" "$a_program" gateway run --replace || return
  fi
  await_gateway
}

# It takes some seconds until it has read its settings, and ends with status 78 within those, after it has written its pid
# file. Its first heartbeat comes after that.
await_gateway() {
  ag_left=$gateway_ms
  while [ "$ag_left" -gt 0 ]; do
    pause
    ag_left=$((ag_left - pause_ms))
    if [ -n "$sp_pid" ] && ! proc_read "$sp_pid"; then
      wait "$sp_pid"
      gateway_ended $? "$a_id"
      return
    fi
    # Asking systemd costs: once a second.
    if [ -z "$sp_pid" ] && [ $((ag_left % 1000)) = 0 ]; then
      look_at_unit
      if [ "$un_active" = failed ]; then
        gateway_ended "$un_status" "the unit $a_unit"
        return
      fi
    fi
    stat_files "$a_home/gateway.pid"
    clock
    hint= m_pid= m_epoch=
    find_by_gateway
    if [ -n "$m_pid" ] && [ "$m_epoch" != "$sh_old" ] && has_beaten; then
      reply ok "$a_id runs as pid $m_pid"
      return
    fi
  done
  # Whether it lives is for its beats to tell.
  reply ok "$a_id was started${sp_pid:+ as pid $sp_pid}; it has not said that it is up within $((gateway_ms / 1000)) s"
}

has_beaten() { # the gateway m_pid
  hb_file=$a_home/state/gateway.heartbeat content=
  [ -f "$hb_file" ] && [ -r "$hb_file" ] && read_text "$hb_file" && number_after '"pid":' "$content" && [ "$number" = "$m_pid" ]
}

gateway_ended() { # STATUS WHAT
  ge_said=
  [ -z "$sp_log" ] || ge_said=": $(last_line "$sp_log")"
  if [ "$1" = 78 ]; then
    fail_settings start "its settings are broken: $2 ended with status 78, fix them first$ge_said"
  else
    fail start "$2 ended at once with status $1$ge_said"
  fi
}

plan_hermes() {
  if [ "$un_load" = loaded ]; then
    if [ "$a_scope" = user ]; then ph_of=' --user'; else ph_of=; fi
    plan_line "would be run: systemctl$ph_of restart -- $a_unit"
  else
    plan_line "would be started: $a_program gateway run --replace"
    plan_line "with HERMES_HOME=$a_home and its output in ${a_journal:-$a_home/logs/towerwatch-start.log}"
  fi
}
