import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Subject } from '../../src/domain/incident.ts'
import { type Engine, openEngine } from '../../src/engine.ts'
import type { AlertRecord } from '../../src/ports/ledger.ts'
import { startBudgetWatch } from '../../src/watches/budget.ts'
import { type BrittleLedger, brittleLedger } from '../fakes/brittle-ledger.ts'
import { type VirtualClock, virtualClock } from '../fakes/virtual-clock.ts'
import { agentConfig, fleetConfig } from '../support/fleet.ts'
import { type KeptLog, keptLog } from '../support/log.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

let clock: VirtualClock
let ledger: BrittleLedger
let log: KeptLog
let engine: Engine
let running: { stop(): void }
let alerts: AlertRecord[]
const config = fleetConfig([agentConfig('timmy', { timing: { periodMs: 2 * minuteMs, graceMs: 40 * dayMs } })])
const timmy: Subject = { kind: 'agent', id: 'timmy' }

/** A life of the watch begins, on the ledger as it stands. */
async function begin(): Promise<void> {
  let ids = 0
  engine = openEngine(config, { ledger, clock, log, newId: () => `id-${clock.now()}-${++ids}` })
  engine.notifier.on((alert) => void alerts.push(alert))
  running = startBudgetWatch(() => config, { ...engine, ledger, clock, log })
  sighted({ beat: { atMs: clock.now(), epoch: `life-${clock.now()}` } })
  await clock.advance(0)
}
async function end(): Promise<void> {
  running.stop()
  await engine.stop()
}

beforeEach(async () => {
  clock = virtualClock()
  ledger = brittleLedger()
  log = keptLog()
  alerts = []
  await begin()
  await clock.advance(dayMs)
})
afterEach(end)

const sighted = (more: object) => engine.roster.observe('timmy', { kind: 'sighted', ...more })
const notices = () => alerts.filter(({ kind }) => kind === 'notice').map(({ text }) => text)

/** It is gone for so long, then back. */
async function fall(minutes: number): Promise<void> {
  sighted({ gone: 'process-gone' })
  await clock.advance(minutes * minuteMs)
  sighted({ beat: { atMs: clock.now(), epoch: `life-${clock.now()}` } })
  await clock.advance(0)
}

describe('an error budget', () => {
  it('that is used too fast is told once, and once that it is no longer', async () => {
    await fall(17)
    expect(notices()).toEqual([])
    await clock.advance(2 * hourMs)
    await fall(20)
    expect(notices()).toEqual([
      expect.stringMatching(
        /^The error budget of timmy is used at least 6 times as fast as it may be: 1 d 11 h of 1 d 12 h are left; if it goes on like this, it is used up in /,
      ),
    ])
    expect(alerts.find(({ kind }) => kind === 'notice')?.subjects).toEqual([{ kind: 'agent', id: 'timmy', host: 'local' }])
    for (let i = 0; i < 5; i++) {
      await clock.advance(10 * minuteMs)
      await fall(5)
    }
    await clock.advance(dayMs)
    expect(notices().slice(1)).toEqual([
      expect.stringMatching(/^The error budget of timmy is no longer used too fast: 1 d 10 h of 1 d 12 h are left\.$/),
    ])
  })

  it('that is used up is told once', async () => {
    await fall(40 * 60)
    expect(notices().slice(1)).toEqual([
      expect.stringMatching(/^The error budget of timmy is used up: it was down for 1 d 12 h in 30 days, 1 d 12 h are allowed\.$/),
    ])
    await clock.advance(2 * dayMs)
    expect(notices()).toHaveLength(2)
  })

  it('is not told of again by the next life of the watch', async () => {
    await fall(20)
    expect(notices()).toHaveLength(1)
    await end()
    await begin()
    await clock.advance(30 * minuteMs)
    expect(notices()).toHaveLength(1)
    await clock.advance(dayMs)
    expect(notices()).toHaveLength(2)
  })

  it('goes on to be watched by the next life of the watch, though nobody is down any more', async () => {
    await fall(17)
    await end()
    await begin()
    await clock.advance(3 * minuteMs)
    await fall(3)
    expect(notices()).toHaveLength(1)
  })

  it('is not told of while its agent is silenced, but afterwards, if it still burns', async () => {
    const by = { kind: 'shell', id: '1', name: 'ada' } as const
    const fromMs = clock.now()
    await engine.mutes.add({ kind: 'silence', subject: timmy, fromMs, toMs: fromMs + 40 * minuteMs, reason: 'known', by })
    await fall(30)
    expect(notices()).toEqual([])
    await clock.advance(6 * minuteMs)
    await fall(10)
    expect(notices()).toHaveLength(1)
  })

  it('waits for a ledger that can be read, and complains once', async () => {
    sighted({ gone: 'process-gone' })
    await clock.advance(minuteMs)
    ledger.breakReads(['timeline'])
    await clock.advance(30 * minuteMs)
    expect(log.messages('error')).toEqual(['error budgets can not be read from the ledger'])
    ledger.mend()
    await clock.advance(minuteMs)
    expect(notices()).toHaveLength(1)
  })

  it('of a host is used while it can not be reached', async () => {
    engine.roster.observeHost('local', { kind: 'answered' })
    engine.roster.observeHost('local', { kind: 'lost', sinceMs: clock.now(), cause: 'timeout' })
    await clock.advance(20 * minuteMs)
    expect(notices()).toEqual([expect.stringContaining('The error budget of host local is used at least 6 times as fast')])
  })
})
