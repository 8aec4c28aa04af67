import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { median, percentile } from '../../bench/statistics.ts'

describe('a percentile', () => {
  it('is the nearest rank: a sample that was really measured', () => {
    const samples = [40, 15, 50, 20, 35]
    expect([5, 30, 40, 50, 100].map((percent) => percentile(samples, percent))).toEqual([15, 20, 20, 35, 50])
  })

  it('near the top of few samples is the worst of them', () => {
    expect(percentile([3, 900, 2, 1], 99)).toBe(900)
  })

  it('covers its share of any samples, and no smaller sample does', () => {
    const samples = fc.array(fc.double({ noNaN: true }), { minLength: 1, maxLength: 200 })
    fc.assert(
      fc.property(samples, fc.integer({ min: 1, max: 100 }), (values, percent) => {
        const found = percentile(values, percent)
        const share = (covered: (value: number) => boolean) => (100 * values.filter(covered).length) / values.length
        expect(values).toContain(found)
        expect(share((value) => value <= found)).toBeGreaterThanOrEqual(percent)
        expect(share((value) => value < found)).toBeLessThan(percent)
      }),
    )
  })

  it('leaves the samples in their order', () => {
    const samples = [3, 1, 2]
    percentile(samples, 50)
    expect(samples).toEqual([3, 1, 2])
  })

  it('of nothing, or out of range, is refused', () => {
    expect(() => percentile([], 50)).toThrow(/no samples/)
    expect(() => percentile([1], 0)).toThrow(/above 0/)
    expect(() => percentile([1], 101)).toThrow(/at most 100/)
  })
})

it('a median of an even number of samples is the lower one in the middle', () => {
  expect(median([4, 1, 3, 2])).toBe(2)
})
