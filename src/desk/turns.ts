/**
 * Only so many restarts at the same time: a host, and whoever looks on, has to keep up with them. Who has to wait stands in a
 * queue, people before the watch, each in the order in which they came.
 */
export interface Turns {
  /**
   * Resolves with what gives the turn back, to be called once; with undefined when the signal fired before there was one.
   * `waiting` is called with how many are under way, where none is free at once.
   */
  take(who: 'person' | 'watch', waiting: (underWay: number) => void, signal: AbortSignal): Promise<(() => void) | undefined>
}

interface Waiting {
  who: 'person' | 'watch'
  begin(): void
}

export function openTurns(atOnce: () => number): Turns {
  const queue: Waiting[] = []
  let underWay = 0

  function begin(): () => void {
    underWay++
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      underWay--
      while (underWay < atOnce() && queue.length > 0) {
        const person = queue.findIndex(({ who }) => who === 'person')
        for (const next of queue.splice(Math.max(0, person), 1)) next.begin()
      }
    }
  }

  return {
    take: async (who, waiting, signal) => {
      if (signal.aborted) return undefined
      if (underWay < atOnce() && queue.length === 0) return begin()
      waiting(underWay)
      return new Promise((resolve) => {
        const leave = () => {
          queue.splice(queue.indexOf(mine), 1)
          resolve(undefined)
        }
        const mine: Waiting = {
          who,
          begin: () => {
            signal.removeEventListener('abort', leave)
            resolve(begin())
          },
        }
        signal.addEventListener('abort', leave, { once: true })
        queue.push(mine)
      })
    },
  }
}
