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
