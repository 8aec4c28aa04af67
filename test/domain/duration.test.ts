import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDuration, sayDuration } from '../../src/domain/duration.ts'

const unitMs = { s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const

describe('a duration', () => {
  it.each([
    ['250ms', 250],
    ['90s', 90_000],
    ['1.5m', 90_000],
    ['5min', 300_000],
    ['1h', 3_600_000],
    ['2 d', 172_800_000],
    ['0s', 0],
  ])('%s is read', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  it.each(['', '5', 's', '-5s', '5 weeks', '1e3s', '5s 3s', '٣s', '5S', '.5s', '5.s'])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined()
  })

  it.each([
    [0, 'under 1 s'],
    [-5, 'under 1 s'],
    [999.9, 'under 1 s'],
    [3_000, '3 s'],
    [59_600, '1 min'],
    [80_000, '1 min 20 s'],
    [3_600_000 * 2 + 5 * 60_000 + 59_000, '2 h 5 min'],
    [86_400_000 + 60_000, '1 d'],
    [86_400_000 * 3 + 4 * 3_600_000, '3 d 4 h'],
  ])('of %d ms is said as %j', (ms, text) => {
    expect(sayDuration(ms)).toBe(text)
  })

  it('that is said in one unit is read back as it was', () => {
    const whole = fc
      .constantFrom(...(Object.keys(unitMs) as (keyof typeof unitMs)[]))
      .chain((unit) => fc.integer({ min: 1, max: { s: 59, min: 59, h: 23, d: 4_000 }[unit] }).map((n) => [n, unit] as const))
    fc.assert(
      fc.property(whole, ([n, unit]) => {
        expect(sayDuration(n * unitMs[unit])).toBe(`${n} ${unit}`)
        expect(parseDuration(sayDuration(n * unitMs[unit]))).toBe(n * unitMs[unit])
      }),
    )
  })

  it('is said to within the smaller of its two units', () => {
    fc.assert(
      fc.property(fc.double({ min: 1_000, max: 1e12, noNaN: true }), (ms) => {
        const parts = sayDuration(ms).match(/\d+ [a-z]+/g) ?? []
        const saidMs = parts.reduce((sum, part) => sum + (parseDuration(part) ?? Number.NaN), 0)
        const largest = parts[0]?.split(' ')[1] as keyof typeof unitMs
        const smallestMs = { s: 1_000, min: 1_000, h: 60_000, d: 3_600_000 }[largest]
        expect(Math.abs(saidMs - ms)).toBeLessThanOrEqual(smallestMs)
      }),
    )
  })
})
