/** What a user would pick instead to ask many hosts, each doing the same probe. */
import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { isAlive, killHard } from '../../test/support/processes.ts'
import { until } from '../../test/support/until.ts'
import { unpackDebian } from '../debian.ts'
import { ownCpuMs } from './cpu.ts'
import type { Farm } from './farm.ts'

const run = promisify(execFile)

export interface Sweep {
  wallMs: number
  /** Of the program, of all that it starts and waits for, and of what it left running beside it. */
  cpuMs: number
}

export interface Rival {
  name: 'controlmaster' | 'pssh' | 'pssh_warm' | 'check_by_ssh' | 'ansible'
  /** In words, for the table. */
  means: string
  /** What connecting cost once, where its connections stay. */
  connect?: Sweep
  sweep(): Promise<Sweep>
}

export interface Rivals {
  found: Rival[]
  leftOut: string[]
}

export interface RivalOptions {
  /** Where what had to be fetched stays, for the next time. */
  folder: string
  /** One that can make virtual environments. */
  python: string | undefined
  say(text: string): void
  /** Takes what ends them, as each begins. */
  ending: AsyncDisposableStack
}

export async function openRivals(farm: Farm, { folder, python, say, ending }: RivalOptions): Promise<Rivals> {
  const leftOut: string[] = []
  const found: Rival[] = []
  const masters = await openMasters(farm, ending)
  found.push(masters.rival)
  const pssh = await findPssh(folder, say)
  if ('missing' in pssh) leftOut.push(`pssh: ${pssh.missing}`)
  else found.push(psshOver(farm, pssh, 'pssh', []), psshOver(farm, pssh, 'pssh_warm', ['-o', `ControlPath=${masters.path}`], masters.cpuMs))
  const check = await findCheckBySsh(folder, say)
  if ('missing' in check) leftOut.push(`check_by_ssh: ${check.missing}`)
  else found.push(checkBySsh(farm, check.program))
  const ansible = await findAnsible(folder, python, say)
  if ('missing' in ansible) leftOut.push(`ansible: ${ansible.missing}`)
  else {
    found.push(await openAnsible(farm, ansible.program, ending))
  }
  return { found, leftOut }
}

/** bash's own `time` counts all children that were waited for, in milliseconds. `words` are run as they are. */
async function timed(farm: Farm, words: string[], more: { env?: Record<string, string>; left?: () => number } = {}): Promise<Sweep> {
  const [out, times] = [join(farm.folder, 'out'), join(farm.folder, 'times')]
  const script = `TIMEFORMAT='%3R %3U %3S'; { time "$@" >"$OUT" 2>&1 </dev/null; } 2>"$TIMES"`
  const leftBeforeMs = more.left?.() ?? 0
  await run('bash', ['-c', script, 'bash', ...words], {
    env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C.UTF-8', HOME: join(farm.folder, 'home'), OUT: out, TIMES: times, ...more.env },
  }).catch(() => {
    // Which of the hosts failed, its output says.
  })
  const text = readFileSync(out, 'utf8')
  const answered = text.split('2 alive').length - 1
  if (answered !== farm.hosts.length) {
    throw new Error(`${words[0]}: ${answered} of ${farm.hosts.length} hosts answered: ${text.slice(0, 500)}`)
  }
  const [real, user, system] = readFileSync(times, 'utf8').trim().split(/\s+/).map(Number)
  const cpuMs = 1_000 * ((user ?? Number.NaN) + (system ?? Number.NaN)) + (more.left?.() ?? 0) - leftBeforeMs
  return { wallMs: 1_000 * (real ?? Number.NaN), cpuMs }
}

/** The same probe with no way to go: one process after the other, or as many at once as there are processors. */
export function probeHere(farm: Farm, atOnce: number): Promise<Sweep> {
  const addresses = farm.hosts.map(({ address }) => address).join(' ')
  const one = `SSH_CONNECTION="x 1 $a 22" /bin/sh ${farm.probe}`
  const script =
    atOnce === 1
      ? `for a in ${addresses}; do ${one}; done`
      : `n=0; for a in ${addresses}; do ${one} & n=$((n + 1)); [ $n -lt ${atOnce} ] || wait -n; done; wait`
  return timed(farm, ['bash', '-c', script])
}

