/**
 * Programs that stand in for systemctl, loginctl, launchctl and crontab where there is none, or where the real one would
 * change the machine of whoever runs the tests. Each notes its argv, one JSON list per line, and keeps its state in files.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
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
}

const head = (folder: string) => `#!${process.execPath}
const { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { execFileSync } = require('node:child_process')
const { basename, join } = require('node:path')
const folder = ${JSON.stringify(folder)}
const args = process.argv.slice(2)
appendFileSync(join(folder, 'calls'), JSON.stringify([basename(process.argv[1]), ...args]) + '\\n')
const end = (code, out = '', err = '') => { process.stdout.write(out); process.stderr.write(err); process.exitCode = code }
const flag = (name) => ({
  is: () => existsSync(join(folder, name)),
  set: (to) => (to ? writeFileSync(join(folder, name), '') : rmSync(join(folder, name), { force: true })),
})
`

const systemctl = `
const words = args.filter((word) => !word.startsWith('-'))
const [verb, ...units] = words
const unit = units[0] ?? ''
const enabled = flag('enabled-' + unit), active = flag('active-' + unit)
const unitFile = join(process.env.XDG_CONFIG_HOME ?? join(process.env.HOME, '.config'), 'systemd', 'user', unit)
const missing = () => args.includes('--user') && !existsSync(unitFile) && !existsSync(join(folder, 'any-unit'))
if (!process.env.XDG_RUNTIME_DIR) end(1, '', 'Failed to connect to bus: No medium found\\n')
else if (verb === 'is-enabled') end(enabled.is() ? 0 : 1, enabled.is() ? 'enabled\\n' : 'disabled\\n')
else if (verb === 'is-active') end(active.is() ? 0 : 3, active.is() ? 'active\\n' : 'inactive\\n')
else if (verb === 'list-unit-files') end(0, existsSync(join(folder, 'timers')) ? readFileSync(join(folder, 'timers'), 'utf8') : '')
else if (verb === 'daemon-reload' || verb === 'reset-failed') end(0)
else if (missing()) end(5, '', 'Failed to ' + verb + ' unit: Unit ' + unit + ' not found.\\n')
else if (verb === 'enable') enabled.set(true)
else if (verb === 'disable') { enabled.set(false); if (args.includes('--now')) active.set(false) }
else if (verb === 'start' || verb === 'restart') {
  active.set(true)
  if (verb === 'restart' && existsSync(join(folder, 'restart'))) {
    const [program, ...rest] = JSON.parse(readFileSync(join(folder, 'restart'), 'utf8'))
    execFileSync(program, rest, { stdio: 'ignore' })
  }
}
else end(1, '', 'Unknown command verb ' + verb + '.\\n')
`

const loginctl = `
const linger = flag('linger')
if (args[0] === 'show-user') end(linger.is() ? 0 : 1, linger.is() ? 'yes\\n' : '', linger.is() ? '' : 'Failed to get user: not logged in\\n')
else if (args[0] === 'enable-linger') linger.set(true)
else end(1)
`

const launchctl = `
const name = (args[1] ?? '').split('/').at(-1)
const loaded = flag('loaded-' + (args[0] === 'bootstrap' ? basename(args[2], '.plist') : name))
if (args[0] === 'print') end(loaded.is() ? 0 : 113, loaded.is() ? name + ' = {\\n\\tstate = running\\n}\\n' : '', loaded.is() ? '' : 'Could not find service\\n')
else if (args[0] === 'bootstrap') { if (loaded.is()) end(5, '', 'Bootstrap failed: 5: Input/output error\\n'); else loaded.set(true) }
else if (args[0] === 'bootout') { if (!loaded.is()) end(3, '', 'Boot-out failed: 3: No such process\\n'); else loaded.set(false) }
else if (args[0] === 'kickstart') end(loaded.is() ? 0 : 113)
else end(1)
`

/** As Debian's: nothing to list is a failure, and a last line without its newline is refused. */
const crontab = `
const file = join(folder, 'crontab')
if (args[0] === '-l') existsSync(file) ? end(0, readFileSync(file)) : end(1, '', 'no crontab for tester\\n')
else if (args[0] === '-r') existsSync(file) ? rmSync(file) : end(1, '', 'no crontab for tester\\n')
else if (args[0] === '-') {
  const text = readFileSync(0)
  if (text.length > 0 && text.at(-1) !== 10) end(1, '', 'new crontab file is missing newline before EOF, can\\'t install.\\n')
  else writeFileSync(file, text)
}
else end(1, '', 'crontab: usage error\\n')
`

const questions = /^(systemctl .*(is-enabled|is-active|list-unit-files)|loginctl show-user|launchctl print|crontab -l)/

/** `which`: those that the machine of the test has. */
export function standIns(folder: string, which: readonly ('systemd' | 'launchd' | 'cron')[]): StandIns {
  const bin = join(folder, 'bin')
  mkdirSync(bin, { recursive: true })
  const put = (name: string, body: string) => {
    // A name without an ending is CommonJS to Node, wherever it stands.
    writeFileSync(join(bin, name), head(folder) + body)
    chmodSync(join(bin, name), 0o755)
  }
  writeFileSync(join(bin, 'package.json'), '{"type":"commonjs"}\n')
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
      return lines.map((line) => (JSON.parse(line) as string[]).join(' ')).filter((line) => !questions.test(line))
    },
    crontab: (text) => {
      const file = join(folder, 'crontab')
      if (text !== undefined) writeFileSync(file, text, 'latin1')
      return existsSync(file) ? readFileSync(file, 'latin1') : undefined
    },
    onRestart: (argv) => {
      writeFileSync(join(folder, 'any-unit'), '')
      writeFileSync(join(folder, 'restart'), JSON.stringify(argv))
    },
  }
}
