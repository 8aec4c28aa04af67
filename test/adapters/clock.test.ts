import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openClock, systemClock } from '../../src/adapters/clock.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

it('calls back once, after the time that was asked for', () => {
  const called = vi.fn()
  systemClock.after(1_000, called)
  vi.advanceTimersByTime(999)
  expect(called).not.toHaveBeenCalled()
  vi.advanceTimersByTime(10_000)
  expect(called).toHaveBeenCalledOnce()
})

it('does not call back where it was cancelled', () => {
  const called = vi.fn()
  systemClock.after(1_000, called).cancel()
  vi.advanceTimersByTime(10_000)
  expect(called).not.toHaveBeenCalled()
})

it('waits longer than a timer can, and can be cancelled on the way', () => {
  const day = 86_400_000
  const called = vi.fn()
  systemClock.after(60 * day, called)
  const timer = systemClock.after(60 * day, called)
  vi.advanceTimersByTime(40 * day)
  timer.cancel()
  vi.advanceTimersByTime(20 * day - 1)
  expect(called).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(called).toHaveBeenCalledOnce()
})

it('tells whole milliseconds, of the wall and of its own', () => {
  const clock = openClock({ now: () => ({ boot: 'a', bootMs: 5, wallMs: 1_000 }) }, undefined, () => 7.9)
  for (const ms of [clock.now(), clock.wall(), systemClock.now(), systemClock.wall()]) expect(Number.isInteger(ms)).toBe(true)
})

describe('the clock of the watch', () => {
  /** A machine of which a test moves every clock. */
  function machine() {
    const clocks = { boot: 'a', bootMs: 60_000, wallMs: 1_000_000, monotonicMs: 500.25 }
    return {
      clocks,
      awake: (ms: number) => {
        clocks.bootMs += ms
        clocks.wallMs += ms
        clocks.monotonicMs += ms
      },
      asleep: (ms: number) => {
        clocks.bootMs += ms
        clocks.wallMs += ms
      },
      open: (mark?: { atMs: number; boot: string; bootMs: number }) =>
        openClock({ now: () => ({ ...clocks }) }, mark, () => clocks.monotonicMs),
    }
  }

  it('begins with the wall, and goes by the monotonic clock, however the wall is set', () => {
    const { clocks, awake, open } = machine()
    const clock = open()
    expect(clock.now()).toBe(1_000_000)
    clocks.wallMs = 0
    awake(2_500)
    expect(clock.now()).toBe(1_002_500)
    expect(clock.wake()).toBe(0)
    expect(clock.now()).toBe(1_002_500)
  })

  it('counts what the machine slept, from the moment at which it is asked to wake', () => {
    const { awake, asleep, open } = machine()
    const clock = open()
    awake(1_000)
    asleep(8 * 3_600_000)
    awake(10)
    expect(clock.now()).toBe(1_001_010)
    expect(clock.wake()).toBe(8 * 3_600_000)
    expect(clock.now()).toBe(1_001_010 + 8 * 3_600_000)
    expect(clock.wake()).toBe(0)
    awake(990)
    asleep(3_000)
    expect(clock.wake()).toBe(3_000)
    expect(clock.now()).toBe(1_002_000 + 8 * 3_600_000 + 3_000)
  })

  it('takes no unevenness of the clocks for sleep, and forgets none of several naps', () => {
    const { clocks, asleep, open } = machine()
    const clock = open()
    clocks.monotonicMs += 1_000
    expect(clock.wake()).toBe(0)
    clocks.bootMs += 1_000
    asleep(1_500)
    expect(clock.wake()).toBe(0)
    asleep(1_500)
    expect(clock.wake()).toBe(3_000)
  })

  it('is carried on by the next life of the watch, to the millisecond, over wall clocks and sleep', () => {
    const { clocks, awake, asleep, open } = machine()
    const first = open()
    awake(5_000)
    asleep(600_000)
    first.wake()
    const mark = first.mark()
    expect(mark).toEqual({ atMs: 1_605_000, boot: 'a', bootMs: 665_000 })
    awake(20_000)
    asleep(40_000)
    clocks.wallMs -= 86_400_000
    // Another process: its monotonic clock may count from anywhere.
    clocks.monotonicMs = 3
    expect(open(mark).now()).toBe(1_665_000)
  })
})
