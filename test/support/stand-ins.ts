/**
 * Programs that stand in for systemctl, loginctl, launchctl and crontab where there is none, or where the real one would
 * change the machine of whoever runs the tests. Each notes its call, one per line, and keeps its state in files.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface StandIns {
  /** To put on the PATH. */
  readonly bin: string
  /** Calls so far that are no questions, as a person would type them. */
  orders(): string[]
  /** What `crontab -l` would print; undefined for none. */
  crontab(text?: string): string | undefined
  /** A program that `systemctl restart` runs, by argv, instead of a unit; it is waited for. */
  onRestart(argv: readonly string[]): void
  /** From now on the service manager has this unit or job, and it is so. */
  unit(name: string, state: 'running' | 'stopped' | 'failed'): void
}

/** A shell's own words only, and no other programs: the calls are many. */
const head = (folder: string) => `#!/bin/sh
cd ${quoted(folder)} || exit 99
printf '%s\\n' "\${0##*/} $*" >>calls
flag() { if [ "$2" = on ]; then : >"$1"; elif [ -e "$1" ]; then rm -f "$1"; fi; }
fail() { printf '%s\\n' "$2" >&2; exit "$1"; }
`

const systemctl = `
scope= verb= unit= now= asked=
for word; do
  case $word in
    --user) scope=user ;;
    --now) now=yes ;;
    --property=*) asked=,\${word#--property=}, ;;
    -*) ;;
    *) if [ -z "$verb" ]; then verb=$word; elif [ -z "$unit" ]; then unit=$word; fi ;;
  esac
done
state() { case $asked in *,$1,*) echo "$1=$2" ;; esac; }
if [ "$verb" = show ] && { [ -z "$scope" ] || [ -n "$XDG_RUNTIME_DIR" ]; }; then
  load=not-found active=inactive sub=dead pid=0
  for kind in unit enabled active failed; do [ ! -e "$kind-$unit" ] || load=loaded; done
  if [ -e "failed-$unit" ]; then active=failed sub=failed; elif [ -e "active-$unit" ]; then active=active sub=running pid=$$; fi
  state LoadState $load; state ActiveState $active; state SubState $sub; state MainPID $pid
  exit
fi
[ -n "$XDG_RUNTIME_DIR" ] || fail 1 'Failed to connect to bus: No medium found'
case $verb in
  is-enabled) if [ -e "enabled-$unit" ]; then echo enabled; else echo disabled; exit 1; fi; exit ;;
  is-active) if [ -e "active-$unit" ]; then echo active; else echo inactive; exit 3; fi; exit ;;
  list-unit-files) if [ -e timers ]; then while read -r line; do printf '%s\\n' "$line"; done <timers; fi; exit 0 ;;
  daemon-reload | reset-failed) exit 0 ;;
  enable | disable | start | restart) ;;
  *) fail 1 "Unknown command verb $verb." ;;
esac
file=\${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user/$unit
[ "$scope" != user ] || [ -e "$file" ] || [ -e any-unit ] || fail 5 "Failed to $verb unit: Unit $unit not found."
case $verb in
  enable) flag "enabled-$unit" on ;;
  disable) flag "enabled-$unit" off; [ -z "$now" ] || flag "active-$unit" off ;;
  *) flag "active-$unit" on; if [ "$verb" = restart ] && [ -e restart ]; then . ./restart; fi ;;
esac
`

const loginctl = `
case $1 in
  show-user) if [ -e linger ]; then echo yes; else fail 1 'Failed to get user: not logged in'; fi ;;
  enable-linger) flag linger on ;;
  *) exit 1 ;;
esac
`

const launchctl = `
name=\${2##*/}
case $1 in
  print) if [ -e "loaded-$name" ]; then state=running; [ ! -e "waiting-$name" ] || state='not running'; printf '%s = {\\n\\tstate = %s\\n}\\n' "$name" "$state"; else fail 113 'Could not find service'; fi ;;
  bootstrap) name=\${3##*/}; name=\${name%.plist}; [ ! -e "loaded-$name" ] || fail 5 'Bootstrap failed: 5: Input/output error'; flag "loaded-$name" on ;;
  bootout) [ -e "loaded-$name" ] || fail 3 'Boot-out failed: 3: No such process'; flag "loaded-$name" off ;;
  kickstart) [ -e "loaded-$name" ] || exit 113 ;;
  *) exit 1 ;;
esac
`

/** As Debian's: nothing to list is a failure, and a last line without its newline is refused. */
const crontab = `
case $1 in
  -l) if [ -e crontab ]; then exec cat crontab; else fail 1 'no crontab for tester'; fi ;;
  -r) if [ -e crontab ]; then flag crontab off; else fail 1 'no crontab for tester'; fi ;;
  -) cat >new
    if [ -s new ] && [ -n "$(tail -c 1 new)" ]; then fail 1 "new crontab file is missing newline before EOF, can't install."; fi
    mv new crontab ;;
  *) fail 1 'crontab: usage error' ;;
esac
`

const questions = /^(systemctl .*(is-enabled|is-active|list-unit-files|show)|loginctl show-user|launchctl print|crontab -l)/

/** `which`: those that the machine of the test has. */
export function standIns(folder: string, which: readonly ('systemd' | 'launchd' | 'cron')[]): StandIns {
  const bin = join(folder, 'bin')
  mkdirSync(bin, { recursive: true })
  const put = (name: string, body: string) => {
    writeFileSync(join(bin, name), head(folder) + body)
    chmodSync(join(bin, name), 0o755)
  }
  if (which.includes('systemd')) {
    put('systemctl', systemctl)
    put('loginctl', loginctl)
  }
  if (which.includes('launchd')) put('launchctl', launchctl)
  if (which.includes('cron')) put('crontab', crontab)
  return {
    bin,
    orders: () => {
      const file = join(folder, 'calls')
      if (!existsSync(file)) return []
      const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
      return lines.filter((line) => !questions.test(line))
    },
    crontab: (text) => {
      const file = join(folder, 'crontab')
      if (text !== undefined) writeFileSync(file, text, 'latin1')
      return existsSync(file) ? readFileSync(file, 'latin1') : undefined
    },
    unit: (name, state) => {
      const files = { running: ['active', 'loaded'], stopped: ['unit', 'loaded', 'waiting'], failed: ['failed', 'loaded', 'waiting'] }[
        state
      ]
      for (const kind of ['active', 'unit', 'failed', 'waiting']) rmSync(join(folder, `${kind}-${name}`), { force: true })
      for (const kind of files) writeFileSync(join(folder, `${kind}-${name}`), '')
    },
    onRestart: (argv) => {
      writeFileSync(join(folder, 'any-unit'), '')
      writeFileSync(join(folder, 'restart'), `${argv.map(quoted).join(' ')} >/dev/null 2>&1\n`)
    },
  }
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}
