import { beforeEach, describe, expect, it } from 'vitest'
import type { OwnHealth } from '../../src/domain/own-beat.ts'
import { OutsideError } from '../../src/ports/outside.ts'
import { startOutsidePing } from '../../src/watches/outside-ping.ts'
import { type VirtualClock, virtualClock } from '../fakes/virtual-clock.ts'
import { type KeptLog, keptLog } from '../support/log.ts'

let clock: VirtualClock
let log: KeptLog
let calls: number[]
let answer: () => Promise<void>
let health: () => OwnHealth

beforeEach(() => {
  clock = virtualClock(0)
  log = keptLog()
  calls = []
  answer = async () => {}
  health = () => ({ sinceSweepMs: 0, lagMs: 0 })
})

const start = () =>
  startOutsidePing({
    outside: {
      call: (what) => {
        expect(what).toBe('well')
        calls.push(clock.now())
        return answer()
      },
    },
    everyMs: 60_000,
    clock,
    log,
    health: () => health(),
  })

describe('the outside ping', () => {
  it('is called while the watch is well, first after ten seconds, then as often as declared, and no more after the stop', async () => {
    const ping = start()
    await clock.advance(130_000)
    expect(calls).toEqual([10_000, 70_000, 130_000])
    await ping.stop()
    await clock.advance(600_000)
    expect(calls).toHaveLength(3)
    expect(log.lines).toEqual([])
  })

  it.each<[string, OwnHealth, string]>([
    ['has not looked at the fleet yet', { sinceSweepMs: undefined, lagMs: 0 }, 'it has not looked at the fleet yet'],
    ['does not sweep any more', { sinceSweepMs: 20_001, lagMs: 0 }, 'its sweep stands still'],
    ['is late with everything', { sinceSweepMs: 5_000, lagMs: 10_001 }, 'its event loop is late'],
  ])('is not called while the watch %s, which is said once', async (_name, state, trouble) => {
    health = () => state
    const ping = start()
    await clock.advance(10_000)
    expect(calls).toEqual([])
    expect(log.lines).toEqual([{ level: 'warn', fields: { trouble }, message: "the outside dead man's switch was not called" }])
    await ping.stop()
  })

  it('says a failure once per change, and goes on calling', async () => {
    const ping = start()
    answer = async () => {
      throw new OutsideError('it answered 500')
    }
    await clock.advance(190_000)
    answer = async () => {}
    await clock.advance(60_000)
    expect(calls).toHaveLength(5)
    expect(log.messages()).toEqual(["the outside dead man's switch was not called", "the outside dead man's switch is called again"])
    await ping.stop()
  })

  it('says nothing of an error that may hold the secret URL', async () => {
    answer = async () => {
      throw new Error('Invalid URL: https://hc.example/secret')
    }
    const ping = start()
    await clock.advance(10_000)
    expect(JSON.stringify(log.lines)).not.toContain('secret')
    expect(log.lines).toHaveLength(1)
    await ping.stop()
  })

  it('breaks a call off that is under way at the stop, without a word', async () => {
    let broken: ((error: Error) => void) | undefined
    answer = () => new Promise((_resolve, reject) => (broken = reject))
    const ping = start()
    await clock.advance(10_000)
    const stopped = ping.stop()
    broken?.(new OutsideError('aborted'))
    await stopped
    expect(log.lines).toEqual([])
  })
})
