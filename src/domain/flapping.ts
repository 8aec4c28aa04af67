/**
 * Flapping: who changes between up and down all the time. Meanwhile its incident stays open, so that people hear of it once.
 * The usual rule (Nagios: the share of changes among the last 21 checks) counts checks; a watch that is told of changes as
 * they happen has none, so this counts changes in a time.
 */

/** `changes` within `withinMs`, or twice as many within twelve times as long; over after `stableMs` without one. */
export interface Flapping {
  changes: number
  withinMs: number
  stableMs: number
}

const longer = { changes: 2, within: 12 }

export interface Unsteady {
  /** When it changed lately, oldest first. */
  changesMs?: number[]
  flapping?: { sinceMs: number }
}

/**
 * What is kept after this moment; `changedMs` where it has just changed. `began`: how many changes made it flapping, where
 * it became so by this one.
 */
export function steadiness(
  before: Unsteady,
  changedMs: number | undefined,
  nowMs: number,
  rule: Flapping | undefined,
): { after: Unsteady; began?: number } {
  if (!rule) return { after: {} }
  const kept = changedMs === undefined ? (before.changesMs ?? []) : [...(before.changesMs ?? []), changedMs]
  const changesMs = kept.filter((atMs) => atMs > nowMs - rule.withinMs * longer.within).slice(-rule.changes * longer.changes)
  if (before.flapping) {
    if (nowMs >= (changesMs.at(-1) ?? 0) + rule.stableMs) return { after: {} }
    return { after: { changesMs, flapping: before.flapping } }
  }
  if (changesMs.length === 0) return { after: {} }
  const recent = changesMs.filter((atMs) => atMs > nowMs - rule.withinMs).length
  const isFlapping = recent >= rule.changes || changesMs.length >= rule.changes * longer.changes
  if (!isFlapping) return { after: { changesMs } }
  return { after: { changesMs, flapping: { sinceMs: nowMs } }, began: Math.max(recent, rule.changes) }
}

/** When it is over, if nothing changes any more; infinite for who doesn't flap. */
export function steadyAgainMs({ changesMs, flapping }: Unsteady, rule: Flapping | undefined): number {
  if (!flapping || !rule) return Number.POSITIVE_INFINITY
  return (changesMs?.at(-1) ?? flapping.sinceMs) + rule.stableMs
}
