/** `watch`: what the watch itself costs and how fast it is, without a game, in parts that are run one after the other. */
import type { Benchmark, BenchmarkContext, Outcome } from './benchmark.ts'
import { measureBeats } from './watch/beats.ts'
import { measureDetection } from './watch/detection.ts'
import { measureEvaluations } from './watch/evaluate.ts'
import { measureQuestions } from './watch/questions.ts'
import { measureStartup } from './watch/startup.ts'

/** No two of them may give a figure or a ratio the same name. Each ends all that it starts. */
const parts: readonly ((context: BenchmarkContext) => Promise<Outcome>)[] = [
  measureBeats,
  measureEvaluations,
  measureStartup,
  measureQuestions,
  measureDetection,
]

export const watch: Benchmark = {
  name: 'watch',
  about: 'durable beats a second over HTTP push, what judging a fleet costs, how soon a death is noticed',
  withinMs: 600_000,
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
