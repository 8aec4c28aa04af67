/**
 * The way into the ledger for everybody who must not lose what he has decided. Facts are written strictly in the order they
 * are given, one batch at a time: a later word about an incident can never be overwritten by an earlier one that had to be
 * tried again. What the ledger can't take waits here and is tried again at each `flush`.
 */
import { type Ledger, LedgerError, type LedgerFact } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'

export interface Journal {
  /** Resolves once they are durable, which may be long after; never rejects. */
  write(facts: readonly LedgerFact[]): Promise<void>
  /** The ledger could not be written the last time: what was given since waits here. */
  isBroken(): boolean
  /** Tries again what waits. */
  flush(): void
  /** Resolves when nothing is on its way: all is written, or waits because it can't be. */
  settled(): Promise<void>
}

interface Entry {
  facts: readonly LedgerFact[]
  written: () => void
}

export function openJournal(ledger: Ledger, log: Log): Journal {
  let waiting: Entry[] = []
  let underWay: Promise<void> | undefined
  let isDraining = false
  let isBroken = false

  /** What gathers while one batch is being written is the next one. */
  async function drain(): Promise<void> {
    isDraining = true
    try {
      while (waiting.length > 0) {
        const batch = waiting
        waiting = []
        try {
          await ledger.write(batch.flatMap(({ facts }) => facts))
        } catch (error) {
          waiting = [...batch, ...waiting]
          if (!(error instanceof LedgerError)) throw error
          if (!isBroken)
            log.error({ err: error.message }, 'the ledger could not be written: watching and telling go on from memory, nothing is changed')
          isBroken = true
          return
        }
        for (const entry of batch) entry.written()
      }
      if (isBroken) log.info({}, 'the ledger can be written again: nothing was lost')
      isBroken = false
    } finally {
      // In the same breath as the last look at what waits: who writes while the promise is only about to resolve would else wait.
      isDraining = false
    }
  }

  function begin(): void {
    if (!isDraining) underWay = drain()
  }

  return {
    write: (facts) =>
      new Promise((resolve) => {
        waiting.push({ facts, written: resolve })
        if (!isBroken) begin()
      }),
    isBroken: () => isBroken,
    flush: () => {
      if (waiting.length > 0) begin()
    },
    settled: async () => {
      while (isDraining) await underWay
    },
  }
}
