/** Forgetting what is old, in pieces that are short enough for a write to wait behind. */
import type { DatabaseSync } from 'node:sqlite'
import { forgetLinks } from './chain.ts'
import { fold } from './fold.ts'
import { preparer } from './statements.ts'

/** Rows in one piece: about a millisecond or two. */
const pieceRows = 500

const numberedTables = {
  // Open incidents, and mutes that are still to end, are never forgotten: their end is not before anything, or in the future.
  incidents: 'closed_ms < ?1',
  mutes: 'to_ms < ?1',
  alerts: 'at_ms < ?1',
  operations: "requested_ms < ?1 AND status NOT IN ('begun', 'waiting')",
} as const

const keyedTables = {
  // After the alerts: what is still in the outbox must not look untold.
  told: { key: 'receiver, alert_id', isOld: 'at_ms < ?1 AND NOT EXISTS (SELECT 1 FROM alerts WHERE id = alert_id)' },
  activity: { key: 'agent, from_ms', isOld: 'to_ms < ?1' },
  proofs: { key: 'agent, from_ms', isOld: 'to_ms < ?1' },
  // The newest due time of a job says from where on runs may have been missed.
  runs: { key: 'job, due', isOld: 'started_ms < ?1 AND due < (SELECT max(due) FROM runs AS newer WHERE newer.job = runs.job)' },
} as const

/**
 * Deletes what is older than `beforeMs`, one piece for each `next()`, each a transaction of its own; the last one folds the
 * write-ahead log in. Its return value is how many rows went. Notes and records stay.
 */
export function* upkeep(db: DatabaseSync, beforeMs: number): Generator<void, number> {
  const prepare = preparer(db)
  let gone = 0
  const forget = (sql: string, ...values: (string | number)[]) => {
    const { changes } = prepare(sql).run(...values)
    gone += Number(changes)
    return Number(changes)
  }

  const forgetAudit = () => {
    const links = forgetLinks(db, prepare, beforeMs, pieceRows)
    gone += links
    return links
  }

  for (const subject of subjects(prepare)) {
    yield
    // The newest old transition of each subject stays: it says in which state the kept time begins.
    const sql = `DELETE FROM transitions WHERE subject = ?2 AND (at_ms, step) IN (
      SELECT at_ms, step FROM transitions WHERE subject = ?2 AND (at_ms, step) < (
        SELECT at_ms, step FROM transitions WHERE subject = ?2 AND at_ms < ?1 ORDER BY at_ms DESC, step DESC LIMIT 1)
      LIMIT ${pieceRows})`
    while (forget(sql, beforeMs, subject) === pieceRows) yield
  }
  for (const [table, isOld] of Object.entries(numberedTables)) {
    const sql = `DELETE FROM ${table} WHERE number IN (SELECT number FROM ${table} WHERE ${isOld} LIMIT ${pieceRows})`
    do yield
    while (forget(sql, beforeMs) === pieceRows)
  }
  for (const [table, { key, isOld }] of Object.entries(keyedTables)) {
    const sql = `DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE ${isOld} LIMIT ${pieceRows})`
    do yield
    while (forget(sql, beforeMs) === pieceRows)
  }
  do yield
  while (forgetAudit() === pieceRows)
  yield
  db.exec('PRAGMA optimize')
  fold(db)
  return gone
}

/** Each subject by a step through the index: a list of all rows of a big ledger would hold the writes up. */
function* subjects(prepare: ReturnType<typeof preparer>): Generator<string> {
  let last = ''
  for (;;) {
    const next = prepare('SELECT min(subject) AS subject FROM transitions WHERE subject > ?').get(last)?.['subject']
    if (typeof next !== 'string') return
    yield next
    last = next
  }
}
