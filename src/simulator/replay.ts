/**
 * A recorded life, through the engine that the daemon runs, observing only: which changes of state would have been seen,
 * and what would have been told.
 */
import { openLedger } from '../adapters/ledger/sqlite.ts'
import { type AgentConfig, type Config, Secret } from '../config/config.ts'
import type { Beat } from '../domain/agent.ts'
import { type Incident, type Subject, subjectKey } from '../domain/incident.ts'
import type { TraceBeat, TraceLine } from '../domain/trace.ts'
import { type Tally, type Timeline, tally } from '../domain/uptime.ts'
import { openAccounts } from '../operations/accounts.ts'
import type { AlertRecord, LedgerFact, Transition } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import { openStage, type Stage } from './stage.ts'
import { type Trace, traceMs } from './trace.ts'

/** Times are milliseconds since the beginning of the trace. */
type ReplayEvent =
  | { kind: 'transition'; subject: Subject; transition: Transition }
  /** `incidents`: as they were when it was made. */
  | { kind: 'alert'; alert: AlertRecord; incidents: Incident[] }

export interface Replay {
  /** In the order in which the watch noticed and told. */
  events: ReplayEvent[]
  /** Of each agent, over the whole trace. */
  uptime: Map<string, Tally>
}

/**
 * A death that one look has shown stands for so long until it is believed, if its host is not found lost before; so the
 * engine is asked again right then.
 */
const confirmMs = 5_000

/** `startMs`: which moment the trace's 0 is, for windows of maintenance and the like. */
export async function replay(declared: Config, trace: Trace, ports: { startMs: number; log: Log; signal?: AbortSignal }): Promise<Replay> {
  const { startMs } = ports
  const config = asHeard(declared)
  const ledger = openLedger(':memory:')
  const events: ReplayEvent[] = []
  const incidents = new Map<number, Incident>()
  const stage = openStage({
    config,
    ledger,
    startMs,
    log: ports.log,
    onFact: (fact) => note(fact, startMs, events, incidents),
    beforeSweep: () => world.answer(),
    onBlind: () => world.answer(),
    onAlert: () => {},
  })
  const world = openWorld(config, stage)
  stage.clock.at(startMs, world.start)
  if (trace.lines.some((line) => 'watch' in line && line.watch === 'kill')) stage.watchClosely(Number.POSITIVE_INFINITY)
  for (const line of trace.lines) {
    stage.clock.at(startMs + traceMs(line), () => {
      if (!('watch' in line && line.watch === 'kill')) world.judge()
      world.live(line)
    })
  }
  await stage.run(startMs + trace.endMs, ports.signal)
  // A last look: what came between the last sweep and the end counts from when it happened, too.
  world.answer()
  stage.engine()?.sweep()
  const isLooking = stage.engine() !== undefined
  const lookedMs = ledger.looking()?.atMs ?? startMs
  const accounts = openAccounts(ledger, startMs)
  const uptime = new Map<string, Tally>()
  for (const agent of config.agents.values()) {
    const account = accounts.agent(agent)
    const timeline = isLooking ? account.timeline : unseenSince(lookedMs, account.timeline)
    uptime.set(agent.id, tally(timeline, startMs, startMs + trace.endMs, account.grounds))
  }
  stage.kill()
  await ledger.close()
  return { events, uptime }
}

/** A watch that was stopped and never started again knows nothing of what came after. */
function unseenSince(lookedMs: number, timeline: Timeline): Timeline {
  const last = timeline.at(-1)
  if (!last || last.state === 'paused') return timeline
  return [...timeline, { atMs: Math.max(lookedMs, last.atMs), state: 'unknown' }]
}

/**
 * The beats of a trace come by themselves, whatever brought them to the watch that recorded it: nobody looks at a file here.
 */
function asHeard(config: Config): Config {
  const posted = { kind: 'push' as const, token: new Secret('nobody posts to a replay') }
  const agents = [...config.agents].map(([id, agent]): [string, AgentConfig] => [id, { ...agent, heartbeat: posted }])
  return { ...config, agents: new Map(agents) }
}

function note(fact: LedgerFact, startMs: number, events: ReplayEvent[], incidents: Map<number, Incident>): void {
  if (fact.kind === 'incident') incidents.set(fact.incident.number, fact.incident)
  else if (fact.kind === 'transition') {
    const { atMs, noticedMs, lastBeatMs } = fact.transition
    const moved = {
      atMs: atMs - startMs,
      noticedMs: noticedMs - startMs,
      ...(lastBeatMs !== undefined && { lastBeatMs: lastBeatMs - startMs }),
    }
    events.push({ kind: 'transition', subject: fact.subject, transition: { ...fact.transition, ...moved } })
  } else if (fact.kind === 'alert') {
    const alert = { ...fact.alert, at: fact.alert.at - startMs }
    events.push({ kind: 'alert', alert, incidents: alert.incidents.flatMap((number) => incidents.get(number) ?? []) })
  }
}

