/** What a benchmark is, and how its ratios come about. */

export interface Figure {
  value: number
  unit: 'ms' | 's' | '1/s' | '%' | 'MiB' | 'kB' | 'count'
  better: 'lower' | 'higher'
  /** `ours`: the product. `theirs`: what a user would pick instead. `floor`: the least that physics, or the game, allows. */
  whose: 'ours' | 'theirs' | 'floor'
  /** What was measured, in a few words. */
  means: string
}

/** One figure of ours over one of theirs (or over the floor), by their names. */
export interface Comparison {
  ours: string
  theirs: string
}

export interface Outcome {
  figures: Record<string, Figure>
  comparisons: Record<string, Comparison>
  /** What could not be measured here, and why: a sentence each. Its figures are then not there. */
  leftOut: string[]
}

export interface BenchmarkContext {
  /** The project's folder. */
  root: string
  /** Takes a line about how far it is. */
  say(text: string): void
  /** Fires when the run is to end early: by a person, or because it takes too long. */
  signal: AbortSignal
}

export interface Benchmark {
  name: string
  /** One line for the list. */
  about: string
  withinMs: number
  /** Ends all that it started, however it ends. */
  run(context: BenchmarkContext): Promise<Outcome>
}

export interface Ratio extends Comparison {
  /** Ours / theirs. */
  value: number
  better: 'lower' | 'higher'
}

/**
 * Ours / theirs, as far as both were measured. Throws where our own figure is missing (a comparison that names nothing), or
 * where theirs is zero.
 */
export function ratiosOf({ figures, comparisons }: Pick<Outcome, 'figures' | 'comparisons'>): Record<string, Ratio> {
  const ratios: Record<string, Ratio> = {}
  for (const [name, comparison] of Object.entries(comparisons)) {
    const ours = figures[comparison.ours]
    const theirs = figures[comparison.theirs]
    if (ours === undefined) throw new Error(`ratio ${name}: there is no figure ${comparison.ours}`)
    if (theirs === undefined) continue
    if (theirs.value === 0) throw new Error(`ratio ${name}: ${comparison.theirs} is zero, measure for longer`)
    ratios[name] = { ...comparison, value: ours.value / theirs.value, better: ours.better }
  }
  return ratios
}
