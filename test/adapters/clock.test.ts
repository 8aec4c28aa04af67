import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/adapters/clock.ts'

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
