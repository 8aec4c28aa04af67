/**
 * A small fleet in a folder of its own: real agents on this machine, the real daemon as a child process, and a Tower behind a
 * real websocket (of the test's own, or whichever is given).
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openLedger } from '../../src/adapters/ledger/sqlite.ts'
import type { Ledger } from '../../src/ports/ledger.ts'
import { until } from '../support/until.ts'
import { type WebsocketTower, websocketTower } from '../support/websocket-tower.ts'
import { type AgentKind, type FaultAgent, faultAgent } from './agents.ts'
import { openStory, type Story } from './story.ts'

const cli = join(import.meta.dirname, '..', '..', 'src', 'cli.ts')

interface LogLine {
  /** When it was written, by the clock on the wall that the daemon has. */
  time: number
  level: number
  msg: string
  [field: string]: unknown
}

export interface Daemon {
  readonly pid: number
  readonly log: readonly LogLine[]
  /** Everything that it printed. */
  text(): string
  hasEnded(): boolean
  /** The first line of the log with this text, from the line `from` on; waits for it. */
  says(text: string, withinMs?: number, from?: number): Promise<LogLine>
  signal(signal: NodeJS.Signals): void
  /** Resolves with its exit code once it has ended; null where a signal ended it. */
  ended: Promise<number | null>
}

export interface Stage {
  readonly folder: string
  readonly stateDir: string
  readonly story: Story
  readonly tower: WebsocketTower
  readonly agents: readonly FaultAgent[]
  agent(id: string): FaultAgent
  pushUrl: string
  /** `wrap`: a program and its arguments that runs the daemon. */
  startDaemon(options?: { env?: Record<string, string>; wrap?: readonly string[] }): Daemon
  /** A command of a shell user. */
  towerwatch(...args: string[]): Promise<{ code: number; out: string; err: string }>
  ledger<T>(look: (ledger: Ledger) => T): T
  /** What SQLite says of the file: `ok`. */
  integrity(): string
  close(): Promise<void>
}

export interface StageOptions {
  title: string
  /** By id. */
  agents: Record<string, AgentKind>
  /** Where the ledger is; a folder within the stage's where it isn't given. */
  stateDir?: string
  /** Another Tower than one of the test's own. */
  tower?: { url: string; account: string; password: string }
  /** For the agents. */
  env?: Record<string, string>
  /** More lines at the top of fleet.yaml. */
  yaml?: string
  /** More agents, as they stand in fleet.yaml, by the folder of the stage. */
  moreAgents?: (folder: string) => string[]
}

export const timing = { periodMs: 1_000, graceMs: 2_000, pollMs: 200 }

