import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AgentState } from '../../src/domain/agent.ts'
import {
  addTallies,
  availability,
  bounds,
  coverage,
  downBy,
  type Grounds,
  hostAccount,
  type Span,
  stretches,
  type Tally,
  type Timeline,
  tally,
} from '../../src/domain/uptime.ts'
import { risingTimes } from '../support/times.ts'

const numRuns = Number(process.env['TOWERWATCH_RUNS'] ?? 5_000)
const timeoutMs = 600_000

const states: AgentState[] = ['new', 'up', 'late', 'down', 'unreachable', 'paused', 'unknown']
const causes = ['silent', 'process-gone', undefined]

const timelines = risingTimes(20, 30).chain((times) =>
  fc.tuple(
    ...times.map((atMs) =>
      fc.tuple(fc.constantFrom(...states), fc.constantFrom(...causes)).map(([state, cause]) => ({ atMs, state, ...(cause && { cause }) })),
    ),
  ),
)
const spans = fc.array(
  fc
    .tuple(fc.integer({ min: -50, max: 650 }), fc.integer({ min: -5, max: 120 }))
    .map(([fromMs, length]) => ({ fromMs, toMs: fromMs + length })),
  { maxLength: 5 },
)
const grounds: fc.Arbitrary<Grounds> = fc.record({ excluded: spans, proved: spans }, { requiredKeys: [] })

/** What is said of one millisecond, worked out from nothing but what was said at or before it. */
function judge(timeline: Timeline, { excluded = [], proved = [] }: Grounds, ms: number): { bucket: keyof Tally; cause?: string } {
  const within = (span: Span) => span.fromMs <= ms && ms < span.toMs
  const step = timeline.filter(({ atMs }) => atMs <= ms).at(-1)
  if (excluded.some(within) || step?.state === 'paused') return { bucket: 'excludedMs' }
  switch (step?.state) {
    case 'up':
    case 'late':
      return { bucket: 'upMs' }
    case 'down':
      return { bucket: 'downMs', ...(step.cause !== undefined && { cause: step.cause }) }
    case 'unknown':
      return { bucket: proved.some(within) ? 'upMs' : 'unknownMs' }
    default:
      return { bucket: 'unknownMs' }
  }
}

/** Every millisecond counted, one by one. */
function counted(timeline: Timeline, given: Grounds, fromMs: number, toMs: number): { sum: Tally; down: Map<string, number> } {
  const sum: Tally = { upMs: 0, downMs: 0, unknownMs: 0, excludedMs: 0 }
  const down = new Map<string, number>()
  for (let ms = fromMs; ms < toMs; ms++) {
    const { bucket, cause = '' } = judge(timeline, given, ms)
    sum[bucket]++
    if (bucket === 'downMs') down.set(cause, (down.get(cause) ?? 0) + 1)
  }
  return { sum, down }
}

