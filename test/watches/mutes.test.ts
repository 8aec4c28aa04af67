import { beforeEach, describe, expect, it } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import type { Mute, Subject } from '../../src/domain/incident.ts'
import { openJournal } from '../../src/watches/journal.ts'
import { type Mutes, type Occurrence, startMutes } from '../../src/watches/mutes.ts'
import { type BrittleLedger, brittleLedger } from '../fakes/brittle-ledger.ts'
import { type VirtualClock, virtualClock } from '../fakes/virtual-clock.ts'
import { agentConfig, fleetConfig } from '../support/fleet.ts'
import { keptLog } from '../support/log.ts'

const hourMs = 3_600_000
const timmy: Subject = { kind: 'agent', id: 'timmy' }
const ezra: Subject = { kind: 'agent', id: 'ezra' }
const far: Subject = { kind: 'host', id: 'far' }
const ada = { kind: 'account', id: '7', name: 'Ada' } as const

let clock: VirtualClock
let ledger: BrittleLedger
let config: Config
let declared: Occurrence[]
let mutes: Mutes
let changes: number

beforeEach(() => {
  clock = virtualClock()
  ledger = brittleLedger()
  config = fleetConfig([agentConfig('timmy'), agentConfig('ezra', { host: 'far' })])
  declared = []
  changes = 0
  mutes = started()
})

/** As a fresh watch would, on the ledger as it stands. */
function started(): Mutes {
  const opened = startMutes(() => config, {
    ledger,
    journal: openJournal(ledger, keptLog()),
    clock,
    occurrences: (fromMs, toMs) => declared.filter((one) => one.fromMs <= toMs && one.toMs > fromMs),
  })
  opened.on(() => changes++)
  return opened
}

function silence(subject: Mute['subject'], forMs: number, more: Partial<Mute> = {}): Promise<Mute> {
  const fromMs = clock.now()
  return mutes.add({ kind: 'silence', subject, fromMs, toMs: fromMs + forMs, reason: 'moving', by: ada, ...more })
}

const occurrence = (more: Partial<Occurrence> = {}): Occurrence => ({
  key: 'patch day',
  subjects: ['far'],
  reason: 'new kernel',
  fromMs: clock.now() + hourMs,
  toMs: clock.now() + 2 * hourMs,
  ...more,
})
const isMuted = (subject: Subject) => mutes.of(subject, clock.now()) !== undefined
const written = () => ledger.mutes(0)

describe('a silence', () => {
  it('of an agent is of that agent alone, of a host also of its agents, of the fleet of everybody', async () => {
    await silence(timmy, hourMs)
    expect([timmy, ezra, far].map(isMuted)).toEqual([true, false, false])
    await silence(far, hourMs)
    expect([timmy, ezra, far].map(isMuted)).toEqual([true, true, true])
    await clock.advance(hourMs)
    await silence({ kind: 'fleet', id: '' }, hourMs)
    expect([timmy, ezra, far].map(isMuted)).toEqual([true, true, true])
  })

  it('begins at once, ends at its time, and whoever listens hears of both', async () => {
    await silence(timmy, hourMs)
    expect([isMuted(timmy), changes]).toEqual([true, 1])
    expect(mutes.dueMs()).toBe(clock.now() + hourMs)
    await clock.advance(hourMs - 1)
    expect([isMuted(timmy), changes]).toEqual([true, 1])
    await clock.advance(1)
    expect([isMuted(timmy), changes]).toEqual([false, 2])
    expect(mutes.list(clock.now())).toEqual([])
  })

  it('is written down with its reason and who asked, and holds on after a restart', async () => {
    const mute = await silence(timmy, hourMs)
    expect(written()).toEqual([mute])
    expect(mute).toMatchObject({ number: 1, reason: 'moving', by: ada })
    mutes.stop()
    await clock.advance(1_000)
    mutes = started()
    expect(mutes.of(timmy, clock.now())).toEqual(mute)
    await clock.advance(hourMs)
    expect(isMuted(timmy)).toBe(false)
  })

  it('that somebody ends is over, also after a restart', async () => {
    const mute = await silence(timmy, hourMs)
    await clock.advance(1_000)
    await mutes.end(mute.number, clock.now())
    expect([isMuted(timmy), changes]).toEqual([false, 2])
    await mutes.end(mute.number, clock.now())
    await mutes.end(99, clock.now())
    expect(written()).toEqual([{ ...mute, toMs: clock.now() }])
    mutes = started()
    expect(isMuted(timmy)).toBe(false)
  })

  it('is not maintenance', async () => {
    await silence(timmy, hourMs)
    expect(mutes.inMaintenance(timmy, clock.now())).toBe(false)
    await silence(far, hourMs, { kind: 'maintenance' })
    expect(mutes.inMaintenance(ezra, clock.now())).toBe(true)
  })

  it('of several is shown that holds longest, and counts from when the first of them began', async () => {
    const startMs = clock.now()
    await silence(timmy, hourMs)
    await clock.advance(hourMs / 2)
    const longer = await silence({ kind: 'fleet', id: '' }, 2 * hourMs)
    expect(mutes.of(timmy, clock.now())).toEqual(longer)
    await clock.advance(hourMs)
    expect(mutes.mutedSinceMs(timmy, clock.now())).toBe(startMs)
    expect(mutes.mutedSinceMs(ezra, clock.now())).toBe(longer.fromMs)
    mutes.stop()
    mutes = started()
    expect(mutes.mutedSinceMs(timmy, clock.now())).toBe(startMs)
    await clock.advance(2 * hourMs)
    expect(mutes.mutedSinceMs(timmy, clock.now())).toBeUndefined()
    await silence(timmy, hourMs)
    expect(mutes.mutedSinceMs(timmy, clock.now())).toBe(clock.now())
  })
})

