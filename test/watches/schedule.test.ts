import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { minuteMs, openZone } from '../../src/domain/local-time.ts'
import { lastDue, parseCron } from '../../src/domain/schedule.ts'
import { type Schedule, startSchedule } from '../../src/watches/schedule.ts'
import { type BrittleLedger, brittleLedger } from '../fakes/brittle-ledger.ts'
import { type VirtualClock, virtualClock } from '../fakes/virtual-clock.ts'
import { type KeptLog, keptLog } from '../support/log.ts'

const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

let clock: VirtualClock
let ledger: BrittleLedger
let log: KeptLog
let running: Schedule[]
/** Names of what was run, as the ledger has them, in the order in which they began. */
const done = () => ledger.written.flatMap((fact) => (fact.kind === 'run' && fact.run.outcome === undefined ? [fact.run.due] : []))
const outcomes = () => ledger.written.flatMap((fact) => (fact.kind === 'run' && fact.run.outcome !== undefined ? [fact.run] : []))

beforeEach(() => {
  ledger = brittleLedger()
  log = keptLog()
  running = []
})
afterEach(async () => {
  ledger.mend()
  await Promise.all(running.map((schedule) => schedule.stop()))
})

/** A life of the watch begins. */
async function begin(text = '30 2 * * *', more: { timeZone?: string; run?: (signal: AbortSignal) => Promise<string> } = {}) {
  const job = { name: 'nightly', cron: text, run: more.run ?? (async () => 'done') }
  const schedule = startSchedule(job, { ledger, clock, log, timeZone: more.timeZone ?? 'Europe/Berlin' })
  running.push(schedule)
  await clock.advance(0)
  return schedule
}
beforeEach(() => {
  clock = virtualClock(Date.parse('2026-03-27T12:00Z'))
})

