/** The watch's own beat: what it says of itself every few seconds, for whoever watches the watch. */

export interface OwnBeat {
  /** Epoch milliseconds by the wall clock: a label for people, ages come from `bootMs`. */
  at: number
  pid: number
  /** Which life of the watch: `bootId:startTime` of its process. */
  epoch: string
  /** Which boot of the machine; empty where the system tells none. */
  boot: string
  /** Milliseconds since that boot, asleep or awake: setting the wall clock does not move it. */
  bootMs: number
  /** Counts the beats of one life, from 1. */
  seq: number
  ledger: LedgerState
  tower: TowerState
  /** How much later than due the event loop came to this beat. */
  lagMs: number
  /** The outage whose end this watch tells the Tower itself: by its id. */
  tells?: string
  /** It was stopped in order, by a signal: whoever did that wants it stopped. Epoch milliseconds. */
  stoppedAt?: number
}

/** broken: it can't be written, and the watch has said so in its log. */
export type LedgerState = 'starting' | 'writable' | 'broken'
export type TowerState = 'starting' | 'connected' | 'not-connected'

export const ownBeatEveryMs = 5_000
/** The sweep comes every five seconds: one that is so late stands still. */
const sweepLateMs = 20_000
const loopLateMs = 10_000

/** How the watch does, as it sees itself. `sinceSweepMs`: undefined before the first sweep. */
export interface OwnHealth {
  sinceSweepMs: number | undefined
  lagMs: number
}

/**
 * Why the watch is not well; undefined while it is. A ledger that can't be written is no reason: that is said elsewhere, and
 * watching and telling go on.
 */
export function ownTrouble(health: OwnHealth): string | undefined {
  if (health.sinceSweepMs === undefined) return 'it has not looked at the fleet yet'
  if (health.sinceSweepMs > sweepLateMs) return 'its sweep stands still'
  if (health.lagMs > loopLateMs) return 'its event loop is late'
  return undefined
}
