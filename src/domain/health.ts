/** When a host is not well, and since when. */

/** From where on something is worth a warning, and from where on it is critical. */
export interface Levels {
  warn: number
  critical: number
}

/** Absent: never judged. Shares are in percent used; load is of five minutes and per core; the clock's is in ms. */
export interface Thresholds {
  disk?: Levels
  inodes?: Levels
  memory?: Levels
  swap?: Levels
  load?: Levels
  clockMs?: Levels
  /** A disk that would be full within so long, the way it fills now. */
  fullWithinMs?: number
}

export const usualThresholds: Required<Thresholds> = {
  disk: { warn: 85, critical: 95 },
  inodes: { warn: 85, critical: 95 },
  memory: { warn: 90, critical: 97 },
  swap: { warn: 60, critical: 90 },
  load: { warn: 2, critical: 5 },
  clockMs: { warn: 2_000, critical: 30_000 },
  fullWithinMs: 3 * 86_400_000,
}
