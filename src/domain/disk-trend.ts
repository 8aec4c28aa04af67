/**
 * In how long a disk is full, the way it fills now. One point each half hour is kept, for three days at most.
 *
 * The rate is the Theil–Sen one: the median of the slopes between any two points, which a file that comes and goes does not
 * move. Of two rates, over all that is kept and over the last third of it, the slower one counts, so that what has stopped
 * filling is no worry. Nothing is said from fewer than twelve points or less than six hours, nor where less than a hundredth
 * of the disk was filled in all that time.
 */

/** Minutes since 1970, and MiB that are free. */
type Point = readonly [atMin: number, freeMib: number]

export interface DiskTrend {
  totalMib: number
  /** Oldest first. */
  points: readonly Point[]
  /** MiB a minute; null: it does not fill; absent: there is not enough to go by. Worked out with each new point. */
  rate?: number | null
}

const minuteMs = 60_000
const mib = 2 ** 20
const everyMin = 30
const keepMin = 3 * 24 * 60
const leastPoints = 12
const leastMin = 6 * 60
const leastShare = 0.01

/** Takes a reading in, if it is time for a new point. A disk of another size is another disk. */
export function withReading(before: DiskTrend | undefined, disk: { totalBytes: number; availableBytes: number }, nowMs: number): DiskTrend {
  const totalMib = Math.round(disk.totalBytes / mib)
  const nowMin = Math.round(nowMs / minuteMs)
  const known = before?.totalMib === totalMib ? before : { totalMib, points: [] }
  const last = known.points.at(-1)
  if (last && nowMin >= last[0] && nowMin - last[0] < everyMin) return known
  // A clock that was set back: what came later, by it, is yet to come.
  const kept = known.points.filter(([atMin]) => atMin < nowMin && atMin >= nowMin - keepMin)
  const points: Point[] = [...kept, [nowMin, Math.round(disk.availableBytes / mib)]]
  const rate = rateOf(points, totalMib)
  return { totalMib, points, ...(rate !== undefined && { rate }) }
}

/** In how long it is full; `never` where it does not fill; undefined where there is not enough to go by. */
export function fullInMs({ rate }: DiskTrend, availableBytes: number): number | 'never' | undefined {
  if (rate === undefined) return undefined
  return rate === null ? 'never' : (availableBytes / mib / rate) * minuteMs
}

function rateOf(points: readonly Point[], totalMib: number): number | null | undefined {
  const [first] = points
  const last = points.at(-1)
  if (!first || !last || points.length < leastPoints || last[0] - first[0] < leastMin) return undefined
  const lately = points.filter(([atMin]) => atMin >= last[0] - (last[0] - first[0]) / 3)
  const rate = Math.min(-slope(points), -slope(lately))
  return rate > 0 && rate * (last[0] - first[0]) >= leastShare * totalMib ? rate : null
}

/** 0 where there are no two points. */
function slope(points: readonly Point[]): number {
  const slopes = new Float64Array((points.length * (points.length - 1)) / 2)
  let count = 0
  for (let to = 1; to < points.length; to++) for (let from = 0; from < to; from++) slopes[count++] = slopeOf(points[from], points[to])
  slopes.sort()
  const middle = count >> 1
  const high = slopes[middle] ?? 0
  return count % 2 === 1 ? high : (high + (slopes[middle - 1] ?? 0)) / 2
}

function slopeOf([fromMin, from]: Point = [0, 0], [toMin, to]: Point = [1, 0]): number {
  return (to - from) / (toMin - fromMin)
}
