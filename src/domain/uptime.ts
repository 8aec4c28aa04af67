/** Uptime from transitions: durations, never samples; what nobody saw is neither up nor down. */
import type { AgentState } from './agent.ts'

/** Transitions of one agent, oldest first. Before the first one nothing is known. */
export type Timeline = readonly { atMs: number; state: AgentState }[]

/** Four buckets which sum to the window exactly. */
export interface Tally {
  /** up and late. */
  upMs: number
  downMs: number
  /** unreachable, unknown, new, and before the first record. */
  unknownMs: number
  /** paused. */
  excludedMs: number
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
export function tally(timeline: Timeline, fromMs: number, toMs: number): Tally {
  const sum: Tally = { upMs: 0, downMs: 0, unknownMs: 0, excludedMs: 0 }
  if (toMs <= fromMs) return sum
  let state: AgentState = 'unknown'
  let cursorMs = fromMs
  for (const step of timeline) {
    if (step.atMs >= toMs) break
    if (step.atMs > cursorMs) {
      sum[bucketOf[state]] += step.atMs - cursorMs
      cursorMs = step.atMs
    }
    state = step.state
  }
  sum[bucketOf[state]] += toMs - cursorMs
  return sum
}

export function addTallies(tallies: Iterable<Tally>): Tally {
  const sum: Tally = { upMs: 0, downMs: 0, unknownMs: 0, excludedMs: 0 }
  for (const one of tallies) for (const key of Object.keys(sum) as (keyof Tally)[]) sum[key] += one[key]
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
