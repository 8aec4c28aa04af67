/**
 * A real Hermes gateway on this machine, in a home of the test's own, under a real watch: the host watch, the desk and the
 * gate. It has no model, no platform and no API server, so nothing is ever asked but this machine.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalHost } from '../../src/adapters/hosts/local.ts'
import { openLedger } from '../../src/adapters/ledger/sqlite.ts'
import { startWatch } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Incident } from '../../src/domain/incident.ts'
import type { Outcome } from '../../src/operations/operation.ts'
import { operations } from '../../src/operations/registry.ts'
import type { OperationRecord } from '../../src/ports/ledger.ts'
import { hermesProgram } from '../support/hermes.ts'
import { keptLog } from '../support/log.ts'
import { isAlive, killHard } from '../support/processes.ts'
import { realClock } from '../support/real-clock.ts'
import { until } from '../support/until.ts'

export interface HermesStage {
  readonly folder: string
  /** HERMES_HOME. */
  readonly home: string
  /** Its config.yaml. */
  readonly config: string
  /** Of the gateway that lives; waits for one that is not `before`. */
  pid(before?: number): Promise<number>
  state(): string | undefined
  /** As a person at this machine. */
  ask(operation: string, args: Record<string, string>): Promise<Outcome & { progress: string[] }>
  incidents(): Incident[]
  /** Ended restarts of the watch itself, the newest first. */
  byTheWatch(): OperationRecord[]
  /** Waits for another one. */
  nextByTheWatch(known: number): Promise<OperationRecord>
  /** What it said in its log, to everybody. */
  said(level: 'warn' | 'info'): string[]
  close(): Promise<void>
}

/** The gateway writes its heartbeat each 30 s. */
const timing = { periodMs: 33_000, graceMs: 1_000 }

/** Nothing that would make a network call, and no model to call. */
export const plainConfig = 'model:\n  default: none\n  provider: custom\n  base_url: http://127.0.0.1:9/v1\n'

export async function openHermesStage(): Promise<HermesStage> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'tw-hermes-')))
  const home = join(folder, 'hermes')
  const config = join(home, 'config.yaml')
  mkdirSync(home, { mode: 0o700 })
  writeFileSync(config, plainConfig, { mode: 0o640 })
  writeFileSync(
    join(folder, 'fleet.yaml'),
    `version: 1
fleet: hermes
state: ${join(folder, 'state')}
poll: 200ms
alerts: { groupWait: 50ms, groupInterval: 100ms, remind: off, flapping: off }
remedies: { crashLoop: off }
health: { disk: off, inodes: off, memory: off, swap: off, load: off, clock: off, fullWithin: off }
hosts: { local: { kind: local } }
agents:
  allegro:
    host: local
    heartbeat: { hermes: ${home} }
    period: ${timing.periodMs}ms
    grace: ${timing.graceMs}ms
    policy: auto
    stopGrace: 15s
    startGrace: 60s
    restart: { kind: hermes, home: ${home}, program: ${hermesProgram()}, unit: towerwatch-no-such-unit.service }
`,
  )
  const ledger = openLedger(join(folder, 'ledger.sqlite'), 'write')
  const log = keptLog()
  let ids = 0
  // What a login would have, and nothing of whoever runs the test: it must never find his keys.
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, TIRITH_ENABLED: 'false', LANG: 'C.UTF-8' }
  const watch = startWatch(loadConfig(join(folder, 'fleet.yaml'), {}), {
    ledger,
    clock: realClock,
    log,
    operations,
    host: (id) => createLocalHost(id, { env }),
    sink: () => ({ tell: async () => {} }),
    random: () => 0,
    newId: () => `hermes-${process.pid}-${++ids}`,
  })
  const pids = new Set<number>()
  const record = (): { pid: number; start: string } | undefined => {
    const file = join(home, 'gateway.pid')
    const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
    const pid = Number(/"pid": *(\d+)/.exec(text)?.[1])
    const start = /"start_time": *(\d+)/.exec(text)?.[1]
    return Number.isNaN(pid) || start === undefined ? undefined : { pid, start }
  }
  const lives = (): number | undefined => {
    const found = record()
    if (!found || !isAlive(found.pid)) return undefined
    const stat = readFileSync(`/proc/${found.pid}/stat`, 'utf8')
    if (stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] !== found.start) return undefined
    pids.add(found.pid)
    return found.pid
  }
  const byTheWatch = () =>
    ledger.operations({ operation: 'restart', agent: 'allegro', actorKind: 'watch', limit: 100 }).filter(({ status }) => status !== 'begun')

  return {
    folder,
    home,
    config,
    pid: (before) =>
      until(
        () => {
          const pid = lives()
          return pid !== before && pid
        },
        { withinMs: 60_000, what: () => `another gateway than ${before}: ${JSON.stringify(log.lines.slice(-8))}` },
      ),
    state: () => ledger.remembered().agents.get('allegro')?.status.state,
    ask: async (operation, args) => {
      const progress: string[] = []
      const actor = { kind: 'shell' as const, id: '0', name: 'ada' }
      const outcome = await watch.desk.request({ operation, arguments: args, actor, via: 'shell' }, (line) => void progress.push(line))
      return { ...outcome, progress }
    },
    incidents: () => ledger.incidents({ subject: 'agent:allegro', limit: 50 }),
    byTheWatch,
    nextByTheWatch: (known) =>
      until(
        () => {
          const ended = byTheWatch()
          return ended.length > known && ended[0]
        },
        { withinMs: 90_000, what: () => `an automatic restart to end: ${JSON.stringify(log.lines.slice(-8))}` },
      ),
    said: (level) => log.messages(level),
    close: async () => {
      await watch.stop()
      lives()
      for (const pid of pids) killHard(pid)
      // Whatever it has started goes with it; its home can be removed only then.
      await until(() => [...pids].every((pid) => !isAlive(pid)), { withinMs: 10_000, what: 'the gateways have ended' })
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
    },
  }
}
