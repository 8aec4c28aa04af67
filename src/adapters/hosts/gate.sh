#!/bin/sh
# The gate: the only thing the watch ever runs on a host. It does a fixed list of verbs and nothing else.
#
#   /bin/sh -s NONCE      fed this text over stdin (by a local child, or `ssh -T host /bin/sh -s NONCE`)
#   gate.sh NONCE         as a file
#
# Requests are lines `NONCE ID VERB [TOKEN…]`, at most 64 KiB long. Answers are frames:
#
#   NONCE ID KIND LENGTH        KIND: hello, part, progress, ok, refused, failed; LENGTH in bytes
#   <LENGTH bytes>
#   NONCE ID end
#
# Beside them, on stderr, lines `NONCE gone PID`: look at once (see `deaths as they happen`).
#
# Rules kept below, each because the opposite went wrong once:
# - Nothing runs before the last line, so a script that arrived in part does nothing. The watch sends no request
#   before the hello: a shell that reads its script from stdin reads ahead, and would run a request as a command.
# - No eval, no globbing (set -f), no words of a request anywhere but in exact comparisons.
# - `${#x}` counts bytes only under LC_ALL=C. Agents that are started get the old LC_ALL back.
# - Every child has its stdin from /dev/null (the requests are on ours) and is bounded in time here, on the host:
#   killing the ssh client would leave it running.
# - One writer to each stream. Children never write to our stdout.
# - Must run under dash, bash and busybox sh; written for macOS too where that is cheap (not tested there).

max_line=65536
max_content=65536
# Once a reply carried this much content, the rest of the files are cut short.
max_reply=4194304
short_content=1024
max_listing=65536
max_jobs=200
max_watched=200

# --- answers -----------------------------------------------------------------------------------------------------

# Never fails: when nobody listens any more, an act that was begun goes on all the same.
reply() { # KIND TEXT
  printf '%s %s %s %s\n%s\n%s %s end\n' "$nonce" "$request" "$1" "${#2}" "$2" "$nonce" "$request" || return 0
}

progress() { # STEP TEXT
  reply progress "$1$nl$2"
}

refuse() { # TEXT
  reply refused "$1"
}

fail() { # STEP TEXT
  reply failed "$1$nl$2"
}

# --- small tools -------------------------------------------------------------------------------------------------

is_number() {
  case $1 in '' | *[!0-9]* | ??????????*) return 1 ;; esac
}

is_pid() { # never 1: nobody's agent is init
  case $1 in 1 | 0* | '' | *[!0-9]* | ??????????*) return 1 ;; esac
}

is_id() {
  case $1 in '' | [!a-z0-9]* | *[!a-z0-9_.-]*) return 1 ;; esac
  [ ${#1} -le 63 ]
}

bounded() { # SECONDS COMMAND… : status 124 or 137 when it did not end in time
  if [ "$has_timeout" = yes ]; then
    timeout -k 1 "$@" </dev/null
    return
  fi
  bound_s=$1
  shift
  "$@" </dev/null &
  bound_pid=$!
  (
    sleep "$bound_s"
    kill -s KILL "$bound_pid"
  ) </dev/null >/dev/null 2>&1 &
  bound_dog=$!
  wait "$bound_pid"
  bound_status=$?
  kill "$bound_dog" 2>/dev/null
  return "$bound_status"
}

clock() { # now: the host's wall clock in ms
  now=$(date +%s%N 2>/dev/null)
  case $now in
    '' | *[!0-9]*) now=$(date +%s)000 ;;
    *) now=${now%??????} ;;
  esac
}

last_line() { # FILE: the last line of it, capped
  bounded 2 tail -c 400 -- "$1" 2>/dev/null | tr -d '\000' | tail -n 1
}

# --- what the watch declared -------------------------------------------------------------------------------------
# The table is one string, one tagged value a line, so that no value is ever parsed by the shell:
#   I:id F:heartbeat… D:jobs M:marker… G:stopGraceMs K:kind [S:socket T:target P:pidfile L:log C:cwd A:start… Z:stop…
#   U:unit O:scope] E:
# Of F and M there may be several, or none; D is a folder of <job>.last files.

