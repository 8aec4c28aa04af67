/**
 * Lines of a live recording in the order of `at`. The watch dates what it sees by when it happened, so a line may come a
 * little after later ones: each is held back until no earlier one is to be expected.
 */
import type { TraceLine } from '../domain/trace.ts'

export interface Sorter {
  /** `nowS`: seconds since the beginning. */
  add(line: TraceLine, nowS: number): void
  /** What waits is told as well, then the end. */
  end(nowS: number): void
}

export function sorter(holdS: number, tell: (line: TraceLine) => void): Sorter {
  let waiting: TraceLine[] = []
  let toldS = 0

  function release(untilS: number): void {
    waiting.sort((a, b) => a.at - b.at)
    const count = waiting.findIndex((line) => line.at > untilS)
    const due = count < 0 ? waiting : waiting.slice(0, count)
    waiting = count < 0 ? [] : waiting.slice(count)
    for (const line of due) {
      toldS = Math.max(toldS, line.at)
      tell(line)
    }
  }

  return {
    add: (line, nowS) => {
      // One that comes later than anybody could expect is told as of now.
      waiting.push(line.at < toldS ? { ...line, at: toldS } : line)
      release(nowS - holdS)
    },
    end: (nowS) => {
      release(Number.POSITIVE_INFINITY)
      tell({ at: Math.max(toldS, Math.round(nowS * 1000) / 1000), end: true })
    },
  }
}
