/**
 * What the ledger and the Tower say, held against what the test itself did. Pure: facts in, faults in words out.
 *
 * The ledger is exact where each moment of it is right, but for `toleranceMs` around each change: up while the agent worked, or
 * had been silent for less than its period and grace; down while it did not; unknown where the watch didn't look, and only there.
 */
import type { AgentState } from '../../src/domain/agent.ts'
import type { Incident } from '../../src/domain/incident.ts'
import type { AlertRecord } from '../../src/ports/ledger.ts'

export interface Span {
  fromMs: number
  toMs: number
}

export interface Outage extends Span {
  lastBeatMs: number
  /** at-once: the watch sees that it is gone. by-silence: only that it says nothing. either: depends on what the watch knew before. */
  shows: 'at-once' | 'by-silence' | 'either'
}

export interface Truth {
  agent: string
  outages: readonly Outage[]
  /** When the watch really looked at it; in order, apart. */
  looked: readonly Span[]
  /** When it may say that it didn't: not only while it was away, but also since it last noted in the ledger that it looks. */
  mayBeUnknown: readonly Span[]
  /** period + grace */
  silentAfterMs: number
}

export const toleranceMs = 1_000

type Timeline = readonly { atMs: number; state: AgentState }[]

/** Each stretch of the ledger that is wrong for longer than `toleranceMs` + `slackMs(stretch)`. */
export function wrongStretches(
  truth: Truth,
  timeline: Timeline,
  window: Span,
  slackMs: (stretch: Span) => number = () => 0,
): (Span & { why: string })[] {
  const cuts = new Set([window.fromMs, window.toMs])
  const cut = (ms: number) => {
    if (ms > window.fromMs && ms < window.toMs) cuts.add(ms)
  }
  for (const { atMs } of timeline) cut(atMs)
  for (const { fromMs, toMs } of [...truth.looked, ...truth.mayBeUnknown])
    for (const ms of [fromMs, toMs, fromMs + truth.silentAfterMs]) cut(ms)
  for (const { fromMs, toMs, lastBeatMs } of truth.outages) for (const ms of [fromMs, toMs, lastBeatMs + truth.silentAfterMs]) cut(ms)
  const times = [...cuts].sort((a, b) => a - b)

  const wrong: (Span & { why: string })[] = []
  for (const [index, fromMs] of times.slice(0, -1).entries()) {
    const toMs = times[index + 1] ?? fromMs
    const why = faultAt(truth, stateAt(timeline, fromMs), fromMs)
    const last = wrong.at(-1)
    if (why === undefined) continue
    if (last && last.toMs === fromMs && last.why === why) last.toMs = toMs
    else wrong.push({ fromMs, toMs, why })
  }
  return wrong.filter((stretch) => stretch.toMs - stretch.fromMs > toleranceMs + slackMs(stretch))
}

function stateAt(timeline: Timeline, atMs: number): AgentState {
  return timeline.findLast((step) => step.atMs <= atMs)?.state ?? 'unknown'
}

/** What is wrong with this state from this moment until the next cut. */
function faultAt(truth: Truth, state: AgentState, atMs: number): string | undefined {
  const holds = (span: Span) => span.fromMs <= atMs && atMs < span.toMs
  const outage = truth.outages.find(holds)
  const looked = truth.looked.find(holds)
  switch (state) {
    case 'up':
    case 'late': {
      if (!looked) return `${state}, though nobody looked`
      const silentMs = Math.max(outage?.lastBeatMs ?? 0, looked.fromMs) + truth.silentAfterMs
      return outage && (outage.shows === 'at-once' || atMs >= silentMs) ? 'up, though it was dead' : undefined
    }
    case 'down': {
      if (!outage) return looked ? 'down, though it worked' : 'down, though nobody looked'
      const isTooEarly = outage.shows === 'by-silence' && atMs < outage.lastBeatMs + truth.silentAfterMs
      return isTooEarly ? 'down, though it was not silent for so long' : undefined
    }
    default:
      return truth.mayBeUnknown.some(holds) ? undefined : `${state}, though the watch looked`
  }
}

/** Incidents that nothing was the cause of, and certain outages that are none. */
export function wrongIncidents(
  truth: Truth,
  incidents: readonly Incident[],
  isCertain: (outage: Outage) => boolean,
  slackMs: (span: Span) => number = () => 0,
): string[] {
  const mine = incidents.filter(({ subject }) => subject.kind === 'agent' && subject.id === truth.agent)
  const faults: string[] = []
  const covers = (incident: Incident, outage: Outage) =>
    incident.openedMs < outage.toMs + toleranceMs + slackMs(outage) &&
    (incident.closedMs ?? Number.POSITIVE_INFINITY) > outage.fromMs &&
    incident.openedMs > outage.fromMs - toleranceMs
  for (const incident of mine) {
    const causes = truth.outages.filter((outage) => covers(incident, outage))
    if (causes.length === 0)
      faults.push(`#${incident.number} of ${truth.agent} is invented: opened ${incident.openedMs}, nothing had happened`)
  }
  for (const outage of truth.outages) {
    // One that was over and followed by another before anybody looked again is part of the one before it.
    const found = mine.filter(
      (incident) => incident.openedMs < outage.toMs + toleranceMs && (incident.closedMs ?? Number.POSITIVE_INFINITY) > outage.fromMs,
    )
    if (found.length === 0 && isCertain(outage)) faults.push(`${truth.agent}: the outage from ${outage.fromMs} to ${outage.toMs} is lost`)
  }
  return faults
}

/** Every incident told once as a problem and, where it is over, once as a recovery, in this order; nothing else told. */
export function wrongAlerts(
  incidents: readonly Incident[],
  said: readonly Pick<AlertRecord, 'id' | 'kind' | 'incidents' | 'text'>[],
): string[] {
  const faults: string[] = []
  const known = new Set(incidents.map(({ number }) => number))
  for (const alert of said) {
    for (const number of alert.incidents) if (!known.has(number)) faults.push(`"${alert.text}" tells of #${number}, which is in no ledger`)
  }
  const ids = said.map(({ id }) => id)
  if (new Set(ids).size !== ids.length) faults.push('an id was told twice')
  for (const { number, subject, closedMs } of incidents) {
    const about = said.filter((alert) => alert.incidents.includes(number)).map(({ kind }) => kind)
    const wanted = closedMs === undefined ? ['problem'] : ['problem', 'recovery']
    if (about.join() !== wanted.join())
      faults.push(`#${number} of ${subject.id} was told as: ${about.join(', ') || 'nothing'}; wanted: ${wanted.join(', ')}`)
  }
  return faults
}
