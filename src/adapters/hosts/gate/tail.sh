# --- what an agent writes ----------------------------------------------------------------------------------------

max_tail=16384

# The answer is `pane CURSOR all` or `log CURSOR all|cut`, then the text: of a pane what stands there now, of a log what came
# after CURSOR. Whole lines, but for one that is longer than all that may be sent.
verb_tail() { # ID [CURSOR]
  [ $# -eq 1 ] || [ $# -eq 2 ] || { refuse 'tail takes an id and a cursor'; return; }
  is_id "$1" || { refuse 'the id is malformed'; return; }
  load_agent "$1" || { refuse 'no such agent was declared'; return; }
  if [ $a_kind = pane ]; then
    tail_pane
  elif [ -n "$a_journal$a_log" ]; then
    tail_log "${a_journal:-$a_log}" "${2-}"
  elif [ $a_kind = hermes ]; then
    tail_gateway "${2-}"
  elif [ $a_kind = service ]; then
    tail_unit
  else
    refuse "what $a_id writes is not known: give it a log in fleet.yaml"
  fi
}

tail_pane() {
  survey '' "$a_socket"
  find_pane
  case $pane_kind in
    unknown) fail check "tmux did not answer on $a_socket" ;;
    missing) refuse "there is no pane $a_target on the tmux server at $a_socket" ;;
    *)
      # The blank lines at its end are no lines yet.
      tp_text=$(bounded 5 tmux -u -S "$a_socket" capture-pane -p -J -S -200 -t "$pane_id" 2>/dev/null | tail -c $max_tail)
      [ ${#tp_text} -lt $((max_tail - 200)) ] || tp_text=${tp_text#*"$nl"}
      reply ok "pane pane.${pane_id#%} all$nl$tp_text"
      ;;
  esac
}

# A link is not followed: whoever may write where the log stands could have any file read. They could also put one there in
# between a look and an opening, so it is opened first, then looked at, and read from what is open. A cursor is
# `log.INODE.OFFSET`; another inode, or a file that is shorter now, is another file: it was rotated, or begun anew.
tail_log() { # FILE CURSOR
  for tl_try in 1 2 3; do
    tail_log_once "$1" "$2" && return
  done
  refuse "the log $1 is being replaced while it is read, or this host cannot tell what was opened: ask again"
}

# Status 1, and nothing said, where another file was opened than was looked at: it was rotated just now, or somebody plays.
tail_log_once() { # FILE CURSOR
  stat_files "$1"
  if ! stat_of "$1"; then
    refuse "there is no log $1"
    return 0
  fi
  if [ $st_type != file ] || [ -L "$1" ] || [ ! -r "$1" ]; then
    refuse "the log $1 is no plain file that may be read"
    return 0
  fi
  tl_inode=${st_mark##*/} tl_from=0 tl_all=all tl_whole=no
  case $2 in
    '') ;;
    "log.$tl_inode."*)
      tl_from=${2##*.} tl_whole=yes
      case $tl_from in '' | *[!0-9]* | ????????????????*)
        refuse 'the cursor is malformed'
        return 0
        ;;
      esac
      if [ "$tl_from" -gt "$st_size" ]; then tl_from=0 tl_all=cut; fi
      ;;
    *) tl_all=cut tl_whole=yes ;;
  esac
  if [ $((st_size - tl_from)) -gt $max_tail ]; then
    tl_from=$((st_size - max_tail)) tl_whole=no
    [ -z "$2" ] || tl_all=cut
  fi
  [ $tl_from -gt 0 ] || tl_whole=yes
  # A shell can hold no NUL. What is stripped from the end of it are newlines, hence the x.
  tl_text=$(bounded 5 /bin/sh -c "$read_opened" read "$1" "$tl_inode" $stat_kind $((tl_from + 1)) 2>/dev/null |
    head -c $((max_tail + 1)) | tr '\000' ' ' && printf x)
  case $tl_text in =*) ;; *) return 1 ;; esac
  tl_text=${tl_text#=}
  tl_text=${tl_text%x}
  case $tl_text in
    *"$nl"*)
      if [ $tl_whole = no ]; then
        tl_rest=${tl_text#*"$nl"}
        tl_from=$((tl_from + ${#tl_text} - ${#tl_rest})) tl_text=$tl_rest
      fi
      tl_rest=${tl_text##*"$nl"}
      tl_text=${tl_text%"$tl_rest"}
      ;;
    *) [ ${#tl_text} -ge $max_tail ] || tl_text= ;;
  esac
  reply ok "log log.$tl_inode.$((tl_from + ${#tl_text})) $tl_all$nl$tl_text"
  return 0
}

# In a process of its own, which can be bounded: to open a pipe may take forever. It says `=` and what is in the file, or
# nothing where what was opened is not the plain file of this inode that still stands there. Where neither /proc nor stat
# can tell what is open, nothing is read.
read_opened='
exec 3<"$1" || exit 1
case $3 in
  bsd) open=$(stat -f "%d:%i %Xp" <&3) there=$(stat -f "%d:%i %Xp" -- "$1") ;;
  *)
    open=$(stat -L -c "%d:%i %f" /proc/self/fd/3) || open=$(stat -c "%d:%i %f" - <&3) || exit 1
    there=$(stat -c "%d:%i %f" -- "$1")
    ;;
esac
[ "$open" = "$there" ] || exit 1
case $open in *":$2 8"???) ;; *) exit 1 ;; esac
printf = && exec tail -c "+$4" <&3
'
