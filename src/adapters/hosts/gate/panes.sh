# --- panes -------------------------------------------------------------------------------------------------------

# -u: without it a client in the C locale gets `_` for every character of a name that is not ASCII.
list_panes() { # SOCKET: its panes added to panes; added to blind when tmux could not tell
  lp_out=$(bounded 5 tmux -u -S "$1" list-panes -a -F "#{session_name}:#{window_name}$tab#{pane_dead} #{pane_pid} #{pane_id}" 2>&1)
  lp_status=$?
  if [ $lp_status -ne 0 ]; then
    case $lp_out in
      *'no server running'* | *'No such file'* | *'Connection refused'*) [ $lp_status -eq 1 ] && return ;;
    esac
    blind=$blind$1$nl
    return
  fi
  IFS=$nl
  for line in $lp_out; do
    panes=$panes$1$tab$line$nl
  done
}

# `#{pane_dead}` is the truth. A dead pane goes on showing its old pid, which may be anybody's by now: it is not taken.
find_pane() { # of the agent loaded: pane_kind (alive dead missing unknown) pane_id pane_pid
  pane_kind=missing pane_id= pane_pid=
  case $blind in *"$nl$a_socket$nl"*)
    pane_kind=unknown
    return
    ;;
  esac
  fp_line=
  IFS=$nl
  for fp_pane in $panes; do
    case $fp_pane in "$a_socket$tab$a_target$tab"*)
      fp_line=${fp_pane#"$a_socket$tab$a_target$tab"}
      break
      ;;
    esac
  done
  IFS=' '
  set -- $fp_line
  case ${3-} in %*) ;; *) return ;; esac
  is_number "${3#%}" || return
  pane_id=$3
  if [ "$1" = 0 ]; then
    pane_kind=alive pane_pid=$2
  else
    pane_kind=dead
  fi
}
