#!/bin/sh
# The gate: the only thing the watch ever runs on a host. It does a fixed list of verbs and nothing else. It is written in
# parts, which gate-script.ts puts together.
#
#   /bin/sh -s NONCE      fed this text over stdin (by a local child, or `ssh -T host /bin/sh -s NONCE`)
#   gate.sh NONCE         as a file
#   gate.sh ROLE FILE     as a file, behind a key (see `installed`)
#
# Requests are lines `NONCE ID VERB [TOKEN…]`, at most 64 KiB long. Answers are frames:
#
#   NONCE ID KIND LENGTH        KIND: hello, part, progress, ok, refused, failed; LENGTH in bytes
#   <LENGTH bytes>
#   NONCE ID end
#
# Beside them, on stderr, lines `NONCE gone PID` and `NONCE written ID`: look at once (see `news as it happens`).
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