async function openMasters(farm: Farm, ending: AsyncDisposableStack) {
  const folder = join(farm.folder, 'cm')
  mkdirSync(folder, { mode: 0o700 })
  const path = join(folder, '%n')
  const fromMs = performance.now()
  const pids: number[] = []
  ending.defer(async () => {
    for (const pid of pids) killHard(pid)
    await until(() => !pids.some(isAlive), { withinMs: 10_000, what: 'the ControlMasters to end' })
  })
  const todo = [...farm.hosts]
  const worker = async () => {
    for (let host = todo.shift(); host; host = todo.shift()) {
      const socket = join(folder, host.id)
      const child = spawn('ssh', ['-F', farm.sshConfig, '-M', '-N', '-T', '-o', `ControlPath=${path}`, host.id], { stdio: 'ignore' })
      if (child.pid !== undefined) pids.push(child.pid)
      await until(() => existsSync(socket), { withinMs: 60_000, what: `a ControlMaster to ${host.id}` })
    }
  }
  await Promise.all(Array.from({ length: 8 }, worker))
  const cpuMs = () => pids.reduce((sum, pid) => sum + ownCpuMs(pid), 0)
  const connect = { wallMs: performance.now() - fromMs, cpuMs: cpuMs() }
  const hosts = farm.hosts.map(({ id }) => id).join(' ')
  const script = `for h in ${hosts}; do ssh -F ${farm.sshConfig} -o ControlPath=${path} $h /bin/sh ${farm.probe} & done; wait`
  const rival: Rival = {
    name: 'controlmaster',
    means: 'ssh through a warm ControlMaster for each host, all at once',
    connect,
    sweep: () => timed(farm, ['bash', '-c', script], { left: cpuMs }),
  }
  return { rival, path, cpuMs }
}

interface Pssh {
  program: string
  /** Where its modules are, where it isn't installed. */
  modules?: string
}

async function findPssh(folder: string, say: (text: string) => void): Promise<Pssh | { missing: string }> {
  const own = join(folder, 'pssh')
  const unpacked = { program: join(own, 'usr', 'bin', 'parallel-ssh'), modules: join(own, 'usr', 'lib', 'python3', 'dist-packages') }
  for (const each of [{ program: '/usr/bin/parallel-ssh' }, unpacked]) if (existsSync(each.program)) return each
  for (const name of ['python3-psshlib', 'pssh']) {
    const trouble = await unpackDebian(name, own, say)
    if (trouble !== undefined) return { missing: trouble }
  }
  return existsSync(unpacked.program) ? unpacked : { missing: 'it is not in the Debian package where it was' }
}

function psshOver(farm: Farm, { program, modules }: Pssh, name: 'pssh' | 'pssh_warm', more: string[], left?: () => number): Rival {
  const hosts = join(farm.folder, 'pssh-hosts')
  writeFileSync(hosts, farm.hosts.map(({ id }) => `${id}\n`).join(''))
  const extra = ['-F', farm.sshConfig, ...more].join(' ')
  const words = ['/usr/bin/python3', program, '-h', hosts, '-p', '25', '-t', '60', '-x', extra, '-i', `/bin/sh ${farm.probe}`]
  return {
    name,
    means: name === 'pssh' ? 'pssh, 25 at once, which connects anew each time' : 'pssh through the warm ControlMasters, 25 at once',
    sweep: () => timed(farm, words, { ...(modules !== undefined && { env: { PYTHONPATH: modules } }), ...(left && { left }) }),
  }
}

