import { clockAnchor } from '../domain/clock-anchor.ts'
import type { Moment } from '../domain/deadman.ts'
import type { Clock, WatchClock } from '../ports/clock.ts'
import type { LookingMark } from '../ports/ledger.ts'

/** Below this the machine's clocks only differ in how finely they count: by seconds on macOS. */
const leastSleepMs = 2_000
/** A longer one would overflow in setTimeout, which then calls back at once. */
const longestMs = 2 ** 31 - 1

const wall = () => Math.floor(Date.now())

function after(ms: number, callback: () => void): { cancel(): void } {
  let leftMs = ms
  let timer: NodeJS.Timeout
  const wait = () => {
    const stepMs = Math.min(leftMs, longestMs)
    leftMs -= stepMs
    timer = setTimeout(leftMs > 0 ? wait : callback, stepMs)
  }
  wait()
  return { cancel: () => clearTimeout(timer) }
}

/**
 * The machine's clock, for whoever has nothing to do with the ledger. `now` follows the monotonic clock from the wall's
 * reading at the start of the process: somebody who sets the wall clock makes nothing look late.
 */
export const systemClock: Clock = {
  now: () => Math.floor(performance.timeOrigin + performance.now()),
  wall,
  after,
}

/**
 * The watch's clock. Its time goes on from `mark`, which an earlier life of the watch left in the ledger, and counts what the
 * machine sleeps. Linux: the monotonic clock stands still in sleep, the time since boot does not, so their difference is the
 * sleep. macOS, as its documents and Node's source have it (not tried): both go on in sleep, so nothing is to be added.
 *
 * `machine` tells the time since boot; `monotonicMs` never steps, and may stand still in sleep.
 */
export function openClock(
  machine: { now(): Moment },
  mark: LookingMark | undefined,
  monotonicMs: () => number = () => performance.now(),
): WatchClock {
  const start = machine.now()
  const startMs = monotonicMs()
  const anchorMs = clockAnchor(mark, start)
  let sleptMs = 0

  const now = () => Math.floor(anchorMs + monotonicMs() - startMs + sleptMs)

  return {
    now,
    wall,
    after,
    wake: () => {
      const { bootMs } = machine.now()
      const asleepMs = Math.round(bootMs - start.bootMs - (monotonicMs() - startMs) - sleptMs)
      if (asleepMs < leastSleepMs) return 0
      sleptMs += asleepMs
      return asleepMs
    },
    mark: () => {
      const { boot, bootMs } = machine.now()
      return { atMs: now(), boot, bootMs }
    },
  }
}
