# --- looking at files ----------------------------------------------------------------------------------------------

# One stat for all files and one list-panes a socket, however many agents there are.
survey() { # FILES SOCKETS, each one a line
  stat_files "$1"
  IFS=$nl
  panes=$nl
  blind=$nl
  for socket in $2; do
    list_panes "$socket"
  done
  [ "$stats_now" = yes ] || clock
}

# Symbolic links are looked at, not through: whoever may write where a heartbeat stands could have any file read.
# Where its own entry in /proc tells the time (see look_around), stat tells it along with the files: stats_now is then yes,
# and now is set. A `date` for each look would cost a third of it.
stat_files() { # FILES, each one a line; [-L]: into stats
  IFS=$nl
  stat_status=0
  stats=
  stats_now=no
  if [ -n "$1" ]; then
    case $stat_kind in
      gnu-now)
        # The same as bounded does, with one process less.
        stats=$(exec timeout -k 1 5 stat ${2-} -c "%n$tab%.9Y %s %i %f" -- /proc/self/. $1 </dev/null 2>/dev/null)
        stat_status=$?
        sf_now=${stats%%"$nl"*}
        case $sf_now in "/proc/self/.$tab"*)
          take_stat "${sf_now#*"$tab"}"
          now=$st_mtime stats_now=yes stats=${stats#"$sf_now"}
          stats=${stats#"$nl"}
          ;;
        esac
        stats=$nl$stats$nl
        IFS=$nl
        return
        ;;
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
