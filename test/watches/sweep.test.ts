import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Engine, openEngine } from '../../src/engine.ts'
import { heedful } from '../../src/watches/heedful.ts'
import { type Sweep, startSweep, sweepEveryMs } from '../../src/watches/sweep.ts'
import { type BrittleLedger, brittleLedger } from '../fakes/brittle-ledger.ts'
import { type VirtualClock, virtualClock } from '../fakes/virtual-clock.ts'
import { agentConfig, fleetConfig } from '../support/fleet.ts'
import { type KeptLog, keptLog } from '../support/log.ts'

const hourMs = 3_600_000

let clock: VirtualClock
let ledger: BrittleLedger
let log: KeptLog
let engine: Engine
let running: Sweep
let judged: number[]

/** `hourly` may be silent for long; `timmy` (period 2 s, grace 4 s) may not. */
const config = fleetConfig([
  agentConfig('timmy'),
  agentConfig('hourly', { host: 'far', timing: { periodMs: hourMs, graceMs: 48 * hourMs } }),
])

beforeEach(async () => {
  clock = virtualClock()
  ledger = brittleLedger()
  log = keptLog()
  judged = []
  let ids = 0
  engine = openEngine(config, { ledger, clock, log, newId: () => `id-${++ids}` })
  const sweep = () => {
    judged.push(clock.now())
    engine.sweep()
  }
  running = startSweep({ engine: { ...engine, sweep }, ledger, clock, log })
  look('timmy')
  look('hourly')
  await clock.advance(0)
})
afterEach(async () => {
  ledger.mend()
  await running.stop()
  await engine.stop()
})

const look = (agent: string) => engine.roster.observe(agent, { kind: 'sighted', beat: { atMs: clock.now(), epoch: 'a' } })
const looksAgain = (agent: string) => engine.roster.observe(agent, { kind: 'sighted' })
const state = (agent = 'timmy') => engine.roster.agent(agent)?.status
const marks = () => ledger.written.flatMap((fact) => (fact.kind === 'looking' ? [fact.mark] : []))

describe('the sweep', () => {
  it('comes every five seconds, and says in the ledger that the watch is looking', async () => {
    const startMs = clock.now()
    await clock.advance(3 * sweepEveryMs)
    expect(judged).toEqual([1, 2, 3].map((n) => startMs + n * sweepEveryMs))
    expect(marks().map(({ atMs }) => atMs)).toEqual(judged)
    expect(ledger.looking()).toEqual(clock.mark())
    expect(running.lastMs()).toBe(clock.now())
  })

  it('finds who says nothing', async () => {
    await clock.advance(sweepEveryMs - 1)
    engine.roster.observeHost('local', { kind: 'answered' })
    await clock.advance(2 * sweepEveryMs)
    engine.roster.observeHost('local', { kind: 'answered' })
    await clock.advance(sweepEveryMs)
    expect(state()).toMatchObject({ state: 'down', cause: 'silent' })
  })

  it('that comes a little late lets what waits be read before it judges', async () => {
    await clock.advance(sweepEveryMs)
    clock.stall(sweepEveryMs + 2_001)
    await clock.advance(0)
    const stalledMs = clock.now()
    expect(judged).toHaveLength(1)
    expect(state('hourly')).toMatchObject({ state: 'up' })
    await clock.advance(300)
    expect(judged.slice(1)).toEqual([stalledMs + 250])
    expect(log.messages('warn')).toEqual([])
  })

  it('that is late again and again judges all the same', async () => {
    for (let i = 0; i < 5; i++) {
      clock.stall(sweepEveryMs + 3_000)
      await clock.advance(1_000)
    }
    expect(judged).toHaveLength(5)
  })

  it('that comes no more than ten seconds late calls nothing unknown', async () => {
    clock.stall(sweepEveryMs + 10_000)
    await clock.advance(0)
    expect(state('hourly')).toMatchObject({ state: 'up' })
  })

  it('that comes much too late calls unknown what it could not see, since the one before where nothing came after it', async () => {
    await clock.advance(sweepEveryMs)
    const beforeMs = clock.now()
    clock.stall(sweepEveryMs + 10_001)
    await clock.advance(1_000)
    expect(state()).toMatchObject({ state: 'unknown', sinceMs: beforeMs })
    expect(engine.roster.incidents()).toEqual([])
    expect(log.messages('warn')).toEqual([expect.stringContaining('the watch itself was stopped')])
    await clock.advance(sweepEveryMs)
    expect(log.messages('warn')).toHaveLength(1)
  })
})

describe('a machine that slept', () => {
  it('is nobody’s death, in whatever order the watch wakes up', async () => {
    await clock.advance(sweepEveryMs)
    const sleptMs = clock.now()
    look('timmy')
    clock.sleep(8 * hourMs)
    // The first look comes before the sweep: for it no time has passed.
    await clock.advance(1_000)
    looksAgain('timmy')
    expect(state()).not.toMatchObject({ state: 'down' })
    await clock.advance(sweepEveryMs)
    expect(clock.now()).toBe(sleptMs + 8 * hourMs + sweepEveryMs + 1_000)
    expect(state()).toMatchObject({ state: 'unknown', sinceMs: sleptMs })
    expect(state('hourly')).toMatchObject({ state: 'unknown', sinceMs: sleptMs })
    expect(engine.roster.incidents()).toEqual([])
    expect(log.lines.find(({ level }) => level === 'warn')?.fields).toMatchObject({ sleptMs: 8 * hourMs })
    // Awake again: silence counts from now.
    looksAgain('timmy')
    expect(state()).not.toMatchObject({ state: 'down' })
    look('timmy')
    expect(state()).toMatchObject({ state: 'up' })
  })
})

