import { openLedger } from '../../src/adapters/ledger/sqlite.ts'
import { type Ledger, LedgerError, type LedgerFact } from '../../src/ports/ledger.ts'

type Kind = LedgerFact['kind'] | 'upkeep'

export interface BrittleLedger extends Ledger {
  /** Every write from now on is rejected: all, or those that hold a fact of these kinds. */
  breakWrites(kinds?: readonly Kind[]): void
  /** Every read from now on throws: all, or only these methods. */
  breakReads(methods?: readonly ReadMethod[]): void
  mend(): void
  /** A slow disk: what is written from now on stays pending, and can't be read, until `release`. */
  hold(): void
  /** Resolves when all that was held has been written (or rejected), in its order. */
  release(): Promise<void>
  /** How many calls of `write` are held. */
  held(): number
  /** Every fact that was written, in order. */
  readonly written: readonly LedgerFact[]
}

type ReadMethod = Exclude<keyof Ledger, 'write' | 'nextNumber' | 'upkeep' | 'close'>

/** A ledger (in memory unless another is given) whose disk can be full, or slow, for a while. */
export function brittleLedger(real: Ledger = openLedger(':memory:')): BrittleLedger {
  let isBroken: (kind: Kind) => boolean = () => false
  let isUnreadable: (method: ReadMethod) => boolean = () => false
  let waiting: (() => Promise<void>)[] | undefined
  const written: LedgerFact[] = []

  async function write(facts: readonly LedgerFact[]): Promise<void> {
    if (facts.some(({ kind }) => isBroken(kind))) throw new LedgerError('The ledger could not be written: database or disk is full')
    await real.write(facts)
    written.push(...facts)
  }

  const readable =
    <Args extends unknown[], Result>(method: ReadMethod, read: (...args: Args) => Result) =>
    (...args: Args): Result => {
      if (isUnreadable(method)) throw new LedgerError('The ledger could not be read: disk I/O error')
      return read(...args)
    }

  return {
    remembered: readable('remembered', real.remembered),
    looking: readable('looking', real.looking),
    untold: readable('untold', real.untold),
    operations: readable('operations', real.operations),
    audit: readable('audit', real.audit),
    auditHead: readable('auditHead', real.auditHead),
    verifyAudit: readable('verifyAudit', real.verifyAudit),
    incidents: readable('incidents', real.incidents),
    mutes: readable('mutes', real.mutes),
    timeline: readable('timeline', real.timeline),
    transitions: readable('transitions', real.transitions),
    proofs: readable('proofs', real.proofs),
    busySpans: readable('busySpans', real.busySpans),
    lastRun: readable('lastRun', real.lastRun),
    run: readable('run', real.run),
    note: readable('note', real.note),
    nextNumber: real.nextNumber,
    write: (facts) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const attempt = () => write(facts).then(resolve, reject)
      if (waiting) waiting.push(attempt)
      else void attempt()
      return promise
    },
    upkeep: async (beforeMs) => {
      if (isBroken('upkeep')) throw new LedgerError('The ledger could not do its upkeep: database or disk is full')
      return real.upkeep(beforeMs)
    },
    close: real.close,
    breakWrites: (kinds) => {
      isBroken = (kind) => kinds === undefined || kinds.includes(kind)
    },
    breakReads: (methods) => {
      isUnreadable = (method) => methods === undefined || methods.includes(method)
    },
    mend: () => {
      isBroken = () => false
      isUnreadable = () => false
    },
    hold: () => {
      waiting ??= []
    },
    release: async () => {
      const held = waiting ?? []
      waiting = undefined
      // Started in one go: what is written from now on comes after all of them.
      await Promise.all(held.map((attempt) => attempt()))
    },
    held: () => waiting?.length ?? 0,
    written,
  }
}
