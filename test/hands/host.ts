/** One host of a test: an sshd, an account, a tmux server, agents. */
import { execFile, spawn } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { descendants, isAlive, killHard } from '../support/processes.ts'
import { programPath } from '../support/programs.ts'
import { pin, type Sshd, type SshdOptions, startSshd } from '../support/sshd.ts'
import { until } from '../support/until.ts'
import type { Account, Place } from './accounts.ts'
import { startOf } from './process-start.ts'

const run = promisify(execFile)
const workerSource = join(import.meta.dirname, '..', '..', 'src', 'demo', 'worker.sh')

/**
 * pane: in a tmux window. remade: the same, and declared with what it is made again by. below: a shell in its pane outlives it.
 * still: it beats and says that it is busy, and neither writes a word nor gets on. process: started detached, with a pid file.
 * sleeper: the same, as cheap as can be: its beats are written by `beatForSleepers`.
 */
type HandsAgentKind = 'pane' | 'remade' | 'below' | 'still' | 'process' | 'sleeper'
const paneKinds: readonly HandsAgentKind[] = ['pane', 'remade', 'below', 'still']

/** Writes the same beat each half second, but for its time. */
const still = `#!/bin/sh
# BEAT PID
echo "$$" >"$2"
while :; do
  printf '{"at":%s,"pid":%s,"epoch":"%s","progress":1,"busy":true}' "$(date +%s)" "$$" "$$" >"$1.new" && mv "$1.new" "$1"
  sleep 0.5
done
`

/** Notes each of its lives. */
const sleeper = `#!/bin/sh
# NAME FOLDER
echo "$1 $$" >>"$2/starts"
echo "$$" >"$2/$1.pid"
exec sleep 100000
`

type SshdMore = Pick<SshdOptions, 'forceCommand' | 'settings'>

export interface HostPlan {
  agents?: Record<string, HandsAgentKind>
  /** More of what its sshd is told. */
  sshd?: SshdMore
  /** Where the watch connects to, if not to the sshd itself. */
  behind?: (sshd: { address: string; port: number }) => Promise<{ address: string; port: number }>
  /** More keys of the host in fleet.yaml. */
  yaml?: string
}

export interface HandsHost {
  readonly id: string
  readonly account: Account
  /** The tmux server of its agents. */
  readonly socket: string
  /** The host and its agents, as they stand in fleet.yaml. */
  readonly yaml: { host: string; agents: string[] }
  readonly agents: readonly string[]
  /** All that its sshd has logged, in all its lives. */
  log(): string
  /** How often somebody was let in, in all its lives. */
  logins(): number
  /** The pid of an agent's worker. */
  pid(agent: string): number
  /** SIGKILL; answers when it was. */
  kill(agent: string): void
  /** Resolves once it has beaten. */
  startAgent(agent: string): Promise<void>
  /** A beat of each sleeper that lives. */
  beatForSleepers(): void
  /** Of each life of a sleeper its name, in the order of their starts. */
  starts(): string[]
  /** Puts a program in front of the system's own for all that log in. Undefined: it is gone again. */
  fake(program: string, script: string | undefined): void
  /** Whose keys are let in: nobody's, when it is empty. */
  letIn(publicKeys: string): void
  readonly publicKey: string
  stopSshd(): Promise<void>
  /** At the same place, with the key that it had unless another one is asked for. */
  startSshd(more?: SshdMore & { otherKey?: boolean }): Promise<void>
  /** Nothing of its sshd moves any more, and no connection is reset. */
  freeze(): void
  thaw(): void
  /** Cuts every connection, as the death of its process would. */
  cut(): void
  /** Another login shell; only with an account of its own. */
  setShell(shell: string): Promise<void>
  /** As its account, on this machine; answers what it printed. */
  run(program: string, ...args: string[]): Promise<string>
  stop(): Promise<void>
}

