/** The audit's chain in the file: continued by who writes, inside the transaction that writes the operation; read link by link. */
import { createHash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { type AuditBody, type AuditHead, type AuditLink, faultOf, linkOf, noHead } from '../../domain/audit.ts'
import type { Ledger, OperationRecord } from '../../ports/ledger.ts'
import { guarded } from './guarded.ts'
import { preparer } from './statements.ts'

type Prepare = ReturnType<typeof preparer>

/** Links that are checked at a time: a few milliseconds. */
const pieceLinks = 200

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** For one connection that writes. Read anew each time: a call that is rolled back takes its links with it. */
export function chainer(prepare: Prepare): (operationJson: string) => void {
  return (json) => append(prepare, bodyOf(JSON.parse(json)))
}

/** What a crash cut short is none of this run's. Inside the transaction that opens the ledger. */
export function interrupt(db: DatabaseSync): void {
  const prepare = preparer(db)
  for (const row of prepare("SELECT record FROM operations WHERE status IN ('begun', 'waiting') ORDER BY number").all()) {
    const operation: OperationRecord = { ...JSON.parse(String(row['record'])), status: 'interrupted' }
    prepare('UPDATE operations SET record = ? WHERE number = ?').run(JSON.stringify(operation), operation.number)
    append(prepare, bodyOf(operation))
  }
}

function append(prepare: Prepare, body: AuditBody): void {
  const { seq, entry, prev, hash } = linkOf(headOf(prepare), body, sha256)
  prepare('INSERT INTO audit (seq, entry, prev, hash) VALUES (?,?,?,?)').run(seq, entry, prev, hash)
}

export function headOf(prepare: Prepare): AuditHead {
  const last = prepare('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1').get()
  return last ? { seq: Number(last['seq']), hash: String(last['hash']) } : anchorOf(prepare)
}

/** The last link that was forgotten. */
function anchorOf(prepare: Prepare): AuditHead {
  const anchor = prepare('SELECT seq, hash FROM audit_anchor').get()
  return anchor ? { seq: Number(anchor['seq']), hash: String(anchor['hash']) } : noHead
}

function bodyOf(operation: OperationRecord): AuditBody {
  const { number, operation: name, arguments: args, actor, via, requestedMs, endedMs, status, lines, confirmedBy, partOf } = operation
  const { dryRun, ...given } = args
  const why = operation.why ?? (typeof given['reason'] === 'string' ? given['reason'] : undefined)
  return {
    atMs: Math.round(endedMs ?? requestedMs),
    event: status,
    number,
    operation: name,
    arguments: given,
    isDryRun: dryRun === 'yes',
    actor,
    via,
    ...(why !== undefined && { why }),
    ...(confirmedBy && { confirmedBy }),
    ...(partOf !== undefined && { partOf }),
    lines,
  }
}

/** Checks every link, in pieces between which others get their turn. Of one state of the file, however much is written meanwhile. */
export async function verified(db: DatabaseSync, noted?: AuditHead): ReturnType<Ledger['verifyAudit']> {
  const prepare = preparer(db)
  const read = <T>(work: () => T): T => guarded('read the audit', work)
  const end = read(() => headOf(prepare))
  let from = read(() => anchorOf(prepare))
  let head = from
  // They would be shown, and nothing would vouch for them. In one statement: forgetting moves the anchor and deletes at once.
  const left = read(
    () => prepare('SELECT min(seq) AS seq FROM audit WHERE seq <= coalesce((SELECT seq FROM audit_anchor), 0)').get()?.['seq'],
  )
  if (left !== null && left !== undefined) return { kind: 'broken', seq: Number(left), why: 'it is there, before the beginning' }
  while (head.seq < end.seq) {
    const rows = read(() =>
      prepare('SELECT seq, entry, prev, hash FROM audit WHERE seq > ? ORDER BY seq LIMIT ?').all(head.seq, pieceLinks).map(toLink),
    )
    const anchor = read(() => anchorOf(prepare))
    // The beginning was forgotten meanwhile: from there on it goes, and that is as good as what was checked.
    if (anchor.seq > head.seq) {
      head = from = anchor
      continue
    }
    for (const link of rows) {
      const why = faultOf(head, link, sha256)
      if (why !== undefined) return { kind: 'broken', seq: Math.min(link.seq, head.seq + 1), why }
      head = { seq: link.seq, hash: link.hash }
      if (noted && isOther(head, noted)) return { kind: 'broken', seq: head.seq, why: otherSentence }
    }
    if (rows.length === 0) return { kind: 'broken', seq: head.seq + 1, why: 'it is missing' }
    await new Promise((resolve) => setImmediate(resolve))
  }
  if (noted && isOther(from, noted)) return { kind: 'broken', seq: from.seq, why: otherSentence }
  // Whoever cuts off that one, too, could have the chain begin after it with whatever he likes.
  if (noted && noted.seq < from.seq) return { kind: 'forgotten', from }
  if (noted && noted.seq > head.seq) return { kind: 'broken', seq: head.seq + 1, why: `it ends there, but entry ${noted.seq} was noted` }
  return { kind: 'whole', entries: head.seq - from.seq, from, head }
}

const otherSentence = 'it is another one than was noted'

function isOther(head: AuditHead, noted: AuditHead): boolean {
  return head.seq === noted.seq && head.hash !== noted.hash
}

export function toLink(row: Record<string, unknown>): AuditLink {
  return { seq: Number(row['seq']), entry: String(row['entry']), prev: String(row['prev']), hash: String(row['hash']) }
}

/**
 * Forgets at most so many of the oldest links that are older than that, and keeps the hash of the last of them; answers how
 * many. In one transaction: a chain that begins nowhere would look broken for ever.
 */
export function forgetLinks(db: DatabaseSync, prepare: Prepare, beforeMs: number, most: number): number {
  const oldest = prepare('SELECT seq, hash, at_ms FROM audit ORDER BY seq LIMIT ?').all(most)
  const firstKept = oldest.findIndex((row) => Number(row['at_ms']) >= beforeMs)
  const end = oldest[(firstKept === -1 ? oldest.length : firstKept) - 1]
  if (!end) return 0
  db.exec('BEGIN IMMEDIATE')
  try {
    prepare('INSERT OR REPLACE INTO audit_anchor (id, seq, hash) VALUES (1, ?, ?)').run(Number(end['seq']), String(end['hash']))
    const { changes } = prepare('DELETE FROM audit WHERE seq <= ?').run(Number(end['seq']))
    db.exec('COMMIT')
    return Number(changes)
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}
