/** Counts what comes within a window of time, so that a peer that floods us can be left. */
export interface Meter {
  /** True once more than `limit` came within `windowMs`. */
  isOver(amount: number, nowMs: number): boolean
}

/** Windows are laid end to end: somebody may bring up to twice `limit` across the seam of two. */
export function meter(limit: number, windowMs: number): Meter {
  let beganMs = Number.NEGATIVE_INFINITY
  let sum = 0
  return {
    isOver: (amount, nowMs) => {
      if (nowMs - beganMs >= windowMs) {
        beganMs = nowMs
        sum = 0
      }
      sum += amount
      return sum > limit
    },
  }
}
