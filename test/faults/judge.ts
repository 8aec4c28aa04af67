/** What a daemon left in its ledger and said in the Tower, held against what the test did. */
import { spawn } from 'node:child_process'
import { type Tally, tally } from '../../src/domain/uptime.ts'
import { until } from '../support/until.ts'
import type { FaultAgent } from './agents.ts'
import { type Daemon, type Stage, timing } from './stage.ts'
import { type Outage, type Span, type Truth, toleranceMs, wrongAlerts, wrongIncidents, wrongStretches } from './truth.ts'
import { wallMs } from './wall.ts'

/** One life of the daemon, as far as it looked. */
export interface Life {
  /** When it began to look at its host, and to hear posts; absent where it was killed before. */
  looksMs?: number
  hearsMs?: number
  killedMs: number
  /** Until when the watch looked, as the ledger has it; absent where it was never told. */
  markMs?: number
}

const silentAfterMs = timing.periodMs + timing.graceMs
/** The sweep, and what a decision takes into the ledger and the Tower. */
const sweepMs = 5_000

/** Resolves once the watch has seen every agent. */
export async function seen(stage: Stage): Promise<void> {
  await until(
    () => {
      const known = stage.ledger((ledger) => ledger.remembered().agents)
      return stage.agents.every(({ id }) => known.get(id)?.status.state === 'up')
    },
    { withinMs: 60_000, what: 'every agent to be seen' },
  )
}

export function lifeOf(daemon: Daemon, killedMs: number, markMs: number | undefined): Life {
  const at = (text: string) => daemon.log.find(({ msg }) => msg === text)?.time
  const looksMs = at('the host answers')
  const hearsMs = at('beats may be posted')
  return {
    killedMs,
    ...(markMs !== undefined && { markMs }),
    ...(looksMs !== undefined && { looksMs }),
    ...(hearsMs !== undefined && { hearsMs }),
  }
}

/** Resolves once nothing is open and everything is told. */
export async function settled(stage: Stage): Promise<void> {
  await until(
    () =>
      stage.ledger((ledger) => {
        const open = ledger.incidents({ limit: 100_000 }).filter((incident) => incident.closedMs === undefined || !incident.recoveryTold)
        return open.length === 0 && ledger.untold('tower', 1).length === 0
      }),
    { withinMs: 60_000, what: 'everything to be over and told' },
  )
}

export interface Verdict {
  outages: number
  incidents: number
  alerts: number
  /** Alerts that came again, and were not said again. */
  cameAgain: number
  /** By agent, over the window. */
  uptime: Record<string, Tally>
  /** Everything that was wrong, in words. */
  faults: string[]
}