describe('time in each state', () => {
  it(
    'is what counting every millisecond gives, with its causes',
    () => {
      fc.assert(
        fc.property(timelines, grounds, fc.nat(400), fc.nat(400), (timeline, given, fromMs, lengthMs) => {
          const { sum, down } = counted(timeline, given, fromMs, fromMs + lengthMs)
          expect(tally(timeline, fromMs, fromMs + lengthMs, given)).toEqual(sum)
          const by = downBy(timeline, fromMs, fromMs + lengthMs, given)
          expect(new Map(by.map(({ cause, ms }) => [cause, ms]))).toEqual(down)
          expect(by.map(({ ms }) => ms)).toEqual([...down.values()].sort((a, b) => b - a))
        }),
        { numRuns },
      )
    },
    timeoutMs,
  )

  it('adds up to the window, and over neighbouring windows to the whole', () => {
    fc.assert(
      fc.property(timelines, grounds, fc.nat(400), fc.nat(400), fc.nat(400), (timeline, given, fromMs, first, second) => {
        const whole = tally(timeline, fromMs, fromMs + first + second, given)
        expect(whole.upMs + whole.downMs + whole.unknownMs + whole.excludedMs).toBe(first + second)
        const middleMs = fromMs + first
        expect(addTallies([tally(timeline, fromMs, middleMs, given), tally(timeline, middleMs, middleMs + second, given)])).toEqual(whole)
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

  it('in maintenance counts as nothing else, and only once where windows overlap', () => {
    const excluded = [
      { fromMs: 10, toMs: 30 },
      { fromMs: 20, toMs: 40 },
      { fromMs: 20, toMs: 25 },
    ]
    const timeline: Timeline = [
      { atMs: 0, state: 'up' },
      { atMs: 15, state: 'down' },
      { atMs: 35, state: 'paused' },
    ]
    expect(tally(timeline, 0, 50, { excluded })).toEqual({ upMs: 10, downMs: 0, unknownMs: 0, excludedMs: 40 })
  })

  it('in which the watch did not look is up where the agent proves it, and nowhere else', () => {
    const timeline: Timeline = [
      { atMs: 0, state: 'up' },
      { atMs: 10, state: 'unknown' },
      { atMs: 20, state: 'unreachable' },
      { atMs: 30, state: 'down' },
    ]
    const proved = [{ fromMs: 5, toMs: 35 }]
    expect(tally(timeline, 0, 40, { proved })).toEqual({ upMs: 20, downMs: 10, unknownMs: 10, excludedMs: 0 })
  })

  it('of a host is down while it can not be reached', () => {
    const timeline: Timeline = [
      { atMs: 0, state: 'up' },
      { atMs: 10, state: 'unreachable', cause: 'timeout' },
      { atMs: 20, state: 'unknown' },
    ]
    expect(tally(hostAccount(timeline), 0, 30)).toEqual({ upMs: 10, downMs: 10, unknownMs: 10, excludedMs: 0 })
    expect(downBy(hostAccount(timeline), 0, 30)).toEqual([{ cause: 'timeout', ms: 10 }])
  })

  it('comes in stretches that follow one another', () => {
    fc.assert(
      fc.property(timelines, grounds, fc.nat(400), fc.integer({ min: 1, max: 400 }), (timeline, given, fromMs, lengthMs) => {
        let atMs = fromMs
        for (const stretch of stretches(timeline, fromMs, fromMs + lengthMs, given)) {
          expect(stretch.fromMs).toBe(atMs)
          expect(stretch.toMs).toBeGreaterThan(atMs)
          atMs = stretch.toMs
        }
        expect(atMs).toBe(fromMs + lengthMs)
      }),
    )
  })
})

describe('availability and coverage', () => {
  it('leave out what was not seen and what was paused', () => {
    const sum = { upMs: 95, downMs: 5, unknownMs: 100, excludedMs: 1_000 }
    expect(availability(sum)).toBe(0.95)
    expect(coverage(sum)).toBe(0.5)
    expect(bounds(sum)).toEqual({ least: 95 / 200, most: 195 / 200 })
  })

  it('lie within the bounds, which meet where everything was seen', () => {
    const ms = fc.nat(1_000)
    fc.assert(
      fc.property(fc.record({ upMs: ms, downMs: ms, unknownMs: ms, excludedMs: ms }), (sum) => {
        const share = availability(sum)
        const limits = bounds(sum)
        if (share === undefined || !limits) return
        expect(limits.least).toBeLessThanOrEqual(share)
        expect(limits.most).toBeGreaterThanOrEqual(share)
        if (sum.unknownMs === 0) expect(limits).toEqual({ least: share, most: share })
      }),
    )
  })

  it('claim nothing where nothing was seen', () => {
    const nothing = { upMs: 0, downMs: 0, unknownMs: 10, excludedMs: 10 }
    expect(availability(nothing)).toBeUndefined()
    expect(coverage(nothing)).toBe(0)
    expect(bounds(nothing)).toEqual({ least: 0, most: 1 })
    expect(coverage({ ...nothing, unknownMs: 0 })).toBe(0)
    expect(bounds({ ...nothing, unknownMs: 0 })).toBeUndefined()
  })
})
