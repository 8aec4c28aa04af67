import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AgentState } from '../../src/domain/agent.ts'
import { addTallies, availability, coverage, type Tally, tally } from '../../src/domain/uptime.ts'
import { risingTimes } from '../support/times.ts'

const states: AgentState[] = ['new', 'up', 'late', 'down', 'unreachable', 'paused', 'unknown']
const bucket = {
  new: 'unknownMs',
  up: 'upMs',
  late: 'upMs',
  down: 'downMs',
  unreachable: 'unknownMs',
  paused: 'excludedMs',
  unknown: 'unknownMs',
} as const

const timelines = risingTimes(20, 30).chain((times) =>
  fc.tuple(...times.map((atMs) => fc.constantFrom(...states).map((state) => ({ atMs, state })))),
)

/** What was last said at or before each millisecond, counted one by one. */
function counted(timeline: readonly { atMs: number; state: AgentState }[], fromMs: number, toMs: number): Tally {
  const sum: Tally = { upMs: 0, downMs: 0, unknownMs: 0, excludedMs: 0 }
  for (let ms = fromMs; ms < toMs; ms++) {
    const state = timeline.filter(({ atMs }) => atMs <= ms).at(-1)?.state ?? 'unknown'
    sum[bucket[state]]++
  }
  return sum
}

describe('time in each state', () => {
  it('is what counting every millisecond gives', () => {
    fc.assert(
      fc.property(timelines, fc.nat(400), fc.nat(400), (timeline, fromMs, lengthMs) => {
        expect(tally(timeline, fromMs, fromMs + lengthMs)).toEqual(counted(timeline, fromMs, fromMs + lengthMs))
      }),
    )
  })

  it('adds up to the window, and over neighbouring windows to the whole', () => {
    fc.assert(
      fc.property(timelines, fc.nat(400), fc.nat(400), fc.nat(400), (timeline, fromMs, first, second) => {
        const whole = tally(timeline, fromMs, fromMs + first + second)
        expect(whole.upMs + whole.downMs + whole.unknownMs + whole.excludedMs).toBe(first + second)
        expect(addTallies([tally(timeline, fromMs, fromMs + first), tally(timeline, fromMs + first, fromMs + first + second)])).toEqual(
          whole,
        )
      }),
    )
  })

  it('is unknown before the first record', () => {
    expect(tally([{ atMs: 60, state: 'up' }], 0, 100)).toEqual({ upMs: 40, downMs: 0, unknownMs: 60, excludedMs: 0 })
    expect(tally([], 0, 100)).toEqual({ upMs: 0, downMs: 0, unknownMs: 100, excludedMs: 0 })
  })

  it('begins with the state from before the window, and is empty in an empty window', () => {
    expect(tally([{ atMs: 5, state: 'down' }], 50, 60).downMs).toBe(10)
    expect(tally([{ atMs: 5, state: 'down' }], 60, 60)).toEqual({ upMs: 0, downMs: 0, unknownMs: 0, excludedMs: 0 })
    expect(tally([{ atMs: 5, state: 'down' }], 70, 60)).toEqual({ upMs: 0, downMs: 0, unknownMs: 0, excludedMs: 0 })
  })
})

describe('availability and coverage', () => {
  it('leave out what was not seen and what was paused', () => {
    const sum = { upMs: 95, downMs: 5, unknownMs: 100, excludedMs: 1_000 }
    expect(availability(sum)).toBe(0.95)
    expect(coverage(sum)).toBe(0.5)
  })

  it('claim nothing where nothing was seen', () => {
    const nothing = { upMs: 0, downMs: 0, unknownMs: 10, excludedMs: 10 }
    expect(availability(nothing)).toBeUndefined()
    expect(coverage(nothing)).toBe(0)
    expect(coverage({ ...nothing, unknownMs: 0 })).toBe(0)
  })
})
