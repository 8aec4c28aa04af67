/** Figures out of samples. Pure. */

/**
 * The smallest sample that at least `percent` of all samples do not exceed (nearest rank), so the answer is always something
 * that was really measured. With fewer than 100 samples the 99th percentile is the worst one. Throws RangeError on none.
 */
export function percentile(samples: readonly number[], percent: number): number {
  if (!(percent > 0 && percent <= 100)) throw new RangeError(`a percentile is above 0 and at most 100, not ${percent}`)
  const sorted = samples.toSorted((a, b) => a - b)
  const found = sorted[Math.ceil((percent / 100) * sorted.length) - 1]
  if (found === undefined) throw new RangeError('there are no samples to take a percentile of')
  return found
}

/** The middle sample; of an even number of them, the lower of the two in the middle. */
export function median(samples: readonly number[]): number {
  return percentile(samples, 50)
}
