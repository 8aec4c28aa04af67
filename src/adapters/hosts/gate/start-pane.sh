# --- starting panes ------------------------------------------------------------------------------------------------

max_scrollback=1048576
kept_scrollbacks=20

check_pane() { # of the agent loaded; status 1 after it was refused or failed
  case $pane_kind in
    unknown) fail check "tmux did not answer on $a_socket" ;;
    missing)
      [ -z "$a_remake" ] || return 0
      fail check "there is no pane $a_target on the tmux server at $a_socket, and no start in fleet.yaml to make it again by"
      ;;
    *) return 0 ;;
  esac
  return 1
}

start_pane() { # of the agent loaded
  if [ $pane_kind = missing ]; then
    make_pane
    return
  fi
  keep_scrollback
  sp_id=$pane_id
  if ! respawn_pane -k; then return; fi
  survey_agent
  revived
}

# What it was started with is tmux's to remember, as it is in which folder. Its ending may have taken the pane along, where
# remain-on-exit is off.
respawn_pane() { # [-k]: pane_id; status 1 after a failure was reported
  ask_original
  progress start "respawning pane $pane_id in $original_path: $original"
  if bounded 10 tmux -u -S "$a_socket" respawn-pane ${1-} -t "$pane_id" >/dev/null 2>"$lock.err"; then
    sp_id=$pane_id
    pause
    return 0
  fi
  rp_why=$(last_line "$lock.err")
  if [ -n "$a_remake" ]; then
    survey_agent
    if [ $pane_kind = missing ]; then
      make_pane
      return 1
    fi
  fi
  fail start "tmux could not respawn pane $pane_id: $rp_why"
  return 1
}

revived() { # says what became of the pane that was looked for again
  case $pane_kind in
    alive) reply ok "pane $pane_id runs again as pid $pane_pid${saved:+; what stood there before is in $saved}" ;;
    *)
      last_words "$sp_id"
      fail start "pane $sp_id ended again at once${saved:+ (what stood there before is in $saved)}: $words"
      ;;
  esac
}

# Without what tmux had not read yet when it heard of the end: that it throws away.
last_words() { # PANE: words, the last lines that stand in it
  lw_all=$(bounded 5 tmux -u -S "$a_socket" capture-pane -p -J -S -50 -t "$1" 2>/dev/null | tail -c 4000)
  set --
  IFS=$nl
  for line in $lw_all; do case $line in *[!\ ]*) set -- "$@" "$line" ;; esac; done
  while [ $# -gt 5 ]; do shift; done
  IFS=' '
  words=$*
}

ask_original() { # of pane_id: original original_path, which may hold anything
  original_path=$(bounded 5 tmux -u -S "$a_socket" display-message -p -t "$pane_id" '#{pane_start_path}' 2>/dev/null)
  original=$(bounded 5 tmux -u -S "$a_socket" display-message -p -t "$pane_id" '#{=400:pane_start_command}' 2>/dev/null)
  original=${original:-its shell}
}

plan_pane() { # of the agent loaded: what a start would do, for a dry run
  if [ $pane_kind != missing ]; then
    ask_original
    plan_line "what stands in pane $pane_id would be saved"
    plan_line "would be run again in pane $pane_id, in $original_path: $original"
    return
  fi
  plan_line "there is no pane $a_target: it would be made again, in the folder ${a_cwd:-${HOME:-/}}"
  plan_words W 'would be run in it:'
}

