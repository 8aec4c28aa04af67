/** Small simulations; the one of the size that is promised is in month.real.test.ts. */
import { describe, expect, it } from 'vitest'
import { faultKinds, parseFaults, planFaults } from '../../src/simulator/faults.ts'
import { generatedFleet } from '../../src/simulator/fleet.ts'
import { tameJitter } from '../../src/simulator/lives.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { simulate } from '../../src/simulator/simulate.ts'
import { keptLog } from '../support/log.ts'

const run = (seed: number, faults = parseFaults('60'), more: { days?: number; agents?: number; hosts?: number } = {}) => {
  const { days = 1, agents = 12, hosts = 3 } = more
  return simulate({ config: generatedFleet({ seed, agents, hosts }), seed, days, faults, jitter: tameJitter }, { log: keptLog() })
}

describe('a simulation', () => {
  it.each([1, 2, 3, 4, 5, 6])('with seed %i finds no death missed or invented, and no alert lost or told twice', async (seed) => {
    const { verdict, strikes } = await run(seed)
    expect(verdict.findings).toEqual([])
    expect(strikes.length).toBeGreaterThan(40)
    expect(verdict.incidents).toBeGreaterThan(10)
    expect(verdict.said.problem).toBeGreaterThan(5)
    // What is down to the second at which a fault met a look is known to the oracle; the rest agrees to the millisecond.
    expect(verdict.ledgerErrorMs).toBeLessThan(1_000)
  })

  it.each(faultKinds)('of %s alone finds nothing wrong', async (kind) => {
    const { verdict, strikes } = await run(11, { kinds: [kind], count: 25 })
    expect(verdict.findings).toEqual([])
    expect(strikes.length).toBeGreaterThan(5)
    expect(new Set(strikes.map((strike) => strike.kind))).toEqual(new Set([kind]))
  })

  it('is the same again with the same seed, and another one with another', async () => {
    const [one, again, other] = [await run(7), await run(7), await run(8)]
    expect(again.facts).toEqual(one.facts)
    expect(again.strikes).toEqual(one.strikes)
    expect(other.strikes).not.toEqual(one.strikes)
  })

  it('of well agents says nothing at all', async () => {
    const { verdict } = await run(1, { kinds: ['tower-down'], count: 1 })
    expect(verdict.incidents).toBe(0)
    expect(verdict.said).toEqual({ problem: 0, recovery: 0, reminder: 0, other: 0 })
  })

  it('notices each death in time, by kind of fault', async () => {
    const { verdict } = await run(3, parseFaults('crash,40'))
    const delays = verdict.delaysMs.get('crash') ?? []
    expect(delays.length).toBeGreaterThan(5)
    // Period + grace + sweep, with a moment for the look.
    expect(Math.max(...delays)).toBeLessThanOrEqual(305_000)
  })
})

describe('a plan of faults', () => {
  const size = { agents: 200, hosts: 20, fromMs: 0, toMs: 30 * 86_400_000 }

  it('has at least 500 for thirty days of two hundred agents, of every kind', () => {
    const plan = planFaults({ kinds: faultKinds }, size, seededRandom(1))
    expect(plan.length).toBeGreaterThanOrEqual(500)
    expect(new Set(plan.map(({ kind }) => kind))).toEqual(new Set(faultKinds))
    expect(plan).toEqual([...plan].sort((a, b) => a.atMs - b.atMs))
    for (const { atMs, lastsMs } of plan) {
      expect(atMs).toBeGreaterThan(3 * 3_600_000 - 1)
      expect(atMs + lastsMs).toBeLessThan(size.toMs)
    }
  })

  it('is chosen by words', () => {
    expect(parseFaults('crash,hang')).toEqual({ kinds: ['crash', 'hang'] })
    expect(parseFaults('800')).toEqual({ kinds: faultKinds, count: 800 })
    expect(parseFaults(' crash , 5 ')).toEqual({ kinds: ['crash'], count: 5 })
    expect(() => parseFaults('carsh')).toThrow('there is no fault "carsh": did you mean "crash"?')
    expect(() => parseFaults('')).toThrow(/there is no fault ""/)
  })
})
