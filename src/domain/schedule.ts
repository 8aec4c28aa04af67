/**
 * Schedules: which local times a cron expression names, and which of them was due last. A due local time is one run, by
 * name: whether clocks skip it, show it twice or are set, it is run once.
 */
import { dateOf, dayMs, firstMoment, localMs, minuteMs, sayLocal, type Zone } from './local-time.ts'

/** The local times that a cron expression names. */
export interface Cron {
  /** Of a day that fits, in milliseconds since its midnight; in order. */
  times: readonly number[]
  months: ReadonlySet<number>
  days: ReadonlySet<number>
  /** 0 is Sunday. */
  weekdays: ReadonlySet<number>
}

/** A local time at which a job is due. */
export interface Due {
  /** "2026-03-29T02:30". */
  name: string
  /** When its moment came: of a time that comes twice the first, of one that is skipped the moment after the gap. */
  atMs: number
}

const fields = [
  { name: 'minute', min: 0, max: 59, words: [] },
  { name: 'hour', min: 0, max: 23, words: [] },
  { name: 'day of the month', min: 1, max: 31, words: [] },
  { name: 'month', min: 1, max: 12, words: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'] },
  // 7 is Sunday, too.
  { name: 'day of the week', min: 0, max: 7, words: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
] as const

type Field = (typeof fields)[number]

/**
 * Five fields, as crontab(5) has them: numbers, names of months and days, lists, ranges and steps. Where both the day of the
 * month and the day of the week are restricted, either is enough. Answers the fault in words where it is none, or where no
 * day of any year fits.
 */
export function parseCron(text: string): { kind: 'cron'; cron: Cron } | { kind: 'fault'; fault: string } {
  const parts = text.trim().split(/\s+/)
  if (parts.length !== fields.length)
    return {
      kind: 'fault',
      fault: `expected five fields (minute, hour, day of the month, month, day of the week) such as "0 3 * * 0", got ${parts.length === 1 ? 'one' : parts.length}`,
    }
  const lists: Set<number>[] = []
  for (const [index, field] of fields.entries()) {
    const read = parseField(parts[index] ?? '', field)
    if (typeof read === 'string') return { kind: 'fault', fault: read }
    lists.push(read)
  }
  const [minutes = new Set(), hours = new Set(), days = new Set(), months = new Set(), weekdays = new Set()] = lists
  if (weekdays.delete(7)) weekdays.add(0)
  const rising = (numbers: Set<number>) => [...numbers].sort((a, b) => a - b)
  const times = rising(hours).flatMap((hour) => rising(minutes).map((minute) => (hour * 60 + minute) * minuteMs))
  const cron: Cron = { times, days, months, weekdays }
  if (lastFitting(cron, leapYearsMs + dayMs - 1) === undefined) return { kind: 'fault', fault: 'there is no such day in any year' }
  return { kind: 'cron', cron }
}

function parseField(text: string, field: Field): Set<number> | string {
  const found = new Set<number>()
  for (const item of text.toLowerCase().split(',')) {
    const fault = `${field.name}: expected numbers from ${field.min} to ${field.max}${field.words.length > 0 ? ` or names such as "${field.words[1]}"` : ''}, "*", ranges, lists and steps, got "${text}"`
    const match = /^(?:(\*)|([a-z0-9]+)(?:-([a-z0-9]+))?)(?:\/(\d{1,3}))?$/.exec(item)
    if (!match) return fault
    const [, star, first, last, every] = match
    const from = star === undefined ? parseNumber(first ?? '', field) : field.min
    // "5/15" is "5-59/15", as most crons have it. The week is seven days: a star must not say Sunday twice.
    const end = star !== undefined || every !== undefined ? Math.min(field.max, field.name === 'day of the week' ? 6 : field.max) : from
    const to = last === undefined ? end : parseNumber(last, field)
    const step = every === undefined ? 1 : Number(every)
    if (from === undefined || to === undefined || step < 1) return fault
    if (from > to) return `${field.name}: "${item}" ends before it begins`
    for (let n = from; n <= to; n += step) found.add(n)
  }
  return found
}

function parseNumber(text: string, field: Field): number | undefined {
  const word = (field.words as readonly string[]).indexOf(text)
  if (word >= 0) return word + (field.name === 'month' ? 1 : 0)
  if (!/^\d{1,2}$/.test(text)) return undefined
  const number = Number(text)
  return number >= field.min && number <= field.max ? number : undefined
}

/** The due time whose moment came last, at or before `atMs`. Clocks that are set back don't make an earlier one due again. */
export function lastDue(cron: Cron, zone: Zone, atMs: number): Due | undefined {
  // Where clocks were put back lately, they have shown later times than now already.
  const wasAheadMs = Math.max(0, zone.offsetMs(atMs - dayMs) - zone.offsetMs(atMs))
  let local = lastFitting(cron, localMs(zone, atMs) + wasAheadMs)
  while (local !== undefined) {
    const moment = firstMoment(zone, local)
    if (moment <= atMs) return { name: sayLocal(local), atMs: moment }
    local = lastFitting(cron, local - minuteMs)
  }
  return undefined
}

/** The due time whose moment comes next, after `atMs`. */
export function nextDue(cron: Cron, zone: Zone, atMs: number): Due | undefined {
  let local = firstFitting(cron, localMs(zone, atMs) - dayMs)
  while (local !== undefined) {
    const moment = firstMoment(zone, local)
    // Of several times in one gap the last one is due at its end.
    if (moment > atMs) return lastDue(cron, zone, moment)
    local = firstFitting(cron, local + minuteMs)
  }
  return undefined
}

/** The 29th of February may be eight years away: 1896 to 1904, 2096 to 2104. */
const leapYearsMs = 8 * 366 * dayMs

/** The last local minute that the expression names, at or before this one. */
function lastFitting(cron: Cron, local: number): number | undefined {
  let dayStart = Math.floor(local / dayMs) * dayMs
  for (let left = local - dayStart; dayStart > local - leapYearsMs; left = dayMs - 1) {
    const date = dateOf(dayStart)
    const time = fitsDay(cron, date) ? cron.times.findLast((ms) => ms <= left) : undefined
    if (time !== undefined) return dayStart + time
    // Straight to the end of the month before, where nothing of this one fits.
    dayStart -= (cron.months.has(date.month) ? 1 : date.day) * dayMs
  }
  return undefined
}

/** The first local minute that the expression names, at or after this one. */
function firstFitting(cron: Cron, local: number): number | undefined {
  let dayStart = Math.floor(local / dayMs) * dayMs
  for (let past = local - dayStart; dayStart < local + leapYearsMs; past = 0) {
    const time = fitsDay(cron, dateOf(dayStart)) ? cron.times.find((ms) => ms >= past) : undefined
    if (time !== undefined) return dayStart + time
    dayStart += dayMs
  }
  return undefined
}

function fitsDay(cron: Cron, { month, day, weekday }: ReturnType<typeof dateOf>): boolean {
  if (!cron.months.has(month)) return false
  const isEveryDay = cron.days.size === 31
  const isEveryWeekday = cron.weekdays.size === 7
  if (isEveryDay) return cron.weekdays.has(weekday)
  if (isEveryWeekday) return cron.days.has(day)
  return cron.days.has(day) || cron.weekdays.has(weekday)
}
