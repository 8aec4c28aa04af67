/**
 * How much one person may ask for. What is too much is refused, and the audit gets the first of a row and, once it has ended,
 * how many there were: neither can be done without a trace, and nobody can fill the disk by asking.
 */
import { type Bucket, personOf, spend } from '../domain/authority.ts'
import type { Actor } from '../domain/operation.ts'
import type { Clock } from '../ports/clock.ts'

type Allowed = { kind: 'allowed' } | { kind: 'flood'; waitMs: number; isFirst: boolean }

export interface Floods {
  take(actor: Actor): Allowed
}

/** So many people are remembered; those who have asked for nothing lately are forgotten first. */
const mostPeople = 1_000

/** `over` is called with how many more than the first one were refused, some time after that one. */
export function openFloods(limit: () => { most: number; perMs: number }, clock: Clock, over: (actor: Actor, more: number) => void): Floods {
  const buckets = new Map<string, Bucket>()
  const rows = new Map<string, { more: number }>()

  return {
    take: (actor) => {
      const person = personOf(actor)
      const { most, perMs } = limit()
      const { bucket, waitMs } = spend(buckets.get(person), most, perMs, clock.now())
      buckets.delete(person)
      buckets.set(person, bucket)
      for (const oldest of buckets.keys()) {
        if (buckets.size <= mostPeople) break
        buckets.delete(oldest)
      }
      if (waitMs === 0) return { kind: 'allowed' }
      const row = rows.get(person)
      if (row) {
        row.more++
        return { kind: 'flood', waitMs, isFirst: false }
      }
      const begun = { more: 0 }
      rows.set(person, begun)
      clock.after(perMs, () => {
        rows.delete(person)
        if (begun.more > 0) over(actor, begun.more)
      })
      return { kind: 'flood', waitMs, isFirst: true }
    },
  }
}
