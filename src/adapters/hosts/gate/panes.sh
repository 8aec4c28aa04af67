# --- panes -------------------------------------------------------------------------------------------------------

# Whoever can reach the tmux server can call a window anything, with newlines and tabs in it: they would be taken for lines
# and fields of ours, so tmux itself puts a `?` for them. -u: without it a client in the C locale gets `_` for every
# character of a name that is not ASCII.
ask_panes() { # SOCKET FORMAT: ap_out, a line a pane: FORMAT, tab, `session:window`; status 1 and blind when tmux could not tell
  ap_out=$(bounded 5 tmux -u -S "$1" list-panes -a -F "$2$tab#{s/[$tab$nl]/?/:session_name}:#{s/[$tab$nl]/?/:window_name}" 2>&1)
  ap_status=$?
  [ $ap_status -ne 0 ] || return 0
  case $ap_out in
    # No server there is an answer, too.
    *'no server running'* | *'No such file'* | *'Connection refused'*)
      ap_out=
      [ $ap_status -ne 1 ] || return 0
      ;;
  esac
  ap_out=
  blind=$blind$1$nl
  return 1
}

list_panes() { # SOCKET: its panes added to panes
  ask_panes "$1" '#{pane_dead} #{pane_pid} #{pane_id} #{window_activity}' || return 0
  IFS=$nl
  for line in $ap_out; do
    panes=$panes$1$tab$line$nl
  done
}

# `#{pane_dead}` is the truth. A dead pane goes on showing its old pid, which may be anybody's by now: it is not taken.
# Of several panes of that name it is the oldest: their order changes when windows are moved, their ids don't.
find_pane() { # of the agent loaded: pane_kind (alive dead missing unknown) pane_id pane_pid pane_quiet (ms)
  pane_kind=missing pane_id= pane_pid= pane_quiet=
  case $blind in *"$nl$a_socket$nl"*)
    pane_kind=unknown
    return
    ;;
  esac
  fp_line=
  IFS=$nl
  for fp_pane in $panes; do
    case $fp_pane in "$a_socket$tab"*"$tab$a_target") ;; *) continue ;; esac
    fp_pane=${fp_pane#"$a_socket$tab"}
    [ "${fp_pane#*"$tab"}" = "$a_target" ] || continue
    fp_new=${fp_pane%%"$tab"*}
    older_pane "$fp_new" "$fp_line" && fp_line=$fp_new
  done
  IFS=' '
  set -- $fp_line
  case ${3-} in %*) ;; *) return ;; esac
  is_number "${3#%}" || return
  pane_id=$3
  case ${4-} in '' | *[!0-9]* | ????????????*) ;; *) pane_quiet=$((now - $4 * 1000)) ;; esac
  if [ "$1" = 0 ]; then
    pane_kind=alive pane_pid=$2
  else
    pane_kind=dead
  fi
}

older_pane() { # LINE LINE: whether the pane of the first is the older one; the second may be empty
  [ -n "$2" ] || return 0
  op_one=${1#*%} op_other=${2#*%}
  [ "${op_one%% *}" -lt "${op_other%% *}" ]
}
