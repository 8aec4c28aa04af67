# --- probe -------------------------------------------------------------------------------------------------------

# What can hang (a disk whose server is away, a service) is asked by children of its own, and collected by `probe more`: the
# loop never waits for any of them, and goes on answering beats meanwhile. They write into a pipe whose both ends are ours,
# so that nothing has to stand on a disk, which may be the one that is full; each in lines that a pipe takes in one piece.
verb_probe() { # [more]
  case $* in
    '') ;;
    more)
      collect_probe
      return
      ;;
    *)
      refuse 'probe takes nothing, or: more'
      return
      ;;
  esac
  clock
  out="now $now$nl"
  look_at_machine
  look_at_processes
  look_at_reboot
  open_pipe
  drain_pipe
  probe_number=$request
  find_mounts
  # Children of a child that ends at once: nobody of them is ours to wait for.
  if [ $pipe = yes ]; then
    (begin_checks) </dev/null >&8 2>/dev/null
  else
    collected=$(
      begin_checks
      wait
    )
  fi
  reply ok "$out"
}

look_at_machine() {
  if [ "$has_proc" = yes ]; then
    read -r value </proc/uptime && out="${out}uptime $value$nl"
    read -r value </proc/loadavg && out="${out}load $value$nl"
    while read -r key value unit; do
      case $key in
        MemTotal: | MemAvailable: | MemFree: | SwapTotal: | SwapFree:) out="$out$key $value$nl" ;;
      esac
    done </proc/meminfo
  else
    value=$(bounded 2 sysctl -n kern.boottime 2>/dev/null)
    value=${value#*sec = }
    value=${value%%,*}
    is_pid "$value" && out="${out}uptime $((now / 1000 - value))$nl"
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
}

look_at_reboot() {
  lr_kernel=
  if [ -e "$run_dir/reboot-required" ] || [ -e "$run_dir/reboot-needed" ]; then
    out="${out}reboot wanted$nl"
  elif [ "$has_proc" = yes ] && read -r lr_kernel </proc/sys/kernel/osrelease && [ -d "$modules_dir/$lr_kernel" ]; then
    out="${out}reboot no$nl"
  elif [ -n "$lr_kernel" ] && has_folders "$modules_dir"; then
    # An upgrade took away the modules of the kernel that runs: what it has not loaded by now it never will.
    out="${out}reboot wanted$nl"
  fi
}

