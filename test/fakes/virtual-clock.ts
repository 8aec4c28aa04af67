import type { WatchClock } from '../../src/ports/clock.ts'

/** A clock that stands still until it is told to go on. */
export interface VirtualClock extends WatchClock {
  /** Runs what falls due within `ms`, in order; promises settle between any two callbacks. */
  advance(ms: number): Promise<void>
  /** The machine sleeps: no callback runs, and the clock knows nothing of it until `wake`. */
  sleep(ms: number): void
  /** The event loop stands still: callbacks run late. */
  stall(ms: number): void
  /** Somebody sets the clock on the wall by so much. */
  stepWall(ms: number): void
  /** Callbacks that are set and not cancelled. */
  pending(): number
}

export function virtualClock(startMs = 1_800_000_000_000): VirtualClock {
  let now = startMs
  let nextNumber = 0
  let until = startMs
  let asleepMs = 0
  let steppedMs = 0
  const timers = new Map<number, { at: number; callback: () => void }>()
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

  const earliest = (until: number): [number, { at: number; callback: () => void }] | undefined => {
    let found: [number, { at: number; callback: () => void }] | undefined
    for (const entry of timers) {
      if (entry[1].at <= until && (found === undefined || entry[1].at < found[1].at)) found = entry
    }
    return found
  }

  return {
    now: () => now,
    wall: () => now + asleepMs + steppedMs,
    wake: () => {
      const sleptMs = asleepMs
      now += sleptMs
      until += sleptMs
      for (const timer of timers.values()) timer.at += sleptMs
      asleepMs = 0
      return sleptMs
    },
    mark: () => ({ atMs: now, boot: 'virtual', bootMs: now + asleepMs - startMs }),
    sleep: (ms) => {
      asleepMs += ms
    },
    stall: (ms) => {
      now += ms
    },
    stepWall: (ms) => {
      steppedMs += ms
    },
    after: (ms, callback) => {
      const number = nextNumber++
      timers.set(number, { at: now + Math.max(0, ms), callback })
      return { cancel: () => void timers.delete(number) }
    },
    pending: () => timers.size,
    advance: async (ms) => {
      until = now + ms
      await settle()
      for (let due = earliest(until); due !== undefined; due = earliest(until)) {
        timers.delete(due[0])
        now = Math.max(now, due[1].at)
        due[1].callback()
        await settle()
      }
      now = until
    },
  }
}
