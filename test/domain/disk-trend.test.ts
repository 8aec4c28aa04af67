import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type DiskTrend, fullInMs, withReading } from '../../src/domain/disk-trend.ts'

const runs = Number(process.env['TOWERWATCH_RUNS'] ?? 40)
const minuteMs = 60_000
const hourMs = 60 * minuteMs
const gib = 2 ** 30
const startMs = 1_800_000_000_000
const totalBytes = 1_000 * gib

/** Read once a minute, for so long; `free` in GiB after so many hours. */
function readFor(hours: number, free: (hour: number) => number, everyMs = 10 * minuteMs): DiskTrend {
  let trend: DiskTrend | undefined
  for (let ms = 0; ms <= hours * hourMs; ms += everyMs)
    trend = withReading(trend, { totalBytes, availableBytes: Math.max(0, free(ms / hourMs)) * gib }, startMs + ms)
  if (!trend) throw new Error('nothing was read')
  return trend
}

const hoursLeft = (trend: DiskTrend, free: number) => {
  const inMs = fullInMs(trend, free * gib)
  return typeof inMs === 'number' ? inMs / hourMs : inMs
}

describe('how a disk fills', () => {
  it('is told from six hours of readings on, and not before', () => {
    const filling = (hour: number) => 500 - 5 * hour
    expect(hoursLeft(readFor(5.5, filling), 470)).toBeUndefined()
    expect(hoursLeft(readFor(6, filling), 470)).toBeCloseTo(94, 0)
  })

  it('is not told from a few readings far apart', () => {
    expect(
      hoursLeft(
        readFor(10, (hour) => 500 - 10 * hour, hourMs),
        400,
      ),
    ).toBeUndefined()
  })

  it('is never where it does not fill, gets emptier, or fills by next to nothing', () => {
    expect(
      hoursLeft(
        readFor(24, () => 500),
        500,
      ),
    ).toBe('never')
    expect(
      hoursLeft(
        readFor(24, (hour) => 500 + hour),
        524,
      ),
    ).toBe('never')
    expect(
      hoursLeft(
        readFor(24, (hour) => 500 - hour / 10),
        497,
      ),
    ).toBe('never')
  })

  it('is not worried by what filled it once and has stopped', () => {
    expect(
      hoursLeft(
        readFor(24, (hour) => (hour < 12 ? 500 - 20 * hour : 260)),
        260,
      ),
    ).toBe('never')
  })

  it('looks through a file that comes and goes each few hours', () => {
    const left = hoursLeft(
      readFor(48, (hour) => 500 - 4 * hour - (hour % 5 < 1 ? 80 : 0)),
      308,
    )
    expect(left).toBeGreaterThan(70)
    expect(left).toBeLessThan(84)
  })

  it('keeps one point each half hour, for three days at most', () => {
    const trend = readFor(24 * 10, (hour) => 900 - hour)
    expect(trend.points.length).toBeGreaterThan(140)
    expect(trend.points.length).toBeLessThanOrEqual(145)
    expect(JSON.stringify(trend).length).toBeLessThan(4_000)
  })

  it('begins anew with a disk of another size, and with a clock that was set back', () => {
    const trend = readFor(24, (hour) => 500 - hour)
    expect(withReading(trend, { totalBytes: 2 * totalBytes, availableBytes: gib }, startMs + 25 * hourMs).points).toHaveLength(1)
    expect(withReading(trend, { totalBytes, availableBytes: gib }, startMs + 2 * hourMs).points).toHaveLength(5)
  })

  it('is found whatever the rate, and moved little by a fifth of readings that are nonsense', () => {
    const cases = fc.record({
      perHour: fc.double({ min: 1, max: 10, noNaN: true }),
      hours: fc.integer({ min: 12, max: 36 }),
      strayEvery: fc.integer({ min: 6, max: 12 }),
      stray: fc.integer({ min: 0, max: 1_000 }),
    })
    fc.assert(
      fc.property(cases, ({ perHour, hours, strayEvery, stray }) => {
        const free = (hour: number) => 900 - perHour * hour
        const plain = hoursLeft(readFor(hours, free, 30 * minuteMs), 100)
        expect(plain).toBeCloseTo(100 / perHour, 0)
        const disturbed = hoursLeft(
          readFor(hours, (hour) => (Math.round(hour * 2) % strayEvery === 3 ? stray : free(hour)), 30 * minuteMs),
          100,
        )
        // The slower of two rates: at most somewhat too late, hardly too early.
        if (typeof disturbed === 'number') expect(disturbed).toBeGreaterThan((100 / perHour) * 0.6)
      }),
      { numRuns: runs },
    )
  })
})
