/**
 * Local time: what the clocks on the wall of a time zone show. It is not a line: where summer time begins some times never
 * come, where it ends some come twice. So a local time is turned into a moment only by saying which one is meant.
 *
 * A local time is kept as milliseconds too, counted as if it were UTC: from 1970-01-01 00:00 on the wall.
 */
import { daysSince1970 } from './instant.ts'

export interface Zone {
  name: string
  /** How far the zone's clocks are ahead of UTC at this moment. */
  offsetMs(atMs: number): number
}

export const dayMs = 86_400_000
export const minuteMs = 60_000

/** `name` as IANA has it: "Europe/Berlin". Throws RangeError where there is no such zone. */
export function openZone(name: string): Zone {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: name,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  return {
    name,
    offsetMs: (atMs) => {
      // Offsets are whole seconds: counted from a whole second, milliseconds can't be lost.
      const secondMs = Math.floor(atMs / 1000) * 1000
      const shown = new Map<string, number>()
      for (const { type, value } of format.formatToParts(secondMs)) shown.set(type, Number(value))
      const part = (type: string) => shown.get(type) ?? 0
      const days = daysSince1970(part('year'), part('month'), part('day'))
      return days * dayMs + ((part('hour') * 60 + part('minute')) * 60 + part('second')) * 1000 - secondMs
    },
  }
}

/** What the zone's clocks show at this moment. */
export function localMs(zone: Zone, atMs: number): number {
  return atMs + zone.offsetMs(atMs)
}

/**
 * The first moment at which the zone's clocks show this time or a later one: of a time that comes twice the first, of one
 * that is skipped the moment after the gap.
 */
export function firstMoment(zone: Zone, local: number): number {
  const [earlier, later] = candidates(zone, local)
  return earlier ?? later ?? gapEnd(zone, local)
}

/** The moment from which on the zone's clocks never show an earlier time again: of a time that comes twice the second. */
export function lastMoment(zone: Zone, local: number): number {
  const [earlier, later] = candidates(zone, local)
  return later ?? earlier ?? gapEnd(zone, local)
}

/** No change of a zone's offset is larger, and no two come so soon after one another. */
const widestMs = 2 * dayMs

/** The moments at which the clocks show this time, in order, by the offset before a change near it and by the one after. */
function candidates(zone: Zone, local: number): (number | undefined)[] {
  const before = local - zone.offsetMs(local - widestMs)
  const after = local - zone.offsetMs(local + widestMs)
  const found = [before, after].filter((atMs) => localMs(zone, atMs) === local)
  return found.sort((a, b) => a - b)
}

/** The clocks jump over this time: when. */
function gapEnd(zone: Zone, local: number): number {
  let low = local - widestMs
  let high = local + widestMs
  const offset = zone.offsetMs(low)
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (zone.offsetMs(middle) === offset) low = middle
    else high = middle
  }
  return high
}

/** The day of a local time, in parts. `weekday`: 0 is Sunday. */
export function dateOf(local: number): { year: number; month: number; day: number; weekday: number } {
  const days = Math.floor(local / dayMs)
  // Counted in years that begin in March, so that the leap day is the last one; an era is 400 years.
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return { year, month, day, weekday: (((days + 4) % 7) + 7) % 7 }
}

/** "2026-03-29T02:30": sorts as time does. */
export function sayLocal(local: number): string {
  const { year, month, day } = dateOf(local)
  const minutes = Math.floor((local - Math.floor(local / dayMs) * dayMs) / minuteMs)
  const two = (n: number) => String(n).padStart(2, '0')
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}T${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}

/** From "2026-12-24 22:00" or "2026-12-24T22:00"; undefined where there is no such day or time. */
export function parseLocal(text: string): number | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})[ T](\d{2}):(\d{2})$/.exec(text)
  if (!match) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0] = match.slice(1).map(Number)
  if (hour > 23 || minute > 59) return undefined
  const local = daysSince1970(year, month, day) * dayMs + (hour * 60 + minute) * minuteMs
  const read = dateOf(local)
  return read.year === year && read.month === month && read.day === day ? local : undefined
}
