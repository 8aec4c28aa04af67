import { afterEach, describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/simulator/random.ts'
import { type Crashes, crashes } from './crash.ts'
import { openStage, type Stage } from './stage.ts'
import { tellOnFailure } from './story.ts'

/** TOWERWATCH_KILLS=1000 for the long run; TOWERWATCH_SEED to choose the moments. */
const kills = Number(process.env['TOWERWATCH_KILLS'] ?? 50)
const seed = Number(process.env['TOWERWATCH_SEED'] ?? Date.now() % 1_000_000)
/** Most of the time goes into waiting: two watches at once take as long as one. */
const lanes = 2

let stages: Stage[] = []
afterEach(async () => {
  await Promise.all(stages.map((stage) => stage.close()))
  stages = []
})

describe('a watch that is killed at random moments', () => {
  it(
    `${kills} times, loses no outage, tells nothing twice, and its ledger is exact`,
    async (context) => {
      console.log(`seed ${seed}: TOWERWATCH_SEED=${seed} chooses the same moments`)
      const found: Crashes[] = []
      await Promise.all(
        Array.from({ length: lanes }, async (_, lane) => {
          const stage = await openStage({
            title: `crash test, lane ${lane}, seed ${seed}`,
            agents: { ann: 'json', bea: 'json', cid: 'mtime', dot: 'hearsay', eve: 'push' },
          })
          stages.push(stage)
          tellOnFailure(context, stage.story)
          found.push(await crashes(stage, Math.ceil(kills / lanes), seededRandom(seed, lane)))
        }),
      )
      for (const { faults: _, uptime: __, ...sums } of found) console.log(JSON.stringify(sums))
      expect(found.flatMap(({ faults }) => faults)).toEqual([])
      // A test that saw nothing happen has shown nothing.
      for (const lane of found) expect(lane.incidents).toBeGreaterThan(lane.kills / 5)
    },
    kills * 10_000 + 120_000,
  )
})
