import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoff, recentAttempts, waitBeforeAttemptMs } from '../../src/domain/remedy.ts'

describe('the wait before an automatic restart', () => {
  it('is none before the first', () => {
    for (const random of [0, 0.5, 0.999999]) expect(waitBeforeAttemptMs(0, random)).toBe(0)
  })

  it('is anything up to a bound that doubles, 5 s, 10 s, 20 s, and stays at 5 min', () => {
    const longest = (attempts: number) => waitBeforeAttemptMs(attempts, 0.999999999)
    expect([1, 2, 3, 4, 5, 6, 7, 8, 100, 5_000].map(longest)).toEqual([
      5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000, 300_000,
    ])
    expect(waitBeforeAttemptMs(9, 0)).toBe(0)
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempts, random) => {
        const waitMs = waitBeforeAttemptMs(attempts, random)
        expect(waitMs).toBeGreaterThanOrEqual(0)
        expect(waitMs).toBeLessThanOrEqual(longest(attempts))
      }),
    )
  })
})

describe('the attempts that count', () => {
  const min = 60_000

  it('are those since the last ten minutes without one', () => {
    expect(recentAttempts([], 0)).toBe(0)
    expect(recentAttempts([0], 10 * min - 1)).toBe(1)
    expect(recentAttempts([0], 10 * min)).toBe(0)
    expect(recentAttempts([0, 9 * min, 18 * min], 20 * min)).toBe(3)
    expect(recentAttempts([0, 11 * min, 18 * min], 20 * min)).toBe(2)
  })

  it('do not depend on the order in which they are told', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 90 * min }), { maxLength: 12 }), (attempts) => {
        const found = recentAttempts(attempts, 90 * min)
        expect(recentAttempts([...attempts].reverse(), 90 * min)).toBe(found)
        expect(found).toBeLessThanOrEqual(attempts.length)
      }),
    )
  })

  it('never let two attempts fall into a loop without a growing bound', () => {
    // As the watch does it: an attempt, then the longest wait, then the next. The chain must not be forgotten on the way.
    const attempts: number[] = []
    let nowMs = 0
    for (let i = 0; i < 20; i++) {
      expect(recentAttempts(attempts, nowMs)).toBe(i)
      nowMs += waitBeforeAttemptMs(i, 0.999999)
      attempts.push(nowMs)
    }
    expect(backoff.capMs).toBeLessThan(backoff.stableMs)
  })
})
