import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  backoff,
  decideRemedy,
  lastStableMs,
  type RemedyFacts,
  type RemedyLimits,
  type Start,
  startsSince,
  waitBeforeAttemptMs,
} from '../../src/domain/remedy.ts'
import type { Timeline } from '../../src/domain/uptime.ts'

const min = 60_000
const hour = 60 * min
const runs = (usual: number) => ({ numRuns: Math.min(Number(process.env['TOWERWATCH_RUNS'] ?? usual), 100_000) })

describe('the wait before an automatic restart', () => {
  it('is none before the first', () => {
    for (const random of [0, 0.5, 0.999999]) expect(waitBeforeAttemptMs(0, random)).toBe(0)
  })

  it('is anything from a second up to a bound that doubles, 5 s, 10 s, 20 s, and stays at 5 min', () => {
    const longest = (attempts: number) => waitBeforeAttemptMs(attempts, 0.999999999)
    expect([1, 2, 3, 4, 5, 6, 7, 8, 100, 5_000].map(longest)).toEqual([
      5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000, 300_000,
    ])
    expect(waitBeforeAttemptMs(9, 0)).toBe(backoff.leastMs)
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempts, random) => {
        const waitMs = waitBeforeAttemptMs(attempts, random)
        expect(waitMs).toBeGreaterThanOrEqual(backoff.leastMs)
        expect(waitMs).toBeLessThanOrEqual(longest(attempts))
      }),
    )
  })
})

describe('when it was last stable', () => {
  const line = (...steps: [number, Timeline[number]['state']][]): Timeline =>
    steps.map(([minute, state]) => ({ atMs: minute * min, state }))

  it.each<[string, Timeline, number, number | undefined]>([
    ['never where nothing is known', [], 60, undefined],
    ['now where it has lived for ten minutes', line([0, 'up']), 10, 10],
    ['never where that is not over yet', line([0, 'up']), 9.99, undefined],
    ['until it fell', line([0, 'up'], [30, 'down']), 60, 30],
    ['not after it got up for a while only', line([0, 'up'], [30, 'down'], [40, 'up'], [49, 'down']), 60, 30],
    ['being late is living', line([0, 'up'], [5, 'late'], [8, 'up'], [11, 'down']), 60, 11],
    ['what nobody saw does not count, and spoils nothing', line([0, 'up'], [6, 'unknown'], [20, 'up'], [24, 'down']), 60, 24],
    ['what nobody saw alone is nothing', line([0, 'up'], [6, 'unreachable'], [60, 'down']), 70, undefined],
    ['a pause is no fall', line([0, 'up'], [6, 'paused'], [7, 'up'], [12, 'down']), 60, 12],
    ['not later than now', line([0, 'up'], [60, 'down']), 20, 20],
  ])('is %s', (_, timeline, nowMin, expected) => {
    expect(lastStableMs(timeline, nowMin * min)).toBe(expected === undefined ? undefined : expected * min)
  })
})

describe('the starts that count', () => {
  it('are those of the agent since it was last stable, the oldest first', () => {
    const starts = [3, 1, 2].flatMap((atMs) => [
      { agent: 'ezra', atMs },
      { agent: 'timmy', atMs },
    ])
    expect(startsSince(starts, 'ezra')).toEqual([1, 2, 3])
    expect(startsSince(starts, 'ezra', 2)).toEqual([2, 3])
    expect(startsSince(starts, 'allegro')).toEqual([])
  })
})

