# --- beats -------------------------------------------------------------------------------------------------------

# The answer is, for each agent, a part `agent`, then a part `file` for each of its files and a part `mark` for each of its
# markers that is there; KEY is the number of the file as declared, or its name in the folder of jobs.
# stopping: whether the host is going down is asked, too, where a process is gone. watching: deaths are told until the next
# look, and new heartbeats of those that are awaited.
verb_beats() { # [stopping] [watching] [ID=PID…] [awaited ID…]
  ask_stopping=no some_gone=no watching=no living= living_count=0 waiting= waiting_count=0
  if [ "${1-}" = stopping ]; then
    ask_stopping=yes
    shift
  fi
  if [ "${1-}" = watching ]; then
    watching=yes
    shift
  fi
  pids=' ' awaited=
  for pair in "$@"; do
    if [ -n "$awaited" ]; then
      case $ids in *" $pair "*) awaited="$awaited$pair " ;; *)
        refuse 'beats was told to await an agent that was not declared'
        return
        ;;
      esac
      continue
    fi
    case $pair in awaited)
      awaited=' '
      continue
      ;;
    esac
    case $pair in *=*) ;; *)
      refuse 'beats takes id=pid pairs'
      return
      ;;
    esac
    case $ids in *" ${pair%%=*} "*) is_pid "${pair#*=}" ;; *) false ;; esac || {
      refuse 'beats was given a pid that is malformed or not of a declared agent'
      return
    }
    pids="$pids$pair "
  done
  survey "$files" "$sockets"
  all_stats=${stats#"$nl"}
  still=' ' sent=0 ls_bound_s=5
  IFS=$nl
  for line in $table; do
    case $line in
      E:) sight_agent ;;
      *) take_line "$line" ;;
    esac
  done
  seen=$still
  if [ $ask_stopping = yes ] && [ $some_gone = yes ] && is_stopping; then reply ok stopping; else reply ok ''; fi
  [ $watching = no ] || watch_news
}

# What stat said comes in the order of the declaration, so it is taken off its front: to look each file up in what it said
# of all would cost the square of their number, half a second for fifty agents.
take_stats() { # of the agent loaded: stats; all_stats: what is left
  stats=$nl
  IFS=$nl
  for ts_path in $a_paths; do
    case $all_stats in "$ts_path$tab"*) ;; *) continue ;; esac
    stats=$stats${all_stats%%"$nl"*}$nl
    all_stats=${all_stats#*"$nl"}
  done
}

sight_agent() { # the agent loaded: all parts about it
  take_stats
  hint=
  case $pids in *" $a_id="*)
    hint=${pids#*" $a_id="}
    hint=${hint%% *}
    ;;
  esac
  find_process
  case $f_kind in
    alive)
      about_process="alive $f_pid $f_epoch"
      if [ $living_count -lt $max_watched ]; then
        living_count=$((living_count + 1)) living=$living$f_pid$nl
        # A pane's own process as well as its worker: each may be the one that dies.
        [ -z "$m_pid" ] || [ "$m_pid" = "$f_pid" ] || living=$living$m_pid$nl
      fi
      ;;
    gone) about_process="gone${f_pid:+ $f_pid}" some_gone=yes ;;
    *) about_process=unknown ;;
  esac
  case $pane_kind in
    alive | dead) about_pane="$pane_kind $pane_id${pane_quiet:+ $pane_quiet}" ;;
    missing) about_pane=missing ;;
    *) about_pane=none ;;
  esac
  about_folder=none job_stats=
  [ -z "$a_folder" ] || list_jobs
  reply part "agent $a_id$nl$about_process$nl$about_pane$nl$about_folder$nl"
  sa_key=0
  IFS=$nl
  for sa_file in $a_files; do
    sight_file "$sa_file" $sa_key
    sa_key=$((sa_key + 1))
  done
  case $awaited in *" $a_id "*) await_files ;; esac
  sa_key=0
  IFS=$nl
  for sa_file in $a_marks; do
    sight_mark "$sa_file" $sa_key
    sa_key=$((sa_key + 1))
  done
  IFS=$nl
  for sa_line in $job_stats; do
    sa_file=${sa_line%%"$tab"*}
    sa_name=${sa_file##*/}
    take_stat "${sa_line#*"$tab"}"
    case $sa_name in
      *.paused) sight_mark_found "$sa_file" "${sa_name%.paused}" ;;
      *) sight_file_found "$sa_file" "$sa_name" ;;
    esac
  done
}