export async function openStage(options: StageOptions): Promise<Stage> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'tw-fault-')))
  const story = openStory(options.title)
  const stateDir = options.stateDir ?? join(folder, 'state')
  const tower = await websocketTower('the-right-one')
  tower.onAlert((alert) => story.note(`the Tower says: ${alert.text}`))
  const pushPort = await freePort()
  const pushUrl = `http://127.0.0.1:${pushPort}`
  const agents = Object.entries(options.agents).map(([id, kind]) =>
    faultAgent(id, kind, { folder, story, pushUrl, ...(options.env && { env: options.env }) }),
  )
  const place = options.tower ?? { url: tower.url, account: 'towerwatch', password: 'the-right-one' }
  writeFileSync(join(folder, 'secret'), place.password, { mode: 0o600 })
  writeFileSync(
    join(folder, 'fleet.yaml'),
    `version: 1
fleet: faults
state: ${stateDir}
poll: ${timing.pollMs}ms
tower: { url: "${place.url}", account: ${place.account}, password: { file: secret } }
push: { listen: "127.0.0.1:${pushPort}" }
alerts: { groupWait: 50ms, groupInterval: 100ms, remind: off, flapping: off }
${options.yaml ?? ''}
health: { disk: off, inodes: off, memory: off, swap: off, load: off, clock: off, fullWithin: off }
hosts: { local: { kind: local } }
agents:
${[...agents.map((agent) => agent.yaml(`${timing.periodMs}ms`, `${timing.graceMs}ms`)), ...(options.moreAgents?.(folder) ?? [])].join('\n')}
`,
  )
  const daemons: Daemon[] = []

  const stage: Stage = {
    folder,
    stateDir,
    story,
    tower,
    agents,
    pushUrl,
    agent: (id) => {
      const found = agents.find((agent) => agent.id === id)
      if (!found) throw new Error(`no agent ${id} on this stage`)
      return found
    },
    startDaemon: ({ env = {}, wrap = [] } = {}) => {
      const [program = '', ...args] = [...wrap, process.execPath, cli, 'run']
      const daemon = daemonOf(
        spawn(program, args, { cwd: folder, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] }),
        story,
      )
      daemons.push(daemon)
      return daemon
    },
    towerwatch: async (...args) => {
      const child = spawn(process.execPath, [cli, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
      let out = ''
      let err = ''
      child.stdout.on('data', (chunk) => (out += chunk))
      child.stderr.on('data', (chunk) => (err += chunk))
      const code = await new Promise<number>((resolve) => child.once('close', (status) => resolve(status ?? -1)))
      story.note(`towerwatch ${args.join(' ')}: ${code} ${(err || out).split('\n')[0]}`)
      return { code, out, err }
    },
    ledger: (look) => {
      const ledger = openLedger(join(stateDir, 'ledger.sqlite'), 'read')
      try {
        return look(ledger)
      } finally {
        void ledger.close()
      }
    },
    integrity: () => {
      const db = new DatabaseSync(join(stateDir, 'ledger.sqlite'), { readOnly: true, timeout: 5_000 })
      try {
        return db
          .prepare('PRAGMA integrity_check')
          .all()
          .map((row) => String(Object.values(row)[0]))
          .join('; ')
      } finally {
        db.close()
      }
    },
    close: async () => {
      for (const daemon of daemons) {
        if (daemon.hasEnded()) continue
        daemon.signal('SIGCONT')
        daemon.signal('SIGKILL')
        await daemon.ended
      }
      for (const agent of agents) await agent.end()
      await tower.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return stage
}

function daemonOf(child: ChildProcess, story: Story): Daemon {
  const log: LogLine[] = []
  let text = ''
  let rest = ''
  let hasEnded = false
  const pid = child.pid ?? 0
  story.note(`daemon ${pid} is started`)
  const take = (chunk: string) => {
    text += chunk
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const parsed = line.startsWith('{') ? (JSON.parse(line) as LogLine) : { time: 0, level: 60, msg: line }
      log.push(parsed)
      const { time: _, level: __, msg, ...fields } = parsed
      story.note(`daemon ${pid}: ${msg} ${Object.keys(fields).length > 0 ? JSON.stringify(fields) : ''}`)
    }
  }
  child.stdout?.setEncoding('utf8').on('data', take)
  child.stderr?.setEncoding('utf8').on('data', take)
  const ended = new Promise<number | null>((resolve) =>
    // Not `exit`: the last lines of its log may still be on their way.
    child.once('close', (code, signal) => {
      hasEnded = true
      story.note(`daemon ${pid} has ended: ${signal ?? code}`)
      resolve(code)
    }),
  )
  return {
    pid,
    log,
    ended,
    text: () => text,
    hasEnded: () => hasEnded,
    signal: (signal) => void child.kill(signal),
    says: (wanted, withinMs = 30_000, from = 0) =>
      until(
        () => {
          const found = log.slice(from).find(({ msg }) => msg.includes(wanted))
          if (!found && hasEnded) throw new Error(`The daemon has ended: ${text.slice(-2_000)}`)
          return found
        },
        { withinMs, what: `the daemon to say "${wanted}"` },
      ),
  }
}

/** Free now; nobody else is told of it. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (typeof address !== 'object' || address === null) throw new Error('no port is free')
  return address.port
}