describe('what is to be done', () => {
  const limits: RemedyLimits = {
    budget: 10,
    agentBudget: 6,
    perMs: hour,
    atOnce: 2,
    crashLoop: { starts: 5, withinMs: 15 * min, retryMs: hour },
  }
  const at = (...minutes: number[]): Start[] => minutes.map((minute) => ({ agent: 'ezra', atMs: minute * min }))
  const others = (count: number, minute: number): Start[] =>
    Array.from({ length: count }, (_, index) => ({ agent: `other-${index}`, atMs: minute * min }))
  const ask = (more: Partial<RemedyFacts>, nowMin: number, within: RemedyLimits = limits) =>
    decideRemedy({ agent: 'ezra', starts: [], earliestMs: 0, ...more }, within, nowMin * min)

  it.each<[string, Partial<RemedyFacts>, number, ReturnType<typeof ask>]>([
    ['an attempt for one that was never tried', {}, 0, { kind: 'attempt' }],
    ['to wait until the back-off is over', { earliestMs: 5 * min }, 4, { kind: 'wait', untilMs: 5 * min }],
    ['an attempt once it is', { earliestMs: 5 * min }, 5, { kind: 'attempt' }],
    ['an attempt after four within 15 min', { starts: at(0, 1, 2, 3) }, 4, { kind: 'attempt' }],
    ['to give up after five', { starts: at(0, 1, 2, 3, 4) }, 5, { kind: 'given-up', sinceMs: 5 * min, untilMs: 64 * min }],
    [
      'to give up after five within exactly 15 min',
      { starts: at(0, 3, 6, 9, 12) },
      15,
      { kind: 'given-up', sinceMs: 15 * min, untilMs: 72 * min },
    ],
    ['an attempt after five within more', { starts: at(0, 4, 8, 12, 16) }, 16.1, { kind: 'attempt' }],
    ['an attempt where it was stable since', { starts: at(0, 1, 2, 3, 4), stableMs: 14 * min }, 14, { kind: 'attempt' }],
    ['one more try an hour later', { starts: at(0, 1, 2, 3, 4), givenUpMs: 5 * min }, 64, { kind: 'attempt' }],
    [
      'none before that, whatever the back-off',
      { starts: at(4), givenUpMs: 5 * min, earliestMs: 0 },
      63,
      { kind: 'given-up', sinceMs: 5 * min, untilMs: 64 * min },
    ],
    [
      'nothing of the old loop once it was stable',
      { starts: at(0, 1, 2, 3, 4), givenUpMs: 5 * min, stableMs: 30 * min },
      30,
      { kind: 'attempt' },
    ],
    [
      'to wait for the hour also where what was tried is forgotten',
      { givenUpMs: 5 * min },
      6,
      { kind: 'given-up', sinceMs: 5 * min, untilMs: 65 * min },
    ],
    [
      'to hold back who has used up its own budget',
      { starts: at(0, 10, 20, 30, 40, 50) },
      55,
      { kind: 'held', by: 'agent', untilMs: 60 * min },
    ],
    ['an attempt once a part of it is free', { starts: at(0, 10, 20, 30, 40, 50) }, 60, { kind: 'attempt' }],
    [
      'to hold back everybody where that of the fleet is used up',
      { starts: others(10, 0) },
      1,
      { kind: 'held', by: 'fleet', untilMs: 60 * min },
    ],
    ['an attempt where one of that is left', { starts: others(9, 0) }, 1, { kind: 'attempt' }],
    [
      'to hold back a half-open try as well',
      { starts: [...others(10, 64), ...at(0)], givenUpMs: min },
      65,
      { kind: 'held', by: 'fleet', untilMs: 124 * min },
    ],
  ])('is %s', (_, facts, nowMin, expected) => {
    expect(ask(facts, nowMin)).toEqual(expected)
  })

  it('is always an attempt after the back-off where there are no limits', () => {
    const many = { starts: [...at(...Array(500).keys()), ...others(500, 499)], givenUpMs: 3 }
    expect(ask(many, 500, { perMs: hour, atOnce: 2 })).toEqual({ kind: 'attempt' })
  })
})

