# --- the loop ----------------------------------------------------------------------------------------------------

look_around() { # what this host has
  nl='
'
  tab=$(printf '\t')
  command_s=60
  had_lc_all=${LC_ALL+yes} was_lc_all=${LC_ALL-}
  LC_ALL=C
  export LC_ALL
  unset TMUX
  has_timeout=no has_setsid=no has_base64=no has_default_signal=no has_proc=no boot=unknown ticks=100
  timeout -k 1 5 true </dev/null >/dev/null 2>&1 && has_timeout=yes
  if command -v setsid >/dev/null; then has_setsid=yes; elif command -v perl >/dev/null; then has_setsid=perl; fi
  command -v base64 >/dev/null && has_base64=yes
  env --default-signal=INT,QUIT true </dev/null >/dev/null 2>&1 && has_default_signal=yes
  if [ -r /proc/self/stat ] && read -r boot </proc/sys/kernel/random/boot_id; then
    has_proc=yes
    ticks=$(getconf CLK_TCK 2>/dev/null) || ticks=100
  else
    boot=$(sysctl -n kern.bootsessionuuid 2>/dev/null) || boot=unknown
  fi
  case $(stat -c %.9Y / 2>/dev/null) in
    [0-9]*.[0-9]*) stat_kind=gnu ;;
    *) case $(stat -f %Fm / 2>/dev/null) in [0-9]*.[0-9]*) stat_kind=bsd ;; *) stat_kind=plain ;; esac ;;
  esac
  # A process that has just begun has an entry in /proc that was made this moment. Taken for a clock only where it agrees with
  # the real one: some that call themselves Linux show other times there.
  if [ $stat_kind$has_proc$has_timeout = gnuyesyes ]; then
    clock
    la_before=$now stat_kind=gnu-now
    stat_files /
    la_told=$now
    clock
    [ "$stats_now" = yes ] && [ "$la_told" -ge $((la_before - 50)) ] && [ "$la_told" -le "$now" ] || stat_kind=gnu
  fi
  if sleep 0.01 </dev/null 2>/dev/null; then pause_s=0.1 pause_ms=100 round_s=0.4; else pause_s=1 pause_ms=1000 round_s=1; fi
  run_dir=/run
  modules_dir=/lib/modules mounts_file=/proc/self/mounts
  table=$nl ids=' ' files= sockets=$nl seen=' ' lives=$nl forms=$nl
  services= service_lanes=0 service_count=0 pipe= collected= owing=$nl used_before= page_bytes= probe_number=0
  watcher= watcher_epoch= watched= has_pidfd= has_ticks=no
}

# Which key takes which verb. One that is not named here takes the key for acts.
role_for() { # VERB: needed
  case $1 in
    declare | beats | probe | panes | tail | configs) needed=probe ;;
    restart | respawn | keep-configs | roll-back-configs | put-back-configs) needed=act ;;
    *) needed=act ;;
  esac
}

gate_main() { # NONCE | ROLE FILE
  set -fu
  role= nonce=
  look_around
  if [ $# -eq 2 ]; then be_installed "$@"; else nonce=${1-}; fi
  case $nonce in '' | *[!0-9a-f]*)
    echo 'usage: gate.sh NONCE | gate.sh ROLE FILE' >&2
    exit 64
    ;;
  esac
  request=0
  # Whatever a start-up file of the login shell printed may lack its end of line.
  printf '\n'
  reply hello 'towerwatch-gate 3'
  while IFS= read -r line; do
    # Anything out of form means that the two sides no longer agree where they are: the end.
    [ ${#line} -le $max_line ] || exit 65
    case $line in *[!a-z0-9_.=\ -]*) exit 65 ;; esac
    IFS=' '
    set -- $line
    [ $# -ge 3 ] && [ "$1" = "$nonce" ] && is_number "$2" || exit 65
    request=$2
    shift 2
    if ! may_ask "$1"; then
      refuse "$1 takes the key for acts"
      continue
    fi
    case $1 in
      declare) shift && verb_declare "$@" ;;
      beats) shift && verb_beats "$@" ;;
      probe) shift && verb_probe "$@" ;;
      restart) shift && verb_restart "$@" ;;
      respawn) shift && verb_respawn "$@" ;;
      panes) if [ $# -eq 1 ]; then verb_panes; else refuse 'panes takes nothing'; fi ;;
      tail) shift && verb_tail "$@" ;;
      configs) shift && verb_configs "$@" ;;
      keep-configs) shift && verb_keep_configs "$@" ;;
      roll-back-configs) shift && verb_roll_back_configs "$@" ;;
      put-back-configs) shift && verb_put_back_configs "$@" ;;
      *) refuse 'there is no such verb' ;;
    esac
  done
  exit 0
}

gate_main "$@"
