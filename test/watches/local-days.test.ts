import { expect, it } from 'vitest'
import { daysBefore } from '../../src/watches/local-days.ts'

it('gives whole local days that follow one another, the newest first, ending with the last midnight', () => {
  const now = new Date(2026, 2, 30, 15, 30)
  const days = daysBefore(now.getTime(), 60)
  expect(days).toHaveLength(60)
  expect(new Date(days[0]?.toMs ?? 0)).toEqual(new Date(2026, 2, 30))
  for (const [index, { fromMs, toMs }] of days.entries()) {
    expect(fromMs).toBe(days[index + 1]?.toMs ?? fromMs)
    expect(new Date(fromMs).getHours()).toBe(0)
    // The calendar's own length: 23 or 25 hours where the clock is changed.
    expect([23, 24, 25]).toContain((toMs - fromMs) / 3_600_000)
  }
})

it('gives the day before at midnight sharp', () => {
  const midnight = new Date(2026, 5, 1).getTime()
  expect(daysBefore(midnight, 1)).toEqual([{ fromMs: new Date(2026, 4, 31).getTime(), toMs: midnight }])
})