/** Of what happened in `window`, from first to last sight. The daemons must have ended, the last one in order. */
export function judge(stage: Stage, lives: readonly Life[], window: Span, slowness: Slowness): Verdict {
  const integrity = stage.integrity()
  const faults = integrity === 'ok' ? [] : [`the ledger is damaged: ${integrity}`]
  const look = stage.ledger((ledger) => ({
    incidents: ledger.incidents({ limit: 1_000_000 }),
    untold: ledger.untold('tower', 100),
    agents: new Map(
      stage.agents.map(({ id }) => [id, { timeline: ledger.timeline({ kind: 'agent', id }, 0), proved: ledger.proofs(id, 0) }] as const),
    ),
  }))
  for (const { looksMs = Number.POSITIVE_INFINITY, killedMs, markMs = 0 } of lives) {
    const slackMs = toleranceMs + slowness.during({ fromMs: killedMs - sweepMs, toMs: killedMs })
    if (killedMs - looksMs > sweepMs + slackMs && killedMs - markMs > sweepMs + slackMs)
      faults.push(`a watch that was killed had last said that it looks ${killedMs - markMs} ms before`)
  }
  let outages = 0
  const uptime: Verdict['uptime'] = {}
  for (const agent of stage.agents) {
    const truth = truthOf(agent, lives, window)
    const { timeline = [], proved = [] } = look.agents.get(agent.id) ?? {}
    const say = (ms: number) => `${((ms - window.fromMs) / 1000).toFixed(2)} s`
    for (const { fromMs, toMs, why } of wrongStretches(truth, timeline, window, slowness.during))
      faults.push(`the ledger has ${agent.id} ${why}, from ${say(fromMs)} to ${say(toMs)}`)
    const isCertain = (outage: Outage) => {
      const ms = outage.shows === 'at-once' ? 2_000 : silentAfterMs + sweepMs + toleranceMs
      return truth.looked.some(
        (span) => Math.min(span.toMs, outage.toMs) - Math.max(span.fromMs, outage.fromMs) > ms + slowness.during(outage),
      )
    }
    faults.push(...wrongIncidents(truth, look.incidents, isCertain, slowness.during))
    for (const proof of proved) {
      const died = agent.outages.find(
        ({ how, fromMs, toMs = window.toMs }) => how === 'gone' && fromMs < proof.toMs - toleranceMs && toMs > proof.fromMs + toleranceMs,
      )
      if (died)
        faults.push(`${agent.id} is proved to have lived from ${say(proof.fromMs)} to ${say(proof.toMs)}, and died at ${say(died.fromMs)}`)
    }
    const sum = tally(timeline, window.fromMs, window.toMs, { proved })
    const total = sum.upMs + sum.downMs + sum.unknownMs + sum.excludedMs
    if (total !== window.toMs - window.fromMs) faults.push(`the buckets of ${agent.id} sum to ${total} ms, not to the window`)
    uptime[agent.id] = sum
    stage.story.note(`${agent.id}: ${agent.outages.length} outages, ${JSON.stringify(sum)}`)
    outages += agent.outages.length
  }
  faults.push(...wrongAlerts(look.incidents, stage.tower.alerts))
  if (look.untold.length > 0) faults.push(`${look.untold.length} alerts are still to be told`)
  return {
    outages,
    incidents: look.incidents.length,
    alerts: stage.tower.alerts.length,
    cameAgain: stage.tower.cameIds.length - stage.tower.alerts.length,
    uptime,
    faults,
  }
}

const beginning = (agent: FaultAgent, life: Life) => (agent.kind === 'push' ? life.hearsMs : life.looksMs)

/** What a life saw after its last mark in the ledger may be lost with it. */
function truthOf(agent: FaultAgent, lives: readonly Life[], window: Span): Truth {
  const looked: Span[] = []
  const mayBeUnknown: Span[] = []
  let sinceMs = window.fromMs
  for (const life of lives) {
    const lookedMs = beginning(agent, life)
    if (lookedMs === undefined) continue
    looked.push({ fromMs: lookedMs, toMs: life.killedMs })
    if (life.markMs === undefined || life.markMs <= lookedMs) continue
    mayBeUnknown.push({ fromMs: sinceMs, toMs: lookedMs })
    sinceMs = life.markMs
  }
  const shows = (how: 'gone' | 'frozen'): Outage['shows'] => {
    if (how === 'frozen' || agent.kind === 'push') return 'by-silence'
    return agent.kind === 'hearsay' ? 'either' : 'at-once'
  }
  return {
    agent: agent.id,
    silentAfterMs,
    looked,
    mayBeUnknown,
    outages: agent.outages.map(({ fromMs, toMs = window.toMs, lastBeatMs, how }) => ({ fromMs, toMs, lastBeatMs, shows: shows(how) })),
  }
}

export interface Slowness {
  /** By how much the machine itself held things up around this time. */
  during(span: Span): number
  stop(): void
}

/**
 * How long this machine takes for the like of what a look at a host takes. On one that is busy with something else, a look
 * that takes a second more is the machine's, and not the watch's.
 */
export function startSlowness(): Slowness {
  const probes: { atMs: number; tookMs: number }[] = []
  let isOver = false
  const probe = () => {
    if (isOver) return
    const atMs = wallMs()
    spawn('/bin/sh', ['-c', 'stat / >/dev/null; date >/dev/null'], { stdio: 'ignore' }).once('close', () => {
      probes.push({ atMs, tookMs: wallMs() - atMs })
      setTimeout(probe, 700)
    })
  }
  probe()
  return {
    during: ({ fromMs, toMs }) => {
      const near = probes.filter(({ atMs, tookMs }) => atMs + tookMs > fromMs - 1_500 && atMs < toMs + 1_500)
      return 3 * Math.max(0, ...near.map(({ tookMs }) => tookMs))
    },
    stop: () => {
      isOver = true
    },
  }
}