export async function openHost(id: string, plan: HostPlan, number: number, place: Place, knownHosts: string): Promise<HandsHost> {
  const account = await place.account(id)
  const { uid, gid, home } = account
  const as = account.isItsOwn ? { uid, gid } : {}
  const folder = join(place.folder, `sshd-${id}`)
  const bin = join(home, 'bin')
  const socket = join(home, 'tmux.sock')
  const own = (path: string) => account.isItsOwn && chownSync(path, uid, gid)
  const env: Record<string, string> = { PATH: `${bin}:${process.env['PATH'] ?? '/usr/bin:/bin'}`, HOME: home }
  const worker = join(place.folder, 'worker.sh')
  // The project may lie where no other account may look.
  if (!existsSync(worker)) writeFileSync(worker, readFileSync(workerSource), { mode: 0o755 })
  const sleeperFile = join(place.folder, 'sleeper.sh')
  if (!existsSync(sleeperFile)) writeFileSync(sleeperFile, sleeper, { mode: 0o755 })
  mkdirSync(bin)
  own(bin)

  let logs = ''
  let sshd: Sshd
  const begin = async (more: SshdMore & { otherKey?: boolean; port?: number }): Promise<Sshd> => {
    const key = join(folder, 'host_key')
    const rest = join(folder, 'first_host_key')
    if (more.otherKey) for (const half of ['', '.pub']) rmSync(`${key}${half}`)
    else if (existsSync(rest))
      for (const half of ['', '.pub']) writeFileSync(`${key}${half}`, readFileSync(`${rest}${half}`), { mode: 0o600 })
    const settings = [`AuthorizedKeysFile ${join(place.folder, `${id}.keys`).replaceAll('%', '%%')}`, ...(more.settings ?? [])]
    const started = await startSshd({
      folder,
      address: `127.0.1.${number}`,
      env,
      settings,
      ...(more.port !== undefined && { port: more.port }),
      ...(more.forceCommand !== undefined && { forceCommand: more.forceCommand }),
    })
    place.ends(started.pid)
    if (!existsSync(rest)) for (const half of ['', '.pub']) writeFileSync(`${rest}${half}`, readFileSync(`${key}${half}`), { mode: 0o600 })
    return started
  }
  sshd = await begin(plan.sshd ?? {})
  const { address, port, identity } = sshd
  const publicKey = readFileSync(`${identity}.pub`, 'utf8')
  const letIn = (keys: string) => writeFileSync(join(place.folder, `${id}.keys`), keys, { mode: 0o644 })
  letIn(publicKey)
  const at = plan.behind ? await plan.behind({ address, port }) : { address, port }
  await pin(knownHosts, at.address, at.port, join(folder, 'first_host_key.pub'))

  const tmux = (...words: string[]) => ran(programPath('tmux'), '-u', '-S', socket, '-f', '/dev/null', ...words)
  async function ran(program: string, ...args: string[]): Promise<string> {
    const { stdout } = await run(program, args, { ...as, cwd: home, env })
    return stdout
  }

  const stillFile = join(place.folder, 'still.sh')
  if (!existsSync(stillFile)) writeFileSync(stillFile, still, { mode: 0o755 })
  const kinds = plan.agents ?? {}
  const livesInPane = (agent: string) => paneKinds.includes(kinds[agent] ?? 'process')
  const path = (agent: string, what: string) => join(home, `${agent}.${what}`)
  function argv(agent: string): string[] {
    const working = ['/bin/sh', worker, agent, 'json', path(agent, 'beat'), path(agent, 'pid'), 'model', '0.5']
    switch (kinds[agent]) {
      case 'sleeper':
        return ['/bin/sh', sleeperFile, agent, home]
      case 'below':
        return ['/bin/sh', '-c', '"$@"; while :; do sleep 1000; done', 'sh', ...working]
      case 'still':
        return ['/bin/sh', stillFile, path(agent, 'beat'), path(agent, 'pid')]
      default:
        return working
    }
  }
  const pid = (agent: string) => Number(readFileSync(path(agent, 'pid'), 'utf8'))

  const windows = new Set<string>()

  /** Agents are started side by side. */
  let server: Promise<void> | undefined
  async function startServer(): Promise<void> {
    await tmux('new-session', '-d', '-s', 'fleet', '-n', 'keeper', '-x', '80', '-y', '24', 'exec sleep 100000')
    await tmux('set-option', '-g', 'remain-on-exit', 'on')
    place.ends(Number(await tmux('display-message', '-p', '#{pid}')))
  }

  async function startAgent(agent: string): Promise<void> {
    const first = path(agent, kinds[agent] === 'sleeper' ? 'pid' : 'beat')
    rmSync(first, { force: true })
    if (livesInPane(agent)) {
      server ??= startServer()
      await server
      // The dead one of an earlier life.
      if (windows.has(agent)) await tmux('kill-window', '-t', `fleet:${agent}`)
      windows.add(agent)
      await tmux('new-window', '-d', '-t', 'fleet:', '-n', agent, '--', ...argv(agent))
    } else {
      const [program = '', ...args] = argv(agent)
      const child = spawn(program, args, { ...as, cwd: home, env, stdio: 'ignore', detached: true })
      if (child.pid !== undefined) place.ends(child.pid)
    }
    await until(() => existsSync(first), { withinMs: 20_000, what: `${agent} lives` })
  }

  const yaml = {
    host: `  ${id}: { kind: ssh, address: ${at.address}, port: ${at.port}, user: ${account.name}, identity: ${identity}, knownHosts: ${knownHosts}${plan.yaml ?? ''} }`,
    agents: Object.entries(kinds).map(([agent, kind]) => {
      const body = livesInPane(agent)
        ? `kind: pane, socket: ${socket}, target: "fleet:${agent}"${kind === 'remade' ? `, start: ${JSON.stringify(argv(agent))}, cwd: ${home}` : ''}`
        : `kind: process, start: ${JSON.stringify(argv(agent))}, pidFile: ${path(agent, 'pid')}, log: ${path(agent, 'log')}`
      return `  ${agent}: { host: ${id}, heartbeat: { file: ${path(agent, 'beat')}, format: json }, restart: { ${body} }${kind === 'still' ? ', quiet: 3s' : ''}`
    }),
  }

  const everySshd = () => [sshd.pid, ...descendants(sshd.pid, ({ name }) => name.startsWith('sshd')).map((child) => child.pid)]
  const signalAll = (signal: NodeJS.Signals) => {
    for (const one of everySshd()) if (isAlive(one)) process.kill(one, signal)
  }

  return {
    id,
    account,
    socket,
    yaml,
    agents: Object.keys(kinds),
    publicKey,
    letIn,
    log: () => logs + sshd.log(),
    logins: () => (logs + sshd.log()).split('Accepted publickey').length - 1,
    pid,
    kill: (agent) => killHard(pid(agent)),
    startAgent,
    beatForSleepers: () => {
      for (const agent of Object.keys(kinds)) {
        const alive = startOf(pid(agent))
        if (alive === undefined) continue
        writeFileSync(path(agent, 'beat.new'), JSON.stringify({ at: Date.now(), pid: pid(agent), epoch: `${pid(agent)}-${alive}` }))
        renameSync(path(agent, 'beat.new'), path(agent, 'beat'))
      }
    },
    starts: () =>
      readFileSync(join(home, 'starts'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[0] ?? ''),
    fake: (program, script) => {
      const file = join(bin, program)
      rmSync(file, { force: true })
      if (script === undefined) return
      writeFileSync(file, `#!/bin/sh\n${script}\n`)
      chmodSync(file, 0o755)
      own(file)
    },
    stopSshd: () => sshd.stop(),
    startSshd: async (more = {}) => {
      logs += sshd.log()
      sshd = await begin({ ...plan.sshd, ...more, port })
    },
    freeze: () => signalAll('SIGSTOP'),
    thaw: () => signalAll('SIGCONT'),
    cut: () => sshd.killSessions(),
    setShell: async (shell) => {
      if (!account.isItsOwn) throw new Error('the login shell of whoever runs the test is not changed')
      await run('usermod', ['--shell', shell, account.name])
    },
    run: ran,
    stop: () => sshd.stop(),
  }
}