# A respawn throws away what stands in a pane, which is where the reason of a death is. That it can't be saved is no reason
# not to bring an agent back.
keep_scrollback() { # of pane_id: saved, the file; empty when it could not be
  saved=
  ks_home=${XDG_STATE_HOME:-${HOME:+$HOME/.local/state}}
  ks_folder=$ks_home/towerwatch/scrollback
  case $ks_folder in /towerwatch/*) ;; /*) (umask 077 && mkdir -p "$ks_folder") 2>/dev/null ;; esac
  if [ -d "$ks_folder" ] && [ ! -L "$ks_folder" ] && [ -O "$ks_folder" ]; then
    ks_file=$ks_folder/$(date -u +%Y%m%dT%H%M%SZ)-pane${pane_id#%}-$$.txt
    # noclobber: not through a link that somebody laid there.
    (umask 077 && set -C && bounded 10 tmux -u -S "$a_socket" capture-pane -p -J -S - -t "$pane_id" 2>/dev/null | tail -c $max_scrollback >"$ks_file") 2>/dev/null &&
      saved=$ks_file
    forget_scrollbacks "$ks_folder"
  fi
  [ -n "$saved" ] || progress start "what stands in pane $pane_id could not be saved in ${ks_folder}"
}

forget_scrollbacks() { # FOLDER: their names begin with the time
  set +f
  set -- "$1"/[0-9]*Z-pane*.txt
  set -f
  while [ $# -gt $kept_scrollbacks ]; do
    rm -f -- "$1"
    shift
  done
}

# With a placeholder first, so that the pane stays when its program ends before tmux is told that it is to. tmux would hand
# a single word to a shell, would read a `;` at the end of a word as the end of its own command, and a `#` in a name or
# a folder as a format that may run something. So several words, always; each `;` marked; names plain, and the folder
# entered by a program of ours, whose text is always the same.
make_pane() { # of the agent loaded
  mp_session=${a_target%%:*} mp_window=${a_target#*:}
  case $mp_session in '' | *[!A-Za-z0-9_\ -]*)
    fail start "a session of tmux cannot be called $mp_session: use letters, digits, blanks, \"_\" and \"-\""
    return
    ;;
  esac
  case $mp_window in '' | *[!A-Za-z0-9_.\ -]*)
    fail start "no window is made that is called $mp_window: use letters, digits, blanks, \"_\", \".\" and \"-\""
    return
    ;;
  esac
  if [ -n "$a_cwd" ] && [ ! -d "$a_cwd" ]; then
    fail start "there is no folder $a_cwd to start $a_id in"
    return
  fi
  progress start "there is no pane $a_target: making it by its declaration"
  if ! make_placeholder && ! make_placeholder; then
    fail start "tmux could not make the pane $a_target: $(last_line "$lock.err")"
    return
  fi
  set -- /bin/sh -c 'cd -- "$1" && shift && exec "$@"' towerwatch "${a_cwd:-${HOME:-/}}"
  IFS=$nl
  for line in $block; do case $line in W:*) set -- "$@" "${line#W:}" ;; esac; done
  mp_left=$#
  while [ $mp_left -gt 0 ]; do
    mp_left=$((mp_left - 1)) mp_word=$1
    shift
    case $mp_word in *\;) mp_word=${mp_word%?}\\\; ;; esac
    set -- "$@" "$mp_word"
  done
  if ! { bounded 5 tmux -u -S "$a_socket" set-window-option -t "$mp_id" remain-on-exit on &&
    bounded 5 tmux -u -S "$a_socket" set-window-option -t "$mp_id" allow-rename off &&
    bounded 10 tmux -u -S "$a_socket" respawn-pane -k -t "$mp_id" -- "$@"; } >/dev/null 2>"$lock.err"; then
    mp_why=$(last_line "$lock.err")
    bounded 5 tmux -u -S "$a_socket" kill-pane -t "$mp_id" >/dev/null 2>&1
    fail start "tmux could not start $a_id in the pane $a_target: $mp_why"
    return
  fi
  saved= sp_id=$mp_id
  pause
  survey_agent
  revived
}

# Two agents of one session may be brought back at once: then one of them finds it made by the other, at the second try.
make_placeholder() { # mp_id; status 1 when it could not be made
  mp_found= mp_id=
  mp_list=$(bounded 5 tmux -u -S "$a_socket" list-sessions -F "#{session_id}$tab#{s/[$tab$nl]/?/:session_name}" 2>/dev/null)
  IFS=$nl
  for line in $mp_list; do
    case $line in \$*"$tab$mp_session") [ "${line#*"$tab"}" != "$mp_session" ] || mp_found=${line%%"$tab"*} ;; esac
  done
  if [ -n "$mp_found" ]; then
    mp_id=$(bounded 5 tmux -u -S "$a_socket" new-window -d -P -F '#{pane_id}' -t "$mp_found:" -n "$mp_window" -- sleep 60 2>"$lock.err")
  else
    # A server that begins with this keeps its environment.
    mp_id=$(restore_locale && bounded 10 tmux -u -S "$a_socket" new-session -d -P -F '#{pane_id}' -s "$mp_session" -n "$mp_window" -x 200 -y 50 -- sleep 60 2>"$lock.err")
  fi
  case $mp_id in %*) is_number "${mp_id#%}" ;; *) return 1 ;; esac
}
