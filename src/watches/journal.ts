/**
 * The way into the ledger for everybody who must not lose what he has decided. Facts are written in the order they are
 * given; those that the ledger can't take wait here, in their order, and are tried again at each `flush`.
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
  /** Resolves when nothing is on its way to the ledger: all is written, or waits because it can't be. */
  settled(): Promise<void>
}

interface Entry {
  facts: readonly LedgerFact[]
  written: () => void
}

export function openJournal(ledger: Ledger, log: Log): Journal {
  const waiting: Entry[] = []
  const underWay = new Set<Promise<void>>()
  let isRetrying = false

  function begin(work: Promise<void>): void {
    underWay.add(work)
    void work.finally(() => underWay.delete(work))
  }

  async function put(entry: Entry): Promise<void> {
    try {
      await ledger.write(entry.facts)
      entry.written()
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
      if (waiting.length === 0)
        log.error({ err: error.message }, 'the ledger could not be written: watching and telling go on from memory, nothing is changed')
      waiting.push(entry)
    }
  }

  /** One after the other: what was decided first is written first. */
  async function retry(): Promise<void> {
    isRetrying = true
    try {
      for (let entry = waiting[0]; entry; entry = waiting[0]) {
        await ledger.write(entry.facts)
        waiting.shift()
        entry.written()
        if (waiting.length === 0) log.info({}, 'the ledger can be written again: nothing was lost')
      }
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
    } finally {
      isRetrying = false
    }
  }

  return {
    write: (facts) =>
      new Promise((resolve) => {
        const entry = { facts, written: resolve }
        // Behind those that are waiting already.
        if (waiting.length > 0) waiting.push(entry)
        else begin(put(entry))
      }),
    isBroken: () => waiting.length > 0,
    flush: () => {
      if (waiting.length > 0 && !isRetrying) begin(retry())
    },
    settled: async () => {
      while (underWay.size > 0) await Promise.all(underWay)
    },
  }
}