/** A fleet over a day of its own time, in which agents die as chance has it, and a watch that does what it is told to. */
describe('a day of deaths', () => {
  interface Life {
    /** Its starts fail, or it dies again after so long. */
    livesMs: number[]
  }
  interface Told {
    agent: string
    atMs: number
    sinceMs: number
  }

  function simulate(lives: readonly Life[], limits: RemedyLimits, random: () => number) {
    const starts: Start[] = []
    const told: Told[] = []
    const tries: Start[] = []
    const fleet = lives.map(({ livesMs }, index) => ({
      agent: `agent-${index}`,
      livesMs,
      begun: 0,
      diesMs: livesMs[0] ?? hour,
      upMs: 0,
      stableMs: undefined as number | undefined,
      givenUpMs: undefined as number | undefined,
      earliestMs: 0,
      isDown: false,
    }))
    for (let nowMs = 0; nowMs < 24 * hour; nowMs += 10_000) {
      for (const one of fleet) {
        if (!one.isDown && nowMs >= one.diesMs) {
          one.isDown = true
          if (one.diesMs - one.upMs >= backoff.stableMs) {
            one.stableMs = one.diesMs
            one.givenUpMs = undefined
          }
          one.earliestMs = nowMs + waitBeforeAttemptMs(startsSince(starts, one.agent, one.stableMs).length, random())
        }
        if (!one.isDown) continue
        const { agent, stableMs, givenUpMs, earliestMs } = one
        const remedy = decideRemedy({ agent, starts, stableMs, givenUpMs, earliestMs }, limits, nowMs)
        if (remedy.kind === 'given-up' && givenUpMs === undefined) {
          one.givenUpMs = remedy.sinceMs
          told.push({ agent, atMs: nowMs, sinceMs: remedy.sinceMs })
        }
        if (remedy.kind !== 'attempt') continue
        starts.push({ agent, atMs: nowMs })
        if (givenUpMs !== undefined) tries.push({ agent, atMs: nowMs })
        one.begun++
        const livesMs = one.livesMs[one.begun % one.livesMs.length] ?? 0
        one.upMs = nowMs
        one.diesMs = nowMs + livesMs
        one.isDown = livesMs === 0
        if (one.isDown) one.earliestMs = nowMs + waitBeforeAttemptMs(startsSince(starts, agent, stableMs).length, random())
      }
    }
    return { starts, told, tries }
  }

  const someLife = fc.record({
    livesMs: fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 20 * min }), fc.integer({ min: 0, max: 5 * hour })), {
      minLength: 1,
      maxLength: 6,
    }),
  })
  const someLimits = fc.record({
    budget: fc.integer({ min: 1, max: 20 }),
    agentBudget: fc.integer({ min: 1, max: 10 }),
    perMs: fc.integer({ min: 10 * min, max: 3 * hour }),
    atOnce: fc.constant(2),
    crashLoop: fc.record({
      starts: fc.integer({ min: 2, max: 6 }),
      withinMs: fc.integer({ min: 5 * min, max: 30 * min }),
      retryMs: fc.integer({ min: 30 * min, max: 2 * hour }),
    }),
  })

  it('sees no more starts than the budgets allow in any time, none too soon, and one try each hour of who is given up', () => {
    fc.assert(
      fc.property(
        fc.array(someLife, { minLength: 1, maxLength: 6 }),
        someLimits,
        fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
        (lives, limits, chance) => {
          const { starts, told, tries } = simulate(lives, limits, () => chance.next().value ?? 0)
          const within = (of: readonly Start[], from: number) => of.filter(({ atMs }) => atMs >= from && atMs < from + limits.perMs).length
          for (const { agent, atMs } of starts) {
            expect(within(starts, atMs)).toBeLessThanOrEqual(limits.budget)
            const mine = starts.filter((one) => one.agent === agent)
            expect(within(mine, atMs)).toBeLessThanOrEqual(limits.agentBudget)
            const next = mine.find((one) => one.atMs > atMs)
            if (next) expect(next.atMs - atMs).toBeGreaterThanOrEqual(backoff.leastMs)
            expect(mine.filter((one) => one.atMs === atMs)).toHaveLength(1)
          }
          for (const { agent, atMs } of tries) {
            const before = starts.filter((one) => one.agent === agent && one.atMs < atMs).at(-1)
            expect(atMs - (before?.atMs ?? Number.NEGATIVE_INFINITY)).toBeGreaterThanOrEqual(limits.crashLoop.retryMs)
          }
          // Told once for each loop: so many starts lie right before it, and none but tries come after it until the next one.
          for (const { agent, atMs } of told) {
            const before = starts.filter((one) => one.agent === agent && one.atMs <= atMs && one.atMs >= atMs - limits.crashLoop.withinMs)
            expect(before.length).toBeGreaterThanOrEqual(limits.crashLoop.starts)
          }
          for (const agent of new Set(told.map((one) => one.agent))) {
            const mine = told.filter((one) => one.agent === agent).map(({ atMs }) => atMs)
            expect(new Set(mine).size).toBe(mine.length)
          }
        },
      ),
      runs(40),
    )
  })

  it('gives who never comes up again up once, and tries it each hour for the rest of the day', () => {
    const limits: RemedyLimits = { perMs: hour, atOnce: 2, crashLoop: { starts: 5, withinMs: 15 * min, retryMs: hour } }
    const { starts, told, tries } = simulate([{ livesMs: [0] }], limits, () => 0.5)
    expect(told).toHaveLength(1)
    expect(tries).toHaveLength(23)
    expect(starts).toHaveLength(5 + 23)
  })
})
