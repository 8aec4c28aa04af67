import type { Clock } from '../ports/clock.ts'

/**
 * The machine's clock. `now` follows the monotonic clock from the wall's reading at the start of the process: somebody who
 * sets the wall clock makes no agent look dead.
 */
export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms)
    return { cancel: () => clearTimeout(timer) }
  },
}
