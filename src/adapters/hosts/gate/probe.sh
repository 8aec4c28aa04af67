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
