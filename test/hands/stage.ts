/**
 * Several hosts on this machine, each with a real sshd, an account, a tmux server and agents of its own; the whole watch on
 * them, with a ledger on disk and a Tower in memory.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openLedger } from '../../src/adapters/ledger/sqlite.ts'
import { startTowerSession } from '../../src/adapters/tower/session.ts'
import { startWatch, type Watch } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Incident } from '../../src/domain/incident.ts'
import type { Outcome } from '../../src/operations/operation.ts'
import { operations } from '../../src/operations/registry.ts'
import type { Ledger } from '../../src/ports/ledger.ts'
import { doctor } from '../../src/shell/doctor.ts'
import { hostOf } from '../../src/shell/hosts.ts'
import { type FakeTower, fakeTower } from '../fakes/tower.ts'
import { type KeptLog, keptLog } from '../support/log.ts'
import { realClock } from '../support/real-clock.ts'
import { openPlace, type Place } from './accounts.ts'
import { type HandsHost, type HostPlan, openHost } from './host.ts'

export interface HandsStage {
  readonly folder: string
  readonly tower: FakeTower
  readonly log: KeptLog
  readonly watch: Watch
  readonly ledger: Ledger
  host(id: string): HandsHost
  /** The incidents of a host or an agent, as the ledger has them, the newest first. */
  incidents(kind: 'agent' | 'host', id: string): Incident[]
  /** The alerts that told of this incident. */
  told(incident: Incident | undefined): { kind: string; text: string }[]
  /** As the ledger has it. */
  state(kind: 'agent' | 'host', id: string): string | undefined
  /** When beats of this agent reached the watch, by the machine's time in ms. */
  beatsSeenMs(agent: string): readonly number[]
  ask(operation: string, args?: Record<string, string>): Promise<Outcome>
  /** What `towerwatch doctor` says of all of it. */
  doctor(): Promise<string[]>
  /** Reads fleet.yaml again, which connects to every host anew. */
  redeclare(): Promise<void>
  close(): Promise<void>
}

export interface StagePlan {
  hosts: Record<string, HostPlan>
  /** The line about alerts in fleet.yaml, instead of the usual one. */
  alerts?: string
  /** How often each host is asked for its health. */
  healthEvery?: string
  /** More lines at the top of fleet.yaml. */
  yaml?: string
  /** Keys of every agent in fleet.yaml, instead of the usual ones. */
  agentYaml?: string
  /** When the agents live and before the watch is started. */
  before?: (host: (id: string) => HandsHost) => Promise<void>
}

const usual = 'period: 2s, grace: 4s, startGrace: 20s, policy: off'

export async function openHands(plan: StagePlan): Promise<HandsStage> {
  const place = await openPlace()
  try {
    return await raise(plan, place)
  } catch (error) {
    await place.clear()
    throw error
  }
}

async function raise(plan: StagePlan, place: Place): Promise<HandsStage> {
  const { folder } = place
  const knownHosts = join(folder, 'known_hosts')
  writeFileSync(knownHosts, '')
  const hosts: HandsHost[] = []
  for (const [id, host] of Object.entries(plan.hosts)) hosts.push(await openHost(id, host, hosts.length + 1, place, knownHosts))
  const file = join(folder, 'fleet.yaml')
  const agents = hosts.flatMap(({ yaml }) => yaml.agents).map((agent) => `${agent}, ${plan.agentYaml ?? usual} }`)
  writeFileSync(
    file,
    `version: 1
fleet: hands
state: ${join(folder, 'state')}
poll: 500ms
${plan.alerts ?? 'alerts: { groupWait: 200ms, groupInterval: 500ms, remind: off, flapping: off }'}
${plan.yaml ?? ''}
health: { every: ${plan.healthEvery ?? '60s'}, disk: off, inodes: off, memory: off, swap: off, load: off, clock: off, fullWithin: off }
hosts:
${hosts.map(({ yaml }) => yaml.host).join('\n')}
agents:
${agents.join('\n')}
`,
  )
  await Promise.all(hosts.flatMap((host) => host.agents.map((agent) => host.startAgent(agent))))
  const hostNamed = (id: string): HandsHost => {
    const found = hosts.find((host) => host.id === id)
    if (!found) throw new Error(`there is no host ${id} on this stage`)
    return found
  }
  await plan.before?.(hostNamed)

  mkdirSync(join(folder, 'state'), { mode: 0o700 })
  const ledger = openLedger(join(folder, 'state', 'ledger.sqlite'))
  const log = keptLog()
  const account = { name: 'towerwatch', password: 'right' }
  const hashes = { protocol: 'a'.repeat(64), operations: 'b'.repeat(64) }
  const tower = fakeTower({ clock: realClock, account, hashes })
  let ids = 0
  const watch = startWatch(loadConfig(file, {}), {
    ledger,
    clock: realClock,
    log,
    operations,
    host: hostOf,
    sink: () => ({ tell: async () => {} }),
    random: () => 0,
    newId: () => `hands-${process.pid}-${Date.now()}-${++ids}`,
    tower: (handlers) =>
      startTowerSession({
        transport: tower.transport,
        account,
        handlers,
        clock: realClock,
        random: Math.random,
        fleet: 'hands',
        version: '0',
        hashes,
        log,
      }),
  })
  const seenMs = new Map<string, number[]>()
  watch.record((line) => {
    if ('beat' in line) seenMs.set(line.agent, [...(seenMs.get(line.agent) ?? []), Date.now()])
  })
  const actor = { kind: 'shell' as const, id: '0', name: 'hands' }

  return {
    folder,
    tower,
    log,
    watch,
    ledger,
    host: hostNamed,
    incidents: (kind, id) => ledger.incidents({ subject: `${kind}:${id}`, limit: 50 }),
    told: (incident) =>
      tower.alerts.filter(({ incidents }) => incident && incidents.includes(incident.number)).map(({ kind, text }) => ({ kind, text })),
    state: (kind, id) => {
      const known = ledger.remembered()
      return (kind === 'agent' ? known.agents : known.hosts).get(id)?.status.state
    },
    beatsSeenMs: (agent) => seenMs.get(agent) ?? [],
    ask: (operation, args = {}) => watch.desk.request({ operation, arguments: args, actor, via: 'shell' }, () => {}),
    doctor: async () => {
      const lines: string[] = []
      const shell = {
        cwd: folder,
        env: {},
        out: (line: string) => void lines.push(line),
        err: (line: string) => void lines.push(line),
        signal: new AbortController().signal,
        onReload: () => {},
      }
      await doctor(shell, undefined, { config: file, for: '1s' })
      return lines
    },
    redeclare: () => watch.redeclare(loadConfig(file, {})),
    close: async () => {
      try {
        for (const host of hosts) host.thaw()
        await watch.stop()
        await Promise.all(hosts.map((host) => host.stop()))
      } finally {
        await place.clear()
      }
    },
  }
}