verb_declare() { # COUNT, then COUNT lines
  [ $# -eq 1 ] && is_number "$1" || exit 65
  table=$nl ids=' ' files= sockets=$nl seen=' '
  todo=$1 problem= d_id= d_kind= d_grace= d_socket= d_target= d_pid= d_log= d_start= d_unit= d_scope=
  while [ "$todo" -gt 0 ]; do
    todo=$((todo - 1))
    IFS= read -r line || exit 65
    [ ${#line} -le $max_line ] || exit 65
    value=${line#?:}
    case $line in
      I:*) [ -z "$d_id" ] || problem="$d_id: the declaration has no end" ;;
      *) [ -n "$d_id" ] || problem='a line of the declaration is of no agent' ;;
    esac
    case $line in
      I:*)
        is_id "$value" || problem="an id is malformed"
        case $ids in *" $value "*) problem="an id is declared twice" ;; esac
        d_id=$value d_kind= d_grace= d_socket= d_target= d_pid= d_log= d_start= d_unit= d_scope=
        ;;
      F:/* | M:/*) files=$files$value$nl ;;
      D:/*) ;;
      G:*) is_number "$value" && d_grace=$value ;;
      K:pane | K:process | K:command | K:service) d_kind=$value ;;
      S:/*) d_socket=$value ;;
      T:?*:?*) d_target=$value ;;
      P:/*) d_pid=$value files=$files$value$nl ;;
      L:/*) d_log=$value ;;
      C:/*) ;;
      A:*) d_start=yes ;;
      Z:*) ;;
      U:) problem="$d_id: a unit is malformed" ;;
      U:-* | U:*[!A-Za-z0-9@._:\\-]*) problem="$d_id: a unit is malformed" ;;
      U:*) d_unit=$value ;;
      O:system | O:user) d_scope=$value ;;
      E:)
        [ -n "$d_id" ] && [ -n "$d_grace" ] || problem="$d_id: the declaration is incomplete"
        case $d_kind in
          pane) [ -n "$d_socket" ] && [ -n "$d_target" ] ;;
          process) [ -n "$d_start" ] && [ -n "$d_pid" ] && [ -n "$d_log" ] ;;
          command) [ -n "$d_start" ] ;;
          service) [ -n "$d_unit" ] && [ -n "$d_scope" ] ;;
          *) false ;;
        esac || problem="$d_id: the declaration of its body is incomplete"
        case $sockets in
          *"$nl$d_socket$nl"*) ;;
          *) [ -z "$d_socket" ] || sockets=$sockets$d_socket$nl ;;
        esac
        ids="$ids$d_id " d_id=
        ;;
      *) problem="$d_id: a line of the declaration is malformed" ;;
    esac
    table=$table$line$nl
  done
  [ -z "$d_id" ] || problem="$d_id: the declaration has no end"
  if [ -n "$problem" ]; then
    table=$nl ids=' ' files= sockets=$nl
    refuse "$problem"
    return
  fi
  reply ok ''
}

load_agent() { # ID: its declaration into a_… and block; status 1 when it was not declared
  case $table in *"${nl}I:$1$nl"*) ;; *) return 1 ;; esac
  block=${table#*"${nl}I:$1$nl"}
  block=${block%%"${nl}E:"*}
  take_line "I:$1"
  IFS=$nl
  for line in $block; do take_line "$line"; done
}

take_line() { # one line of a declaration, I: the first
  value=${1#?:}
  case $1 in
    I:*)
      a_id=$value a_file= a_files= a_folder= a_marks= a_paths= a_kind= a_grace= a_socket= a_target= a_pid= a_log= a_cwd= a_unit= a_scope=
      a_stop=
      ;;
    F:*) a_file=${a_file:-$value} a_files=$a_files$value$nl a_paths=$a_paths$value$nl ;;
    D:*) a_folder=$value ;;
    M:*) a_marks=$a_marks$value$nl a_paths=$a_paths$value$nl ;;
    G:*) a_grace=$value ;;
    K:*) a_kind=$value ;;
    S:*) a_socket=$value ;;
    T:*) a_target=$value ;;
    P:*) a_pid=$value a_paths=$a_paths$value$nl ;;
    L:*) a_log=$value ;;
    C:*) a_cwd=$value ;;
    U:*) a_unit=$value ;;
    O:*) a_scope=$value ;;
    Z:*) a_stop=yes ;;
  esac
}

# --- processes ---------------------------------------------------------------------------------------------------

# p_epoch is boot id and start time: the same pid with another epoch is another process. A zombie counts as gone.
proc_read() { # PID: p_epoch p_session p_tty p_start; status 1 when it is gone
  is_pid "$1" || return 1
  if [ "$has_proc" = no ]; then
    IFS=' '
    set -- $(ps -o stat= -o lstart= -p "$1" 2>/dev/null)
    [ $# -eq 6 ] || return 1
    case $1 in Z*) return 1 ;; esac
    p_epoch=$boot:$2-$3-$4-$5-$6 p_session= p_tty= p_start=
    return 0
  fi
  p_line=
  # The name of a program may hold spaces, parentheses and newlines: what counts comes after the last parenthesis.
  while IFS= read -r p_more; do p_line="$p_line $p_more"; done 2>/dev/null <"/proc/$1/stat"
  case $p_line in *')'*) ;; *) return 1 ;; esac
  IFS=' '
  set -- ${p_line##*)}
  [ $# -ge 20 ] || return 1
  case $1 in Z | X | x) return 1 ;; esac
  p_session=$4 p_tty=$5 p_start=${20}
  p_epoch=$boot:$p_start
}

# A pid in a file may have been given to another process since. A process that began after the file was written is
# another one. Where the times make no sense (a container that fakes its uptime) the pid is believed.
born_by() { # MS: whether the process read last was born by then (plus 2 s)
  [ -n "$p_start" ] || return 0
  IFS=' .' read -r up_s up_cs up_rest </proc/uptime || return 0
  p_age=$((up_s * 1000 - p_start * 1000 / ticks))
  [ "$p_age" -ge -2000 ] || return 0
  [ $((now - p_age)) -le $(($1 + 2000)) ]
}

# --- looking at files and panes ----------------------------------------------------------------------------------

# One stat for all files and one list-panes a socket, however many agents there are.
survey() { # FILES SOCKETS, each one a line
  stat_files "$1"
  IFS=$nl
  panes=$nl
  blind=$nl
  for socket in $2; do
    list_panes "$socket"
  done
  clock
}

# Symbolic links are looked at, not through: whoever may write where a heartbeat stands could have any file read.
stat_files() { # FILES, each one a line; [-L]: into stats
  IFS=$nl
  stat_status=0
  stats=
  if [ -n "$1" ]; then
    case $stat_kind in
      gnu) stats=$(bounded 5 stat ${2-} -c "%n$tab%.9Y %s %i %f" -- $1 2>/dev/null) ;;
      bsd) stats=$(bounded 5 stat ${2-} -f "%N$tab%Fm %z %i %Xp" -- $1 2>/dev/null) ;;
      *) stats=$(bounded 5 stat ${2-} -c "%n$tab%Y %s %i %f" -- $1 2>/dev/null) ;;
    esac
    stat_status=$?
  fi
  stats=$nl$stats$nl
}

stat_of() { # FILE: as take_stat; status 1 when there is none
  case $stats in *"$nl$1$tab"*) ;; *) return 1 ;; esac
  st_line=${stats#*"$nl$1$tab"}
  take_stat "${st_line%%"$nl"*}"
}

take_stat() { # what stat said of a file: st_mtime (ms) st_size st_mark st_type
  IFS=' '
  set -- $1
  st_size=$2 st_mark=$1/$2/$3
  # The first of the four hexadecimal digits of the mode.
  case ${4-} in
    8???) st_type=file ;;
    [aA]???) st_type=symlink ;;
    4???) st_type=directory ;;
    1???) st_type=pipe ;;
    *) st_type=special ;;
  esac
  case $1 in
    *.*)
      st_fraction=${1#*.}00
      st_fraction=${st_fraction%"${st_fraction#???}"}
      st_mtime=$((${1%.*} * 1000 + 1$st_fraction - 1000))
      ;;
    *) st_mtime=$(($1 * 1000)) ;;
  esac
}

# What a pid file that is a symbolic link leads to. Seldom, so it may cost a process.
stat_through() { # FILE: as stat_of
  stat_of "$1" || return
  [ $st_type = symlink ] || return 0
  sv_stats=$stats sv_status=$stat_status
  stat_files "$1" -L
  stat_of "$1"
  sv_found=$?
  stats=$sv_stats stat_status=$sv_status
  return $sv_found
}

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

# The agent's process: f_kind (alive gone unknown) f_pid f_epoch. Beside it the process that its body is known by (a
# pane's own, the one in the pid file), which may be a parent of it: m_pid m_epoch, empty when not alive.
# f_ours=no: only the heartbeat says that this pid is the agent. Good enough to look at, not to signal: an agent that
# states somebody else's pid must not get it killed.
find_process() { # of the agent loaded; hint: the pid that its own heartbeat file states, or empty
  f_kind=unknown f_pid= f_epoch= f_ours=yes m_pid= m_epoch= ff_pid= fp_named=$hint
  pane_kind= pane_id= pane_pid=
  if [ "$a_kind" = pane ]; then
    find_pane
    case $pane_kind in
      dead)
        f_kind=gone
        return
        ;;
      alive)
        f_kind=gone f_pid=$pane_pid
        proc_read "$pane_pid" || return
        f_kind=alive f_epoch=$p_epoch m_pid=$pane_pid m_epoch=$p_epoch fp_tty=$p_tty
        # The stated pid counts only on this pane's terminal: it may be of another namespace, or used again since.
        [ -n "$hint" ] && [ "$hint" != "$pane_pid" ] && proc_read "$hint" && [ "$p_tty" = "$fp_tty" ] && [ "$p_tty" != 0 ] || return
        f_pid=$hint f_epoch=$p_epoch
        return
        ;;
    esac
  fi
  case $a_kind in process | command) find_by_file ;; esac
  if [ -n "$hint" ]; then
    if proc_read "$hint"; then
      if ! stat_of "$a_file" || [ $st_type != file ]; then
        # Whether it is the agent can't be told while its heartbeat is not there, which need not mean that it is gone.
        fp_named=
      elif born_by "$st_mtime"; then
        [ "$hint" = "$m_pid" ] || { [ -n "$ff_pid" ] && [ "$p_session" = "$ff_pid" ]; } || f_ours=no
        f_kind=alive f_pid=$hint f_epoch=$p_epoch
        return
      fi
    fi
  fi
  if [ -n "$m_pid" ]; then
    f_kind=alive f_pid=$m_pid f_epoch=$m_epoch
    return
  fi
  case $a_kind in
    pane) [ "$pane_kind" = unknown ] || f_kind=gone ;;
    process) f_kind=gone ;;
    command) [ -z "$fp_named$a_pid" ] || f_kind=gone ;;
    service) find_by_unit ;;
  esac
  if [ $f_kind = gone ] && [ -z "$f_pid" ]; then f_pid=$hint; fi
}

# A process that the gate started has its epoch in `PIDFILE.epoch`, which no change of the clock can put out. For a pid
# file that somebody else wrote, the time it was written has to do.
find_by_file() {
  [ -n "$a_pid" ] && [ -f "$a_pid" ] && [ -r "$a_pid" ] || return
  ff_named=
  IFS=" $tab" read -r ff_pid ff_rest 2>/dev/null <"$a_pid"
  is_pid "$ff_pid" || return
  f_pid=$ff_pid
  proc_read "$ff_pid" || return
  if [ -f "$a_pid.epoch" ]; then IFS= read -r ff_named 2>/dev/null <"$a_pid.epoch"; fi
  case $ff_named in
    "$ff_pid "*) [ "$ff_named" = "$ff_pid $p_epoch" ] ;;
    *) stat_through "$a_pid" && born_by "$st_mtime" ;;
  esac || {
    # Somebody else has the pid now, and a session of that number is his.
    ff_pid=
    return
  }
  m_pid=$ff_pid m_epoch=$p_epoch
}

find_by_unit() {
  fu_out=$(systemctl_of 5 show --property=MainPID -- "$a_unit" 2>/dev/null) || return
  case $fu_out in MainPID=*) ;; *) return ;; esac
  fu_pid=${fu_out#MainPID=}
  if [ "$fu_pid" = 0 ]; then
    f_kind=gone
  elif is_pid "$fu_pid"; then
    f_pid=$fu_pid f_kind=gone
    if proc_read "$fu_pid"; then f_kind=alive f_epoch=$p_epoch; fi
  fi
}

systemctl_of() { # SECONDS ARGUMENT… of the agent's scope
  so_s=$1
  shift
  if [ "$a_scope" = user ]; then
    XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)} bounded "$so_s" systemctl --user "$@"
  elif [ "$1" = restart ] && [ "$(id -u)" != 0 ]; then
    bounded "$so_s" sudo -n systemctl "$@"
  else
    bounded "$so_s" systemctl "$@"
  fi
}

# --- beats -------------------------------------------------------------------------------------------------------

# The answer is, for each agent, a part `agent`, then a part `file` for each of its files and a part `mark` for each of its
# markers that is there; KEY is the number of the file as declared, or its name in the folder of jobs.
# stopping: whether the host is going down is asked, too, where a process is gone. watching: deaths are told until the next
# look.
verb_beats() { # [stopping] [watching] [ID=PID…]
  ask_stopping=no some_gone=no watching=no living= living_count=0
  if [ "${1-}" = stopping ]; then
    ask_stopping=yes
    shift
  fi
  if [ "${1-}" = watching ]; then
    watching=yes
    shift
  fi
  pids=' '
  for pair in "$@"; do
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
  [ $watching = no ] || watch_deaths
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
        living_count=$((living_count + 1)) living="$living$f_pid "
        # A pane's own process as well as its worker: each may be the one that dies.
        [ -z "$m_pid" ] || [ "$m_pid" = "$f_pid" ] || living="$living$m_pid "
      fi
      ;;
    gone) about_process="gone${f_pid:+ $f_pid}" some_gone=yes ;;
    *) about_process=unknown ;;
  esac
  case $pane_kind in
    alive | dead) about_pane="$pane_kind $pane_id" ;;
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

# --- deaths as they happen ---------------------------------------------------------------------------------------

# Between two looks a watcher waits for the first of the processes that were alive at the last one to end. It says so once
# and ends; the next look sets up another. It is a hint to look at once and no more: the look is the truth, and finds what
# a watcher missed.
#
# It speaks on stderr. A frame may be longer than what a pipe takes in one piece, so that on stdout it would one day speak
# in the middle of one. The line begins with a newline, for whatever else was said on stderr without one.
#
# It watches the gate as well, and ends with it, however that ends.
watch_deaths() { # of living
  if [ -n "$watcher" ]; then
    if [ "$living" = "$watched" ] && [ -e "/proc/$watcher/ns/mnt" ]; then return; fi
    # By its start time, too: it may have ended by itself, and somebody else may have its pid.
    if is_still "$watcher" "$watcher_epoch"; then kill "$watcher" 2>/dev/null; fi
    # bash says of whom it waits for by which signal they ended.
    wait "$watcher" 2>/dev/null
    watcher=
  fi
  watched=$living
  [ -n "$living" ] && [ $has_proc = yes ] || return
  if [ -z "$has_pidfd" ]; then
    has_pidfd=no
    command -v perl >/dev/null && bounded 5 perl -e "$pidfd_test" >/dev/null 2>&1 && has_pidfd=yes
  fi
  IFS=' '
  if [ $has_pidfd = yes ]; then
    perl -e "$pidfd_watch" "$nonce" $$ $living </dev/null >/dev/null &
  else
    poll_deaths $living </dev/null >/dev/null &
  fi
  watcher=$!
  if proc_read "$watcher"; then watcher_epoch=$p_epoch; else watcher_epoch=; fi
}

# A shell cannot wait for a process that is not its child; the kernel can (pidfd_open, number 434 everywhere; Linux 5.3).
# It costs nothing while nobody dies. 3 is ESRCH; what else may go wrong is left to the looks.
pidfd_test='exit(syscall(434, $$ + 0, 0) < 0)'
pidfd_watch='
  my ($nonce, $gate, @pids) = @ARGV;
  my ($all, %pid) = ("");
  sub gone { print STDERR "\n$nonce gone $_[0]\n" if $_[0] != $gate; exit }
  for ($gate, @pids) {
    my $fd = syscall(434, $_ + 0, 0);
    if ($fd >= 0) { vec($all, $fd, 1) = 1; $pid{$fd} = $_ }
    elsif ($! == 3) { gone($_) }
  }
  my $ready;
  do { $ready = $all } while select($ready, undef, undef, undef) < 1;
  my @gone = map { $pid{$_} } grep { vec($ready, $_, 1) } keys %pid;
  exit if grep { $_ == $gate } @gone;
  gone($gone[0]);
'

# Where there is no perl, or an old kernel. Each round costs a process: more often would cost too much of the host.
poll_deaths() { # PID…
  pd_paths=
  for pd_pid in $$ "$@"; do
    # A zombie has no namespaces any more. Those of other users can not be seen: then a zombie passes for alive.
    if [ -e "/proc/$pd_pid/ns/mnt" ]; then pd_paths="$pd_paths/proc/$pd_pid/ns/mnt "; else pd_paths="$pd_paths/proc/$pd_pid "; fi
  done
  while :; do
    for pd_path in $pd_paths; do
      [ -e "$pd_path" ] && continue
      pd_pid=${pd_path#/proc/}
      pd_pid=${pd_pid%%/*}
      [ "$pd_pid" = $$ ] || printf '\n%s gone %s\n' "$nonce" "$pd_pid" >&2
      return
    done
    sleep "$round_s" 2>/dev/null
  done
}

# --- probe -------------------------------------------------------------------------------------------------------

verb_probe() {
  out=
  if [ "$has_proc" = yes ]; then
    read -r value </proc/uptime && out="uptime $value$nl"
    read -r value </proc/loadavg && out="${out}load $value$nl"
    while read -r key value unit; do
      case $key in
        MemTotal: | MemAvailable: | MemFree: | SwapTotal: | SwapFree:) out="$out$key $value$nl" ;;
      esac
    done </proc/meminfo
  else
    clock
    value=$(bounded 2 sysctl -n kern.boottime 2>/dev/null)
    value=${value#*sec = }
    value=${value%%,*}
    is_pid "$value" && out="uptime $((now / 1000 - value))$nl"
    value=$(bounded 2 sysctl -n vm.loadavg 2>/dev/null)
    out="${out}load ${value#\{ }$nl"
    value=$(bounded 2 sysctl -n hw.memsize 2>/dev/null)
    out="${out}MemTotal: $((${value:-0} / 1024))$nl"
    value=$(bounded 2 vm_stat 2>/dev/null | awk '/page size of/ {s = $8} /^Pages (free|inactive|speculative)/ {n += $NF} END {printf "%d", n * s / 1024}')
    out="${out}MemAvailable: ${value:-0}$nl"
    value=$(bounded 2 sysctl -n vm.swapusage 2>/dev/null | awk '{printf "SwapTotal: %d\nSwapFree: %d", $3 * 1024, $9 * 1024}')
    out="$out$value$nl"
  fi
  value=$(bounded 2 getconf _NPROCESSORS_ONLN 2>/dev/null || bounded 2 nproc 2>/dev/null)
  out="${out}cores $value$nl"
  # -l leaves out network file systems, which may hang; where it is not known, the bound has to do.
  value=$(bounded 3 df -klP 2>/dev/null)
  df_status=$?
  if [ -z "$value" ] && [ $df_status -lt 124 ]; then value=$(bounded 3 df -kP 2>/dev/null); fi
  [ ${#value} -le 32768 ] || value=
  clock
  reply ok "${out}now $now${nl}df$nl$value"
}

# --- acts --------------------------------------------------------------------------------------------------------

# A lock is a symbolic link to `pid.epoch` of the gate that holds it: made and readable in one step. It is named after
# what is acted upon, so that two watches that call one pane by two names exclude each other too.
take_lock() { # of the agent loaded; status 1 and problem when it cannot be had
  case $a_kind in
    pane) tl_key="pane $a_socket $a_target" ;;
    service) tl_key="service $a_scope $a_unit" ;;
    process) tl_key="process $a_pid" ;;
    *) tl_key="command $block" ;;
  esac
  locks=/tmp/towerwatch-$(id -u)
  if command -v cksum >/dev/null; then tl_sum=cksum; else tl_sum=md5sum; fi
  lock=$locks/$(printf '%s' "$tl_key" | $tl_sum | tr -d ' ')
  proc_read $$ || p_epoch=$boot:0
  tl_owner=$$.$p_epoch
  tl_tries=5
  while [ $tl_tries -gt 0 ]; do
    tl_tries=$((tl_tries - 1))
    (umask 077 && mkdir "$locks") 2>/dev/null
    if [ -L "$locks" ] || { [ -d "$locks" ] && [ ! -O "$locks" ]; }; then
      problem="$locks is not a folder of this user: remove it"
      return 1
    fi
    ln -s "$tl_owner" "$lock" 2>/dev/null && return 0
    tl_held=$(readlink "$lock") || continue
    problem="another act on $a_id is under way (pid ${tl_held%%.*})"
    if proc_read "${tl_held%%.*}" && [ "${tl_held%%.*}.$p_epoch" = "$tl_held" ]; then return 1; fi
    # Its holder is dead. Only one may break it: whoever makes the folder that is named after the dead holder.
    mkdir "$lock.$tl_held" 2>/dev/null || return 1
    [ "$(readlink "$lock")" = "$tl_held" ] && rm -f "$lock"
    rmdir "$lock.$tl_held"
  done
  problem="${problem:-no lock could be made in $locks}"
  return 1
}

drop_lock() {
  rm -f "$lock" "$lock.err"
  rmdir "$locks" 2>/dev/null
}

verb_act() { # restart ID MODE [PID] | respawn ID
  act=$1 mode=${3-} hint=${4-} problem=
  case $act in
    restart)
      [ $# -eq 3 ] || [ $# -eq 4 ] || { refuse 'restart takes an id and a mode'; return; }
      case $mode in stop-first | only-dead) ;; *) refuse 'the mode of a restart is stop-first or only-dead'; return ;; esac
      ;;
    respawn) [ $# -eq 2 ] || { refuse 'respawn takes an id'; return; } ;;
  esac
  is_id "$2" || { refuse 'the id is malformed'; return; }
  [ -z "$hint" ] || is_pid "$hint" || { refuse 'the pid is malformed'; return; }
  load_agent "$2" || { refuse 'no such agent was declared'; return; }
  if ! take_lock; then
    refuse "$problem"
    return
  fi
  # From here on the act is brought to its end whatever becomes of the watch. A handler, not '': what is ignored
  # here would be ignored by the agent, too.
  trap : HUP INT TERM PIPE
  do_"$act"
  drop_lock
  trap - HUP INT TERM PIPE
}

survey_agent() {
  survey "$a_file$nl$a_pid" "$a_socket"
  find_process
}

do_respawn() {
  if [ "$a_kind" != pane ]; then
    refuse "$a_id does not live in a pane"
    return
  fi
  progress check "looking for the pane $a_target"
  survey_agent
  check_pane || return
  if [ $pane_kind = alive ]; then
    refuse "the pane of $a_id is alive"
    return
  fi
  start_pane
}

do_restart() {
  progress check "looking for $a_id"
  survey_agent
  if [ $a_kind = pane ]; then check_pane || return; fi
  if [ "$mode" = only-dead ]; then
    case $f_kind in
      alive)
        refuse "$a_id is alive (pid $f_pid)"
        return
        ;;
      unknown)
        refuse "whether $a_id is dead cannot be told on this host"
        return
        ;;
    esac
    end_remains || return
  else
    stop_agent || return
  fi
  start_"$a_kind"
}

check_pane() {
  case $pane_kind in
    unknown) fail check "tmux did not answer on $a_socket" ;;
    missing) fail check "there is no pane $a_target on the tmux server at $a_socket" ;;
    *) return 0 ;;
  esac
  return 1
}

stop_agent() {
  case $a_kind in
    service) return 0 ;;
    command)
      [ -n "$a_stop" ] || return 0
      progress stop "running the stop command of $a_id"
      run_command Z stop
      return
      ;;
  esac
  if [ $f_kind != alive ] && [ -z "$m_pid" ]; then
    progress stop "$a_id is not running"
    end_remains
    return
  fi
  if [ $f_ours = no ]; then
    fail stop "pid $f_pid, which the heartbeat of $a_id states, was not started for it: it is not stopped for that"
    return 1
  fi
  # A pane's process leads a session, and so does what the gate started: its children are the agent as much as it is
  # (`sh -c worker` need not be the worker).
  session=
  if [ -n "$m_pid" ]; then
    proc_read "$m_pid" && [ "$p_session" = "$m_pid" ] && session=$m_pid
  elif [ -n "$ff_pid" ]; then
    session=$ff_pid
  fi
  end_agent
}

# Children that outlive the process of the pid file. Its number is not given to anybody while they live.
end_remains() { # status 1 after a failure was reported
  [ $a_kind = process ] && [ -n "$ff_pid" ] || return 0
  session=$ff_pid
  find_members
  [ -n "$members" ] || return 0
  f_pid=${members%%=*}
  end_agent
}

is_still() { # PID EPOCH
  proc_read "$1" && [ "$p_epoch" = "$2" ]
}

find_members() { # members: `PID=EPOCH` of all that is to be ended and lives
  members=
  if [ -n "$m_pid" ] && is_still "$m_pid" "$m_epoch"; then members="$m_pid=$m_epoch "; fi
  if [ $f_kind = alive ] && [ "$f_pid" != "$m_pid" ] && is_still "$f_pid" "$f_epoch"; then members="$members$f_pid=$f_epoch "; fi
  [ -n "$session" ] || return 0
  set +f
  for fm_pid in /proc/[0-9]*; do
    set -f
    fm_pid=${fm_pid#/proc/}
    case " $members" in *" $fm_pid="*) continue ;; esac
    if proc_read "$fm_pid" && [ "$p_session" = "$session" ]; then members="$members$fm_pid=$p_epoch "; fi
  done
}

keep_living() { # members: those of them that still live
  kl_left=
  IFS=' '
  for member in $members; do
    if is_still "${member%%=*}" "${member#*=}"; then kl_left="$kl_left$member "; fi
  done
  members=$kl_left
}

# The start time is read again right before each signal: a pid may have been given to another process.
end_agent() { # status 1 after a failure was reported
  progress stop "asking pid $f_pid to stop (SIGTERM)"
  ea_signal=TERM ea_left=$a_grace told=' '
  find_members
  while [ -n "$members" ]; do
    if [ "$ea_left" -le 0 ]; then
      if [ $ea_signal = KILL ]; then
        fail stop "pid ${members%%=*} outlives SIGKILL"
        return 1
      fi
      progress stop "pid ${members%%=*} did not stop in $a_grace ms: SIGKILL"
      ea_signal=KILL ea_left=5000 told=' '
    fi
    IFS=' '
    for member in $members; do
      case $told in *" $member "*) continue ;; esac
      told="$told$member "
      ea_pid=${member%%=*} ea_this=$ea_signal
      # A shell in use by hand around the agent ignores SIGTERM and ends by SIGHUP.
      if [ $a_kind = pane ] && [ $ea_signal = TERM ] && [ "$ea_pid" = "$m_pid" ] && [ "$ea_pid" != "$f_pid" ]; then ea_this=HUP; fi
      is_still "$ea_pid" "${member#*=}" || continue
      if ! kill -s $ea_this "$ea_pid" 2>/dev/null && is_still "$ea_pid" "${member#*=}"; then
        fail stop "this user may not signal pid $ea_pid"
        return 1
      fi
    done
    pause
    ea_left=$((ea_left - pause_ms))
    keep_living
    # Going through all processes costs: only for children born meanwhile, once those known have ended.
    [ -n "$members" ] || find_members
  done
  progress stop "pid $f_pid has ended"
}

pause() {
  sleep "$pause_s" </dev/null
}

restore_locale() {
  if [ -n "$had_lc_all" ]; then LC_ALL=$was_lc_all; else unset LC_ALL; fi
}

start_pane() {
  progress start "respawning pane $pane_id"
  if ! bounded 10 tmux -u -S "$a_socket" respawn-pane -k -t "$pane_id" >/dev/null 2>"$lock.err"; then
    fail start "tmux could not respawn pane $pane_id: $(last_line "$lock.err")"
    return
  fi
  sp_id=$pane_id
  pause
  survey_agent
  case $pane_kind in
    alive) reply ok "pane $pane_id runs again as pid $pane_pid" ;;
    *) fail start "pane $sp_id ended again at once" ;;
  esac
}

start_process() {
  if [ -n "$a_cwd" ] && [ ! -d "$a_cwd" ]; then
    fail start "there is no folder $a_cwd to start $a_id in"
    return
  fi
  if ! (: >>"$a_log") 2>/dev/null; then
    fail start "the log $a_log cannot be written"
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
  # A shell without job control has its background children ignore SIGINT and SIGQUIT, for good.
  case $1 in *=*) ;; *) if [ "$has_default_signal" = yes ]; then set -- env --default-signal=INT,QUIT "$@"; fi ;; esac
  # A session of its own, so that it and its children can be stopped together; macOS has perl for that.
  case $has_setsid in
    yes) set -- setsid "$@" ;;
    perl) set -- perl -e 'use POSIX; POSIX::setsid(); exec {$ARGV[0]} @ARGV; exit 127' -- "$@" ;;
  esac
  progress start "starting $a_id"
  (
    restore_locale
    cd -- "${a_cwd:-${HOME:-/}}" || exit 126
    exec "$@"
  ) </dev/null >>"$a_log" 2>&1 &
  sp_pid=$!
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
  if sleep 0.01 </dev/null 2>/dev/null; then pause_s=0.1 pause_ms=100 round_s=0.4; else pause_s=1 pause_ms=1000 round_s=1; fi
  run_dir=/run
  table=$nl ids=' ' files= sockets=$nl seen=' '
  watcher= watcher_epoch= watched= has_pidfd=
}

gate_main() { # NONCE
  set -fu
  nonce=${1-}
  case $nonce in '' | *[!0-9a-f]*)
    echo 'usage: gate.sh NONCE' >&2
    exit 64
    ;;
  esac
  look_around
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
    case $1 in
      declare) shift && verb_declare "$@" ;;
      beats) shift && verb_beats "$@" ;;
      probe) if [ $# -eq 1 ]; then verb_probe; else refuse 'probe takes nothing'; fi ;;
      restart | respawn) verb_act "$@" ;;
      *) refuse 'there is no such verb' ;;
    esac
  done
  exit 0
}

gate_main "$@"
