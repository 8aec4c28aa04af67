/** The composition root: one running watch, put together from its ports. End-to-end tests and cli.ts both call this. */
import type { Config, SinkConfig } from './config/config.ts'
import { type Desk, openDesk } from './desk/desk.ts'
import type { Subject } from './domain/incident.ts'
import type { LedgerState, TowerState } from './domain/own-beat.ts'
import type { TraceLine } from './domain/trace.ts'
import { type Engine, openEngine } from './engine.ts'
import type { Operation } from './operations/operation.ts'
import { openViewers } from './operations/viewers.ts'
import type { BeatSource } from './ports/beat-source.ts'
import type { WatchClock } from './ports/clock.ts'
import { type Host, HostError } from './ports/host.ts'
import type { AlertRecord, Ledger } from './ports/ledger.ts'
import type { Log } from './ports/log.ts'
import type { Sink } from './ports/sink.ts'
import type { Tower, TowerHandlers } from './ports/tower.ts'
import { startActivity } from './watches/activity.ts'
import { startAuditHead } from './watches/audit-head.ts'
import { startBudgetWatch } from './watches/budget.ts'
import { startGoodConfigs } from './watches/good-configs.ts'
import { startHealthWatch } from './watches/health.ts'
import { heedful } from './watches/heedful.ts'
import { openHeldSettings } from './watches/held-settings.ts'
import { historyParts } from './watches/history.ts'
import { type HostWatch, startHostWatch } from './watches/host-watch.ts'
import { daysBefore } from './watches/local-days.ts'
import { fleetView } from './watches/mirror.ts'
import { nextBeat } from './watches/next-beat.ts'
import { startPostedBeats } from './watches/posted-beats.ts'
import { startReadiness } from './watches/readiness.ts'
import { startRecorder } from './watches/recorder.ts'
import { startRemedies } from './watches/remedies.ts'
import { openRemedyNews } from './watches/remedy-news.ts'
import { startSinks } from './watches/sinks.ts'
import { startSweep } from './watches/sweep.ts'
import { towerHandlers } from './watches/tower-requests.ts'
import { startUnheard } from './watches/unheard.ts'
import { startUpkeep } from './watches/upkeep.ts'

export interface WatchPorts {
  ledger: Ledger
  clock: WatchClock
  log: Log
  operations: readonly Operation[]
  /** A host of fleet.yaml, not connected yet. */
  host: (id: string, config: Config) => Host
  /** Connects to the Tower; left out where there is none. */
  tower?: (handlers: TowerHandlers) => Tower
  /** Where agents may post their beats; left out where nobody does. */
  beats?: BeatSource
  /** A sink of fleet.yaml. */
  sink: (config: SinkConfig) => Sink
  /** In [0, 1). */
  random: () => number
  /** A fresh id, unique for ever. */
  newId: () => string
}

export interface Watch {
  desk: Desk
  tower(): ReturnType<Tower['link']> | undefined
  /** How it does itself: for its own beat. */
  own(): { ledger: LedgerState; tower: TowerState; sinceSweepMs: number }
  /** Has an alert told that is not about the fleet; resolves when it is durable that it will be. */
  announce(alert: AlertRecord): Promise<void>
  /** Tells what it sees, as lines of a trace, until it is stopped: first how everything stands. */
  record(tell: (line: TraceLine) => void): { stop(): void }
  /** Takes over another declaration of the fleet. A changed Tower needs a restart, and is said so in the log. */
  redeclare(config: Config): Promise<void>
  /** Resolves once the Tower is connected and every agent was seen, or its host found unreachable. */
  ready: Promise<void>
  stop(): Promise<void>
}

