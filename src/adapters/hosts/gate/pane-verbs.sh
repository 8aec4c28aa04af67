# --- what is asked about panes -----------------------------------------------------------------------------------

max_panes=300

# A part for each pane: its socket, then on a line
#   PANE DEAD ACTIVITY sSTATUS gSIGNAL cPROGRAM<tab>SESSION:WINDOW
# ACTIVITY is in seconds by this host's clock. A status that is empty is none: tmux may have missed how it ended. The program
# may call itself anything, so tmux leaves of its name only what is plain. At the end `all` or `cut`, the time, and the sockets
# on which tmux did not answer.
verb_panes() {
  panes=$nl blind=$nl vp_count=0 vp_all=all
  IFS=$nl
  for vp_socket in $sockets; do
    ask_panes "$vp_socket" \
      '#{pane_id} #{pane_dead} #{window_activity} s#{pane_dead_status} g#{pane_dead_signal} c#{=40;s/[^A-Za-z0-9_.+@-]/_/:pane_current_command}' ||
      continue
    IFS=$nl
    for line in $ap_out; do
      if [ $vp_count -ge $max_panes ] || [ ${#line} -gt 2000 ]; then
        vp_all=cut
        continue
      fi
      vp_count=$((vp_count + 1))
      reply part "$vp_socket$nl$line"
    done
  done
  clock
  reply ok "$vp_all $now$nl${blind#"$nl"}"
}

# Neither line is anything but compared. Of the pane that has this name it is the id that is acted upon: tmux would read a
# name as a pattern, a position, or a flag.
verb_respawn() { # ORDER, then two lines: a socket, the name of a pane
  IFS= read -r a_socket || exit 65
  IFS= read -r a_target || exit 65
  [ ${#a_socket} -le $max_line ] && [ ${#a_target} -le $max_line ] || exit 65
  [ $# -eq 1 ] || { refuse 'respawn takes an order'; return; }
  case $sockets in *"$nl$a_socket$nl"*) ;; *)
    refuse 'no such socket of tmux was declared'
    return
    ;;
  esac
  a_kind=pane a_id= a_remake=
  find_key
  begin_act "$1" "$key" "the pane $a_target" || return
  do_respawn
  end_act
}

do_respawn() {
  progress check "looking for the pane $a_target"
  survey '' "$a_socket"
  if ! find_named; then
    refuse "$problem"
    return
  fi
  case $pane_kind in
    unknown) fail check "tmux did not answer on $a_socket" ;;
    missing) refuse "there is no pane $a_target on the tmux server at $a_socket" ;;
    alive) refuse "the pane $a_target is alive" ;;
    dead)
      if [ $o_kind = dry ]; then
        plan=
        plan_line "the pane $a_target is dead"
        plan_pane
        reply ok "${plan%"$nl"}"
        return
      fi
      keep_scrollback
      respawn_pane || return
      survey '' "$a_socket"
      find_named
      revived
      ;;
  esac
}

# By its own name, or as `NAME.PANE`: all but the oldest pane of a name are called so.
find_named() { # of a_socket and a_target: as find_pane; status 1 and problem when two are called so
  find_pane
  case $a_target in *.%*) ;; *) return 0 ;; esac
  fn_kind=$pane_kind fn_id=$pane_id fn_pid=$pane_pid
  fn_whole=$a_target fn_wanted=%${a_target##*.%}
  a_target=${a_target%.%*}
  fn_panes=$panes
  panes=$nl
  IFS=$nl
  for fn_pane in $fn_panes; do
    case $fn_pane in "$a_socket$tab"[01]*" $fn_wanted "*"$tab$a_target") panes=$panes$fn_pane$nl ;; esac
  done
  find_pane
  panes=$fn_panes a_target=$fn_whole
  [ $fn_kind = alive ] || [ $fn_kind = dead ] || return 0
  if [ $pane_kind = missing ] || [ "$pane_id" = "$fn_id" ]; then
    pane_kind=$fn_kind pane_id=$fn_id pane_pid=$fn_pid
    return 0
  fi
  problem="two panes are called $a_target: give one of them another name"
  return 1
}
