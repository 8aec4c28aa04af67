import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AgentState } from '../../src/domain/agent.ts'
import { budgetOf, burning, burnRate, runsOutMs } from '../../src/domain/budget.ts'
import { availability, type Timeline, tally } from '../../src/domain/uptime.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
const windowMs = 30 * dayMs
const now = 100 * dayMs

/** Up for ever, and down in these stretches: [how long ago it began, how long it took]. */
function downFor(...stretches: [number, number][]): Timeline {
  return [
    { atMs: 0, state: 'up' as const },
    ...stretches.flatMap(([agoMs, forMs]) => [
      { atMs: now - agoMs, state: 'down' as const, cause: 'silent' },
      { atMs: now - agoMs + forMs, state: 'up' as const },
    ]),
  ]
}
const used = (timeline: Timeline) => budgetOf(tally(timeline, now - windowMs, now), 0.95, windowMs)

describe('the error budget', () => {
  it('is 36 hours in 30 days at 95 %', () => {
    expect(used(downFor())).toEqual({ totalMs: 36 * hourMs, usedMs: 0, leftMs: 36 * hourMs })
    expect(used(downFor([10 * dayMs, 12 * hourMs]))).toEqual({ totalMs: 36 * hourMs, usedMs: 12 * hourMs, leftMs: 24 * hourMs })
    expect(used(downFor([10 * dayMs, 40 * hourMs])).leftMs).toBe(-4 * hourMs)
  })

  it('is not used by what nobody saw, nor in maintenance', () => {
    const timeline: Timeline = [
      { atMs: 0, state: 'down' },
      { atMs: now - dayMs, state: 'unknown' },
    ]
    const excluded = [{ fromMs: 0, toMs: now - 2 * dayMs }]
    expect(budgetOf(tally(timeline, now - windowMs, now, { excluded }), 0.95, windowMs).usedMs).toBe(dayMs)
  })
})

describe('the burn rate', () => {
  it('is one where exactly the target is reached, and twenty at 95 % where everything is down', () => {
    expect(burnRate({ upMs: 95, downMs: 5, unknownMs: 50, excludedMs: 7 }, 0.95)).toBeCloseTo(1)
    expect(burnRate({ upMs: 0, downMs: 5, unknownMs: 0, excludedMs: 0 }, 0.95)).toBeCloseTo(20)
    expect(burnRate({ upMs: 5, downMs: 0, unknownMs: 0, excludedMs: 0 }, 0.95)).toBe(0)
    expect(burnRate({ upMs: 0, downMs: 0, unknownMs: 5, excludedMs: 0 }, 0.95)).toBeUndefined()
  })
})

describe('burning', () => {
  /** What holds minute after minute, with whatever held before. */
  function over(timeline: Timeline, fromMs: number, minutes: number): string[] {
    let held: readonly number[] = []
    const changes: string[] = []
    for (let m = 0; m <= minutes; m++) {
      const next = burning(timeline, {}, fromMs + m * minuteMs, 0.95, held)
      if (next.join() !== held.join()) changes.push(`${m}: ${next.join() || 'none'}`)
      held = next
    }
    return changes
  }

  it('begins and ends once for one long outage', () => {
    // 18 of 60 minutes are six times as much as 5 % of them, and 54 of 360 are three times as much.
    const outage = downFor([10 * hourMs, hourMs])
    expect(over(outage, now - 10 * hourMs, 10 * 60)).toEqual(['18: 6', '54: 6,3', '103: 3', '367: none'])
  })

  it('is not told again and again of an agent that goes up and down', () => {
    const flapping = downFor(...Array.from({ length: 30 }, (_, i): [number, number] => [10 * hourMs - i * 10 * minuteMs, 5 * minuteMs]))
    expect(over(flapping, now - 10 * hourMs, 10 * 60).map((change) => change.slice(change.indexOf(' ') + 1))).toEqual([
      '6',
      '6,3',
      '3',
      'none',
    ])
  })

  it('is nobody’s who is seldom down', () => {
    expect(over(downFor([9 * hourMs, 17 * minuteMs], [5 * hourMs, 17 * minuteMs]), now - 10 * hourMs, 10 * 60)).toEqual([])
  })

  it('begins only where both times say so, and ends only where neither does', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(500), fc.integer({ min: 1, max: 100 })), { maxLength: 8 }),
        fc.subarray([6, 3]),
        (downs, before) => {
          const minutes = new Set(downs.flatMap(([ago, length]) => Array.from({ length }, (_, i) => ago - i)).filter((m) => m > 0))
          const timeline = Array.from({ length: 700 }, (_, i) => ({
            atMs: now - (700 - i) * minuteMs,
            state: (minutes.has(700 - i) ? 'down' : 'up') as AgentState,
          }))
          const down = (length: number) => [...minutes].filter((m) => m <= length).length / length / 0.05
          const expected = (
            [
              [6, 60, 5],
              [3, 360, 30],
            ] as const
          ).flatMap(([factor, long, short]) => {
            const over = [down(long), down(short)].filter((rate) => rate >= factor - 1e-9).length
            return over === 2 || (over === 1 && before.includes(factor)) ? [factor] : []
          })
          expect(burning(timeline, {}, now, 0.95, before)).toEqual(expected)
        },
      ),
    )
  })
})

