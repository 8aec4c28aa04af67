import type { Benchmark } from './benchmark.ts'
import { hands } from './hands.ts'
import { simulation } from './simulation.ts'
import { tower } from './tower.ts'
import { watch } from './watch.ts'

/** Every benchmark that `npm run bench` knows. */
export const benchmarks: readonly Benchmark[] = [tower, watch, simulation, hands]
