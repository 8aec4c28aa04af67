# --- who uses most -----------------------------------------------------------------------------------------------

# One awk over /proc, however many processes there are. It names the five that use most memory and the five that use most
# CPU, and looks for the processes that are declared as services. Of CPU counts what was used since the last probe: what
# each had used by then is kept here, in between.
look_at_processes() {
  lp_wanted=
  IFS=$nl
  for lp_service in $services; do
    IFS=$tab
    set -- $lp_service
    if [ "$2" = process ]; then lp_wanted="$lp_wanted$1 $3$nl"; fi
  done
  if [ "$has_proc" = yes ]; then
    [ -n "$page_bytes" ] || page_bytes=$(bounded 2 getconf PAGESIZE 2>/dev/null) || page_bytes=4096
    lp_out=$(
      read -r gate_up gate_idle </proc/uptime
      gate_ticks=$ticks gate_page=$page_bytes gate_before=$used_before gate_wanted=$lp_wanted
      export gate_up gate_ticks gate_page gate_before gate_wanted
      set +f
      bounded 5 awk "$stat_awk$top_awk" /proc/[0-9]*/stat 2>/dev/null
    )
  else
    lp_out=$(
      gate_wanted=$lp_wanted
      export gate_wanted
      bounded 5 ps -axo pid=,stat=,rss=,pcpu=,ucomm= 2>/dev/null | awk "$ps_awk$top_awk"
    )
  fi
  case $lp_out in
    *'done '*) ;;
    *)
      IFS=$nl
      for lp_service in $lp_wanted; do
        out="${out}service ${lp_service%% *} unknown the processes could not be looked through: is there an awk?$nl"
      done
      return
      ;;
  esac
  used_before=${lp_out##*"done "}
  # What an environment may carry has a limit: beyond it, CPU is told since the start of each.
  [ ${#used_before} -le 100000 ] || used_before=
  out=$out${lp_out%"done "*}
}

# Reading a file that is gone by now is no error with getline; as an argument it would end awk. The name of a program may
# hold anything: it ends with the last parenthesis.
stat_awk='
BEGIN {
  up = ENVIRON["gate_up"] + 0
  n = split(ENVIRON["gate_before"], list, " ")
  last = n > 0 ? list[1] + 0 : 0
  for (i = 2; i <= n; i++) { at = index(list[i], "="); before[substr(list[i], 1, at - 1)] = substr(list[i], at + 1) }
  kept = ENVIRON["gate_up"]
  for (i = 1; i < ARGC; i++) {
    text = ""
    while ((getline line < ARGV[i]) > 0) text = text line " "
    close(ARGV[i])
    from = index(text, "(")
    rest = text
    to = 0
    while ((at = index(rest, ")")) > 0) { to += at; rest = substr(rest, at + 1) }
    if (from == 0 || to < from || split(rest, f, " ") < 22 || f[1] == "Z" || f[1] == "X") continue
    pid = substr(text, 1, from - 2)
    used = f[12] + f[13]
    began = f[20] / ENVIRON["gate_ticks"]
    key = pid ":" f[20]
    spent = used
    if (last > 0 && began <= last) { spent = used - before[key]; began = last }
    percent = up - began > 0.05 ? 100 * spent / ENVIRON["gate_ticks"] / (up - began) : 0
    if (used > 0) kept = kept " " key "=" used
    name = substr(text, from + 1, to - from - 1)
    if (name == "MainThread") name = program(ARGV[i], name)
    see(pid, name, f[22] * ENVIRON["gate_page"], percent)
  }
  tell()
  printf "done %s", kept
}
# What Node calls itself says nothing: then the first word of its command line has to do, which ends with a NUL.
function program(path, name,   line, at) {
  if (sub(/stat$/, "cmdline", path) == 0 || (getline line < path) <= 0) return name
  close(path)
  if ((at = match(line, /[[:cntrl:]]/)) > 1) line = substr(line, 1, at - 1)
  sub(/^.*\//, "", line)
  return line == "" ? name : line
}
'
ps_awk='
$2 !~ /^Z/ {
  name = $0
  sub(/^ *[^ ]+ +[^ ]+ +[^ ]+ +[^ ]+ +/, "", name)
  see($1, name, $3 * 1024, $4)
}
END { tell(); printf "done " }
'
# The kernel keeps fifteen letters of a name.
top_awk='
function see(pid, name, bytes, percent) {
  count++
  pids[count] = pid; names[count] = name; memory[count] = bytes; cpu[count] = percent
  short = substr(name, 1, 15)
  running[short]++
  if (running[short] <= 3) which[short] = which[short] " " pid
}
function tell(   n, i, words, short, more) {
  most(memory, "memory", 1, "%.0f")
  most(cpu, "cpu", 0.1, "%.1f")
  n = split(ENVIRON["gate_wanted"], list, "\n")
  for (i = 1; i <= n; i++) if (split(list[i], words, " ") == 2) {
    short = substr(words[2], 1, 15)
    more = running[short] > 3 ? " and " running[short] - 3 " more" : ""
    if (running[short] > 0) printf "service %s up it runs as pid%s%s\n", words[1], which[short], more
    else printf "service %s down there is no process of that name\n", words[1]
  }
}
function most(value, what, least, form,   n, i, best) {
  for (n = 0; n < 5; n++) {
    best = 0
    for (i = 1; i <= count; i++) if (value[i] >= least && (best == 0 || value[i] > value[best])) best = i
    if (best == 0) return
    gsub(/[^ -~]/, "?", names[best])
    printf "top-%s %s " form " %s\n", what, pids[best], value[best], names[best]
    value[best] = 0
  }
}
'
