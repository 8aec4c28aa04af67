# --- what the watch declared -------------------------------------------------------------------------------------
# The table is one string, one tagged value a line, so that no value is ever parsed by the shell:
#   I:id F:heartbeat… D:jobs M:marker… N:config… J:log G:stopGraceMs K:kind [S:socket T:target P:pidfile L:log C:cwd
#   A:start… Z:stop… U:unit O:scope Q:label H:home R:program W:start… Y:cwd] E:
# Before the first of them come lines about the host itself: X:socket… of tmux servers whose panes are shown, and the
# services, V:id v:kind w:value… each (see services.sh).
# Of F and M there may be several, or none; D is a folder of <job>.last files.

verb_declare() { # COUNT, then COUNT lines
  [ $# -eq 1 ] && is_number "$1" || exit 65
  table=$nl ids=' ' files= sockets=$nl seen=' ' services= service_lanes=0 service_count=0 ds_id= ds_kind= ds_values=
  todo=$1 problem= d_id= d_kind= d_grace= d_socket= d_target= d_pid= d_log= d_start= d_unit= d_scope= d_label= d_home= d_program=
  while [ "$todo" -gt 0 ]; do
    todo=$((todo - 1))
    IFS= read -r line || exit 65
    [ ${#line} -le $max_line ] || exit 65
    value=${line#?:}
    case $line in
      I:*) [ -z "$d_id" ] || problem="$d_id: the declaration has no end" ;;
      X:* | V:* | v:* | w:*) [ -z "$d_id" ] && [ "$ids" = ' ' ] || problem='what is declared of the host comes first' ;;
      *) [ -n "$d_id" ] || problem='a line of the declaration is of no agent' ;;
    esac
    case $line in
      I:*)
        is_id "$value" || problem="an id is malformed"
        case $ids in *" $value "*) problem="an id is declared twice" ;; esac
        d_id=$value d_kind= d_grace= d_socket= d_target= d_pid= d_log= d_start= d_unit= d_scope= d_label= d_home= d_program=
        ;;
      F:/* | M:/*) files=$files$value$nl ;;
      D:/* | J:/* | N:/*) ;;
      G:*) is_number "$value" && d_grace=$value ;;
      K:pane | K:process | K:command | K:service | K:launchd | K:hermes) d_kind=$value ;;
      S:/*) d_socket=$value ;;
      T:?*:?*) d_target=$value ;;
      P:/*) d_pid=$value files=$files$value$nl ;;
      L:/*) d_log=$value ;;
      C:/*) ;;
      v:* | w:*) if [ -n "$ds_id" ]; then declare_service "$line"; else problem='a line of a service is of none'; fi ;;
      V:*) declare_service "$line" ;;
      X:/*)
        case $sockets in *"$nl$value$nl"*) ;; *) sockets=$sockets$value$nl ;; esac
        ;;
      A:*) d_start=yes ;;
      Z:* | W:* | Y:/*) ;;
      U:) problem="$d_id: a unit is malformed" ;;
      U:-* | U:*[!A-Za-z0-9@._:\\-]*) problem="$d_id: a unit is malformed" ;;
      U:*) d_unit=$value ;;
      Q:) problem="$d_id: a label is malformed" ;;
      Q:-* | Q:*[!A-Za-z0-9@._:\\-]*) problem="$d_id: a label is malformed" ;;
      Q:*) d_label=$value ;;
      H:/*) d_home=$value files=$files$value/gateway.pid$nl ;;
      R:/*) d_program=$value ;;
      O:system | O:user) d_scope=$value ;;
      E:)
        [ -n "$d_id" ] && [ -n "$d_grace" ] || problem="$d_id: the declaration is incomplete"
        case $d_kind in
          pane) [ -n "$d_socket" ] && [ -n "$d_target" ] ;;
          process) [ -n "$d_start" ] && [ -n "$d_pid" ] && [ -n "$d_log" ] ;;
          command) [ -n "$d_start" ] ;;
          service) [ -n "$d_unit" ] && [ -n "$d_scope" ] ;;
          launchd) [ -n "$d_label" ] && [ -n "$d_scope" ] ;;
          hermes) [ -n "$d_home" ] && [ -n "$d_program" ] && [ -n "$d_unit" ] && [ -n "$d_scope" ] ;;
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
    [ -z "$role" ] || [ ${#table} -le $max_allowed ] || exit 65
  done
  [ -z "$d_id" ] || problem="$d_id: the declaration has no end"
  end_service
  [ -n "$problem" ] || check_allowed
  if [ -n "$problem" ]; then
    table=$nl ids=' ' files= sockets=$nl services= service_lanes=0 service_count=0
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
      a_stop= a_remake= a_label= a_home= a_program= a_journal= a_configs=
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
    Q:*) a_label=$value ;;
    H:*) a_home=$value a_paths=$a_paths$value/gateway.pid$nl ;;
    R:*) a_program=$value ;;
    J:*) a_journal=$value ;;
    N:*) a_configs=$a_configs$value$nl ;;
    O:*) a_scope=$value ;;
    Z:*) a_stop=yes ;;
    W:*) a_remake=yes ;;
    Y:*) a_cwd=$value ;;
  esac
}
