import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openRoster, type Roster } from '../../src/watches/roster.ts'
import { startSweep, sweepEveryMs } from '../../src/watches/sweep.ts'
import { type BrittleLedger, brittleLedger } from '../fakes/brittle-ledger.ts'
import { type VirtualClock, virtualClock } from '../fakes/virtual-clock.ts'
import { agentConfig, fleetConfig } from '../support/fleet.ts'
import { type KeptLog, keptLog } from '../support/log.ts'

let clock: VirtualClock
let ledger: BrittleLedger
let log: KeptLog
let roster: Roster
let running: ReturnType<typeof startSweep>

beforeEach(() => {
  clock = virtualClock()
  ledger = brittleLedger()
  log = keptLog()
  roster = openRoster(fleetConfig([agentConfig('timmy')]), { ledger, clock, log, newId: () => String(clock.now()) })
  running = startSweep({ roster, ledger, clock, log })
  roster.observe('timmy', { kind: 'sighted', beat: { atMs: clock.now(), epoch: 'a' } })
})
afterEach(() => running.stop())

const state = () => roster.agent('timmy')?.status.state

describe('the sweep', () => {
  it('says in the ledger that the watch is looking', async () => {
    await clock.advance(sweepEveryMs)
    running.sweep()
    expect(ledger.remembered().aliveMs).toBe(clock.now())
  })

  it('that comes in time calls nothing unknown', async () => {
    for (let i = 0; i < 5; i++) {
      await clock.advance(sweepEveryMs * 2)
      running.sweep()
    }
    expect(log.messages('warn')).toEqual([])
    expect(state()).toBe('up')
  })

  it('that comes much too late calls unknown what it could not see, since the one before', async () => {
    await clock.advance(1_000)
    running.sweep()
    const beforeMs = clock.now()
    await clock.advance(600_000)
    running.sweep()
    expect(roster.agent('timmy')?.status).toMatchObject({ state: 'unknown', sinceMs: beforeMs })
    expect(ledger.unacknowledged('tower', 9)).toEqual([])
    expect(log.messages('warn')).toEqual([expect.stringContaining('the watch itself was stopped')])
    await clock.advance(sweepEveryMs)
    running.sweep()
    expect(log.messages('warn')).toHaveLength(1)
  })

  it('goes on while the ledger can not be written, and writes what waits as soon as it can', async () => {
    ledger.breakWrites()
    roster.observe('timmy', { kind: 'sighted', gone: 'process-gone' })
    running.sweep()
    expect(log.messages('error')).toContain('the ledger could not be told that the watch is looking')
    expect(roster.unwritten()).toHaveLength(1)
    ledger.mend()
    running.sweep()
    expect(roster.unwritten()).toEqual([])
    expect(ledger.unacknowledged('tower', 9)).toHaveLength(1)
  })
})