describe('a job', () => {
  it.each([
    ['Europe/Berlin', '2026-03-27T12:00Z'],
    ['Europe/Berlin', '2026-10-23T12:00Z'],
    ['America/New_York', '2026-03-06T12:00Z'],
    ['America/New_York', '2026-10-30T12:00Z'],
    ['Australia/Lord_Howe', '2026-10-01T12:00Z'],
    ['Australia/Lord_Howe', '2026-04-02T12:00Z'],
    ['Asia/Kolkata', '2026-03-27T12:00Z'],
  ])('in %s is run once per local date over the days after %s', async (timeZone, from) => {
    clock = virtualClock(Date.parse(from))
    await begin('15 2 * * *', { timeZone })
    await clock.advance(4 * dayMs)
    expect(done()).toHaveLength(4)
    expect(new Set(done().map((name) => name.slice(0, 10))).size).toBe(4)
    expect(done().every((name) => name.endsWith('T02:15'))).toBe(true)
    expect(outcomes().map(({ outcome, detail }) => [outcome, detail])).toEqual(Array(4).fill(['ok', 'done']))
  })

  it('that was just declared does not catch up with what was due before', async () => {
    await begin()
    expect(done()).toEqual([])
    await clock.advance(13 * hourMs + 30 * minuteMs)
    expect(done()).toEqual(['2026-03-28T02:30'])
  })

  it('that fell due while the watch was off is caught up with once, for the newest time', async () => {
    const first = await begin()
    await first.stop()
    await clock.advance(5 * dayMs)
    const second = await begin()
    expect(done()).toEqual(['2026-04-01T02:30'])
    await second.stop()
    await begin()
    expect(done()).toHaveLength(1)
  })

  it('with another expression begins anew', async () => {
    const first = await begin()
    await first.stop()
    const second = await begin('30 1 * * *')
    expect(done()).toEqual([])
    await second.stop()
    await begin('30 2 * * *')
    expect(done()).toEqual([])
  })

  it.each([-dayMs, -hourMs, hourMs, dayMs])('is run once per local date when the wall clock is set by %i ms and back', async (stepMs) => {
    await begin('30 * * * *')
    await clock.advance(5 * hourMs)
    clock.stepWall(stepMs)
    await clock.advance(5 * hourMs)
    clock.stepWall(-stepMs)
    await clock.advance(30 * hourMs)
    expect(new Set(done()).size).toBe(done().length)
    const due = (hour: number) => new Date(Date.parse('2026-03-27T13:30Z') + hour * hourMs).toISOString().slice(0, 16)
    // Every hour has its run, but for those that a clock set forward and back jumped over together.
    for (let hour = 0; hour < 5; hour++) expect(done()).toContain(due(hour))
    for (let hour = 30; hour < 36; hour++) if (due(hour) < '2026-03-29') expect(done()).toContain(due(hour))
  })

  it('is never run twice at a time: what falls due meanwhile comes next, once', async () => {
    let atOnce = 0
    let most = 0
    const run = async () => {
      atOnce++
      most = Math.max(most, atOnce)
      await new Promise<void>((resolve) => clock.after(150 * minuteMs, resolve))
      atOnce--
      return 'done'
    }
    await begin('0 * * * *', { run })
    await clock.advance(6 * hourMs)
    expect(most).toBe(1)
    expect(done()).toEqual(['2026-03-27T14:00', '2026-03-27T16:00', '2026-03-27T19:00'])
    clock.after(0, () => running[0]?.stop())
    await clock.advance(5 * hourMs)
  })

  it('that failed is said so, and is run again when it is due again', async () => {
    let times = 0
    const run = async () => {
      if (times++ === 0) throw new Error('no space')
      return 'done'
    }
    await begin('0 * * * *', { run })
    await clock.advance(90 * minuteMs)
    expect(outcomes()).toMatchObject([{ due: '2026-03-27T14:00', outcome: 'failed', detail: 'no space' }])
    expect(log.messages('error')).toHaveLength(1)
    await clock.advance(hourMs)
    expect(outcomes()).toHaveLength(2)
  })

  it('that the end of the watch cut off is not begun again, and written down as failed', async () => {
    const never = new Promise<string>(() => {})
    await begin('0 * * * *', { run: () => never })
    await clock.advance(hourMs)
    running = []
    await begin('0 * * * *')
    expect(outcomes()).toMatchObject([{ outcome: 'failed', detail: 'interrupted by the end of the watch' }])
    expect(log.messages('warn')).toHaveLength(1)
    expect(done()).toHaveLength(1)
    await clock.advance(hourMs)
    expect(done()).toHaveLength(2)
  })

  it('is told to stop when the watch does, which waits for it', async () => {
    const run = (signal: AbortSignal) => new Promise<string>((resolve) => signal.addEventListener('abort', () => resolve('half of it')))
    const schedule = await begin('0 * * * *', { run })
    await clock.advance(hourMs)
    expect(outcomes()).toEqual([])
    await schedule.stop()
    expect(outcomes()).toMatchObject([{ outcome: 'ok', detail: 'half of it' }])
  })

  it('waits while that it begins can not be written down, and is complained of once', async () => {
    await begin('0 * * * *')
    ledger.breakWrites()
    await clock.advance(hourMs + 10 * minuteMs)
    expect(done()).toEqual([])
    expect(log.messages('error')).toEqual(['a job waits until the ledger can be read and written'])
    ledger.mend()
    await clock.advance(minuteMs)
    expect(done()).toEqual(['2026-03-27T14:00'])
    ledger.breakReads()
    await clock.advance(hourMs)
    expect(log.messages('error')).toHaveLength(2)
    ledger.mend()
    await clock.advance(minuteMs)
    expect(done()).toHaveLength(2)
  })

  it('without a schedule, or in no zone, is refused', () => {
    const job = { name: 'x', cron: 'often', run: async () => '' }
    expect(() => startSchedule(job, { ledger, clock, log, timeZone: 'UTC' })).toThrow(/"x" has no schedule: expected five fields/)
    expect(() => startSchedule({ ...job, cron: '0 0 * * *' }, { ledger, clock, log, timeZone: 'Mars' })).toThrow(RangeError)
  })

  it('is run once for each due time that is the newest at some minute the watch is on, whatever its life', async () => {
    const zone = openZone('Europe/Berlin')
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('30 2 * * *', '*/20 * * * *', '0 1-3 * * *', '15 */3 * * 6,0'),
        fc.constantFrom('2026-03-28T20:00Z', '2026-10-24T20:00Z'),
        fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 300 })), { minLength: 1, maxLength: 6 }),
        async (text, from, stretches) => {
          ledger = brittleLedger()
          clock = virtualClock(Date.parse(from))
          const parsed = parseCron(text)
          if (parsed.kind === 'fault') throw new Error(parsed.fault)
          const expected = new Set([lastDue(parsed.cron, zone, clock.now())?.name])
          const first = await begin(text)
          await first.stop()
          for (const [isOn, minutes] of stretches) {
            const schedule = isOn ? await begin(text) : undefined
            if (isOn) for (let m = 0; m <= minutes; m++) expected.add(lastDue(parsed.cron, zone, clock.now() + m * minuteMs)?.name)
            await clock.advance(minutes * minuteMs)
            await schedule?.stop()
          }
          expect(done()).toEqual([...expected].slice(1))
        },
      ),
      { numRuns: 25 },
    )
  })
})
