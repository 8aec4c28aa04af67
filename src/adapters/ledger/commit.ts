/** The synchronous core: rows into the file, all of one call or none of it. */
import type { DatabaseSync } from 'node:sqlite'
import { messageOf } from '../../domain/failure.ts'
import { chainer } from './chain.ts'
import { fold } from './fold.ts'
import { type Row, statements } from './rows.ts'
import { preparer } from './statements.ts'

/**
 * Commits calls in their order, in one transaction: one wait for the disk for all of them. Answers for each call why it
 * alone was left out, or undefined. Throws where nothing could be committed.
 */
export type Commit = (calls: readonly (readonly Row[])[]) => (string | undefined)[]

export function committer(db: DatabaseSync): Commit {
  const prepare = preparer(db)
  const chain = chainer(prepare)

  function call(rows: readonly Row[]): string | undefined {
    const isSingle = rows.length === 1 && rows[0]?.[0] !== 'operation'
    try {
      // One statement is all or nothing by itself.
      if (!isSingle) db.exec('SAVEPOINT one_call')
      for (const [statement, ...values] of rows) {
        prepare(statements[statement]).run(...values)
        // What is known of an operation and what the audit says of it are written together, or not at all.
        if (statement === 'operation') chain(String(values[1]))
      }
      if (!isSingle) db.exec('RELEASE one_call')
      return undefined
    } catch (error) {
      // After some failures (disk full) SQLite has rolled everything back by itself, the other calls, too.
      if (!db.isTransaction) throw error
      if (!isSingle) db.exec('ROLLBACK TO one_call; RELEASE one_call')
      return messageOf(error)
    }
  }

  function together(calls: Parameters<Commit>[0]): ReturnType<Commit> {
    db.exec('BEGIN IMMEDIATE')
    try {
      const faults = calls.map(call)
      db.exec('COMMIT')
      return faults
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK')
      throw error
    }
  }

  return (calls) => {
    try {
      return together(calls)
    } catch (error) {
      // The log itself may be what fills the disk, and nothing would ever move it on where it is too short for that.
      if (!isFull(error) || !folds(db)) throw error
      return together(calls)
    }
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 13
}

function folds(db: DatabaseSync): boolean {
  try {
    return fold(db)
  } catch {
    // That the disk is full is told already.
    return false
  }
}
