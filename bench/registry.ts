import type { Benchmark } from './benchmark.ts'
import { tower } from './tower.ts'

/** Every benchmark that `npm run bench` knows. */
export const benchmarks: readonly Benchmark[] = [tower]
