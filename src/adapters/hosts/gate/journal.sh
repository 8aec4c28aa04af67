# --- what is written elsewhere -----------------------------------------------------------------------------------
# Where no log is declared: Hermes has logs of its own, and a unit writes to the journal.

# The one that was written last: of a gateway that died at its start that is its output, of one that lives its own log.
tail_gateway() { # CURSOR
  stat_files "$a_home/logs/agent.log$nl$a_home/logs/towerwatch-start.log"
  tg_file= tg_mtime=-1
  for tg_one in "$a_home/logs/agent.log" "$a_home/logs/towerwatch-start.log"; do
    stat_of "$tg_one" || continue
    # Who reads on, reads on in the same one.
    case $1 in "log.${st_mark##*/}."*) tg_file=$tg_one tg_mtime=999999999999999 ;; esac
    [ "$st_mtime" -ge $tg_mtime ] || continue
    tg_file=$tg_one tg_mtime=$st_mtime
  done
  if [ -z "$tg_file" ]; then
    refuse "there is no log of $a_id in $a_home/logs yet"
    return
  fi
  tail_log "$tg_file" "$1"
}

# The journal has no cursor that could be asked for here: it is told as it stands, as what stands in a pane is.
tail_unit() {
  tu_user=
  [ "$a_scope" != user ] || tu_user=--user
  if ! command -v journalctl >/dev/null; then
    refuse "what $a_id writes is not known: there is no journal on this host; give it a log in fleet.yaml"
    return
  fi
  tu_text=$(XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)} bounded 5 journalctl $tu_user --unit="$a_unit" --lines=60 --no-pager \
    --output=cat 2>/dev/null | tail -c $max_tail | tr '\000' ' ')
  if [ -z "$tu_text" ]; then
    refuse "the journal of this host has nothing of $a_unit that this user may read"
    return
  fi
  reply ok "pane pane.0 all$nl$tu_text"
}
