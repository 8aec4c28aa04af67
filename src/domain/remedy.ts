/**
 * When the watch restarts an agent by itself, as a function of what it has tried so far: policy, back-off, crash loop, budget.
 * All times are the watch's own, in ms.
 */
import type { Timeline } from './uptime.ts'

/** auto: the watch restarts it. ask: it asks a person to. off: it never does, and does not ask. */
export type Policy = 'auto' | 'ask' | 'off'

/** How much the watch does by itself. Absent: without a limit. */
export interface RemedyLimits {
  /** So many automatic restarts in the whole fleet, and of one agent, within `perMs`. */
  budget?: number
  agentBudget?: number
  perMs: number
  /** So many restarts at the same time, of people, too. */
  atOnce: number
  /** Who dies again after so many restarts within so long is given up, but for one try each `retryMs`. */
  crashLoop?: { starts: number; withinMs: number; retryMs: number }
}

/** One automatic restart that was begun, however it ended. */
export interface Start {
  agent: string
  atMs: number
}

/** What is known about an agent that is dead at this moment. */
export interface RemedyFacts {
  agent: string
  /** In the whole fleet, in any order: those of the last `perMs` at least, and those of this agent since it was last stable. */
  starts: readonly Start[]
  /** When it was last known to be stable. */
  stableMs?: number | undefined
  /** It was given up then. */
  givenUpMs?: number | undefined
  /** The back-off that was drawn for it ends then. */
  earliestMs: number
}

/**
 * wait: the back-off is not over. given-up: a crash loop, but for one try at `untilMs`. held: the budget of the agent or of
 * the fleet is used up until then.
 */
export type Remedy =
  | { kind: 'attempt' }
  | { kind: 'wait'; untilMs: number }
  | { kind: 'given-up'; sinceMs: number; untilMs: number }
  | { kind: 'held'; by: 'agent' | 'fleet'; untilMs: number }

export const backoff = { leastMs: 1_000, baseMs: 5_000, capMs: 300_000, stableMs: 600_000 } as const

/** What is to be done at `nowMs` about an agent that is dead and may be restarted. */
export function decideRemedy(facts: RemedyFacts, limits: RemedyLimits, nowMs: number): Remedy {
  const mine = startsSince(facts.starts, facts.agent, facts.stableMs)
  const sinceMs = givenUpSince(facts, mine, limits, nowMs)
  if (sinceMs !== undefined) {
    const untilMs = (mine.at(-1) ?? sinceMs) + (limits.crashLoop?.retryMs ?? 0)
    if (nowMs < untilMs) return { kind: 'given-up', sinceMs, untilMs }
  } else if (nowMs < facts.earliestMs) {
    return { kind: 'wait', untilMs: facts.earliestMs }
  }
  const ofAgent = facts.starts.filter(({ agent }) => agent === facts.agent)
  const agentMs = freeMs(ofAgent, limits.agentBudget, limits.perMs, nowMs)
  if (nowMs < agentMs) return { kind: 'held', by: 'agent', untilMs: agentMs }
  const fleetMs = freeMs(facts.starts, limits.budget, limits.perMs, nowMs)
  return nowMs < fleetMs ? { kind: 'held', by: 'fleet', untilMs: fleetMs } : { kind: 'attempt' }
}

/** Since when it is given up; for good measure until it was stable, however rarely it is tried meanwhile. */
function givenUpSince(facts: RemedyFacts, mine: readonly number[], { crashLoop }: RemedyLimits, nowMs: number): number | undefined {
  if (!crashLoop) return undefined
  if (facts.givenUpMs !== undefined && facts.givenUpMs >= (facts.stableMs ?? Number.NEGATIVE_INFINITY)) return facts.givenUpMs
  const first = mine.at(-crashLoop.starts)
  return first !== undefined && nowMs - first <= crashLoop.withinMs ? nowMs : undefined
}

/** When one more may be begun, so that no time of `perMs` ever sees more than `budget`: now or before, where none is in the way. */
function freeMs(starts: readonly Start[], budget: number | undefined, perMs: number, nowMs: number): number {
  if (budget === undefined) return nowMs
  const times = starts.map(({ atMs }) => atMs).sort((a, b) => a - b)
  return (times.at(-budget) ?? Number.NEGATIVE_INFINITY) + perMs
}

/** When the starts of an agent since it was last stable were, the oldest first. */
export function startsSince(starts: readonly Start[], agent: string, stableMs = Number.NEGATIVE_INFINITY): number[] {
  return starts
    .filter((start) => start.agent === agent && start.atMs >= stableMs)
    .map(({ atMs }) => atMs)
    .sort((a, b) => a - b)
}

/**
 * Wait before the next attempt: none before the first, then full jitter over 5 s, 10 s, 20 s … 5 min, and never less than a
 * second: what a start leaves behind must have time to end.
 * Source: "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015), the full-jitter variant.
 * `random` is in [0, 1).
 */
export function waitBeforeAttemptMs(attemptsSoFar: number, random: number): number {
  if (attemptsSoFar === 0) return 0
  const longestMs = Math.min(backoff.capMs, backoff.baseMs * 2 ** (attemptsSoFar - 1))
  return Math.max(backoff.leastMs, Math.round(random * longestMs))
}

/**
 * When it was last known to be stable: to have lived for ten minutes without a fall. What nobody saw counts as neither;
 * `undefined` where that never was, as far as the timeline goes back.
 */
export function lastStableMs(timeline: Timeline, nowMs: number): number | undefined {
  let aliveMs = 0
  let foundMs: number | undefined
  timeline.forEach(({ atMs, state }, index) => {
    const untilMs = Math.min(nowMs, timeline[index + 1]?.atMs ?? nowMs)
    if (state === 'down') aliveMs = 0
    if ((state !== 'up' && state !== 'late') || untilMs <= atMs) return
    aliveMs += untilMs - atMs
    if (aliveMs >= backoff.stableMs) foundMs = untilMs
  })
  return foundMs
}
