/** Time as the watch measures it. Tests put in a clock of their own. */
import type { LookingMark } from './ledger.ts'

export interface Clock {
  /** Whole epoch milliseconds that never step: taken from the wall once, then moved by the monotonic clock. */
  now(): number
  /** Whole epoch milliseconds as this machine's clock on the wall shows them, which anybody may set: for labels and schedules. */
  wall(): number
  /** Calls back once after `ms`, unless cancelled. */
  after(ms: number, callback: () => void): { cancel(): void }
}

/** The clock of a watch, on a machine that may fall asleep. */
export interface WatchClock extends Clock {
  /**
   * Adds to `now` what the machine has slept, and answers how much that was. Until then `now` goes on as if it hadn't: time
   * must not jump for anybody before the roster knows that nobody was looking, or whoever happens to be looked at first
   * would seem dead. So only the sweep calls this, and says `blind` in the same turn.
   */
  wake(): number
  /** This moment, for the next life of the watch to go on from. */
  mark(): LookingMark
}

/** Ends after `ms`, or when `signal` fires. `onBegin` is given what ends it before its time, too. */
export function pauseOn(clock: Clock, ms: number, signal: AbortSignal, onBegin?: (end: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(ms, done)
    onBegin?.(done)
    signal.addEventListener('abort', done, { once: true })
    if (signal.aborted) done()
    function done(): void {
      timer.cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
  })
}
