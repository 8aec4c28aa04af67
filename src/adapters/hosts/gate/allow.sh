# --- installed -----------------------------------------------------------------------------------------------------
# As a forced command behind a key (`restrict,command="/bin/sh GATE ROLE FILE"`) the gate has a role, and a list of what may be
# declared. All that the other side chooses is SSH_ORIGINAL_COMMAND, which is only ever compared, and what comes on stdin.
#
# Ends with 64 where it was set up wrongly, 77 where something else was asked for, 78 where the list cannot be used.

max_allowed=262144

end_with() { # STATUS TEXT
  printf '\ntowerwatch-gate: %s\n' "$2" >&2
  exit "$1"
}

may_ask() { # VERB: no role is the gate that the watch sent itself, over a key that may run anything
  role_for "$1"
  case $role in '' | act | "$needed") return 0 ;; esac
  return 1
}

be_installed() { # ROLE FILE: role nonce allowed allowed_host
  role=$1
  case $role in probe | act) ;; *) end_with 64 'the role of a key is probe or act' ;; esac
  # Neither split nor expanded: it is this or it is not. Its length first, so that no long one is looked through.
  nonce=${SSH_ORIGINAL_COMMAND-}
  [ ${#nonce} -eq 48 ] || nonce=
  case $nonce in
    'towerwatch-gate '*) nonce=${nonce#'towerwatch-gate '} ;;
    *) nonce= ;;
  esac
  case $nonce in '' | *[!0-9a-f]*)
    end_with 77 "this key is for towerwatch and for nothing else; in fleet.yaml its host has \"gate: installed\""
    ;;
  esac
  read_allowed "$2"
}

read_allowed() { # FILE
  ra_file=$1
  case $ra_file in /*) ;; *) end_with 64 'the allow-list is named by its absolute path' ;; esac
  ra_seen=$(bounded 5 ls -ldn -- "$ra_file" 2>/dev/null)
  IFS=' '
  set -- $ra_seen
  [ $# -ge 9 ] || end_with 78 "there is no allow-list $ra_file"
  case $1 in
    -????[!w]??[!w]*) ;;
    -*) end_with 78 "the allow-list $ra_file may be written by others than its owner" ;;
    *) end_with 78 "the allow-list $ra_file is not a plain file" ;;
  esac
  [ "$3" = 0 ] || [ "$3" = "$(id -u)" ] || end_with 78 "the allow-list $ra_file is neither root's nor this account's"
  is_number "$5" && [ "$5" -le $max_allowed ] || end_with 78 "the allow-list $ra_file is longer than $max_allowed bytes"
  [ -r "$ra_file" ] || end_with 78 "the allow-list $ra_file may not be read by this account"
  allowed=$nl allowed_host=
  while IFS= read -r line; do
    case $line in
      '# towerwatch allow-list of '*) allowed_host=${line#'# towerwatch allow-list of '} ;;
      '#'*) ;;
      *) allowed=$allowed$line$nl ;;
    esac
    [ -n "$allowed_host" ] || break
    [ ${#allowed} -le $max_allowed ] || break
  done <"$ra_file"
  is_id "$allowed_host" || end_with 78 "$ra_file is no allow-list"
}

# Byte for byte, and whole: what is declared of an agent, or of the host, is what will be done.
check_allowed() { # of table: problem
  [ -n "$role" ] || return 0
  ca_part= ca_name=
  IFS=$nl
  for line in $table; do
    case $line in
      I:* | V:* | X:*)
        check_part || return 0
        ca_part=$line$nl ca_name=${line#?:}
        ;;
      *) ca_part=$ca_part$line$nl ;;
    esac
  done
  check_part || return 0
}

check_part() { # ca_part, of ca_name: problem and status 1 where it is not in the list
  case $ca_part in
    '') return 0 ;;
    I:*"${nl}E:$nl" | X:*) case $allowed in *"$nl$ca_part"*) return 0 ;; esac ;;
    # A service has no line that ends it: one that goes on is another one.
    V:*) case $allowed in *"$nl$ca_part"[vw]:*) ;; *"$nl$ca_part"*) return 0 ;; esac ;;
  esac
  problem="$ca_name is not allowed on this host as fleet.yaml has it now: type \"towerwatch host install $allowed_host\" on the watch's machine"
  return 1
}
