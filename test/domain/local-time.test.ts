import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dateOf, dayMs, firstMoment, lastMoment, localMs, minuteMs, openZone, parseLocal, sayLocal } from '../../src/domain/local-time.ts'

const zones = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata', 'America/Sao_Paulo', 'UTC'].map(openZone)
const moments = fc.integer({ min: Date.UTC(1990, 0, 1), max: Date.UTC(2060, 0, 1) })

const berlin = openZone('Europe/Berlin')
const at = (text: string) => parseLocal(text) ?? Number.NaN

describe('local time', () => {
  it('has the date that JavaScript has', () => {
    fc.assert(
      fc.property(fc.integer({ min: Date.UTC(1, 0, 1), max: Date.UTC(4000, 0, 1) }), (ms) => {
        const date = new Date(ms)
        expect(dateOf(ms)).toEqual({
          year: date.getUTCFullYear(),
          month: date.getUTCMonth() + 1,
          day: date.getUTCDate(),
          weekday: date.getUTCDay(),
        })
        expect(sayLocal(ms)).toBe(date.toISOString().slice(0, 16).replace(/^\+00/, ''))
      }),
    )
  })

  it('is read as it is written, and nothing is read that no calendar has', () => {
    fc.assert(
      fc.property(moments, (ms) => {
        const minute = Math.floor(ms / minuteMs) * minuteMs
        expect(parseLocal(sayLocal(minute))).toBe(minute)
        expect(parseLocal(sayLocal(minute).replace('T', ' '))).toBe(minute)
      }),
    )
    for (const text of [
      '2026-02-29 10:00',
      '2026-13-01 10:00',
      '2026-00-01 10:00',
      '2026-04-31 10:00',
      '2026-04-30 24:00',
      '2026-04-30 23:60',
      'x',
    ])
      expect(parseLocal(text)).toBeUndefined()
    expect(parseLocal('2028-02-29 10:00')).toBe(Date.UTC(2028, 1, 29, 10))
  })

  it('of a zone is what Intl shows', () => {
    fc.assert(
      fc.property(fc.constantFrom(...zones), moments, (zone, ms) => {
        const shown = new Intl.DateTimeFormat('sv-SE', { timeZone: zone.name, dateStyle: 'short', timeStyle: 'medium' }).format(ms)
        expect(new Date(localMs(zone, ms)).toISOString().slice(0, 19).replace('T', ' ')).toBe(shown)
      }),
    )
  })

  it('knows no zone that there is not', () => {
    expect(() => openZone('Europe/Berlinn')).toThrow(RangeError)
  })
})

describe('the moment of a local time', () => {
  it('is the first at which clocks show it or later, found by looking at every minute', () => {
    fc.assert(
      fc.property(fc.constantFrom(...zones), moments, fc.integer({ min: -300, max: 300 }), (zone, near, minutes) => {
        const local = Math.floor(localMs(zone, near) / minuteMs) * minuteMs + minutes * minuteMs
        const first = firstMoment(zone, local)
        expect(localMs(zone, first)).toBeGreaterThanOrEqual(local)
        for (let ms = first - minuteMs; ms > first - 180 * minuteMs; ms -= minuteMs) expect(localMs(zone, ms)).toBeLessThan(local)
        const last = lastMoment(zone, local)
        expect(localMs(zone, last - 1)).toBeLessThan(local)
        for (let ms = last; ms < last + 180 * minuteMs; ms += minuteMs) expect(localMs(zone, ms)).toBeGreaterThanOrEqual(local)
      }),
      { numRuns: 200 },
    )
  })

  it.each([
    ['that is skipped is the end of the gap', 'Europe/Berlin', '2026-03-29 02:30', '2026-03-29T01:00Z', '2026-03-29T01:00Z'],
    ['that comes twice is both', 'Europe/Berlin', '2026-10-25 02:30', '2026-10-25T00:30Z', '2026-10-25T01:30Z'],
    ['that is skipped in New York', 'America/New_York', '2026-03-08 02:00', '2026-03-08T07:00Z', '2026-03-08T07:00Z'],
    ['that comes twice in New York', 'America/New_York', '2026-11-01 01:59', '2026-11-01T05:59Z', '2026-11-01T06:59Z'],
    ['that is skipped by half an hour', 'Australia/Lord_Howe', '2026-10-04 02:15', '2026-10-03T15:30Z', '2026-10-03T15:30Z'],
    ['that comes twice by half an hour', 'Australia/Lord_Howe', '2026-04-05 01:45', '2026-04-04T14:45Z', '2026-04-04T15:15Z'],
    ['on a day that a country left out', 'Pacific/Apia', '2011-12-30 12:00', '2011-12-30T10:00Z', '2011-12-30T10:00Z'],
    ['where clocks never change', 'Asia/Kolkata', '2026-03-29 02:30', '2026-03-28T21:00Z', '2026-03-28T21:00Z'],
  ])('%s', (_, zone, local, first, last) => {
    expect(new Date(firstMoment(openZone(zone), at(local))).toISOString()).toBe(new Date(first).toISOString())
    expect(new Date(lastMoment(openZone(zone), at(local))).toISOString()).toBe(new Date(last).toISOString())
  })

  it('is found to the millisecond', () => {
    expect(firstMoment(berlin, at('2026-03-29 02:00') + 1)).toBe(Date.UTC(2026, 2, 29, 1))
    expect(firstMoment(berlin, at('2026-03-29 02:00') - 1)).toBe(Date.UTC(2026, 2, 29, 1) - 1)
    expect(dayMs).toBe(86_400_000)
  })
})
