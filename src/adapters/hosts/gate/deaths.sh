# --- news as it happens ------------------------------------------------------------------------------------------

# Between two looks a watcher waits for the first of the processes that were alive at the last one to end, and for the first
# heartbeat of those that are awaited to be written. It says of each once, and after a death it ends; the next look sets up
# another. It is a hint to look at once and no more: the look is the truth, and finds what a watcher missed.
#
# It speaks on stderr. A frame may be longer than what a pipe takes in one piece, so that on stdout it would one day speak
# in the middle of one. The line begins with a newline, for whatever else was said on stderr without one.
#
# It watches the gate as well, and ends with it, however that ends.
watch_news() { # of living (PID lines) and waiting (`MARK ID PATH` lines)
  if [ -n "$watcher" ]; then
    if [ "$living$waiting" = "$watched" ] && [ -e "/proc/$watcher/ns/mnt" ]; then return; fi
    # By its start time, too: it may have ended by itself, and somebody else may have its pid.
    if is_still "$watcher" "$watcher_epoch"; then kill "$watcher" 2>/dev/null; fi
    # bash says of whom it waits for by which signal they ended.
    wait "$watcher" 2>/dev/null
    watcher=
  fi
  watched=$living$waiting
  [ -n "$watched" ] && [ $has_proc = yes ] || return
  if [ -z "$has_pidfd" ]; then
    has_pidfd=no
    command -v perl >/dev/null && bounded 5 perl -e "$pidfd_test" >/dev/null 2>&1 && has_pidfd=yes
    has_ticks=no machine=
    if [ $has_pidfd = yes ]; then machine=$(uname -m); elif can_tick; then has_ticks=yes; fi
  fi
  IFS=$nl
  if [ $has_pidfd = yes ]; then
    perl -e "$perl_watch" -- "$nonce" "$machine" $$ $living -- $waiting </dev/null >/dev/null &
  elif [ $has_ticks = yes ]; then
    tail --pid=$$ -s 1 -f /dev/null </dev/null 2>/dev/null | poll_news >/dev/null &
  else
    poll_news </dev/null >/dev/null &
  fi
  watcher=$!
  if proc_read "$watcher"; then watcher_epoch=$p_epoch; else watcher_epoch=; fi
}

# A shell cannot wait for a process that is not its child; the kernel can (pidfd_open, number 434 everywhere; Linux 5.3).
# It costs nothing while nothing happens. 3 is ESRCH; what else may go wrong is left to the looks.
#
# For files it has the kernel's inotify, whose numbers are known for these machines only (inotify_init1, inotify_add_watch),
# and for a perl of 64 bits there. To load what perl knows of itself would take it longer than all the rest. It is the folder that is watched: who writes a file whole puts another one in its place. 0x8c is
# IN_ATTRIB (touch), IN_CLOSE_WRITE and IN_MOVED_TO; half a file that is still being written is no news. Whatever a folder
# says, only a file that is another one than at the look counts. Where a folder can't be watched (it is not there yet), its
# files are looked at five times a second.
pidfd_test='exit(syscall(434, $$ + 0, 0) < 0)'
perl_watch='
  my ($nonce, $machine, $gate, @rest) = @ARGV;
  my ($all, %pid, @files, %folder, $inbox, $is_polled) = ("");
  sub announce { syswrite(STDERR, "\n$nonce $_[0] $_[1]\n") }
  sub gone { announce("gone", $_[0]) if $_[0] != $gate; exit }
  my @pids = ($gate);
  while (@rest) { my $next = shift @rest; last if $next eq "--"; push @pids, $next }
  for (@pids) {
    my $fd = syscall(434, $_ + 0, 0);
    if ($fd >= 0) { vec($all, $fd, 1) = 1; $pid{$fd} = $_ }
    elsif ($! == 3) { gone($_) }
  }
  # Whole seconds: not every perl knows parts of them. A file that was not there has no mark.
  for (@rest) { push @files, [defined $1 ? $1 . $2 : "", $3, $4] if /^(?:missing|(\d+)(?:\.\d+)?(\/\d+\/\d+)) (\S+) (.+)$/s }
  my $calls = {x86_64 => [294, 254], aarch64 => [26, 27], riscv64 => [26, 27]}->{$machine};
  my $in = @files && $calls && length(pack("p", "")) == 8 ? syscall($calls->[0], 0) : -1;
  if ($in >= 0 && open($inbox, "<&=", $in)) { vec($all, $in, 1) = 1 }
  for (@files) {
    my ($path) = $_->[2] =~ /^(.*\/)/s;
    my $watch = $inbox ? syscall($calls->[1], $in, $path, 0x8c) : -1;
    if ($watch >= 0) { $folder{$watch} = $path } else { $is_polled = 1 }
  }
  sub look { # at the files; given: those that were written whatever they look like
    my %written = map { $_ => 1 } @_;
    for (@files) {
      my ($mark, $id, $path) = @$_;
      my @now = lstat $path or next;
      next if "$now[9]/$now[7]/$now[1]" eq $mark && !$written{$path};
      announce("written", $id);
      vec($all, $in, 1) = 0 if $inbox;
      @files = ();
      $is_polled = 0;
      return;
    }
  }
  look();
  for (;;) {
    my $ready = $all;
    my $count = select($ready, undef, undef, $is_polled ? 0.2 : undef);
    my @gone = $count > 0 ? map { $pid{$_} } grep { vec($ready, $_, 1) } keys %pid : ();
    exit if grep { $_ == $gate } @gone;
    gone($gone[0]) if @gone;
    my ($events, @written) = ("");
    sysread($inbox, $events, 65536) if $count > 0 && $inbox && vec($ready, $in, 1);
    while (length $events >= 16) {
      my ($watch, $what, $cookie, $length) = unpack("iLLL", $events);
      push @written, $folder{$watch} . unpack("Z*", substr($events, 16, $length)) if $folder{$watch};
      $events = substr($events, 16 + $length);
    }
    look(@written) if $is_polled || @written;
  }
