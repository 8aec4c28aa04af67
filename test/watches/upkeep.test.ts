import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LedgerError } from '../../src/ports/ledger.ts'
import { startUpkeep } from '../../src/watches/upkeep.ts'
import { type BrittleLedger, brittleLedger } from '../fakes/brittle-ledger.ts'
import { type KeptLog, keptLog } from '../support/log.ts'

// Times are local: upkeep is once per local date, whatever the zone of the machine that runs this.
const at = (day: number, hour: number, minute = 0) => new Date(2026, 2, day, hour, minute).getTime()

let nowMs: number
let done: number[]
let ledger: BrittleLedger
let log: KeptLog
let running: ReturnType<typeof startUpkeep>

beforeEach(() => {
  done = []
  log = keptLog()
  ledger = brittleLedger()
  const counted = {
    ...ledger,
    upkeep: (beforeMs: number) => {
      done.push(beforeMs)
      return ledger.upkeep(beforeMs)
    },
  }
  const clock = { now: () => nowMs, after: () => ({ cancel: () => {} }) }
  nowMs = at(10, 0)
  running = startUpkeep({ ledger: counted, clock, log, keepMs: 1_000 })
})
afterEach(() => running.stop())

const checkedAt = (...times: number[]) => {
  for (const time of times) {
    nowMs = time
    running.check()
  }
  return done.length
}

describe('the daily upkeep', () => {
  it('is done once per date, not before the small hours', () => {
    expect(checkedAt(at(10, 3, 50))).toBe(0)
    expect(checkedAt(at(10, 4, 0), at(10, 4, 10), at(10, 23, 50))).toBe(1)
    expect(checkedAt(at(11, 3, 50))).toBe(1)
    expect(checkedAt(at(11, 4, 0))).toBe(2)
  })

  it('forgets what is older than is to be kept', () => {
    checkedAt(at(10, 5))
    expect(done).toEqual([at(10, 5) - 1_000])
  })

  it('is done later the same day where the watch was off at its hour', () => {
    expect(checkedAt(at(10, 17, 20))).toBe(1)
  })

  it('is done once on every date of the year, also on those on which the clock is changed', () => {
    let times = 0
    const dates = new Set<string>()
    for (let ms = at(1, 0); ms < at(1 + 365, 0); ms += 600_000) {
      dates.add(new Date(ms).toDateString())
      times = checkedAt(ms)
    }
    expect(times).toBe(dates.size)
  })

  it('is not done again by a watch that was started anew', async () => {
    checkedAt(at(10, 5))
    await running.stop()
    running = startUpkeep({ ledger, clock: { now: () => at(10, 6), after: () => ({ cancel: () => {} }) }, log, keepMs: 1_000 })
    const before = log.messages().length
    running.check()
    expect(log.messages()).toHaveLength(before)
  })

  it('that fails is tried again at the next check', () => {
    ledger.breakWrites()
    checkedAt(at(10, 5))
    expect(log.messages('error')).toHaveLength(1)
    ledger.mend()
    checkedAt(at(10, 5, 10), at(10, 5, 20))
    expect(ledger.note('upkeep')).toBe('2026-03-10')
    expect(done).toHaveLength(2)
  })

  it('hides no fault but that of the ledger', () => {
    const broken = {
      ...ledger,
      note: () => {
        throw new TypeError('a bug')
      },
    }
    const upkeep = startUpkeep({ ledger: broken, clock: { now: () => at(10, 6), after: () => ({ cancel: () => {} }) }, log, keepMs: 1 })
    expect(() => upkeep.check()).toThrow(TypeError)
    expect(new LedgerError('x')).toBeInstanceOf(Error)
    return upkeep.stop()
  })
})
