/** Uptime from transitions: durations, never samples; what nobody saw is neither up nor down. */
import type { AgentState } from './agent.ts'
import type { Mute, Subject } from './incident.ts'

/** Transitions of one agent or host, oldest first. Before the first one nothing is known. */
export type Timeline = readonly { atMs: number; state: AgentState; cause?: string }[]

/** The half-open time [fromMs, toMs). */
export interface Span {
  fromMs: number
  toMs: number
}

/** What else is known of a time; in any order, overlapping or not. */
export interface Grounds {
  /** In maintenance: counts as nothing else, whatever happened. */
  excluded?: readonly Span[]
  /** The watch didn't look, but the agent has proved that it lived: its `unknown` is up. What was unreachable stays unknown. */
  proved?: readonly Span[]
}

/** Four buckets which sum to the window exactly. */
export interface Tally {
  /** up, late, and proved. */
  upMs: number
  downMs: number
  /** unreachable, unknown, new, and before the first record. */
  unknownMs: number
  /** paused, and in maintenance. */
  excludedMs: number
}

/** A stretch of a window that belongs into one bucket. */
export interface Stretch extends Span {
  bucket: keyof Tally
  /** Why it was down. */
  cause?: string
}

const bucketOf: Record<AgentState, keyof Tally> = {
  up: 'upMs',
  late: 'upMs',
  down: 'downMs',
  unreachable: 'unknownMs',
  unknown: 'unknownMs',
  new: 'unknownMs',
  paused: 'excludedMs',
}

/** Time in each bucket over the half-open window [fromMs, toMs). */
export function tally(timeline: Timeline, fromMs: number, toMs: number, grounds: Grounds = {}): Tally {
  const sum: Tally = { upMs: 0, downMs: 0, unknownMs: 0, excludedMs: 0 }
  for (const stretch of stretches(timeline, fromMs, toMs, grounds)) sum[stretch.bucket] += stretch.toMs - stretch.fromMs
  return sum
}

/** The time down in the window, by cause, the longest first. */
export function downBy(timeline: Timeline, fromMs: number, toMs: number, grounds: Grounds = {}): { cause: string; ms: number }[] {
  const sums = new Map<string, number>()
  for (const stretch of stretches(timeline, fromMs, toMs, grounds)) {
    if (stretch.bucket !== 'downMs') continue
    const cause = stretch.cause ?? ''
    sums.set(cause, (sums.get(cause) ?? 0) + stretch.toMs - stretch.fromMs)
  }
  return [...sums].map(([cause, ms]) => ({ cause, ms })).sort((a, b) => b.ms - a.ms)
}

/** The window cut into stretches, in order, without gaps and without empty ones. */
export function* stretches(timeline: Timeline, fromMs: number, toMs: number, grounds: Grounds = {}): Generator<Stretch> {
  const isExcluded = spanCursor(grounds.excluded ?? [])
  const isProved = spanCursor(grounds.proved ?? [])
  let step: Timeline[number] | undefined
  let next = 0
  let atMs = fromMs
  while (atMs < toMs) {
    for (; (timeline[next]?.atMs ?? Number.POSITIVE_INFINITY) <= atMs; next++) step = timeline[next]
    const excluded = isExcluded(atMs)
    const proved = isProved(atMs)
    const untilMs = Math.min(toMs, timeline[next]?.atMs ?? toMs, excluded.untilMs, proved.untilMs)
    const state = step?.state ?? 'unknown'
    const stretch = { fromMs: atMs, toMs: untilMs }
    if (excluded.holds) yield { ...stretch, bucket: 'excludedMs' }
    // Only what the watch said of itself can be proved wrong; before the first record there was no agent to speak of.
    else if (proved.holds && step?.state === 'unknown') yield { ...stretch, bucket: 'upMs' }
    else yield { ...stretch, bucket: bucketOf[state], ...(state === 'down' && step?.cause !== undefined && { cause: step.cause }) }
    atMs = untilMs
  }
}

/** Asked for moments that rise: whether a span holds there, and until when that stays so. */
function spanCursor(spans: readonly Span[]): (atMs: number) => { holds: boolean; untilMs: number } {
  const merged = mergeSpans(spans)
  let index = 0
  return (atMs) => {
    while ((merged[index]?.toMs ?? Number.POSITIVE_INFINITY) <= atMs) index++
    const span = merged[index]
    if (!span) return { holds: false, untilMs: Number.POSITIVE_INFINITY }
    return span.fromMs <= atMs ? { holds: true, untilMs: span.toMs } : { holds: false, untilMs: span.fromMs }
  }
}

/** In order, apart from each other, none empty. */
function mergeSpans(spans: readonly Span[]): Span[] {
  const merged: Span[] = []
  for (const { fromMs, toMs } of spans.filter((span) => span.fromMs < span.toMs).sort((a, b) => a.fromMs - b.fromMs)) {
    const last = merged.at(-1)
    if (last && fromMs <= last.toMs) last.toMs = Math.max(last.toMs, toMs)
    else merged.push({ fromMs, toMs })
  }
  return merged
}

/** A host's own account: while it can't be reached it is down, whatever becomes of its agents. */
export function hostAccount(timeline: Timeline): Timeline {
  return timeline.map((step) => (step.state === 'unreachable' ? { ...step, state: 'down' } : step))
}

export function addTallies(tallies: Iterable<Tally>): Tally {
  const sum: Tally = { upMs: 0, downMs: 0, unknownMs: 0, excludedMs: 0 }
  for (const { upMs, downMs, unknownMs, excludedMs } of tallies) {
    sum.upMs += upMs
    sum.downMs += downMs
    sum.unknownMs += unknownMs
    sum.excludedMs += excludedMs
  }
  return sum
}

/** up / (up + down); undefined where nothing was seen. */
export function availability(sum: Tally): number | undefined {
  const seenMs = sum.upMs + sum.downMs
  return seenMs > 0 ? sum.upMs / seenMs : undefined
}

/** The share of the time that should have been seen and was. */
export function coverage(sum: Tally): number {
  const dueMs = sum.upMs + sum.downMs + sum.unknownMs
  return dueMs > 0 ? (sum.upMs + sum.downMs) / dueMs : 0
}

/**
 * What availability was at least, and at most: had all that nobody saw been down, or up. Undefined where nothing should have
 * been seen.
 */
export function bounds(sum: Tally): { least: number; most: number } | undefined {
  const dueMs = sum.upMs + sum.downMs + sum.unknownMs
  return dueMs > 0 ? { least: sum.upMs / dueMs, most: (sum.upMs + sum.unknownMs) / dueMs } : undefined
}

/** The times in which this subject was in maintenance; an agent is so with its host. */
export function maintenanceOf(mutes: readonly Mute[], subject: Subject, host?: string): Span[] {
  const isMeant = ({ kind, id }: Mute['subject']) =>
    kind === 'fleet' || (kind === subject.kind && id === subject.id) || (kind === 'host' && subject.kind === 'agent' && id === host)
  return mutes.filter((mute) => mute.kind === 'maintenance' && isMeant(mute.subject))
}