async function findCheckBySsh(folder: string, say: (text: string) => void): Promise<{ program: string } | { missing: string }> {
  const own = join(folder, 'monitoring-plugins')
  const place = join('usr', 'lib', 'nagios', 'plugins', 'check_by_ssh')
  for (const program of [join('/', place), join(own, place)]) if (existsSync(program)) return { program }
  const trouble = await unpackDebian('monitoring-plugins-basic', own, say)
  if (trouble !== undefined) return { missing: trouble }
  return existsSync(join(own, place)) ? { program: join(own, place) } : { missing: 'it is not in the Debian package where it was' }
}

function checkBySsh(farm: Farm, program: string): Rival {
  const one = `${program} -F ${farm.sshConfig} -t 60 -H {} -C '/bin/sh ${farm.probe}'`
  const script = `printf '%s\\n' ${farm.hosts.map(({ id }) => id).join(' ')} | xargs -P 16 -I{} ${one}`
  return {
    name: 'check_by_ssh',
    means: 'check_by_ssh, 16 at once, which connects anew each time',
    sweep: () => timed(farm, ['bash', '-c', script]),
  }
}

async function findAnsible(folder: string, python: string | undefined, say: (text: string) => void) {
  const own = join(folder, 'ansible')
  const program = join(own, 'bin', 'ansible')
  const works = () =>
    run(program, ['--version']).then(
      () => true,
      () => false,
    )
  if (await works()) return { program }
  if (python === undefined) return { missing: 'there is no Python to install it for' }
  try {
    say('ansible: installing ansible-core into an environment of its own')
    await run(python, ['-m', 'venv', '--clear', own], { timeout: 120_000 })
    const words = ['-m', 'pip', 'install', '--quiet', '--no-input', '--disable-pip-version-check', 'ansible-core>=2.16,<2.20']
    await run(join(own, 'bin', 'python'), words, { timeout: 300_000 })
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    return { missing: `ansible-core could not be installed: ${text.split('\n').slice(0, 2).join(': ').slice(0, 300)}` }
  }
  return (await works()) ? { program } : { missing: 'the ansible-core that was installed does not run here' }
}

async function openAnsible(farm: Farm, program: string, ending: AsyncDisposableStack): Promise<Rival> {
  const sockets = join(farm.folder, 'ac')
  mkdirSync(sockets, { mode: 0o700 })
  const inventory = join(farm.folder, 'inventory')
  writeFileSync(inventory, `[all]\n${farm.hosts.map(({ id }) => `${id}\n`).join('')}`)
  // An empty one, so that none of the user's is taken.
  const settings = join(farm.folder, 'ansible.cfg')
  writeFileSync(settings, '')
  const env = {
    ANSIBLE_CONFIG: settings,
    ANSIBLE_HOME: join(farm.folder, 'ansible'),
    ANSIBLE_NOCOLOR: '1',
    ANSIBLE_SSH_ARGS: `-F ${farm.sshConfig} -o ControlMaster=auto -o ControlPersist=600s`,
    ANSIBLE_SSH_CONTROL_PATH_DIR: sockets,
  }
  const words = [program, 'all', '-i', inventory, '-f', '25', '-m', 'raw', '-a', `/bin/sh ${farm.probe}`]
  /** They are nobody's children: found by the folder of their sockets, which nobody else knows. */
  const masters = () =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && isAlive(Number(name)))
      .map(Number)
      .filter((pid) => readCommandLine(pid).includes(sockets))
  ending.defer(async () => {
    const all = masters()
    for (const pid of all) killHard(pid)
    await until(() => !all.some(isAlive), { withinMs: 10_000, what: 'the connections of ansible to end' })
  })
  let known: number[] = []
  const left = () => known.reduce((sum, pid) => sum + ownCpuMs(pid), 0)
  const connect = await timed(farm, words, { env })
  known = masters()
  const rival: Rival = {
    name: 'ansible',
    means: 'ansible -m raw over its own warm ControlPersist connections, 25 forks',
    connect: { wallMs: connect.wallMs, cpuMs: connect.cpuMs + left() },
    sweep: () => timed(farm, words, { env, left }),
  }
  return rival
}

function readCommandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch (error) {
    // It ended in between.
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return ''
    throw error
  }
}
