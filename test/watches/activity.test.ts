import { beforeEach, describe, expect, it } from 'vitest'
import type { Beat } from '../../src/domain/agent.ts'
import { startActivity } from '../../src/watches/activity.ts'
import type { RosterEvent } from '../../src/watches/roster.ts'
import { type BrittleLedger, brittleLedger } from '../fakes/brittle-ledger.ts'
import { agentConfig, fleetConfig } from '../support/fleet.ts'
import { type KeptLog, keptLog } from '../support/log.ts'

let seconds: number
let ledger: BrittleLedger
let log: KeptLog
let say: (event: RosterEvent) => void
let running: ReturnType<typeof startActivity>

beforeEach(() => {
  seconds = 0
  ledger = brittleLedger()
  log = keptLog()
  say = () => {}
  const on = (listener: typeof say) => {
    say = listener
    return () => {
      say = () => {}
    }
  }
  running = startActivity(() => fleetConfig([agentConfig('timmy')]), { roster: { on }, ledger, log })
})

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

/** A beat each second. */
async function beats(times: number, more: Partial<Beat> | (() => Partial<Beat>)): Promise<void> {
  for (let i = 0; i < times; i++) {
    say({ kind: 'beat', agent: 'timmy', beat: { atMs: seconds * 1_000, epoch: 'a', ...(typeof more === 'function' ? more() : more) } })
    seconds++
    await settled()
  }
}
const spans = () => ledger.busySpans('timmy', 0).map(({ fromMs, toMs }) => [fromMs / 1_000, toMs / 1_000])

describe('what an agent says of being busy', () => {
  it('becomes spans', async () => {
    await beats(10, { busy: true })
    await beats(5, { busy: false })
    await beats(10, { busy: true })
    await running.stop()
    expect(spans()).toEqual([
      [0, 10],
      [15, 24],
    ])
  })

  it('is in the ledger at least every minute', async () => {
    await beats(70, { busy: true })
    expect(spans()).toEqual([[0, 60]])
  })

  it('says nothing of a hole in which it was down', async () => {
    await beats(5, { busy: true })
    seconds += 60
    await beats(5, { busy: true })
    await running.stop()
    expect(spans()).toEqual([
      [0, 4],
      [65, 69],
    ])
  })

  it('leaves no rows where it says nothing', async () => {
    await beats(5, {})
    await beats(1, { busy: true })
    await running.stop()
    expect(spans()).toEqual([])
  })

  it('that could not be written is in the next one that could', async () => {
    ledger.breakWrites()
    await beats(70, { busy: true })
    expect(log.messages('error')).toContain('activity could not be written')
    expect(log.messages('error')).toHaveLength(1)
    ledger.mend()
    await beats(5, { busy: true })
    await running.stop()
    expect(spans()).toEqual([[0, 74]])
  })

  it('is not listened to any more after the end', async () => {
    await beats(5, { busy: true })
    await running.stop()
    await beats(70, { busy: true })
    expect(spans()).toEqual([[0, 4]])
  })
})

describe('an agent that does not say whether it is busy', () => {
  let progress = 0
  const moves = () => ({ progress: progress++ })

  it('was busy where its progress moved between two beats, in either direction', async () => {
    await beats(10, moves)
    await beats(5, () => ({ progress }))
    await beats(3, () => ({ progress: progress-- }))
    await running.stop()
    expect(spans()).toEqual([
      [0, 10],
      [15, 17],
    ])
  })

  it('was not where its progress began anew with another life', async () => {
    await beats(1, { progress: 7 })
    await beats(1, { progress: 0, epoch: 'b' })
    await running.stop()
    expect(spans()).toEqual([])
  })

  it('is believed as soon as it does, whatever its progress', async () => {
    await beats(3, () => ({ ...moves(), busy: false }))
    await beats(3, { busy: true })
    await running.stop()
    expect(spans()).toEqual([[3, 5]])
  })

  it('and beats in an interval of its own is not taken to be gone in between', async () => {
    for (let i = 0; i < 3; i++) {
      await beats(1, () => ({ ...moves(), intervalMs: 40_000 }))
      seconds += 39
    }
    await running.stop()
    expect(spans()).toEqual([[0, 80]])
  })

  it('counts no beat that came late and out of turn', async () => {
    await beats(3, moves)
    say({ kind: 'beat', agent: 'timmy', beat: { atMs: 500, epoch: 'a', progress: 99 } })
    await beats(2, moves)
    await running.stop()
    expect(spans()).toEqual([[0, 4]])
  })
})
