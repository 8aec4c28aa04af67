/** What makes a restart done: beats of a new life, which get on with their work where the agent tells of that. */
import type { Beat } from '../domain/agent.ts'
import { sayDuration } from '../domain/duration.ts'
import type { OperationContext } from './operation.ts'
import type { RestartFailure } from './restart-failure.ts'

export type Life = { kind: 'alive'; beat: Beat } | { kind: 'none'; why: Exclude<RestartFailure['kind'], 'settings' | 'refused' | 'host'> }

export interface NewLife {
  /** It was started now. Resolves with what became of it, within the limit of its start, once more for its progress. */
  verify(limitMs: number): Promise<Life>
  /** Nothing was started: nobody listens any more. */
  stop(): void
}

/**
 * Listens from before the start on: a quick agent beats before the gate has answered. A new life is a beat whose epoch is not
 * the last one known. Where none was known, only a beat that was written after the start counts: before it, the old life may
 * still have been beating. One that was dead when this was begun (`only-dead`) beats in no old life any more.
 *
 * An agent that has told of progress before, or does so now, has to get on as well: its first beat may come from a loop that
 * goes round while nothing is done. One that says that it is idle has nothing to get on with.
 */
export function listenForNewLife(id: string, context: OperationContext, mode: 'stop-first' | 'only-dead'): NewLife {
  const last = context.agent(id)?.facts.lastBeat
  const lastEpoch = last?.epoch ?? ''
  const giveUp = new AbortController()
  let startedMs = mode === 'only-dead' ? context.clock.now() : Number.POSITIVE_INFINITY
  let sawEpoch = false
  let sawNameless = false
  let first: Beat | undefined
  const begun = Promise.withResolvers<void>()
  const beat = context.nextBeat(id, fits, AbortSignal.any([giveUp.signal, context.stopping, context.cancelled]))

  function fits(next: Beat): boolean {
    const { epoch, atMs } = next
    if (epoch === '') sawNameless = true
    else sawEpoch = true
    if (epoch === '' || epoch === lastEpoch) return false
    if (lastEpoch === '' && atMs < startedMs) return false
    if (first?.epoch !== epoch) first = next
    begun.resolve()
    if (next.busy === false) return true
    if (next.progress === undefined) return last?.progress === undefined
    return first.progress !== undefined && next.progress !== first.progress
  }

  return {
    stop: () => giveUp.abort(),
    verify: async (limitMs) => {
      startedMs = Math.min(startedMs, context.clock.now())
      context.progress(`verify: waiting for a beat of its new life, at most ${sayDuration(limitMs)}`)
      let deadline = context.clock.after(limitMs, () => giveUp.abort())
      const isOver = beat.then(() => 'over' as const)
      const isFirst = (await Promise.race([isOver, begun.promise.then(() => 'begun' as const)])) === 'begun'
      // Where the first beat is enough, both have come at once.
      await Promise.resolve()
      if (isFirst && first && !isEnough(first)) {
        deadline.cancel()
        context.progress(`verify: it beats again; waiting for its progress, at most ${sayDuration(limitMs)}`)
        deadline = context.clock.after(limitMs, () => giveUp.abort())
      }
      const found = await beat
      deadline.cancel()
      if (found) return { kind: 'alive', beat: found }
      if (context.cancelled.aborted) return { kind: 'none', why: 'cancelled' }
      if (context.stopping.aborted) return { kind: 'none', why: 'stopping' }
      if (first) return { kind: 'none', why: 'no-progress' }
      return { kind: 'none', why: sawNameless && !sawEpoch ? 'nameless' : 'no-beat' }
    },
  }

  function isEnough(only: Beat): boolean {
    return only.busy === false || (only.progress === undefined && last?.progress === undefined)
  }
}
