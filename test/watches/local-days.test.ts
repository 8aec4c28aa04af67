import { expect, it } from 'vitest'
import { daysBefore } from '../../src/watches/local-days.ts'

const hourMs = 3_600_000

it('gives whole local days that follow one another, the newest first, ending with the last midnight', () => {
  const days = daysBefore(Date.parse('2026-03-30T15:30+02:00'), 60, { timeZone: 'Europe/Berlin', aheadMs: 0 })
  expect(days).toHaveLength(60)
  expect(days[0]).toEqual({ fromMs: Date.parse('2026-03-29T00:00+01:00'), toMs: Date.parse('2026-03-30T00:00+02:00') })
  for (const [index, { fromMs, toMs }] of days.entries()) {
    expect(fromMs).toBe(days[index + 1]?.toMs ?? fromMs)
    // The calendar's own length: 23 hours where the clock is set forward.
    expect((toMs - fromMs) / hourMs).toBe(index === 0 ? 23 : 24)
  }
})

it('has a day of 25 hours where clocks are put back', () => {
  const [day] = daysBefore(Date.parse('2026-10-26T12:00Z'), 1, { timeZone: 'Europe/Berlin', aheadMs: 0 })
  expect(((day?.toMs ?? 0) - (day?.fromMs ?? 0)) / hourMs).toBe(25)
})

it('gives the day before at midnight sharp', () => {
  const midnight = Date.parse('2026-06-01T00:00Z')
  expect(daysBefore(midnight, 1, { timeZone: 'UTC', aheadMs: 0 })).toEqual([{ fromMs: midnight - 24 * hourMs, toMs: midnight }])
})

it('goes by the clock on the wall, in the time of the watch', () => {
  const [day] = daysBefore(Date.parse('2026-06-01T23:30Z'), 1, { timeZone: 'UTC', aheadMs: hourMs })
  expect(day?.toMs).toBe(Date.parse('2026-06-02T00:00Z') - hourMs)
})
