/** When the watch restarts an agent by itself: policy and back-off, as a function of what has been tried so far. */

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

export const backoff = { baseMs: 5_000, capMs: 300_000, stableMs: 600_000 } as const

/**
 * How many automatic attempts count against the next one: those since the agent was last stable, that is since the last
 * stretch of ten minutes without an attempt.
 */
export function recentAttempts(attemptsMs: readonly number[], nowMs: number): number {
  let count = 0
  let last = nowMs
  for (const attemptMs of [...attemptsMs].sort((a, b) => b - a)) {
    if (last - attemptMs >= backoff.stableMs) break
    count++
    last = attemptMs
  }
  return count
}

/**
 * Wait before the next attempt: none before the first, then full jitter over 5 s, 10 s, 20 s … 5 min.
 * Source: "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015), the full-jitter variant.
 * `random` is in [0, 1).
 */
export function waitBeforeAttemptMs(attemptsSoFar: number, random: number): number {
  if (attemptsSoFar === 0) return 0
  return Math.round(random * Math.min(backoff.capMs, backoff.baseMs * 2 ** (attemptsSoFar - 1)))
}
