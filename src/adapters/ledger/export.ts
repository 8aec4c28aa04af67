import type { DatabaseSync } from 'node:sqlite'
import type { AuditLink } from '../../domain/audit.ts'
import type { LedgerFact } from '../../ports/ledger.ts'
import { toLink } from './chain.ts'
import { openToRead } from './file.ts'
import { guarded } from './guarded.ts'
import { transitionOf } from './reads.ts'

export const exportKinds = ['transitions', 'incidents', 'alerts', 'operations', 'audit', 'mutes'] as const
export type ExportKind = (typeof exportKinds)[number]

/** A link of the audit as it is kept, so that whoever has them can check the chain. */
export type Exported = LedgerFact | { kind: 'audit'; link: AuditLink }

const rowsAtOnce = 1_000

/** Conditions on `?1`. What was still going on then is exported, too. */
type Numbered = Exclude<ExportKind, 'transitions' | 'audit'>

const since: Record<Numbered, string> = {
  incidents: '(closed_ms IS NULL OR closed_ms >= ?1)',
  alerts: 'at_ms >= ?1',
  operations: 'requested_ms >= ?1',
  mutes: 'to_ms >= ?1',
}

/**
 * The facts of one kind since then, oldest first, as far as the ledger remembers. They are read in pieces: a reader who takes
 * his time holds no old state of the file open. Throws LedgerError where the ledger can't be read.
 */
export function* exported(path: string, kind: ExportKind, sinceMs: number): Generator<Exported> {
  const db = guarded(`open ${path}`, () => openToRead(path))
  try {
    if (kind === 'transitions') yield* transitions(db, sinceMs)
    else if (kind === 'audit') yield* audit(db, sinceMs)
    else yield* numbered(db, kind, sinceMs)
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

function* audit(db: DatabaseSync, sinceMs: number): Generator<Exported> {
  const next = db.prepare(`SELECT seq, entry, prev, hash FROM audit WHERE at_ms >= ? AND seq > ? ORDER BY seq LIMIT ${rowsAtOnce}`)
  let last = 0
  for (;;) {
    const links = guarded('be exported', () => next.all(sinceMs, last).map(toLink))
    for (const link of links) {
      yield { kind: 'audit', link }
      last = link.seq
    }
    if (links.length < rowsAtOnce) return
  }
}

function* numbered(db: DatabaseSync, kind: Numbered, sinceMs: number): Generator<LedgerFact> {
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

function factOf(kind: Numbered, json: string): LedgerFact {
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
