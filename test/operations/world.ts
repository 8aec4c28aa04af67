/** A desk with everything behind it, in memory: what an operation is tried on. */
import type { AgentConfig, Config } from '../../src/config/config.ts'
import { type Desk, openDesk } from '../../src/desk/desk.ts'
import type { Actor } from '../../src/domain/operation.ts'
import type { Operation, Outcome } from '../../src/operations/operation.ts'
import { operations } from '../../src/operations/registry.ts'
import { openViewers } from '../../src/operations/viewers.ts'
import type { HostHealth, HostLink } from '../../src/ports/host.ts'
import type { TowerLink } from '../../src/ports/tower.ts'
import { startHealthWatch } from '../../src/watches/health.ts'
import { type HostWatch, startHostWatch } from '../../src/watches/host-watch.ts'
import { openJournal } from '../../src/watches/journal.ts'
import { daysBefore } from '../../src/watches/local-days.ts'
import { type Mutes, type Occurrence, startMutes } from '../../src/watches/mutes.ts'
import { nextBeat } from '../../src/watches/next-beat.ts'
import { openRoster, type Roster } from '../../src/watches/roster.ts'
import { type BrittleLedger, brittleLedger } from '../fakes/brittle-ledger.ts'
import { type FakeHost, fakeHost } from '../fakes/host.ts'
import { type VirtualClock, virtualClock } from '../fakes/virtual-clock.ts'
import { fleetConfig } from '../support/fleet.ts'
import { type KeptLog, keptLog } from '../support/log.ts'

export interface World {
  clock: VirtualClock
  ledger: BrittleLedger
  roster: Roster
  mutes: Mutes
  log: KeptLog
  config: Config
  desk: Desk
  hosts: Map<string, FakeHost>
  /** What everybody was told. */
  told: string[]
  tower: { state: TowerLink; sinceMs: number } | undefined
  host(id: string): FakeHost
  hands(host: string): HostLink | undefined
  /** Asks as a person of this machine would; resolves with the outcome and the lines of progress. */
  ask(operation: string, args?: Record<string, unknown>, actor?: Actor): Promise<Outcome & { progress: string[] }>
  stop(): Promise<void>
  readonly stopping: AbortController
}

export const ada: Actor = { kind: 'shell', id: '1000', name: 'ada' }
export const theWatch: Actor = { kind: 'watch', id: 'watch', name: 'the watch' }

/** Hosts are watched from the first `clock.advance` on. */
export function openWorld(
  agents: AgentConfig[],
  more: { operations?: readonly Operation[]; config?: Partial<Config>; occurrences?: readonly Occurrence[]; random?: () => number } = {},
): World {
  const clock = virtualClock()
  const ledger = brittleLedger()
  const log = keptLog()
  const config = fleetConfig(agents, more.config)
  const told: string[] = []
  const stopping = new AbortController()
  const journal = openJournal(ledger, log)
  const roster = openRoster(config, { ledger, journal, clock, log })
  const mutes = startMutes(() => config, { ledger, journal, clock, occurrences: () => more.occurrences ?? [] })
  const notifier = { notice: ({ text }: { text: string }) => void told.push(text) }
  const health = startHealthWatch(() => config, { mutes, notifier, journal, ledger, clock, log })
  const hosts = new Map([...config.hosts.keys()].map((id) => [id, fakeHost(id, clock)]))
  const watches = new Map<string, HostWatch>()
  const desk = openDesk(
    more.operations ?? operations,
    {
      config: () => config,
      watchId: 'test-watch',
      clock,
      ledger,
      agent: roster.agent,
      host: roster.host,
      lastIncident: roster.lastIncident,
      incident: roster.incident,
      incidents: roster.incidents,
      amend: roster.amend,
      observe: roster.observe,
      mutes,
      hands: (host) => world.hands(host),
      health: (host) => {
        const seen = watches.get(host)?.health()
        return seen && { ...seen, ...health.of(host) }
      },
      probe: (host) => watches.get(host)?.probe() ?? Promise.reject(new Error(`no host ${host}`)),
      fault: (agent) => watches.get(config.agents.get(agent)?.host ?? '')?.fault(agent),
      nextBeat: (agent, fits, signal) => nextBeat(roster, agent, fits, signal),
      daysBefore: (nowMs, count) => daysBefore(nowMs, count, { timeZone: config.timeZone, aheadMs: 0 }),
      tower: () => world.tower,
      stopping: stopping.signal,
      viewers: openViewers(),
      random: () => more.random?.() ?? 0.5,
      notice: (_, text) => void told.push(text),
      tell: (text) => void told.push(text),
    },
    log,
  )
  for (const host of config.hosts.values()) {
    const fake = hosts.get(host.id)
    if (!fake) continue
    const mine = agents.filter((agent) => agent.host === host.id)
    const onHealth = (found: HostHealth) => health.observe(host.id, found)
    const ports = { host: fake, roster, clock, log, random: () => 0, isActedOn: desk.isActedOn, onHealth }
    watches.set(host.id, startHostWatch({ host, agents: mine, pollMs: config.pollMs, firstDelayMs: 0 }, ports))
  }
  const world: World = {
    clock,
    ledger,
    roster,
    mutes,
    log,
    config,
    desk,
    hosts,
    told,
    tower: undefined,
    stopping,
    host: (id) => {
      const found = hosts.get(id)
      if (!found) throw new Error(`no host ${id}`)
      return found
    },
    hands: (host) => watches.get(host)?.link(),
    ask: async (operation, args = {}, actor = ada) => {
      const progress: string[] = []
      const via = actor.kind === 'watch' ? 'watch' : 'shell'
      const outcome = await desk.request({ operation, arguments: args, actor, via }, (line) => void progress.push(line))
      return { ...outcome, progress }
    },
    stop: async () => {
      stopping.abort()
      mutes.stop()
      await Promise.all([...watches.values()].map((watch) => watch.stop()))
    },
  }
  return world
}
