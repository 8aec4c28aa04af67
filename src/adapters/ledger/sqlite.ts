/**
 * The ledger in SQLite (node:sqlite): intervals, never samples. In a file: WAL with synchronous FULL, written by a thread of
 * its own, read in this one. The path ':memory:' gives one that is gone with the process, and commits at once.
 */
import type { DatabaseSync } from 'node:sqlite'
import { type Ledger, LedgerError, type LedgerFact } from '../../ports/ledger.ts'
import { committer } from './commit.ts'
import { openInMemory, openToRead, prepareFile } from './file.ts'
import { failure, guarded } from './guarded.ts'
import { readsOf } from './reads.ts'
import { rowOf } from './rows.ts'
import { upkeep } from './upkeep.ts'
import { startWriter, type Writer } from './writer.ts'

/**
 * Opens the ledger, and makes it where there is none; with access 'read' it must be there, and every write is rejected.
 * One program at a time may write. `now` dates the copy that is kept before a migration.
 *
 * Throws LedgerError where the file can't be opened, is damaged, is no ledger, or was written by a newer version.
 */
export function openLedger(path: string, access: 'write' | 'read' = 'write', now: () => Date = () => new Date()): Ledger {
  return guarded(`open ${path}`, () => {
    if (path === ':memory:') {
      const db = openInMemory()
      return ledgerOf(db, directWriter(db))
    }
    if (access === 'read') return ledgerOf(openToRead(path), closedWriter)
    prepareFile(path, now())
    return ledgerOf(openToRead(path), startWriter(path))
  })
}

function ledgerOf(db: DatabaseSync, writer: Writer): Ledger {
  let isClosed = false
  const numbers = numbersOf(db)
  return {
    ...readsOf(db),
    write: (facts) => {
      if (facts.length === 0) return Promise.resolve()
      try {
        numbers.see(facts)
        return writer.write(facts.map(rowOf))
      } catch (error) {
        return Promise.reject(failure(`write ${facts.map(({ kind }) => kind).join(', ')}`, error))
      }
    },
    nextNumber: numbers.next,
    upkeep: (beforeMs) => writer.upkeep(beforeMs),
    close: () => {
      // The reader goes first: whoever goes last folds the log in.
      if (!isClosed) db.close()
      isClosed = true
      return writer.close()
    },
  }
}

/** Counted here, so that who needs a number need not wait for the disk; the file says where to begin. */
function numbersOf(db: DatabaseSync): { next: Ledger['nextNumber']; see(facts: readonly LedgerFact[]): void } {
  const highest = (table: string) => Number(db.prepare('SELECT seq FROM sqlite_sequence WHERE name = ?').get(table)?.['seq'] ?? 0)
  const last = { incident: highest('incidents'), operation: highest('operations'), mute: highest('mutes') }
  return {
    next: (of) => ++last[of],
    see: (facts) => {
      for (const fact of facts) {
        if (fact.kind === 'incident') last.incident = Math.max(last.incident, fact.incident.number)
        else if (fact.kind === 'operation') last.operation = Math.max(last.operation, fact.operation.number)
        else if (fact.kind === 'mute') last.mute = Math.max(last.mute, fact.mute.number)
      }
    },
  }
}

/** In this thread: committed when the call returns. */
function directWriter(db: DatabaseSync): Writer {
  const commit = committer(db)
  let isClosed = false
  const attempt = <T>(what: string, work: () => T): Promise<T> =>
    new Promise((resolve) => {
      if (isClosed) throw new LedgerError(`The ledger could not ${what}: it is closed`)
      resolve(guarded(what, work))
    })
  return {
    write: (rows) =>
      attempt(`write ${rows.map(([statement]) => statement).join(', ')}`, () => {
        const [fault] = commit([rows])
        if (fault !== undefined) throw new Error(fault)
      }),
    upkeep: (beforeMs) =>
      attempt('do its upkeep', () => {
        const pieces = upkeep(db, beforeMs)
        for (;;) {
          const piece = pieces.next()
          if (piece.done) return piece.value
        }
      }),
    close: () => {
      isClosed = true
      return Promise.resolve()
    },
  }
}

const closedWriter: Writer = {
  write: () => Promise.reject(new LedgerError('The ledger could not be written: it is open for reading only')),
  upkeep: () => Promise.reject(new LedgerError('The ledger could not do its upkeep: it is open for reading only')),
  close: () => Promise.resolve(),
}