/** Throws LedgerError where the ledger can't be read. */
export function startWatch(initial: Config, ports: WatchPorts): Watch {
  const { ledger, clock, log, random } = ports
  let config = initial
  const engine = openEngine(config, { ledger, clock, log, newId: ports.newId, isGivenUp: (agent) => news.givenUp().has(agent) })
  const { roster, mutes } = engine
  let hosts = new Map<string, HostWatch>()
  const stopping = new AbortController()
  const health = startHealthWatch(() => config, { ...engine, ledger, clock, log })
  /** One change of the declaration after the other: two at once would leave the hosts of the first one watched for ever. */
  let redeclared = Promise.resolve()

  const tell = (text: string) => {
    void engine.notifier.tell({ id: ports.newId(), kind: 'notice', subjects: [], incidents: [], at: clock.now(), text })
  }
  const desk = openDesk(
    ports.operations,
    {
      config: () => config,
      watchId: watchIdOf(engine.journal, ledger, ports.newId),
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
      hands: (host) => hosts.get(host)?.link(),
      health: (host) => {
        const seen = hosts.get(host)?.health()
        return seen && { ...seen, ...health.of(host) }
      },
      probe: (host) => hosts.get(host)?.probe() ?? Promise.reject(new HostError('closed', `nobody watches host ${host}`)),
      fault: (agent) => hosts.get(config.agents.get(agent)?.host ?? '')?.fault(agent),
      nextBeat: (agent, fits, signal) => nextBeat(roster, agent, fits, signal),
      daysBefore: (nowMs, count) => daysBefore(nowMs, count, { timeZone: config.timeZone, aheadMs: clock.wall() - clock.now() }),
      tower: () => tower?.link(),
      stopping: stopping.signal,
      viewers: openViewers(),
      random,
      notice: (agent, text) => {
        log.warn({ agent }, text)
        engine.notifier.notice({ subjects: [{ kind: 'agent', id: agent }], text })
      },
      tell,
    },
    log,
  )

  function startHosts(): Map<string, HostWatch> {
    const started = new Map<string, HostWatch>()
    for (const host of config.hosts.values()) {
      const agents = [...config.agents.values()].filter((agent) => agent.host === host.id)
      // First connects are spread out: fifty key exchanges at once would make the first answers late.
      const firstDelayMs = host.kind === 'local' ? 0 : random() * 50 * config.hosts.size
      const watch = startHostWatch(
        { host, agents, pollMs: config.pollMs, firstDelayMs, healthEveryMs: config.healthEveryMs },
        {
          host: ports.host(host.id, config),
          ...seen,
          log,
          random,
          isActedOn: desk.isActedOn,
          onHealth: (found) => health.observe(host.id, found),
        },
      )
      started.set(host.id, watch)
    }
    return started
  }

  const activity = startActivity(() => config, { roster, ledger, log })
  const inMaintenance = (agent: string) => mutes.inMaintenance({ kind: 'agent', id: agent }, clock.now())
  const news = openRemedyNews(() => config.remedies, { ...engine, ledger, clock, log })
  const goodConfigs = startGoodConfigs(() => config, { roster, desk, hands: (host) => hosts.get(host)?.link(), clock, log })
  const held = openHeldSettings(() => config, { hands: (host) => hosts.get(host)?.link(), ledger, clock, log })
  const remedies = startRemedies(() => config, { roster, desk, news, held, ledger, clock, log, random, inMaintenance })
  const sweep = startSweep({ engine, ledger, clock, log })
  /** For whoever brings what was seen. */
  const seen = heedful({ roster, clock }, sweep.heed)
  const auditHead = startAuditHead({ ledger, clock, log, tell })
  const unheard = startUnheard(() => config, { ...engine, ledger, clock, log, inMaintenance })
  const upkeep = startUpkeep(config, { ledger, clock, log })
  const budgets = startBudgetWatch(() => config, { ...engine, ledger, clock, log })
  hosts = startHosts()
  const tower = ports.tower?.(
    towerHandlers({
      outbox: engine.outbox,
      desk,
      operations: ports.operations,
      fleet: (only) => fleetView(config, engine, clock.now(), clock.wall(), only),
      history: () => historyParts(config, { roster, ledger, clock }),
    }),
  )
  const offTower = roster.on((event) => {
    if (event.kind === 'changed') tower?.changed(event)
    // That somebody looks after it, or that it flaps, is shown as well.
    if (event.kind === 'incident' && event.change === 'amended') tower?.changed(shown(event.incident.subject))
  })
  const offAlerts = engine.notifier.on(() => tower?.alertsWaiting())
  const offMutes = mutes.on(() => tower?.changed({ agents: config.agents.keys(), hosts: [] }))
  const beats = ports.beats && startPostedBeats(config, { source: ports.beats, ...seen, ledger, log })
  const sinks = startSinks(config, { ...engine, sink: ports.sink, ledger, clock, log, random })
  const readiness = startReadiness({ roster, clock, config: () => config, tower: () => tower?.link() })

  return {
    desk,
    tower: () => tower?.link(),
    own: () => ({
      ledger: engine.journal.isBroken() ? 'broken' : 'writable',
      tower: tower?.link().state.kind === 'connected' ? 'connected' : 'not-connected',
      sinceSweepMs: clock.now() - sweep.lastMs(),
    }),
    announce: engine.notifier.tell,
    record: (tell) => startRecorder(() => ({ agents: config.agents.keys(), hosts: config.hosts.keys() }), { roster, clock }, tell),
    ready: readiness.ready,
    redeclare: (next) => {
      const done = redeclared.then(() => redeclare(next))
      redeclared = done.catch(() => {})
      return done
    },
    stop: async () => {
      stopping.abort()
      readiness.stop()
      remedies.stop()
      await goodConfigs.stop()
      offTower()
      offAlerts()
      offMutes()
      await redeclared
      await beats?.stop()
      await sinks.stop()
      await tower?.stop()
      await Promise.all([...hosts.values()].map((host) => host.stop()))
      await upkeep.stop()
      await auditHead.stop()
      await activity.stop()
      budgets.stop()
      unheard.stop()
      await engine.stop()
      // The last thing that the ledger is told is until when the watch looked.
      await sweep.stop()
      await ledger.close()
    },
  }

  async function redeclare(next: Config): Promise<void> {
    if (stopping.signal.aborted) return
    if (JSON.stringify(next.tower) !== JSON.stringify(config.tower))
      log.warn({}, 'the Tower in fleet.yaml changed: restart the watch to move there')
    if (JSON.stringify(next.push) !== JSON.stringify(config.push))
      log.warn({}, 'push.listen in fleet.yaml changed: restart the watch to listen there')
    await Promise.all([...hosts.values()].map((host) => host.stop()))
    config = next
    engine.declare(next)
    beats?.redeclare(next)
    await sinks.declare(next)
    hosts = startHosts()
    tower?.redeclare()
  }
}

/** By which hosts know the orders of this ledger from those of another one. Resolves when it is durable. */
function watchIdOf(journal: Engine['journal'], ledger: Ledger, newId: () => string): string | Promise<string> {
  const known = ledger.note('watch-id')
  if (known !== undefined) return known
  const id = newId()
  return journal.write([{ kind: 'note', name: 'watch-id', value: id }]).then(() => id)
}

function shown({ kind, id }: Subject): { agents: string[]; hosts: string[] } {
  return kind === 'agent' ? { agents: [id], hosts: [] } : { agents: [], hosts: [id] }
}
