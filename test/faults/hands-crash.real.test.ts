import { afterEach, describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/simulator/random.ts'
import { type HandsCrashes, handsCrashes, openHandsStage } from './hands-crash.ts'
import type { Stage } from './stage.ts'
import { tellOnFailure } from './story.ts'

/** TOWERWATCH_KILLS=200 for the long run; TOWERWATCH_SEED to choose the moments. */
const kills = Number(process.env['TOWERWATCH_KILLS'] ?? 20)
const seed = Number(process.env['TOWERWATCH_SEED'] ?? Date.now() % 1_000_000)
/** Most of the time goes into waiting: two watches at once take as long as one. */
const lanes = 2

let stages: Stage[] = []
afterEach(async () => {
  await Promise.all(stages.map((stage) => stage.close()))
  stages = []
})

describe('a watch that is killed while it restarts an agent', () => {
  it(
    `${kills} times, between intent and act, in the act, and between act and record, has it started exactly once`,
    async (context) => {
      console.log(`seed ${seed}: TOWERWATCH_SEED=${seed} chooses the same moments`)
      const found: HandsCrashes[] = []
      await Promise.all(
        Array.from({ length: lanes }, async (_, lane) => {
          const mine = Math.ceil(kills / lanes)
          const stage = await openHandsStage(`hands crash test, lane ${lane}, seed ${seed}`, mine)
          stages.push(stage)
          tellOnFailure(context, stage.story)
          found.push(await handsCrashes(stage, mine, seededRandom(seed, lane)))
        }),
      )
      for (const { faults: _, ...sums } of found) console.log(JSON.stringify(sums))
      expect(found.flatMap(({ faults }) => faults)).toEqual([])
      // A test in which nothing was interrupted has shown nothing.
      for (const { interrupted } of found) expect(interrupted).toBeGreaterThan(kills / lanes / 4)
    },
    kills * 20_000 + 120_000,
  )
})
