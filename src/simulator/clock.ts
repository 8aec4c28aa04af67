/** Time that goes as fast as the work allows: what falls due is run in order, and nothing waits. */

export interface SimulatedClock {
  /** Whole epoch milliseconds. */
  now(): number
  /** Calls back once after `ms`, unless cancelled. */
  after(ms: number, callback: () => void): { cancel(): void }
  /**
   * Calls back once at this moment (now, where it has passed), unless cancelled. Those of one moment: first what happens,
   * then who looks (`rank` 1), each in the order given.
   */
  at(ms: number, callback: () => void, rank?: 0 | 1): { cancel(): void }
  /** When the next callback is due; infinite where there is none. */
  nextMs(): number
  /** Goes on to the next callback and runs it; answers its rank. Does nothing where there is none. */
  runNext(): 0 | 1 | undefined
  /** Goes on to this moment, which must not be before now nor after the next callback. */
  moveTo(ms: number): void
}

interface Entry {
  ms: number
  rank: 0 | 1
  number: number
  /** Undefined once cancelled. */
  callback: (() => void) | undefined
}

export function simulatedClock(startMs: number): SimulatedClock {
  let now = startMs
  let given = 0
  const heap: Entry[] = []

  function isBefore(a: Entry, b: Entry): boolean {
    if (a.ms !== b.ms) return a.ms < b.ms
    return a.rank !== b.rank ? a.rank < b.rank : a.number < b.number
  }

  function push(entry: Entry): void {
    let index = heap.length
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = heap[parent]
      if (!above || !isBefore(entry, above)) break
      heap[index] = above
      index = parent
    }
    heap[index] = entry
  }

  function pop(): Entry | undefined {
    const first = heap[0]
    const last = heap.pop()
    if (!first || !last || heap.length === 0) return first
    let index = 0
    for (;;) {
      const left = 2 * index + 1
      const a = heap[left]
      if (!a) break
      const b = heap[left + 1]
      const child = b && isBefore(b, a) ? b : a
      if (!isBefore(child, last)) break
      heap[index] = child
      index = child === a ? left : left + 1
    }
    heap[index] = last
    return first
  }

  /** What was cancelled is only thrown away when its turn comes. */
  function dropCancelled(): void {
    while (heap[0] && !heap[0].callback) pop()
  }

  function at(ms: number, callback: () => void, rank: 0 | 1 = 0): { cancel(): void } {
    const entry: Entry = { ms: Math.max(ms, now), rank, number: given++, callback }
    push(entry)
    return {
      cancel: () => {
        entry.callback = undefined
      },
    }
  }

  return {
    now: () => now,
    after: (ms, callback) => at(now + Math.max(0, ms), callback),
    at,
    nextMs: () => {
      dropCancelled()
      return heap[0]?.ms ?? Number.POSITIVE_INFINITY
    },
    runNext: () => {
      dropCancelled()
      const entry = pop()
      if (!entry?.callback) return undefined
      now = entry.ms
      entry.callback()
      return entry.rank
    },
    moveTo: (ms) => {
      dropCancelled()
      const nextMs = heap[0]?.ms ?? Number.POSITIVE_INFINITY
      if (ms < now || ms > nextMs) throw new Error(`time can't go from ${now} to ${ms}: the next callback is due at ${nextMs}`)
      now = ms
    },
  }
}
