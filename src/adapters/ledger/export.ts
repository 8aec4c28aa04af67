import type { DatabaseSync } from 'node:sqlite'
import type { LedgerFact } from '../../ports/ledger.ts'
import { openToRead } from './file.ts'
import { guarded } from './guarded.ts'
import { transitionOf } from './reads.ts'

export const exportKinds = ['transitions', 'incidents', 'alerts', 'operations', 'mutes'] as const
export type ExportKind = (typeof exportKinds)[number]

const rowsAtOnce = 1_000

/** Conditions on `?1`. What was still going on then is exported, too. */
const since: Record<Exclude<ExportKind, 'transitions'>, string> = {
  incidents: '(closed_ms IS NULL OR closed_ms >= ?1)',
  alerts: 'at_ms >= ?1',
  operations: 'requested_ms >= ?1',
  mutes: 'to_ms >= ?1',
}

/**
 * The facts of one kind since then, oldest first, as far as the ledger remembers. They are read in pieces: a reader who takes
 * his time holds no old state of the file open. Throws LedgerError where the ledger can't be read.
 */
export function* exported(path: string, kind: ExportKind, sinceMs: number): Generator<LedgerFact> {
  const db = guarded(`open ${path}`, () => openToRead(path))
  try {
    yield* kind === 'transitions' ? transitions(db, sinceMs) : numbered(db, kind, sinceMs)
  } finally {
    db.close()
  }
}

function* transitions(db: DatabaseSync, sinceMs: number): Generator<LedgerFact> {
  const next = db.prepare(
    `SELECT * FROM transitions WHERE (at_ms, subject, step) > (?, ?, ?) ORDER BY at_ms, subject, step LIMIT ${rowsAtOnce}`,
  )
  let last: [number, string, number] = [sinceMs, '', 0]
  for (;;) {
    const rows = guarded('be exported', () => next.all(...last))
    for (const row of rows) {
      const { subject, ...transition } = transitionOf(row)
      yield { kind: 'transition', subject, transition }
      last = [transition.atMs, String(row['subject']), Number(row['step'])]
    }
    if (rows.length < rowsAtOnce) return
  }
}

function* numbered(db: DatabaseSync, kind: Exclude<ExportKind, 'transitions'>, sinceMs: number): Generator<LedgerFact> {
  const next = db.prepare(`SELECT number, record FROM ${kind} WHERE ${since[kind]} AND number > ?2 ORDER BY number LIMIT ${rowsAtOnce}`)
  let last = 0
  for (;;) {
    const rows = guarded('be exported', () => next.all(sinceMs, last))
    for (const row of rows) {
      yield factOf(kind, String(row['record']))
      last = Number(row['number'])
    }
    if (rows.length < rowsAtOnce) return
  }
}

function factOf(kind: Exclude<ExportKind, 'transitions'>, json: string): LedgerFact {
  switch (kind) {
    case 'incidents':
      return { kind: 'incident', incident: JSON.parse(json) }
    case 'alerts':
      return { kind: 'alert', alert: JSON.parse(json) }
    case 'operations':
      return { kind: 'operation', operation: JSON.parse(json) }
    case 'mutes':
      return { kind: 'mute', mute: JSON.parse(json) }
  }
}
