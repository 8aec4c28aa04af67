/** Unit files as systemd reads them: systemd.unit(5), systemd.syntax(7), systemd.service(5) "COMMAND LINES". Pure. */
import type { Job } from '../../ports/service.ts'

/** The first line: whose file it is. */
export function unitMark(job: Job): string {
  return `# Written by towerwatch for ${job.fleetFile}; what is changed here is lost when it is written again.`
}

/** The unit of the watch itself. */
export function watchUnit(job: Job, scope: 'system' | 'user'): string {
  return `${unitMark(job)}
[Unit]
Description=${specifiers(job.description)}
${scope === 'system' ? '# The Tower and the hosts may be elsewhere. Where there is no network yet, the watch waits by itself.\nAfter=network-online.target\nWants=network-online.target\n' : ''}# systemd must not give up on the watch after five failed starts.
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=${commandLine(job.argv)}
# ssh and tmux are looked for where they were when this was written.
Environment=${quoted(`PATH=${job.path}`)}
${job.user === undefined ? '' : `User=${specifiers(job.user)}\n`}Restart=always
RestartSec=5
TimeoutStopSec=20
# Agents that the watch started are in its control group: only the watch is ended with it, never they.
KillMode=process
# One of them that runs out of memory must not take the watch with it.
OOMPolicy=continue
# A core dump would hold the Tower's password.
LimitCORE=0
# Left out on purpose, because agents and ssh inherit it: NoNewPrivileges (an agent may be started by sudo) and all that
# implies it (SystemCallFilter, RestrictNamespaces, LockPersonality, Protect{Clock,Kernel*}, ...); PrivateTmp (tmux has its
# sockets in /tmp); ProtectHome (~/.ssh, tmux.conf, heartbeat files); ProtectSystem (agents may install things);
# MemoryDenyWriteExecute (Node compiles while it runs). WatchdogSec needs a socket that Node can't open: the deadman does that.

[Install]
WantedBy=${scope === 'system' ? 'multi-user.target' : 'default.target'}
`
}

/** A run once a minute: the service, and the timer that starts it. */
export function minuteService(job: Job): string {
  return `${unitMark(job)}
[Unit]
Description=${specifiers(job.description)}

[Service]
Type=oneshot
ExecStart=${commandLine(job.argv)}
Environment=${quoted(`PATH=${job.path}`)}
${job.user === undefined ? '' : `User=${specifiers(job.user)}\n`}TimeoutStartSec=120
LimitCORE=0
`
}

export function minuteTimer(job: Job): string {
  return `${unitMark(job)}
[Unit]
Description=${specifiers(job.description)}

[Timer]
# By the monotonic clock: no step of the wall clock holds it up.
OnBootSec=60
OnActiveSec=60
OnUnitActiveSec=60
AccuracySec=5

[Install]
WantedBy=timers.target
`
}

/** Specifiers begin with a percent sign wherever they are read. */
function specifiers(text: string): string {
  return text.replaceAll('%', '%%')
}

/** One word: in double quotes with C escapes, percent doubled. */
function quoted(word: string): string {
  return `"${specifiers(word.replaceAll('\\', '\\\\').replaceAll('"', '\\"'))}"`
}

/** Variables are put into all words but the first, quoted or not: a doubled dollar is one that stands for itself. */
export function commandLine([program, ...args]: readonly [string, ...string[]]): string {
  return [quoted(program), ...args.map((word) => quoted(word.replaceAll('$', '$$$$')))].join(' ')
}
