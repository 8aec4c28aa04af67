/**
 * The error budget: the time that somebody may be down within the window and still reach the target (36 h in 30 days at
 * 95 %). It is used up by time down; what nobody saw, and what is excluded, uses nothing.
 */
import { sayDuration } from './duration.ts'
import { availability, type Grounds, stretches, type Tally, type Timeline, tally } from './uptime.ts'

export interface Budget {
  totalMs: number
  usedMs: number
  /** Negative where it is overspent. */
  leftMs: number
}

export function budgetOf(sum: Tally, target: number, windowMs: number): Budget {
  const totalMs = Math.round((1 - target) * windowMs)
  return { totalMs, usedMs: sum.downMs, leftMs: totalMs - sum.downMs }
}

/** How many times faster than the target allows the budget is used; undefined where nothing was seen. At most 1 / (1 - target). */
export function burnRate(sum: Tally, target: number): number | undefined {
  const share = availability(sum)
  return share === undefined ? undefined : (1 - share) / (1 - target)
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs

/**
 * Burning: the rate over the longer time says that it is worth a word, the rate over the shorter one that it still goes on.
 * At 95 % a total loss burns 20 times as fast as allowed, so the usual 14.4 times would take 72 % down.
 */
const rules = [
  { factor: 6, longMs: hourMs, shortMs: 5 * minuteMs },
  { factor: 3, longMs: 6 * hourMs, shortMs: 30 * minuteMs },
] as const

/** The longest time that burning is judged by. */
export const burnLookMs = 6 * hourMs

/** Which rules hold: their factors, the highest first. */
export type Burning = readonly number[]

/**
 * A rule begins to hold when both of its rates have reached the factor, and ends when both are below it: one that has
 * stopped for five minutes is not over, and one that was told does not begin again with the next minute down.
 */
export function burning(timeline: Timeline, grounds: Grounds, nowMs: number, target: number, before: Burning): Burning {
  // Of the whole time, not of what was seen of it: one minute down of the two that were seen so far is no fire.
  const isOver = (ms: number, factor: number) =>
    tally(timeline, nowMs - ms, nowMs, grounds).downMs >= Math.round(factor * (1 - target) * ms)
  return rules.flatMap(({ factor, longMs, shortMs }) => {
    const over = [longMs, shortMs].filter((ms) => isOver(ms, factor)).length
    const holds = over === 2 || (over === 1 && before.includes(factor))
    return holds ? [factor] : []
  })
}

/**
 * When the budget of the last `windowMs` is used up, if things go on as they did lately: down for the same share of the time
 * as in the last hour or the last day, whichever was worse. What was down longest ago leaves the window meanwhile. Now,
 * where it is used up already; undefined where it never is.
 */
export function runsOutMs(timeline: Timeline, grounds: Grounds, nowMs: number, target: number, windowMs: number): number | undefined {
  const totalMs = Math.round((1 - target) * windowMs)
  const share = Math.max(...[hourMs, 24 * hourMs].map((ms) => 1 - (availability(tally(timeline, nowMs - ms, nowMs, grounds)) ?? 1)))
  const leaving = [...stretches(timeline, nowMs - windowMs, nowMs, grounds)]
  let usedMs = leaving.reduce((sum, { bucket, fromMs, toMs }) => sum + (bucket === 'downMs' ? toMs - fromMs : 0), 0)
  if (usedMs >= totalMs) return nowMs
  if (share === 0) return undefined
  for (const { bucket, fromMs, toMs } of leaving) {
    // While time down leaves the window, no more of it can come in than goes out.
    const gain = bucket === 'downMs' ? share - 1 : share
    const afterMs = usedMs + gain * (toMs - fromMs)
    if (afterMs >= totalMs && gain > 0) return Math.ceil(fromMs + windowMs + (totalMs - usedMs) / gain)
    usedMs = afterMs
  }
  return undefined
}

/** What people were told of a budget. */
export interface BudgetNews {
  burning: Burning
  isSpent: boolean
}

/** What is to be told now, if anything; `who` begins a sentence. */
export function budgetSentence(
  who: string,
  before: BudgetNews,
  now: BudgetNews,
  budget: Budget,
  inMs: number | undefined,
): string | undefined {
  const left = `${sayDuration(Math.max(0, budget.leftMs))} of ${sayDuration(budget.totalMs)} are left`
  if (now.isSpent && !before.isSpent)
    return `The error budget of ${who} is used up: it was down for ${sayDuration(budget.usedMs)} in 30 days, ${sayDuration(budget.totalMs)} are allowed.`
  if (now.isSpent) return undefined
  const [factor] = now.burning
  if (factor !== undefined && before.burning.length === 0) {
    const gone = inMs === undefined ? '' : `; if it goes on like this, it is used up in ${sayDuration(inMs)}`
    return `The error budget of ${who} is used at least ${factor} times as fast as it may be: ${left}${gone}.`
  }
  if (factor === undefined && before.burning.length > 0) return `The error budget of ${who} is no longer used too fast: ${left}.`
  return undefined
}
