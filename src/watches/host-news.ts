/**
 * What a host told between two looks, and how often that may bring a look forward: a host that tells of something all the
 * time is looked at in turn. Each kind has an allowance of its own, so that an agent that writes without end doesn't keep a
 * death from being looked at.
 */
import type { Clock } from '../ports/clock.ts'
import type { HostNews } from '../ports/host.ts'

/** Looks out of turn: so many at once, and so many a second in the long run. */
const allowed = { gone: { burst: 20, perSecond: 5 }, written: { burst: 10, perSecond: 2 } } as const
const kinds = ['gone', 'written'] as const satisfies readonly HostNews[]

export interface NewsDesk {
  hear(news: HostNews): void
  /** A look begins: it asks about all that was told so far. */
  lookBegins(): void
  /** Ends with `pause`, or before, when news come that may bring a look forward. `pause` is handed what ends it. */
  pauseUntilNews(pause: (onBegin: (end: () => void) => void) => Promise<void>): Promise<void>
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
    pauseUntilNews: async (pause) => {
      const open = kinds.map((kind) => ({ kind, allowance: allowance(kind) })).filter((one) => one.allowance.looks >= 1)
      const news = () => open.filter(({ kind }) => told.has(kind))
      if (news().length === 0) {
        await pause((end) => {
          heard = () => news().length > 0 && end()
        })
        heard = undefined
      }
      for (const one of news()) one.allowance.looks--
    },
  }
}
