import fc from 'fast-check'
import cronLibrary from 'node-cron'
import { describe, expect, it } from 'vitest'
import { dateOf, dayMs, localMs, minuteMs, openZone, sayLocal, type Zone } from '../../src/domain/local-time.ts'
import { type Cron, lastDue, nextDue, parseCron } from '../../src/domain/schedule.ts'

const runs = Number(process.env['TOWERWATCH_RUNS'] ?? 300)
const timeoutMs = 600_000

function cron(text: string): Cron {
  const parsed = parseCron(text)
  if (parsed.kind === 'fault') throw new Error(parsed.fault)
  return parsed.cron
}

/** Offsets change at full quarters of an hour: looked up once for each. */
function cachedZone(name: string): Zone {
  const zone = openZone(name)
  const known = new Map<number, number>()
  return {
    name,
    offsetMs: (atMs) => {
      const quarter = Math.floor(atMs / 900_000)
      const found = known.get(quarter) ?? zone.offsetMs(atMs)
      known.set(quarter, found)
      return found
    },
  }
}

/** Zones with the moments at which their clocks change. */
const places = [
  { zone: cachedZone('Europe/Berlin'), changes: ['2026-03-29T01:00Z', '2026-10-25T01:00Z'] },
  { zone: cachedZone('America/New_York'), changes: ['2026-03-08T07:00Z', '2026-11-01T06:00Z'] },
  { zone: cachedZone('Australia/Lord_Howe'), changes: ['2026-10-03T15:30Z', '2026-04-04T15:00Z'] },
  { zone: cachedZone('Asia/Kolkata'), changes: ['2026-03-29T01:00Z', '2026-10-25T01:00Z'] },
]
const changes = fc.constantFrom(...places.flatMap(({ zone, changes }) => changes.map((change) => ({ zone, changeMs: Date.parse(change) }))))