/** What the watch sees of a trace. A host that was lost before the watch stopped, or meanwhile, is lost when it looks again. */
function openWorld(config: Config, stage: Stage): { start(): void; judge(): void; live(line: TraceLine): void; answer(): void } {
  const lost = new Map<string, string>()
  const roster = () => stage.engine()?.roster

  function start(): void {
    stage.open()
    const nowMs = stage.clock.now()
    for (const id of config.hosts.keys()) {
      const cause = lost.get(id)
      roster()?.observeHost(id, cause === undefined ? { kind: 'answered' } : { kind: 'lost', sinceMs: nowMs, cause })
    }
  }

  /** Every host that can be seen says that it is there. */
  function answer(): void {
    for (const id of config.hosts.keys()) if (!lost.has(id)) roster()?.observeHost(id, { kind: 'answered' })
  }

  /**
   * What time alone has changed before this moment comes before what happens now: a trace knows to the millisecond when beats
   * came, so what comes of it must not hang on when the sweeps fall.
   */
  function judge(): void {
    const engine = stage.engine()
    if (!engine || engine.dueMs() >= stage.clock.now()) return
    answer()
    engine.sweep()
  }

  function suspect(agent: string, cause: 'process-gone' | 'pane-dead'): void {
    roster()?.observe(agent, { kind: 'suspected', cause })
    stage.clock.after(confirmMs, () => {
      answer()
      stage.engine()?.sweep()
    })
  }

  /** The second line in a row says so for sure: the host has been asked again, and answered. */
  function goes(agent: string, cause: 'process-gone' | 'pane-dead'): void {
    const isSure = roster()?.agent(agent)?.facts.suspected !== undefined && !lost.has(config.agents.get(agent)?.host ?? '')
    if (isSure) roster()?.observe(agent, { kind: 'sighted', gone: cause })
    else suspect(agent, cause)
  }

  function live(line: TraceLine): void {
    const nowMs = stage.clock.now()
    if ('beat' in line) {
      roster()?.observe(line.agent, { kind: 'beat', beat: beatOf(line.beat, nowMs) })
    } else if ('process' in line) {
      if (line.process === 'alive') roster()?.observe(line.agent, { kind: 'sighted' })
      else goes(line.agent, line.process === 'gone' ? 'process-gone' : line.process)
    } else if ('paused' in line) {
      const by = 'person'
      roster()?.observe(line.agent, line.paused === null ? { kind: 'resumed', by } : { kind: 'paused', by, reason: line.paused })
    } else if ('condition' in line) roster()?.observe(line.agent, { kind: 'sighted', condition: line.condition })
    else if ('reachable' in line) {
      if (line.reachable) {
        lost.delete(line.host)
        roster()?.observeHost(line.host, { kind: 'answered' })
      } else {
        const cause = line.cause ?? 'unreachable'
        lost.set(line.host, cause)
        roster()?.observeHost(line.host, { kind: 'lost', sinceMs: nowMs, cause })
      }
    } else if ('watch' in line) {
      if (line.watch === 'start') start()
      else if (line.watch === 'kill') stage.kill()
      else void stage.stop()
    } else if ('clock' in line) stage.stepWall(Math.round(line.clock * 1000))
  }

  return { start, judge, live, answer }
}

function beatOf(beat: TraceBeat, nowMs: number): Beat {
  const { ageS, intervalS, epoch, ...rest } = beat
  const defined = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
  return {
    ...defined,
    atMs: nowMs - Math.round((ageS ?? 0) * 1000),
    epoch: String(epoch ?? ''),
    ...(intervalS !== undefined && { intervalMs: Math.round(intervalS * 1000) }),
  }
}

/** The lines of `--json`: a contract with other programs. */
export function replayLines({ events, uptime }: Replay): string[] {
  const lines: object[] = []
  for (const event of events) {
    if (event.kind === 'transition') {
      const { from, to, atMs, noticedMs, cause } = event.transition
      lines.push({
        subject: subjectKey(event.subject),
        from,
        to,
        at: atMs / 1000,
        noticedAt: noticedMs / 1000,
        ...(cause !== undefined && { cause }),
      })
    } else lines.push(...alertLines(event.alert, event.incidents))
  }
  const shares = [...uptime].map(([id, { upMs, downMs, unknownMs, excludedMs }]) => [
    id,
    { upS: upMs / 1000, downS: downMs / 1000, unknownS: unknownMs / 1000, excludedS: excludedMs / 1000 },
  ])
  lines.push({ uptime: Object.fromEntries(shares) })
  return lines.map((line) => JSON.stringify(line))
}

/** One line per alert; per length, where it tells of the end of problems that lasted differently. */
function alertLines(alert: AlertRecord, incidents: readonly Incident[]): object[] {
  const { kind } = alert
  if (kind !== 'problem' && kind !== 'recovery' && kind !== 'reminder') return []
  const at = alert.at / 1000
  if (kind !== 'recovery' || incidents.length === 0)
    return [
      {
        alert: kind,
        subjects: alert.subjects.map(subjectKey),
        at,
        ...(alert.durationMs !== undefined && { durationS: alert.durationMs / 1000 }),
      },
    ]
  const byLength = new Map<number, string[]>()
  for (const { subject, openedMs, closedMs } of incidents) {
    const lastedMs = Math.max(0, (closedMs ?? openedMs) - openedMs)
    byLength.set(lastedMs, [...(byLength.get(lastedMs) ?? []), subjectKey(subject)])
  }
  return [...byLength].map(([lastedMs, subjects]) => ({ alert: kind, subjects, at, durationS: lastedMs / 1000 }))
}
