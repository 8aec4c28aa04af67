/** Times as other programs write them: ISO 8601, or a number since 1970 in seconds, milliseconds, micro- or nanoseconds. */

/** A point in time by somebody else's wall clock: a label, never what freshness is judged by. */
export interface Instant {
  /** Milliseconds since 1970, whole. */
  ms: number
  /** `local`: the text names no zone, so it may be up to 14 hours off; it is read as UTC. */
  zone: 'known' | 'local'
  form: 'ISO 8601' | 'seconds since 1970' | 'milliseconds since 1970' | 'microseconds since 1970' | 'nanoseconds since 1970'
}

/** From 2001-09-09 to 2128: what lies outside is some other number, not a time. */
const earliestMs = 1e12
const latestMs = 5e12

/** Undefined where it is no time of this century. */
export function readInstant(value: unknown): Instant | undefined {
  if (typeof value === 'number') return readNumber(value)
  if (typeof value !== 'string') return undefined
  const text = value.trim()
  if (/^\d{10,19}(\.\d{1,9})?$/.test(text)) return readNumber(Number(text))
  return readIso(text)
}

/** Its order of magnitude tells what it counts: the ranges don't meet. */
function readNumber(value: number): Instant | undefined {
  const units = [
    [1e3, 'seconds since 1970'],
    [1, 'milliseconds since 1970'],
    [1e-3, 'microseconds since 1970'],
    [1e-6, 'nanoseconds since 1970'],
  ] as const
  for (const [factor, form] of units) {
    const ms = value * factor
    if (ms >= earliestMs && ms < latestMs) return { ms: Math.round(ms), zone: 'known', form }
  }
  return undefined
}

const isoPattern = /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s?(?:([Zz]|UTC)|([+-])(\d{2}):?(\d{2})?)?$/

function readIso(text: string): Instant | undefined {
  const match = isoPattern.exec(text)
  if (!match) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map((part) => Number(part ?? 0))
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 24 || minute > 59 || second > 60) return undefined
  const fractionMs = Math.floor(Number(`0.${match[7] ?? '0'}`) * 1000)
  const isZoned = match[8] !== undefined || match[9] !== undefined
  const offsetMin = match[9] === undefined ? 0 : (Number(match[10]) * 60 + Number(match[11] ?? 0)) * (match[9] === '-' ? -1 : 1)
  if (Math.abs(offsetMin) > 14 * 60) return undefined
  const ms = (daysSince1970(year, month, day) * 1440 + hour * 60 + minute - offsetMin) * 60_000 + second * 1000 + fractionMs
  if (ms < earliestMs || ms >= latestMs) return undefined
  return { ms, zone: isZoned ? 'known' : 'local', form: 'ISO 8601' }
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** Counted in years that begin in March, so that the leap day is the last one. */
export function daysSince1970(year: number, month: number, day: number): number {
  const shifted = month > 2 ? year : year - 1
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  return 365 * shifted + Math.floor(shifted / 4) - Math.floor(shifted / 100) + Math.floor(shifted / 400) + dayOfYear - 719_468
}