describe('a window that fleet.yaml declares', () => {
  it('is written down once as maintenance, before it begins, and holds in its time', async () => {
    declared = [occurrence({ subjects: ['far', 'timmy'] })]
    mutes.declare()
    await clock.advance(0)
    expect(written()).toMatchObject([
      { kind: 'maintenance', subject: far, reason: 'new kernel', by: { name: 'fleet.yaml' }, window: 'patch day host:far' },
      { kind: 'maintenance', subject: timmy, window: 'patch day agent:timmy' },
    ])
    expect(mutes.list(clock.now()).length).toBe(2)
    expect(isMuted(ezra)).toBe(false)
    await clock.advance(hourMs)
    expect([isMuted(ezra), mutes.inMaintenance(timmy, clock.now())]).toEqual([true, true])
    mutes.declare()
    mutes.stop()
    mutes = started()
    await clock.advance(hourMs)
    expect([isMuted(ezra), written().length]).toEqual([false, 2])
  })

  it('is found in time though nobody asks: the next day’s, too', async () => {
    const startMs = clock.now() + 30 * hourMs
    declared = [occurrence({ fromMs: startMs, toMs: startMs + hourMs })]
    mutes.declare()
    expect(mutes.list(clock.now())).toEqual([])
    await clock.advance(30 * hourMs)
    expect(isMuted(far)).toBe(true)
  })

  it('that a person ended early stays ended, also after a restart days later', async () => {
    declared = [occurrence({ toMs: clock.now() + 100 * hourMs })]
    mutes.declare()
    await clock.advance(2 * hourMs)
    await mutes.end(1, clock.now())
    await clock.advance(50 * hourMs)
    mutes.stop()
    mutes = started()
    expect([isMuted(far), written().length]).toEqual([false, 1])
  })

  it('that is taken out of fleet.yaml ends, or never begins', async () => {
    const current = occurrence({ fromMs: clock.now() - hourMs })
    const next = occurrence({ key: 'move', subjects: ['timmy'] })
    declared = [current, next]
    mutes.declare()
    declared = []
    mutes.declare()
    await clock.advance(hourMs)
    expect([timmy, ezra].map(isMuted)).toEqual([false, false])
    expect(written()).toMatchObject([
      { fromMs: current.fromMs, toMs: clock.now() - hourMs },
      { fromMs: next.fromMs, toMs: next.fromMs },
    ])
  })

  it('goes by the clock on the wall: where that is set, one that is still to come is moved', async () => {
    const startMs = clock.now() + 3 * hourMs
    declared = [occurrence({ fromMs: startMs, toMs: startMs + hourMs })]
    mutes.declare()
    await clock.advance(hourMs)
    declared = [occurrence({ fromMs: startMs - hourMs, toMs: startMs })]
    await clock.advance(hourMs)
    expect(isMuted(far)).toBe(true)
    await clock.advance(hourMs)
    expect([isMuted(far), written().length]).toEqual([false, 1])
  })

  it('that should have begun already, by a clock on the wall that was set, begins within ten minutes', async () => {
    const startMs = clock.now() + 3 * hourMs
    declared = [occurrence({ fromMs: startMs, toMs: startMs + 5 * hourMs })]
    mutes.declare()
    await clock.advance(1_000)
    changes = 0
    declared = [occurrence({ fromMs: startMs - 4 * hourMs, toMs: startMs + hourMs })]
    await clock.advance(hourMs / 6)
    expect([isMuted(far), changes, mutes.of(far, clock.now())?.toMs]).toEqual([true, 1, startMs + hourMs])
  })

  it('of `all` is of the fleet', async () => {
    declared = [occurrence({ subjects: ['all'], fromMs: clock.now() })]
    mutes.declare()
    expect([timmy, ezra, far].map(isMuted)).toEqual([true, true, true])
  })
})

it('a silence holds although the ledger can not be written', async () => {
  ledger.breakWrites()
  void silence(timmy, hourMs)
  await clock.advance(1)
  expect(isMuted(timmy)).toBe(true)
  expect(written()).toEqual([])
})
