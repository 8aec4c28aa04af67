/** How often one agent may post: so often in the long run, and so many at once. */
export interface Pace {
  perSecond: number
  burst: number
}

/**
 * Holds each to the pace, without a timer and with one number each: when it would have been due, had it kept the pace from
 * its last beat on (the generic cell rate algorithm).
 */
export function pacer({ perSecond, burst }: Pace): { may(id: string, nowMs: number): boolean } {
  const everyMs = 1000 / perSecond
  const slackMs = (burst - 1) * everyMs
  const dueMs = new Map<string, number>()
  return {
    may: (id, nowMs) => {
      const due = Math.max(dueMs.get(id) ?? nowMs, nowMs)
      if (due - nowMs > slackMs) return false
      dueMs.set(id, due + everyMs)
      return true
    },
  }
}
