import type { Clock } from '../../src/ports/clock.ts'

/** This machine's time, for tests against real programs. */
export const realClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms)
    return { cancel: () => clearTimeout(timer) }
  },
}
