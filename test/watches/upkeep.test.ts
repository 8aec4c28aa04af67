import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Schedule } from '../../src/watches/schedule.ts'
import { startUpkeep } from '../../src/watches/upkeep.ts'
import { type BrittleLedger, brittleLedger } from '../fakes/brittle-ledger.ts'
import { type VirtualClock, virtualClock } from '../fakes/virtual-clock.ts'
import { type KeptLog, keptLog } from '../support/log.ts'

const hourMs = 3_600_000

let clock: VirtualClock
let ledger: BrittleLedger
let log: KeptLog
let running: Schedule
/** What each upkeep was told to forget. */
let forgotten: number[]

beforeEach(async () => {
  clock = virtualClock(Date.parse('2026-03-28T12:00Z'))
  ledger = brittleLedger()
  log = keptLog()
  forgotten = []
  const upkeep = async (beforeMs: number) => {
    forgotten.push(beforeMs)
    return ledger.upkeep(beforeMs)
  }
  running = startUpkeep({ keepMs: 1_000, timeZone: 'Europe/Berlin' }, { ledger: { ...ledger, upkeep }, clock, log })
  await clock.advance(0)
})
afterEach(() => running.stop())

describe('the daily upkeep', () => {
  it('forgets what is older than is to be kept, at four in the morning of the fleet', async () => {
    await clock.advance(24 * hourMs)
    // Clocks jump in this night: four o'clock is two in UTC.
    expect(forgotten).toEqual([Date.parse('2026-03-29T02:00Z') - 1_000])
    await clock.advance(24 * hourMs)
    expect(forgotten).toHaveLength(2)
    expect(log.messages('info')).toContain('the daily upkeep of the ledger is done: 0 rows were old enough to be forgotten')
  })

  it('that fails is said so, and comes again the next day', async () => {
    ledger.breakWrites(['upkeep'])
    await clock.advance(24 * hourMs)
    expect(log.messages('error')).toHaveLength(1)
    ledger.mend()
    await clock.advance(24 * hourMs)
    expect(log.messages('error')).toHaveLength(1)
    expect(forgotten).toHaveLength(2)
  })
})
