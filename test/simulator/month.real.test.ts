/** Thirty fleet-days at the promised size. Its own file, so that nothing else runs beside it. */
import { expect, it } from 'vitest'
import { faultKinds } from '../../src/simulator/faults.ts'
import { generatedFleet } from '../../src/simulator/fleet.ts'
import { tameJitter } from '../../src/simulator/lives.ts'
import { simulate } from '../../src/simulator/simulate.ts'
import { keptLog } from '../support/log.ts'

it('thirty days of 200 agents under more than 500 faults: nothing missed, invented, lost or told twice', { timeout: 300_000 }, async () => {
  const seed = 2026
  const config = generatedFleet({ seed, agents: 200, hosts: 20 })
  const { verdict, strikes } = await simulate(
    { config, seed, days: 30, faults: { kinds: faultKinds }, jitter: tameJitter },
    { log: keptLog() },
  )
  expect(verdict.findings).toEqual([])
  expect(strikes.length).toBeGreaterThanOrEqual(500)
  expect(new Set(strikes.map(({ kind }) => kind))).toEqual(new Set(faultKinds))
  expect(verdict.ledgerErrorMs).toBeLessThan(1_000)
  // It looked at something: most of what struck an agent or a host was noticed.
  expect(verdict.incidents).toBeGreaterThan(200)
  expect(verdict.said.problem).toBeGreaterThan(150)
})
