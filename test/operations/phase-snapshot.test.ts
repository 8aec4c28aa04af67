import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseSnapshot } from '../../src/operations/phase-snapshot.ts'

const right = { fleet_operational: true, uptime_30d_percent: 78, days_at_95_percent: 0, capacity_utilization_percent: 35.5 }

function faults(value: unknown): string[] {
  const parsed = parseSnapshot(typeof value === 'string' ? value : JSON.stringify(value))
  return 'faults' in parsed ? parsed.faults : []
}

describe('a snapshot', () => {
  it('is taken as it is where it is right', () => {
    expect(parseSnapshot(JSON.stringify(right))).toEqual({ snapshot: right })
  })

  it('may be anything in its ranges', () => {
    const percent = fc.double({ min: 0, max: 100, noNaN: true }).map((value) => value + 0)
    fc.assert(
      fc.property(fc.boolean(), percent, fc.nat(), percent, (operational, uptime, days, capacity) => {
        const snapshot = {
          fleet_operational: operational,
          uptime_30d_percent: uptime,
          days_at_95_percent: days,
          capacity_utilization_percent: capacity,
        }
        expect(parseSnapshot(JSON.stringify(snapshot))).toEqual({ snapshot: JSON.parse(JSON.stringify(snapshot)) })
      }),
    )
  })

  it('that lacks keys is told each of them', () => {
    expect(faults({})).toEqual([
      'missing key "fleet_operational": expected true or false',
      'missing key "uptime_30d_percent": expected a number from 0 to 100',
      'missing key "days_at_95_percent": expected a whole number, 0 or more',
      'missing key "capacity_utilization_percent": expected a number from 0 to 100',
    ])
  })

  it('with several faults is told every one of them', () => {
    const found = faults({ fleet_operational: 'yes', uptime_30d_percent: 101, days_at_95_percent: 1.5, days: 3, more: 1 })
    expect(found).toHaveLength(6)
    for (const word of [
      'fleet_operational',
      'uptime_30d_percent',
      'days_at_95_percent',
      'capacity_utilization_percent',
      '"days"',
      '"more"',
    ])
      expect(found.some((fault) => fault.includes(word))).toBe(true)
  })

  it.each([
    ['uptime_30d_percent', -0.1],
    ['uptime_30d_percent', 100.1],
    ['uptime_30d_percent', '95'],
    ['uptime_30d_percent', null],
    ['capacity_utilization_percent', -1],
    ['capacity_utilization_percent', 1_000],
    ['days_at_95_percent', -1],
    ['days_at_95_percent', 0.5],
    ['days_at_95_percent', '30'],
    ['fleet_operational', 1],
    ['fleet_operational', 'true'],
    ['fleet_operational', null],
  ])('with %s = %j is told that one', (key, value) => {
    expect(faults({ ...right, [key]: value })).toEqual([expect.stringMatching(new RegExp(`^${key}: expected`))])
  })

  it.each(['{"uptime_30d_percent": 1e999}', '{"days_at_95_percent": 1e999}'])('with a number beyond all bounds is refused: %s', (text) => {
    expect(faults(text)).toContainEqual(expect.stringMatching(/^(uptime_30d|days_at_95)_percent: expected/))
  })

  it.each(['', '{', 'NaN', '\ufeff{}x'])('that is no JSON is told so: %j', (text) => {
    expect(faults(text)).toEqual([expect.stringContaining('not JSON')])
  })

  it.each(['[]', 'null', '42', '"text"'])('that is no object is told so: %s', (text) => {
    expect(faults(text)).toEqual(['expected a JSON object'])
  })

  it('with keys that JavaScript knows is told them as unknown', () => {
    expect(faults(JSON.stringify(right).replace('{', '{"constructor": 1, "toString": 2,'))).toEqual([
      'unknown key "constructor"',
      'unknown key "toString"',
    ])
  })

  it('whatever it holds, is taken or told faults, and never throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.jsonValue().map((value) => JSON.stringify({ ...right, uptime_30d_percent: value })),
        ),
        (text) => {
          const parsed = parseSnapshot(text)
          if ('faults' in parsed) expect(parsed.faults.length).toBeGreaterThan(0)
        },
      ),
    )
  })
})