describe('what is seen right after a sleep, before the sweep', () => {
  it('belongs to the time after it', async () => {
    const seen = heedful({ roster: engine.roster, clock }, running.heed)
    await clock.advance(sweepEveryMs)
    const sleptMs = clock.now()
    clock.sleep(8 * hourMs)
    await clock.advance(1_000)
    seen.roster.observe('timmy', { kind: 'sighted', gone: 'process-gone' })
    const wokeMs = sleptMs + 8 * hourMs + 1_000
    expect(clock.now()).toBe(wokeMs)
    expect(state()).toMatchObject({ state: 'down', sinceMs: wokeMs })
    expect(state('hourly')).toMatchObject({ state: 'unknown', sinceMs: sleptMs })
    expect(engine.roster.incidents()).toMatchObject([{ openedMs: wokeMs, noticedMs: wokeMs }])
    await clock.advance(sweepEveryMs)
    expect(state()).toMatchObject({ state: 'down', sinceMs: wokeMs })
    expect(log.messages('warn')).toHaveLength(1)
  })

  it('does not make unknown what was seen before it, since the last sweep', async () => {
    const seen = heedful({ roster: engine.roster, clock }, running.heed)
    await clock.advance(sweepEveryMs)
    await clock.advance(3_000)
    seen.roster.observe('timmy', { kind: 'sighted', beat: { atMs: clock.now(), epoch: 'a' } })
    const heardMs = clock.now()
    clock.stall(sweepEveryMs + 12_000)
    await clock.advance(0)
    expect(state()).toMatchObject({ state: 'unknown', sinceMs: heardMs })
    expect(state('hourly')).toMatchObject({ state: 'unknown', sinceMs: heardMs })
  })

  it('is told the time after it', async () => {
    const seen = heedful({ roster: engine.roster, clock }, running.heed)
    const sleptMs = clock.now()
    clock.sleep(8 * hourMs)
    expect(seen.clock.now()).toBe(sleptMs + 8 * hourMs)
    expect(state('hourly')).toMatchObject({ state: 'unknown' })
  })

  it('is taken as it is where somebody only set the wall clock', async () => {
    const seen = heedful({ roster: engine.roster, clock }, running.heed)
    clock.stepWall(24 * hourMs)
    const beforeMs = clock.now()
    seen.roster.observe('timmy', { kind: 'sighted' })
    expect(clock.now()).toBe(beforeMs)
    expect(state('hourly')).toMatchObject({ state: 'up' })
  })
})

describe('a wall clock that is set', () => {
  it.each([hourMs, -hourMs, 24 * hourMs, -24 * hourMs, 1_001])('by %i ms changes nothing, and is told once', async (stepMs) => {
    await clock.advance(sweepEveryMs)
    const beforeMs = clock.now()
    clock.stepWall(stepMs)
    await clock.advance(4 * sweepEveryMs)
    expect(clock.now()).toBe(beforeMs + 4 * sweepEveryMs)
    expect(judged).toHaveLength(5)
    expect(state('hourly')).toMatchObject({ state: 'up' })
    expect(log.lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields)).toEqual([{ steppedMs: stepMs }])
  })

  it('by less than a second, as time servers do, is not worth a word', async () => {
    for (let i = 0; i < 5; i++) {
      clock.stepWall(-900)
      clock.stepWall(900)
      await clock.advance(sweepEveryMs)
    }
    expect(log.messages('warn')).toEqual([])
  })
})

describe('a ledger', () => {
  it('that can not be written stops no sweep, and is complained of once', async () => {
    ledger.breakWrites(['looking'])
    await clock.advance(3 * sweepEveryMs)
    expect(judged).toHaveLength(3)
    expect(log.messages('error')).toEqual(['the ledger could not be told that the watch is looking'])
    ledger.mend()
    await clock.advance(sweepEveryMs)
    expect(marks()).toHaveLength(1)
  })

  it('is not told that the watch looked while what it saw waits to be written', async () => {
    ledger.breakWrites()
    engine.roster.observe('timmy', { kind: 'sighted', gone: 'process-gone' })
    await clock.advance(0)
    ledger.breakWrites(['agent'])
    await clock.advance(2 * sweepEveryMs)
    expect(marks()).toEqual([])
    ledger.mend()
    await clock.advance(2 * sweepEveryMs)
    expect(marks()).not.toEqual([])
  })

  it('that is slow gets one mark at a time', async () => {
    ledger.hold()
    await clock.advance(5 * sweepEveryMs)
    expect(ledger.held()).toBe(1)
    expect(judged).toHaveLength(5)
    await ledger.release()
  })

  it('is told of the last moment when the watch stops', async () => {
    await clock.advance(sweepEveryMs)
    await clock.advance(1_234)
    await running.stop()
    expect(ledger.looking()?.atMs).toBe(clock.now())
    await clock.advance(10 * sweepEveryMs)
    expect(judged).toHaveLength(1)
  })
})
