import { beforeEach, describe, expect, it } from 'vitest'
import { startActivity } from '../../src/watches/activity.ts'
import { openRoster, type Roster } from '../../src/watches/roster.ts'
import { type BrittleLedger, brittleLedger } from '../fakes/brittle-ledger.ts'
import { type VirtualClock, virtualClock } from '../fakes/virtual-clock.ts'
import { agentConfig, fleetConfig } from '../support/fleet.ts'
import { type KeptLog, keptLog } from '../support/log.ts'

const start = virtualClock().now()
let clock: VirtualClock
let ledger: BrittleLedger
let log: KeptLog
let roster: Roster
let running: ReturnType<typeof startActivity>

beforeEach(() => {
  clock = virtualClock()
  ledger = brittleLedger()
  log = keptLog()
  const config = fleetConfig([agentConfig('timmy')])
  roster = openRoster(config, { ledger, clock, log, newId: () => String(clock.now()) })
  running = startActivity(() => config, { roster, ledger, clock, log })
})

/** A beat each second, busy or idle or silent about it. */
async function beats(seconds: number, busy: boolean | undefined): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    roster.observe('timmy', { kind: 'sighted', beat: { atMs: clock.now(), epoch: 'a', ...(busy !== undefined && { busy }) } })
    await clock.advance(1_000)
  }
}
const spans = () => ledger.busySpans('timmy', 0).map(({ fromMs, toMs }) => [(fromMs - start) / 1_000, (toMs - start) / 1_000])

describe('what an agent says of being busy', () => {
  it('becomes spans', async () => {
    await beats(10, true)
    await beats(5, false)
    await beats(10, true)
    running.stop()
    expect(spans()).toEqual([
      [0, 10],
      [15, 24],
    ])
  })

  it('is in the ledger at least every minute', async () => {
    await beats(70, true)
    expect(spans()).toEqual([[0, 60]])
  })

  it('says nothing of a hole in which it was down', async () => {
    await beats(5, true)
    await clock.advance(60_000)
    await beats(5, true)
    running.stop()
    expect(spans()).toEqual([
      [0, 4],
      [65, 69],
    ])
  })

  it('leaves no rows where it says nothing', async () => {
    await beats(5, undefined)
    await beats(1, true)
    running.stop()
    expect(spans()).toEqual([])
  })

  it('that could not be written is in the next one that could', async () => {
    ledger.breakWrites()
    await beats(70, true)
    expect(log.messages('error')).toContain('activity could not be written')
    ledger.mend()
    await beats(5, true)
    running.stop()
    expect(spans()).toEqual([[0, 74]])
  })

  it('is not listened to any more after the end', async () => {
    await beats(5, true)
    running.stop()
    await beats(70, true)
    expect(spans()).toEqual([[0, 4]])
  })
})