'

# Where there is no perl, or an old kernel. A round with `sleep` costs a process: 0.25 % of a core at a round every 0.4 s, and
# more often would cost too much of the host. A `tail --pid -s 0.2` costs 0.05 %, but it would take one for each process, each
# with a shell to say what it saw, all begun anew with every change; and they take zombies for alive. So there is a single
# one, where it helps: it holds a pipe open in which nothing comes until the gate ends, so that a shell whose `read` knows a
# time limit can wait there. That costs 0.1 % at a round every 0.2 s, however many processes are looked at.
can_tick() {
  tail --version </dev/null >/dev/null 2>&1 || return
  # Above 128 is the time limit. A shell that does not know -t, or no parts of seconds, complains with another status, and one
  # that says the same of the end of the file would spin there.
  sleep 0.1 </dev/null 2>/dev/null | {
    read -t 0.01 ct_line
    [ $? -gt 128 ]
  } 2>/dev/null
}

poll_news() { # of living and waiting
  pn_paths=
  IFS=$nl
  for pn_pid in $$ $living; do
    # A zombie has no namespaces any more. Those of other users can not be seen: then one that becomes a zombie passes for alive.
    if [ -e "/proc/$pn_pid/ns/mnt" ]; then
      pn_paths="$pn_paths/proc/$pn_pid/ns/mnt$nl"
    elif proc_read "$pn_pid"; then
      pn_paths="$pn_paths/proc/$pn_pid$nl"
    else
      # It has died since the look, and may lie there for as long as nobody asks for how it ended.
      [ "$pn_pid" = $$ ] || printf '\n%s gone %s\n' "$nonce" "$pn_pid" >&2
      return
    fi
  done
  pn_files=
  IFS=$nl
  for pn_line in $waiting; do
    pn_line=${pn_line#* }
    pn_files=$pn_files${pn_line#* }$nl
  done
  while :; do
    IFS=$nl
    for pn_path in $pn_paths; do
      [ -e "$pn_path" ] && continue
      pn_pid=${pn_path#/proc/}
      pn_pid=${pn_pid%%/*}
      [ "$pn_pid" = $$ ] || printf '\n%s gone %s\n' "$nonce" "$pn_pid" >&2
      return
    done
    [ -z "$pn_files" ] || poll_files
    if [ $has_ticks = yes ]; then
      read -t 0.2 pn_line
      # The end of the file: the gate has ended.
      [ $? -gt 128 ] || return
    else
      sleep "$round_s" 2>/dev/null
    fi
  done
}

poll_files() { # a process a round, only while somebody is awaited
  stat_files "$pn_files"
  IFS=$nl
  for pn_line in $waiting; do
    pn_mark=${pn_line%% *}
    pn_line=${pn_line#* }
    if stat_of "${pn_line#* }" && [ "$st_mark" != "$pn_mark" ]; then
      printf '\n%s written %s\n' "$nonce" "${pn_line%% *}" >&2
      pn_files=
      return
    fi
  done
}
