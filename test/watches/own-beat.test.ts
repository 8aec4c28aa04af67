import { beforeEach, describe, expect, it } from 'vitest'
import type { Outage } from '../../src/domain/deadman.ts'
import type { OwnBeat } from '../../src/domain/own-beat.ts'
import type { AlertRecord } from '../../src/ports/ledger.ts'
import type { Machine } from '../../src/ports/own-beat.ts'
import { type OwnBeatWatch, startOwnBeat } from '../../src/watches/own-beat.ts'
import { type VirtualClock, virtualClock } from '../fakes/virtual-clock.ts'
import { type KeptLog, keptLog } from '../support/log.ts'

const outage = (more: Partial<Outage> = {}): Outage => ({
  id: 'a'.repeat(24),
  what: 'dead',
  sinceMs: 1_800_000_000_000 - 180_000,
  isTold: true,
  isCalled: false,
  isOver: false,
  ...more,
})

let clock: VirtualClock
let log: KeptLog
let written: OwnBeat[]
let noted: Outage | undefined
let told: AlertRecord[]
let fault: Error | undefined
let telling: () => Promise<void>
let watch: OwnBeatWatch

const machine: Machine = {
  now: () => ({ boot: 'b', bootMs: clock.now() - 1_700_000_000_000, wallMs: 42 }),
  epochOf: async () => ({ kind: 'alive', epoch: 'b:77' }),
}

beforeEach(() => {
  clock = virtualClock()
  log = keptLog()
  written = []
  told = []
  noted = undefined
  fault = undefined
  telling = async () => {}
})

function start(): void {
  watch = startOwnBeat({
    file: {
      write: async (beat) => {
        if (fault) throw fault
        written.push(beat)
      },
      outage: async () => noted,
    },
    machine,
    pid: 4711,
    clock,
    log,
    look: () => ({ ledger: 'writable', tower: 'connected' }),
    outageOver: (alert) => {
      told.push(alert)
      return telling()
    },
  })
}

describe("the watch's own beat", () => {
  it('comes at once and then every five seconds, counted, with its epoch and how the watch does', async () => {
    start()
    await clock.advance(10_000)
    expect(written.map(({ seq }) => seq)).toEqual([1, 2, 3])
    expect(written[2]).toEqual({
      at: 1_800_000_010_000,
      pid: 4711,
      epoch: 'b:77',
      boot: 'b',
      bootMs: 100_000_010_000,
      seq: 3,
      ledger: 'writable',
      tower: 'connected',
      lagMs: 0,
    })
    await watch.stop('in-order')
    expect(clock.pending()).toBe(0)
  })

  it('says at the end that it was stopped in order, and after that nothing more', async () => {
    start()
    await clock.advance(0)
    await watch.stop('in-order')
    await watch.stop('in-order')
    await clock.advance(60_000)
    expect(written.map(({ stoppedAt }) => stoppedAt)).toEqual([undefined, 1_800_000_000_000])
  })

  it('says nothing at the end of a watch that could not go on: that silence brings it back', async () => {
    start()
    await clock.advance(0)
    await watch.stop('failed')
    expect(written.map(({ stoppedAt }) => stoppedAt)).toEqual([undefined])
  })

  it('says in the log once that it can’t be written, and once that it can again', async () => {
    start()
    await clock.advance(0)
    fault = new Error('ENOSPC: no space left on device')
    await clock.advance(20_000)
    fault = undefined
    await clock.advance(10_000)
    expect(log.messages()).toEqual([
      "the watch's own beat can't be written: the deadman may take the watch for dead",
      "the watch's own beat can be written again",
    ])
    await watch.stop('in-order')
  })

  it('tells the end of an outage that people heard of once, and says in the beat that it does, when that is durable', async () => {
    noted = outage()
    let durable = () => {}
    telling = () => new Promise((resolve) => (durable = resolve))
    start()
    await clock.advance(10_000)
    expect(told).toEqual([
      {
        id: `watch-back.${'a'.repeat(24)}`,
        kind: 'notice',
        subjects: [],
        incidents: [],
        at: 1_800_000_000_000,
        text: 'The watch looks at the fleet again, after 3 min.',
      },
    ])
    expect(written.at(-1)?.tells).toBeUndefined()
    durable()
    await clock.advance(5_000)
    expect(written.at(-1)?.tells).toBe('a'.repeat(24))
    noted = undefined
    await clock.advance(10_000)
    expect(written.at(-1)?.tells).toBeUndefined()
    expect(told).toHaveLength(1)
    await watch.stop('in-order')
  })

  it('tells nothing of an outage that nobody has heard of yet, and tries again what could not be noted', async () => {
    noted = outage({ isTold: false })
    start()
    await clock.advance(5_000)
    expect(told).toEqual([])
    telling = async () => {
      throw new Error('full')
    }
    noted = outage()
    await clock.advance(5_000)
    telling = async () => {}
    await clock.advance(10_000)
    expect(told).toHaveLength(2)
    expect(written.at(-1)?.tells).toBe('a'.repeat(24))
    await watch.stop('in-order')
  })

  it('measures how late the event loop comes', async () => {
    start()
    await clock.advance(0)
    const late = clock.after
    clock.after = (ms, callback) => late(ms + 1_500, callback)
    await clock.advance(5_000)
    clock.after = late
    await clock.advance(10_000)
    expect(watch.lagMs()).toBe(1_500)
    await watch.stop('in-order')
  })
})