describe('the forecast', () => {
  const forecast = (timeline: Timeline, target = 0.95) => {
    const atMs = runsOutMs(timeline, {}, now, target, windowMs)
    return atMs === undefined ? undefined : (atMs - now) / hourMs
  }

  it('of a total loss is when the rest is used up', () => {
    expect(
      forecast([
        { atMs: 0, state: 'up' },
        { atMs: now - 6 * hourMs, state: 'down' },
      ]),
    ).toBe(30)
  })

  it('is now where nothing is left, and never where nothing is lost', () => {
    expect(forecast(downFor([20 * dayMs, 36 * hourMs]))).toBe(0)
    expect(forecast(downFor())).toBeUndefined()
    expect(forecast(downFor([20 * dayMs, 35 * hourMs]))).toBeUndefined()
    expect(forecast([])).toBeUndefined()
  })

  it('never comes at a rate that the target allows', () => {
    expect(forecast(downFor(...Array.from({ length: 40 }, (_, i): [number, number] => [(i + 0.5) * dayMs, 1.1 * hourMs])))).toBeUndefined()
  })

  it('counts what leaves the window meanwhile', () => {
    // 30 hours are used, and two hours a day from now on. The oldest 20 leave at once, 8 more after ten days.
    const timeline = downFor([30 * dayMs, 20 * hourMs], [20 * dayMs, 8 * hourMs], [12 * hourMs, 2 * hourMs])
    expect(used(timeline).usedMs).toBe(30 * hourMs)
    expect(forecast(timeline)).toBeCloseTo(17 * 24)
  })

  it('is what going on minute by minute gives, to a minute', () => {
    const small = 600
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(small), fc.integer({ min: 1, max: 60 })), { maxLength: 8 }),
        fc.constantFrom(0.8, 0.9, 0.95),
        (downs, target) => {
          const isDown = Array.from({ length: small }, () => false)
          for (const [from, length] of downs) isDown.fill(true, from, from + length)
          const timeline = isDown.map((down, i) => ({ atMs: now - (small - i) * minuteMs, state: (down ? 'down' : 'up') as AgentState }))
          const share = (minutes: number) => 1 - (availability(tally(timeline, now - minutes * minuteMs, now)) ?? 1)
          const rate = Math.max(share(60), share(24 * 60))
          const total = (1 - target) * small
          let used = isDown.filter(Boolean).length
          let expected: number | undefined = used >= total - 1e-9 ? 0 : undefined
          for (let m = 0; m < small && expected === undefined; m++) {
            used += rate - (isDown[m] ? 1 : 0)
            if (used >= total - 1e-9 && rate > 0) expected = m + 1
          }
          const found = runsOutMs(timeline, {}, now, target, small * minuteMs)
          if (expected === undefined) expect(found).toBeUndefined()
          else expect(Math.abs((found ?? Number.NaN) - now - expected * minuteMs)).toBeLessThanOrEqual(minuteMs)
        },
      ),
      { numRuns: 1_000 },
    )
  })
})
