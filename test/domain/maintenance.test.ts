import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { minuteMs, openZone } from '../../src/domain/local-time.ts'
import { type MaintenanceWindow, windowsAround } from '../../src/domain/maintenance.ts'

const zone = openZone('Europe/Berlin')
const common = { subjects: ['all'], reason: 'backup' }
const byCron = (cron: string, minutes: number): MaintenanceWindow => ({ ...common, kind: 'cron', cron, forMs: minutes * minuteMs })
const fixed = (from: string, to: string): MaintenanceWindow => ({ ...common, kind: 'fixed', from, to })

const said = (window: MaintenanceWindow, now: string) => {
  const times = windowsAround(window, Date.parse(now), zone)
  return times && [new Date(times.fromMs).toISOString().slice(0, 16), new Date(times.toMs).toISOString().slice(0, 16)]
}

describe('a fixed window', () => {
  const eve = fixed('2026-12-24 22:00', '2026-12-25 02:00')

  it('is told before it begins and while it is in force, and not afterwards', () => {
    const times = ['2026-12-24T21:00', '2026-12-25T01:00']
    expect(said(eve, '2026-01-01T00:00Z')).toEqual(times)
    expect(said(eve, '2026-12-24T21:00Z')).toEqual(times)
    expect(said(eve, '2026-12-25T00:59Z')).toEqual(times)
    expect(said(eve, '2026-12-25T01:00Z')).toBeUndefined()
  })

  it('is never shorter than declared because clocks change', () => {
    // Both ends come twice: from the first to the second.
    expect(said(fixed('2026-10-25 02:15', '2026-10-25 02:45'), '2026-10-24T00:00Z')).toEqual(['2026-10-25T00:15', '2026-10-25T01:45'])
    // The beginning is skipped: from the moment after the gap.
    expect(said(fixed('2026-03-29 02:30', '2026-03-29 04:00'), '2026-03-28T00:00Z')).toEqual(['2026-03-29T01:00', '2026-03-29T02:00'])
    expect(said(fixed('2026-03-29 01:30', '2026-03-29 02:30'), '2026-03-28T00:00Z')).toEqual(['2026-03-29T00:30', '2026-03-29T01:00'])
  })

  it('that lies wholly in a gap of the clocks never comes, nor one that is no time', () => {
    expect(said(fixed('2026-03-29 02:15', '2026-03-29 02:45'), '2026-03-28T00:00Z')).toBeUndefined()
    expect(said(fixed('2026-02-30 02:15', '2026-03-29 02:45'), '2026-01-28T00:00Z')).toBeUndefined()
    expect(said(byCron('x', 5), '2026-01-28T00:00Z')).toBeUndefined()
  })
})

describe('a window by cron', () => {
  const nightly = byCron('0 3 * * *', 90)

  it('is the one in force, else the next', () => {
    expect(said(nightly, '2026-06-10T00:59Z')).toEqual(['2026-06-10T01:00', '2026-06-10T02:30'])
    expect(said(nightly, '2026-06-10T01:00Z')).toEqual(['2026-06-10T01:00', '2026-06-10T02:30'])
    expect(said(nightly, '2026-06-10T02:29Z')).toEqual(['2026-06-10T01:00', '2026-06-10T02:30'])
    expect(said(nightly, '2026-06-10T02:30Z')).toEqual(['2026-06-11T01:00', '2026-06-11T02:30'])
  })

  it('comes once in the night in which its hour comes twice, and lasts as long as ever', () => {
    const window = byCron('30 2 * * *', 90)
    expect(said(window, '2026-10-25T00:30Z')).toEqual(['2026-10-25T00:30', '2026-10-25T02:00'])
    expect(said(window, '2026-10-25T01:30Z')).toEqual(['2026-10-25T00:30', '2026-10-25T02:00'])
    expect(said(window, '2026-10-25T02:00Z')).toEqual(['2026-10-26T01:30', '2026-10-26T03:00'])
  })

  it('begins after the gap in the night in which its hour is skipped', () => {
    expect(said(byCron('30 2 * * *', 60), '2026-03-29T00:00Z')).toEqual(['2026-03-29T01:00', '2026-03-29T02:00'])
  })

  it('is never over at the moment that is asked about, and begins later only where none is in force', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 1, max: 3_000 }), fc.nat(1_000_000), (hour, minutes, at) => {
        const nowMs = Date.UTC(2026, 0, 1) + at * minuteMs
        const window = byCron(`0 ${hour} * * *`, minutes)
        const times = windowsAround(window, nowMs, zone)
        expect(times?.toMs).toBeGreaterThan(nowMs)
        expect((times?.toMs ?? 0) - (times?.fromMs ?? 0)).toBe(minutes * minuteMs)
        // The moment it begins, and every one up to its end, tells a window that reaches at least as far.
        if (times && times.fromMs > nowMs) expect(windowsAround(window, times.fromMs - 1, zone)).toEqual(times)
      }),
    )
  })
})
