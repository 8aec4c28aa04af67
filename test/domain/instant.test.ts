import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readInstant } from '../../src/domain/instant.ts'

const ms = (value: unknown) => readInstant(value)?.ms

describe('a time as somebody else writes it', () => {
  it.each([
    [1_712_345_678.25, 1_712_345_678_250, 'seconds since 1970'],
    ['1712345678.25', 1_712_345_678_250, 'seconds since 1970'],
    [1_712_345_678_250, 1_712_345_678_250, 'milliseconds since 1970'],
    [1_712_345_678_250_999, 1_712_345_678_251, 'microseconds since 1970'],
    ['1712345678250000000', 1_712_345_678_250, 'nanoseconds since 1970'],
    ['2024-04-05T19:34:38Z', 1_712_345_678_000, 'ISO 8601'],
    ['2024-04-05 19:34:38.25 UTC', 1_712_345_678_250, 'ISO 8601'],
    ['2024-04-05T21:34:38,250+02:00', 1_712_345_678_250, 'ISO 8601'],
    ['2024-04-05T14:04:38-0530', 1_712_345_678_000, 'ISO 8601'],
    ['2024-02-29T00:00Z', 1_709_164_800_000, 'ISO 8601'],
  ])('is %j', (value, expected, form) => {
    expect(readInstant(value)).toEqual({ ms: expected, zone: 'known', form })
  })

  it('says where its zone is not known', () => {
    expect(readInstant('2024-04-05T19:34:38')).toEqual({ ms: 1_712_345_678_000, zone: 'local', form: 'ISO 8601' })
  })

  it.each([
    0,
    -1,
    42,
    1e11,
    5e9,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '',
    'now',
    '12',
    true,
    null,
    {},
    '2023-02-29T00:00:00Z',
    '2024-13-01T00:00:00Z',
    '2024-04-31T00:00:00Z',
    '2024-04-05T25:00:00Z',
    '2024-04-05T10:60:00Z',
    '2024-04-05T10:00:00+19:00',
    '1970-01-01T00:00:00Z',
    '2024-04-05',
  ])('is not %j', (value) => {
    expect(readInstant(value)).toBeUndefined()
  })

  it('is read as JavaScript itself reads it, on every day and in every zone', () => {
    const offset = fc.integer({ min: -14 * 60, max: 14 * 60 })
    fc.assert(
      fc.property(fc.integer({ min: 1e12, max: 5e12 - 1 }), offset, (at, minutes) => {
        expect(ms(at)).toBe(at)
        expect(ms(new Date(at).toISOString())).toBe(at)
        const zone = `${minutes < 0 ? '-' : '+'}${[Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60].map((part) => String(part).padStart(2, '0')).join(':')}`
        const local = `${new Date(at + minutes * 60_000).toISOString().slice(0, -1)}${zone}`
        expect(ms(local)).toBe(Date.parse(local))
      }),
      { numRuns: 2_000 },
    )
  })

  it('is a time or none for any text at all', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'0123456789-:TZ+. ') })), (text) => {
        const found = readInstant(text)
        if (found) expect(found.ms >= 1e12 && found.ms < 5e12 && Number.isInteger(found.ms)).toBe(true)
      }),
      { numRuns: 5_000 },
    )
  })
})