# The files of an agent whose next beat is news: `MARK ID PATH` lines into waiting, by which a watcher knows them again.
await_files() {
  IFS=$nl
  for af_file in $a_files; do
    if stat_of "$af_file"; then await_file "$st_mark" "$af_file"; else await_file missing "$af_file"; fi
  done
  IFS=$nl
  for af_line in $job_stats; do
    take_stat "${af_line#*"$tab"}"
    case ${af_line%%"$tab"*} in *.last) await_file "$st_mark" "${af_line%%"$tab"*}" ;; esac
  done
}

await_file() { # MARK FILE
  [ $waiting_count -lt $max_watched ] || return 0
  waiting_count=$((waiting_count + 1)) waiting="$waiting$1 $a_id $2$nl"
}

# Nothing tells when a file came into being in a folder but listing it.
list_jobs() { # of the agent loaded: about_folder and job_stats
  # No name holds a slash: the status can't be taken for one, and where it is missing the listing was too long.
  lj_out=$({
    bounded $ls_bound_s ls -- "$a_folder/" 2>/dev/null
    printf '//%s\n' $?
  } | head -c $max_listing)
  lj_how=all lj_count=0 lj_odd=0 lj_files=
  case $lj_out in
    *//0) lj_list=${lj_out%//*} ;;
    *//124 | *//137)
      # One that hangs is seldom alone, and all have to be through in time.
      about_folder='unreadable no-answer' ls_bound_s=1
      return
      ;;
    *//[1-9]*)
      blame_folder
      return
      ;;
    *) lj_how=cut lj_list=${lj_out%"$nl"*} ;;
  esac
  IFS=$nl
  for lj_name in $lj_list; do
    case $lj_name in *.last) ;; *) continue ;; esac
    case $lj_name in
      [!A-Za-z0-9_@]* | *[!A-Za-z0-9_.@-]*)
        lj_odd=$((lj_odd + 1))
        continue
        ;;
    esac
    if [ ${#lj_name} -gt 100 ]; then
      lj_odd=$((lj_odd + 1))
    elif [ $lj_count -ge $max_jobs ]; then
      lj_how=cut
    else
      lj_count=$((lj_count + 1))
      lj_files=$lj_files$a_folder/$lj_name$nl$a_folder/$lj_name.paused$nl
    fi
  done
  about_folder="listed $lj_how $lj_odd"
  lj_stats=$stats lj_status=$stat_status
  stat_files "$lj_files"
  job_stats=$stats
  if [ $stat_status -ge 124 ]; then
    about_folder='unreadable no-answer' job_stats=
  elif [ $lj_count -gt 0 ] && [ -z "${job_stats#"$nl$nl"}" ]; then
    # They can be listed, but not looked at.
    about_folder='unreadable denied'
  fi
  stats=$lj_stats stat_status=$lj_status
  clock
}

blame_folder() { # about_folder of one that can't be listed
  bf_stats=$stats bf_status=$stat_status
  stat_files "$a_folder/.$nl$a_folder"
  if [ $stat_status -ge 124 ]; then
    about_folder='unreadable no-answer'
  elif stat_of "$a_folder/." || hidden "$a_folder"; then
    about_folder='unreadable denied'
  elif stat_of "$a_folder"; then
    about_folder="unreadable $st_type"
  else
    about_folder=missing
  fi
  stats=$bf_stats stat_status=$bf_status
}

sight_file() { # FILE KEY: a part about a file of the agent loaded
  if stat_of "$1"; then
    sight_file_found "$1" "$2"
    return
  elif [ $stat_status -ge 124 ]; then
    about='unreadable no-answer'
  elif hidden "$1"; then
    about='unreadable denied'
  else
    about=missing
  fi
  reply part "file $a_id $2$nl$about$nl"
}

sight_file_found() { # FILE KEY: the same, of one whose stat was taken
  content=
  read_file "$1" "$2"
  reply part "file $a_id $2$nl$about$nl$content"
}

read_file() { # FILE KEY, of one whose stat was taken: about and content
  if [ $st_type != file ]; then
    about="unreadable $st_type"
    return
  fi
  age=$((now - st_mtime))
  # A write within one tick of the clock keeps the time of the last one: so new a file is sent again.
  if [ "$stat_kind" = plain ]; then settled=2000; else settled=50; fi
  mark="$a_id/$2=$st_mark "
  case $seen in *" $mark"*)
    still=$still$mark
    about="unchanged $st_mtime $age"
    return
    ;;
  esac
  if [ -L "$1" ] || [ ! -f "$1" ]; then
    about='unreadable special'
    return
  fi
  if [ ! -r "$1" ]; then
    about='unreadable denied'
    return
  fi
  limit=$max_content
  [ $sent -le $max_reply ] || limit=$short_content
  if [ "$st_size" -le 1024 ] && read_text "$1" && [ ${#content} -eq "$st_size" ]; then
    form=raw
  elif [ "$has_base64" = yes ]; then
    form=base64
    content=$(bounded 5 head -c $((limit + 1)) -- "$1" 2>/dev/null | base64)
  else
    form=hex
    content=$(bounded 5 head -c $((limit + 1)) -- "$1" 2>/dev/null | od -An -v -tx1)
  fi
  if [ -z "$content" ] && [ "$st_size" -gt 0 ]; then
    about='unreadable cut-short'
    return
  fi
  sent=$((sent + ${#content}))
  [ $age -lt $settled ] || still=$still$mark
  about="content $st_mtime $age $form $limit"
}

# That it is there is what counts, whatever it is. Its first line is the reason.
sight_mark() { # FILE KEY: a part where it is there
  if stat_of "$1"; then sight_mark_found "$1" "$2"; fi
}

sight_mark_found() { # FILE KEY: the same, of one whose stat was taken
  reason=
  if [ $st_type = file ] && [ ! -L "$1" ] && [ -f "$1" ] && [ -r "$1" ]; then
    if [ "$st_size" -le 1024 ]; then
      IFS= read -r reason 2>/dev/null <"$1" || :
    else
      reason=$(bounded 2 head -c 400 -- "$1" 2>/dev/null | tr -d '\000' | head -n 1)
    fi
  fi
  reply part "mark $a_id $2$nl$reason"
}

# A host that goes down ends its processes first: their deaths are no news of theirs.
is_stopping() {
  if [ -f "$run_dir/systemd/shutdown/scheduled" ]; then
    while IFS='=' read -r key value || [ -n "$key" ]; do
      case $key in USEC) ;; *) continue ;; esac
      case $value in '' | *[!0-9]* | ??????????????????*) continue ;; esac
      # One that is announced for later is none yet.
      [ $((${value%???} - now)) -gt 60000 ] || return 0
    done <"$run_dir/systemd/shutdown/scheduled"
  fi 2>/dev/null
  # While it starts there is such a file, too, with another text.
  if [ -f "$run_dir/nologin" ]; then
    while IFS= read -r value || [ -n "$value" ]; do
      case $value in *'going down'*) return 0 ;; esac
    done <"$run_dir/nologin"
  fi 2>/dev/null
  command -v systemctl >/dev/null || return
  value=$(bounded 2 systemctl is-system-running 2>/dev/null)
  [ "$value" = stopping ]
}

# A shell cannot hold a NUL, so the length tells whether this is the whole file. It saves two processes a file.
read_text() { # FILE into content
  content= rt_last=
  while IFS= read -r rt_last; do content=$content$rt_last$nl; done <"$1" || return 1
  content=$content$rt_last
} 2>/dev/null

hidden() { # FILE: whether a folder on the way to it lets us not see it
  hd_dir=${1%/*}
  while [ -n "$hd_dir" ]; do
    if [ -d "$hd_dir" ]; then
      [ ! -x "$hd_dir" ]
      return
    fi
    hd_dir=${hd_dir%/*}
  done
  return 1
}