has_folders() { # FOLDER: holds at least one folder
  set +f
  for hf_path in "$1"/*/; do
    set -f
    [ -d "$hf_path" ]
    return
  done
}

# Read and written by us, so that reading never finds it closed, and a child that outlives us never finds nobody.
open_pipe() { # pipe: yes, fd 8 is one; no, there can be none, and the checks hold up the loop for as long as they take
  [ -z "$pipe" ] || return 0
  pipe=no
  command -v mkfifo >/dev/null || return 0
  IFS=' '
  for op_folder in /tmp /dev/shm "${XDG_RUNTIME_DIR:-/run}" "${HOME:-/}"; do
    op_path=$op_folder/towerwatch-probe-$$
    (umask 077 && bounded 2 mkfifo "$op_path") 2>/dev/null || continue
    # A redirection of exec that fails would end the shell.
    if (: 8<>"$op_path") 2>/dev/null; then
      exec 8<>"$op_path"
      pipe=yes
    fi
    rm -f "$op_path"
    [ $pipe = no ] || return 0
  done
}

# Each device once, by the first place where it is mounted, as df -l does it. Left out is what is memory or made up by the
# kernel, and images that are full by nature. Of the rest, each is asked by itself, unless it still owes the last answer:
# a process that waits for a disk cannot even be killed.
find_mounts() { # mounts: those to be asked, each one a line
  mounts=$nl
  if [ "$has_proc" = no ]; then
    value=$(bounded 3 df -klP 2>/dev/null)
    [ ${#value} -le 32768 ] || value=
    out="${out}df$nl$value$nl"
    return
  fi
  fm_seen=$nl fm_count=0
  while IFS=' ' read -r fm_device fm_path fm_type fm_rest; do
    case $fm_type in squashfs | iso9660 | udf | erofs | cramfs | romfs | autofs | fuse.portal) continue ;; esac
    case $fm_device=$fm_path=$fm_type in /* | *:* | *=/=* | *=zfs | *=virtiofs | *=9p) ;; *) continue ;; esac
    case $fm_seen in *"$nl$fm_device$nl"*) continue ;; esac
    fm_seen=$fm_seen$fm_device$nl
    # A blank stands there as \040. A name with other signs that are written so is more trouble than it is worth.
    while :; do
      case $fm_path in *'\040'*) fm_path="${fm_path%%'\040'*} ${fm_path#*'\040'}" ;; *) break ;; esac
    done
    case $fm_path in *\\*) continue ;; esac
    [ ${#fm_path} -le 200 ] || continue
    fm_count=$((fm_count + 1))
    [ $fm_count -le 64 ] || break
    out="${out}mount $fm_path$nl"
    case $owing in *"$nl$fm_path$nl"*) out="${out}hung $fm_path$nl" ;; *) mounts=$mounts$fm_path$nl ;; esac
  done <"$mounts_file"
  owing=$owing${mounts#"$nl"}
}

begin_checks() {
  IFS=$nl
  for bc_mount in $mounts; do
    ask_disk "$bc_mount" &
  done
  bc_lane=0
  while [ $bc_lane -lt $service_lanes ]; do
    ask_services $bc_lane &
    bc_lane=$((bc_lane + 1))
  done
}

ask_disk() { # MOUNT: one line about it, whatever happens
  IFS=' '
  if ! df_of -kP "$1"; then
    printf '%s hung %s\n' "$probe_number" "$1"
    return
  fi
  ad_sizes="$df_total $df_free"
  if ! df_of -iP "$1"; then df_total=- df_free=-; fi
  printf '%s disk %s %s %s %s\n' "$probe_number" "$ad_sizes" "$df_total" "$df_free" "$1"
}

# The name of a device may hold blanks: what counts stands between it and the mount, which is known.
df_of() { # OPTION MOUNT: df_total df_free; status 1 when df did not end in time
  df_total=- df_free=-
  do_out=$(bounded 3 df "$1" -- "$2" 2>/dev/null)
  case $? in 124 | 137 | 143) return 1 ;; esac
  do_out=${do_out##*"$nl"}
  case $do_out in *" $2") ;; *) return 0 ;; esac
  set -- "$1" ${do_out%" $2"}
  [ $# -ge 5 ] || return 0
  while [ $# -gt 4 ]; do shift; done
  case $1$3 in
    # What root alone may use up counts as less than nothing.
    [0-9]*-[0-9]*) df_total=$1 df_free=0 ;;
    *[!0-9]*) ;;
    *) df_total=$1 df_free=$3 ;;
  esac
}

collect_probe() {
  [ $pipe = no ] || drain_pipe
  out=
  IFS=$nl
  for line in $collected; do
    # Of an earlier probe, which nobody waits for any more.
    case $line in "$probe_number "*) out=$out${line#* }$nl ;; esac
  done
  collected=
  reply ok "$out"
}

# A mark of our own comes behind whatever is in the pipe by now, so that reading up to it never waits. A disk whose answer
# is there owes none any more, however late it came.
drain_pipe() { # collected
  [ $pipe = yes ] || return 0
  collected=
  printf '.\n' >&8
  while IFS= read -r line <&8 && [ "$line" != . ]; do
    collected=$collected$line$nl
    case $line in
      *' /'*) dp_mount=/${line#*' /'} ;;
      *) continue ;;
    esac
    case $owing in *"$nl$dp_mount$nl"*) owing=${owing%%"$nl$dp_mount$nl"*}$nl${owing#*"$nl$dp_mount$nl"} ;; esac
  done
}
