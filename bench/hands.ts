/** `hands`: what looking at many hosts over ssh costs and how soon a death there is known, beside what a user would pick instead. */
import type { Benchmark, BenchmarkContext, Outcome } from './benchmark.ts'
import { measureDeaths } from './hands/deaths.ts'
import { measureScale } from './hands/scale.ts'
import { measureSweep } from './hands/sweep.ts'

/** For a quick run while something is being changed; kept results are of whole runs. */
const isQuick = process.env['TOWERWATCH_BENCH'] === 'quick'

const parts: readonly ((context: BenchmarkContext) => Promise<Outcome>)[] = isQuick
  ? [
      (context) => measureDeaths({ hosts: 4, each: 5 }, context),
      (context) => measureSweep({ hosts: 10, ours: 10, turns: 1 }, context),
      (context) => measureScale([5, 10], 10, context),
    ]
  : [
      (context) => measureDeaths({ hosts: 4, each: 125 }, context),
      (context) => measureSweep({ hosts: 50, ours: 20, turns: 4 }, context),
      (context) => measureScale([10, 50, 200], 20, context),
    ]

export const hands: Benchmark = {
  name: 'hands',
  about: 'a look at many hosts over ssh, beside ControlMaster, pssh, ansible and check_by_ssh; how soon a death there is known',
  withinMs: 900_000,
  run: async (context) => {
    const all: Outcome = { figures: {}, comparisons: {}, leftOut: [] }
    for (const part of parts) {
      const { figures, comparisons, leftOut } = await part(context)
      Object.assign(all.figures, figures)
      Object.assign(all.comparisons, comparisons)
      all.leftOut.push(...leftOut)
    }
    return all
  },
}
