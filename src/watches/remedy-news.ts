/**
 * Who is given up, and whom the budgets hold back: each told once when it begins and once when it ends. What was told is kept
 * in the ledger, so that the next life of the watch tells nothing again.
 */
import type { RemedyLimits } from '../domain/remedy.ts'
import { givenUpText, heldText, notGivenUpText, notHeldText } from '../domain/remedy-words.ts'
import type { Clock } from '../ports/clock.ts'
import type { Ledger } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import type { Journal } from './journal.ts'
import type { Notifier } from './notifier.ts'

/** Who dies together is told of together. */
const gatherMs = 10_000
/** Nobody was held back for so long: it is over. Longer than a watch that begins needs to see everybody. */
const overMs = 60_000

const noteName = 'remedies'

type By = 'agent' | 'fleet'

interface Kept {
  /** Since when, by agent. */
  givenUp: Record<string, number>
  /** Told that some are held back. */
  held: By[]
}

export interface RemedyNews {
  givenUp(): ReadonlyMap<string, number>
  giveUp(agent: string, sinceMs: number): void
  /** It has been stable. */
  recovered(agent: string): void
  /** Somebody decided that it is none of the watch's business any more: nothing is told. */
  forget(agent: string): void
  /** Who is held back at this moment, who waits longest first; answers when it is to be called again. */
  held(by: By, agents: readonly string[], untilMs: number): number
}

export interface RemedyNewsPorts {
  notifier: Pick<Notifier, 'notice'>
  journal: Pick<Journal, 'write'>
  ledger: Pick<Ledger, 'note'>
  clock: Clock
  log: Log
}

/** Throws LedgerError where the ledger can't be read. */
export function openRemedyNews(limits: () => RemedyLimits, { notifier, journal, ledger, clock, log }: RemedyNewsPorts): RemedyNews {
  const kept: Kept = { givenUp: {}, held: [], ...(JSON.parse(ledger.note(noteName) ?? '{}') as Partial<Kept>) }
  const givenUp = new Map(Object.entries(kept.givenUp))
  const told = new Set(kept.held)
  const heldMs = new Map<By, number>()
  const freeMs = new Map<By, number>()

  function keep(): void {
    const value: Kept = { givenUp: Object.fromEntries(givenUp), held: [...told] }
    void journal.write([{ kind: 'note', name: noteName, value: JSON.stringify(value) }])
  }

  function tell(agents: readonly string[], text: string): void {
    log.warn({ agents }, text)
    notifier.notice({ subjects: agents.map((id) => ({ kind: 'agent', id })), text })
    keep()
  }

  return {
    givenUp: () => givenUp,
    giveUp: (agent, sinceMs) => {
      const { crashLoop } = limits()
      if (givenUp.has(agent) || !crashLoop) return
      givenUp.set(agent, sinceMs)
      tell([agent], givenUpText(agent, crashLoop))
    },
    recovered: (agent) => {
      if (givenUp.delete(agent)) tell([agent], notGivenUpText(agent))
    },
    forget: (agent) => {
      if (givenUp.delete(agent)) keep()
    },
    held: (by, agents, untilMs) => {
      const nowMs = clock.now()
      if (agents.length > 0) {
        freeMs.delete(by)
        const sinceMs = heldMs.get(by) ?? nowMs
        heldMs.set(by, sinceMs)
        if (told.has(by)) return Number.POSITIVE_INFINITY
        if (nowMs < sinceMs + gatherMs) return sinceMs + gatherMs
        told.add(by)
        tell(agents, heldText(by, agents, limits(), Math.max(0, untilMs - nowMs)))
        return Number.POSITIVE_INFINITY
      }
      heldMs.delete(by)
      if (!told.has(by)) return Number.POSITIVE_INFINITY
      const sinceMs = freeMs.get(by) ?? nowMs
      freeMs.set(by, sinceMs)
      if (nowMs < sinceMs + overMs) return sinceMs + overMs
      freeMs.delete(by)
      told.delete(by)
      tell([], notHeldText(by))
      return Number.POSITIVE_INFINITY
    },
  }
}
