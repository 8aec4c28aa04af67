/**
 * What a host told between two looks, and how often that may bring a look forward: a host that tells of something all the
 * time is looked at in turn. Each kind has an allowance of its own, so that an agent that writes without end doesn't keep a
 * death from being looked at.
 */
import { type Clock, pauseOn } from '../ports/clock.ts'
import type { HostNews } from '../ports/host.ts'

/** Looks out of turn: so many at once, and so many a second in the long run. */
const allowed = { gone: { burst: 20, perSecond: 5 }, written: { burst: 10, perSecond: 3 } } as const
const kinds = ['gone', 'written'] as const satisfies readonly HostNews[]

export interface NewsDesk {
  hear(news: HostNews): void
  /** A look begins: it asks about all that was told so far. */
  lookBegins(): void
  /** Ends after `ms`, or before, as soon as there are news that may bring a look forward; or when `signal` fires. */
  pauseUntilNews(ms: number, signal: AbortSignal): Promise<void>
}

export function openNewsDesk(clock: Clock): NewsDesk {
  const told = new Set<HostNews>()
  const saved = new Map<HostNews, { atMs: number; looks: number }>()
  let heard: (() => void) | undefined

  function allowance(kind: HostNews): { atMs: number; looks: number } {
    const nowMs = clock.now()
    const { burst, perSecond } = allowed[kind]
    const before = saved.get(kind) ?? { atMs: nowMs, looks: burst }
    const after = { atMs: nowMs, looks: Math.min(burst, before.looks + ((nowMs - before.atMs) * perSecond) / 1_000) }
    saved.set(kind, after)
    return after
  }

  return {
    hear: (news) => {
      told.add(news)
      heard?.()
    },
    lookBegins: () => told.clear(),
    pauseUntilNews: async (ms, signal) => {
      const endMs = clock.now() + ms
      while (!signal.aborted) {
        const due = kinds.filter((kind) => told.has(kind)).map((kind) => ({ kind, allowance: allowance(kind) }))
        const allowedNow = due.filter((one) => one.allowance.looks >= 1)
        for (const one of allowedNow) one.allowance.looks--
        const leftMs = endMs - clock.now()
        if (allowedNow.length > 0 || leftMs <= 0) return
        // What was told but is not allowed yet will be.
        const waits = due.map((one) => Math.ceil(((1 - one.allowance.looks) / allowed[one.kind].perSecond) * 1_000))
        await pauseOn(clock, Math.min(leftMs, ...waits), signal, (end) => {
          heard = end
        })
        heard = undefined
      }
    },
  }
}