const field = (min: number, max: number) => {
  const number = fc.integer({ min, max })
  const range = fc.tuple(number, number).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`)
  const step = fc.integer({ min: 1, max: 20 })
  const item = fc.oneof(
    number.map(String),
    range,
    fc.tuple(range, step).map(([text, n]) => `${text}/${n}`),
    step.map((n) => `*/${n}`),
  )
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant('*') },
    { weight: 3, arbitrary: fc.array(item, { minLength: 1, maxLength: 3 }).map((items) => items.join(',')) },
  )
}
const expressions = fc.tuple(field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6)).map((fields) => fields.join(' '))
/** Mostly about the hours in which clocks change, on any day. */
const nightly = fc
  .tuple(field(0, 59), fc.oneof(field(0, 4), fc.constant('*'), field(0, 23)))
  .map(([minute, hour]) => `${minute} ${hour} * * *`)

/** A plain second reading of five fields: does this local minute fit? */
function reader(text: string): (local: number) => boolean {
  const [minute, hour, day, month, weekday] = text.split(' ').map((part, index) => {
    const least = index === 2 || index === 3 ? 1 : 0
    const most = [59, 23, 31, 12, 6][index] ?? 0
    const all = Array.from({ length: most - least + 1 }, (_, n) => n + least)
    const held = all.filter((value) =>
      part.split(',').some((item) => {
        const [span = '', step = '1'] = item.split('/')
        const [from = 0, to = from] = span === '*' ? [least, most] : span.split('-').map(Number)
        return value >= from && value <= to && (value - from) % Number(step) === 0
      }),
    )
    return { holds: (value: number) => held.includes(value), isAll: held.length === all.length }
  })
  return (local) => {
    const minutes = Math.floor((local % dayMs) / minuteMs)
    if (!minute?.holds(minutes % 60) || !hour?.holds(Math.floor(minutes / 60))) return false
    const date = dateOf(local)
    if (!month?.holds(date.month)) return false
    if (day?.isAll) return weekday?.holds(date.weekday) === true
    if (weekday?.isAll) return day?.holds(date.day) === true
    return day?.holds(date.day) === true || weekday?.holds(date.weekday) === true
  }
}

describe('a cron expression', () => {
  it('names the minutes that a plain reading of it names', () => {
    fc.assert(
      fc.property(expressions, fc.integer({ min: 0, max: 4_000_000 }), (text, minute) => {
        const parsed = parseCron(text)
        fc.pre(parsed.kind === 'cron')
        const utc = openZone('UTC')
        const atMs = Date.UTC(2024, 0, 1) + minute * minuteMs
        expect(lastDue(parsed.cron, utc, atMs)?.atMs === atMs).toBe(reader(text)(atMs))
      }),
      { numRuns: 1_000 },
    )
  })

  it('is read as node-cron reads it', () => {
    fc.assert(
      fc.property(expressions, (text) => {
        const parsed = parseCron(text)
        fc.pre(parsed.kind === 'cron')
        const theirs = cronLibrary.parse(text)
        const sorted = (numbers: Iterable<number | string>) => [...numbers].map(Number).sort((a, b) => a - b)
        const times = theirs.hour.flatMap((hour) => theirs.minute.map((minute) => (hour * 60 + minute) * minuteMs))
        expect(parsed.cron.times).toEqual(sorted(new Set(times)))
        expect(sorted(parsed.cron.days)).toEqual(sorted(new Set(theirs.dayOfMonth)))
        expect(sorted(parsed.cron.months)).toEqual(sorted(new Set(theirs.month)))
        expect(sorted(parsed.cron.weekdays)).toEqual(sorted(new Set(theirs.dayOfWeek)))
      }),
    )
  })

  it('may name months and days, and Sunday by 0 and by 7', () => {
    expect(cron('0 3 * JAN,mar-may *').months).toEqual(new Set([1, 3, 4, 5]))
    expect(cron('0 3 * * mon-fri').weekdays).toEqual(new Set([1, 2, 3, 4, 5]))
    expect(cron('0 3 * * 5-7').weekdays).toEqual(new Set([5, 6, 0]))
    expect(cron('0 3 * * sun').weekdays).toEqual(cron('0 3 * * 7').weekdays)
    expect(cron('5/20 3 * * *').times.map((ms) => ms / minuteMs)).toEqual([185, 205, 225])
    expect(cron('0 3 * * */2').weekdays).toEqual(new Set([0, 2, 4, 6]))
  })

  it.each([
    ['0 3 * *', 'expected five fields (minute, hour, day of the month, month, day of the week) such as "0 3 * * 0", got 4'],
    ['', 'expected five fields (minute, hour, day of the month, month, day of the week) such as "0 3 * * 0", got one'],
    ['60 3 * * *', 'minute: expected numbers from 0 to 59, "*", ranges, lists and steps, got "60"'],
    ['0 24 * * *', 'hour: expected numbers from 0 to 23, "*", ranges, lists and steps, got "24"'],
    ['0 3 0 * *', 'day of the month: expected numbers from 1 to 31, "*", ranges, lists and steps, got "0"'],
    ['0 3 * febr *', 'month: expected numbers from 1 to 12 or names such as "feb", "*", ranges, lists and steps, got "febr"'],
    ['0 3 * * 8', 'day of the week: expected numbers from 0 to 7 or names such as "mon", "*", ranges, lists and steps, got "8"'],
    ['*/0 3 * * *', 'minute: expected numbers from 0 to 59, "*", ranges, lists and steps, got "*/0"'],
    ['5-1 3 * * *', 'minute: "5-1" ends before it begins'],
    ['1, 3 * * *', 'minute: expected numbers from 0 to 59, "*", ranges, lists and steps, got "1,"'],
    ['0 3 L * *', 'day of the month: expected numbers from 1 to 31, "*", ranges, lists and steps, got "L"'],
    ['0 3 30 2 *', 'there is no such day in any year'],
  ])('that is none is refused with what is wrong: %j', (text, fault) => {
    expect(parseCron(text)).toEqual({ kind: 'fault', fault })
  })

  it('may be any text without harm', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9*,/ -]{0,40}$/)), (text) => {
        expect(['cron', 'fault']).toContain(parseCron(text).kind)
      }),
    )
  })

  it('that only fits a leap day is due on the next one', () => {
    const due = cron('0 12 29 2 *')
    expect(nextDue(due, openZone('UTC'), Date.UTC(2096, 2, 1))?.name).toBe('2104-02-29T12:00')
    expect(lastDue(due, openZone('UTC'), Date.UTC(2104, 1, 28))?.name).toBe('2096-02-29T12:00')
  })
})

/** Minute by minute: which local minutes the clocks on the wall have shown or passed, and which run that asks for. */
function model(text: string, zone: Zone, fromMs: number, toMs: number, isOn: (atMs: number) => boolean): string[] {
  const done: string[] = []
  const fits = reader(text)
  let shown = localMs(zone, fromMs - minuteMs)
  let newest: string | undefined
  for (let ms = fromMs; ms < toMs; ms += minuteMs) {
    for (; shown < localMs(zone, ms); ) {
      shown += minuteMs
      if (fits(shown)) newest = sayLocal(shown)
    }
    if (newest !== undefined && isOn(ms)) {
      done.push(`${newest} at ${ms}`)
      newest = undefined
    }
  }
  return done
}

describe('due times', () => {
  const text = '30 2 * * *'

  it('that clocks skip are due at the first moment after the gap', () => {
    const berlin = openZone('Europe/Berlin')
    const changeMs = Date.parse('2026-03-29T01:00Z')
    expect(lastDue(cron(text), berlin, changeMs - 1)?.name).toBe('2026-03-28T02:30')
    expect(lastDue(cron(text), berlin, changeMs)).toEqual({ name: '2026-03-29T02:30', atMs: changeMs })
    expect(nextDue(cron(text), berlin, changeMs - 1)).toEqual({ name: '2026-03-29T02:30', atMs: changeMs })
    expect(lastDue(cron('*/10 2 * * *'), berlin, changeMs)?.name).toBe('2026-03-29T02:50')
    expect(nextDue(cron('*/10 2 * * *'), berlin, changeMs - 1)?.name).toBe('2026-03-29T02:50')
  })

  it('that clocks show twice are due the first time, and not again', () => {
    const berlin = openZone('Europe/Berlin')
    const first = Date.parse('2026-10-25T00:30Z')
    for (const afterMs of [0, 30, 60, 90, 600].map((minutes) => minutes * minuteMs))
      expect(lastDue(cron(text), berlin, first + afterMs)).toEqual({ name: '2026-10-25T02:30', atMs: first })
    expect(nextDue(cron(text), berlin, first)?.name).toBe('2026-10-26T02:30')
    // Clocks show 02:10 again: 02:50 has been.
    expect(lastDue(cron('*/10 * * * *'), berlin, first + 40 * minuteMs)?.name).toBe('2026-10-25T02:50')
  })

  it(
    'come once each through both changes of four zones and any outage, as counting the minutes has it',
    () => {
      fc.assert(
        fc.property(
          fc.oneof({ weight: 5, arbitrary: nightly }, { weight: 1, arbitrary: expressions }),
          changes,
          fc.array(fc.tuple(fc.integer({ min: -400, max: 400 }), fc.nat(300)), { maxLength: 3 }),
          (expression, { zone, changeMs }, outages) => {
            const parsed = parseCron(expression)
            fc.pre(parsed.kind === 'cron')
            const isOn = (ms: number) =>
              !outages.some(([from, length]) => ms >= changeMs + from * minuteMs && ms < changeMs + (from + length) * minuteMs)
            const fromMs = changeMs - 200 * minuteMs
            const toMs = changeMs + 200 * minuteMs
            const before = lastDue(parsed.cron, zone, fromMs - minuteMs)?.name
            const done: string[] = []
            const names = new Set([before])
            for (let ms = fromMs; ms < toMs; ms += minuteMs) {
              if (!isOn(ms)) continue
              const due = lastDue(parsed.cron, zone, ms)
              if (!due || names.has(due.name)) continue
              names.add(due.name)
              done.push(`${due.name} at ${ms}`)
            }
            expect(done.join('\n')).toBe(model(expression, zone, fromMs, toMs, isOn).join('\n'))
          },
        ),
        { numRuns: runs },
      )
    },
    timeoutMs,
  )

  it('that come next come last when they have come', () => {
    fc.assert(
      fc.property(
        fc.oneof(nightly, expressions),
        changes,
        fc.integer({ min: -3_000, max: 3_000 }),
        (expression, { zone, changeMs }, minutes) => {
          const parsed = parseCron(expression)
          fc.pre(parsed.kind === 'cron')
          const nowMs = changeMs + minutes * minuteMs
          const next = nextDue(parsed.cron, zone, nowMs)
          expect(next?.atMs).toBeGreaterThan(nowMs)
          expect(lastDue(parsed.cron, zone, next?.atMs ?? 0)).toEqual(next)
          const last = lastDue(parsed.cron, zone, (next?.atMs ?? 0) - 1)
          expect(last?.atMs).toBeLessThanOrEqual(nowMs)
        },
      ),
    )
  })
})
