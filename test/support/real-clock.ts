import type { WatchClock } from '../../src/ports/clock.ts'

/** This machine's time, for tests against real programs. */
export const realClock: WatchClock = {
  now: () => Math.floor(performance.timeOrigin + performance.now()),
  wall: () => Date.now(),
  wake: () => 0,
  mark: () => ({ atMs: Math.floor(performance.timeOrigin + performance.now()), boot: '', bootMs: Math.floor(performance.now()) }),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms)
    return { cancel: () => clearTimeout(timer) }
  },
}
