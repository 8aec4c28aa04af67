import type { Clock } from '../ports/clock.ts'

/**
 * The machine's clock. `now` follows the monotonic clock from the wall's reading at the start of the process: somebody who
 * sets the wall clock makes no agent look dead.
 */
export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after: (ms, callback) => {
    let leftMs = ms
    let timer: NodeJS.Timeout
    const wait = () => {
      const stepMs = Math.min(leftMs, longestMs)
      leftMs -= stepMs
      timer = setTimeout(leftMs > 0 ? wait : callback, stepMs)
    }
    wait()
    return { cancel: () => clearTimeout(timer) }
  },
}

/** A longer one would overflow in setTimeout, which then calls back at once. */
const longestMs = 2 ** 31 - 1
