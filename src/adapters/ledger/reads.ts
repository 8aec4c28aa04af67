/** What is committed, read in this thread. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { AgentState } from '../../domain/agent.ts'
import type { AuditEntry } from '../../domain/audit.ts'
import type {
  AlertRecord,
  Incident,
  Ledger,
  LookingMark,
  Mute,
  OperationRecord,
  Remembered,
  ScheduleRun,
  Subject,
} from '../../ports/ledger.ts'
import { headOf, verified } from './chain.ts'
import { guarded } from './guarded.ts'
import { preparer } from './statements.ts'

type Reads = Omit<Ledger, 'write' | 'nextNumber' | 'upkeep' | 'close'>
type Row = Record<string, unknown>

/** By the index, which is in the one order for what is open and in the other for the numbers: so that nobody sorts all there are. */
const incidentsThat = (isClosed: 0 | 1) =>
  `SELECT * FROM (SELECT is_closed, number, record FROM incidents WHERE is_closed = ${isClosed} ORDER BY number DESC LIMIT ?1)`
const allIncidents = `SELECT record FROM (${incidentsThat(0)} UNION ALL ${incidentsThat(1)}) ORDER BY is_closed, number DESC LIMIT ?1`

/** All of them throw LedgerError where the file can't be read. */
export function readsOf(db: DatabaseSync): Reads {
  const prepare = preparer(db)
  const all = (sql: string, ...values: SQLInputValue[]): Row[] => prepare(sql).all(...values)
  const one = (sql: string, ...values: SQLInputValue[]): Row | undefined => prepare(sql).get(...values)
  const outbox = outboxOf(all, one)

  return {
    remembered: () =>
      guarded('read what was known', () => {
        const known: Remembered = { agents: new Map(), hosts: new Map(), beats: new Map() }
        for (const row of all("SELECT subject, record FROM records WHERE subject <> 'watch'")) {
          const { kind, id } = subjectOf(row)
          if (kind === 'agent') known.agents.set(id, parse(row))
          else known.hosts.set(id, parse(row))
        }
        for (const { agent, beat } of all('SELECT agent, beat FROM beats')) known.beats.set(String(agent), JSON.parse(String(beat)))
        return known
      }),

    looking: () =>
      guarded('read when the watch looked', () => {
        const row = one("SELECT record FROM records WHERE subject = 'watch'")
        return row && parse<LookingMark>(row)
      }),

    untold: (receiver, limit, fromMs = 0) => guarded('read the outbox', () => outbox(receiver, limit, fromMs)),

    operations: (filter) =>
      guarded('read the audit', () => {
        const { where, values } = clauses({
          'operation = ?': filter.operation,
          'agent = ?': filter.agent,
          'actor_kind = ?': filter.actorKind,
          'requested_ms >= ?': filter.sinceMs,
        })
        return all(`SELECT record FROM operations ${where} ORDER BY number DESC LIMIT ?`, ...values, filter.limit).map(
          parse<OperationRecord>,
        )
      }),

    audit: (filter) =>
      guarded('read the audit', () => {
        const { where, values } = clauses({
          'about = ?': filter.subject,
          'number = ?': filter.number,
          'at_ms >= ?': filter.sinceMs,
        })
        return all(`SELECT entry AS record FROM audit ${where} ORDER BY seq DESC LIMIT ?`, ...values, filter.limit).map(parse<AuditEntry>)
      }),

    auditHead: () => guarded('read the audit', () => headOf(prepare)),

    verifyAudit: (noted) => verified(db, noted),

    incidents: (filter) =>
      guarded('read the incidents', () => {
        const { where, values } = clauses({
          "subject IN (?1, 'agent:' || ?1, 'host:' || ?1)": filter.subject,
          'number = ?': filter.number,
        })
        const sql = where === '' ? allIncidents : `SELECT record FROM incidents ${where} ORDER BY is_closed, number DESC LIMIT ?`
        return all(sql, ...values, filter.limit).map(parse<Incident>)
      }),

    mutes: (fromMs) =>
      guarded('read silences and maintenance', () =>
        all('SELECT record FROM mutes WHERE to_ms >= ? ORDER BY number', fromMs).map(parse<Mute>),
      ),

    timeline: (subject, fromMs) =>
      guarded('read the transitions', () => {
        const key = `${subject.kind}:${subject.id}`
        const before = one(
          'SELECT at_ms, to_state, cause FROM transitions WHERE subject = ? AND at_ms < ? ORDER BY at_ms DESC, step DESC LIMIT 1',
          key,
          fromMs,
        )
        const since = all(
          'SELECT at_ms, to_state, cause FROM transitions WHERE subject = ? AND at_ms >= ? ORDER BY at_ms, step',
          key,
          fromMs,
        )
        return (before ? [before, ...since] : since).map((row) => ({
          atMs: Number(row['at_ms']),
          state: row['to_state'] as AgentState,
          ...(row['cause'] !== null && { cause: String(row['cause']) }),
        }))
      }),

    transitions: (filter) =>
      guarded('read the transitions', () => {
        const { where, values } = clauses({
          'subject = ?': filter.subject && `${filter.subject.kind}:${filter.subject.id}`,
          'at_ms >= ?': filter.fromMs,
          'at_ms < ?': filter.toMs,
        })
        return all(`SELECT * FROM transitions ${where} ORDER BY at_ms, subject, step LIMIT ?`, ...values, filter.limit).map(transitionOf)
      }),

    proofs: (agent, fromMs) =>
      guarded('read the proofs of life', () =>
        all('SELECT from_ms, to_ms FROM proofs WHERE agent = ? AND to_ms > ? ORDER BY from_ms', agent, fromMs).map(spanOf),
      ),

    busySpans: (agent, fromMs) =>
      guarded('read the activity', () =>
        all('SELECT from_ms, to_ms FROM activity WHERE agent = ? AND to_ms > ? AND busy = 1 ORDER BY from_ms', agent, fromMs).map(spanOf),
      ),

    lastRun: (job) =>
      guarded('read the runs of a job', () => {
        const row = one('SELECT record FROM runs WHERE job = ? ORDER BY due DESC LIMIT 1', job)
        return row && parse<ScheduleRun>(row)
      }),

    run: (job, due) =>
      guarded('read the runs of a job', () => {
        const row = one('SELECT record FROM runs WHERE job = ? AND due = ?', job, due)
        return row && parse<ScheduleRun>(row)
      }),

    note: (name) =>
      guarded('read a note', () => {
        const row = one('SELECT value FROM notes WHERE name = ?', name)
        return row && String(row['value'])
      }),
  }
}

const isUntold = 'NOT EXISTS (SELECT 1 FROM told WHERE receiver = ?1 AND alert_id = alerts.id)'
/** The same for who asks for the first time: both lists go side by side once, by their indexes. */
const isUntoldOfAll = 'id IN (SELECT id FROM alerts EXCEPT SELECT alert_id FROM told WHERE receiver = ?1)'

/**
 * Receivers ask again and again, and nearly everything was told long ago. Below the first alert that was found untold nothing
 * needs to be looked at any more: nobody untells an alert, and new ones get higher numbers.
 */
function outboxOf(all: (sql: string, ...values: SQLInputValue[]) => Row[], one: (sql: string) => Row | undefined) {
  const settled = new Map<string, { fromMs: number; below: number }>()
  return (receiver: string, limit: number, fromMs: number): AlertRecord[] => {
    const known = settled.get(receiver)
    const below = known && known.fromMs <= fromMs ? known.below : undefined
    // Before the others are read: an alert that is written in between must not count as settled.
    const newest = Number(one('SELECT coalesce(max(number), 0) AS number FROM alerts')?.['number'])
    const rows = all(
      `SELECT number, record FROM alerts WHERE number > ?2 AND at_ms >= ?3
        AND ${below === undefined ? isUntoldOfAll : isUntold} ORDER BY number LIMIT ?4`,
      receiver,
      below ?? 0,
      fromMs,
      limit,
    )
    if (limit > 0) settled.set(receiver, { fromMs, below: Math.max(below ?? 0, rows[0] ? Number(rows[0]['number']) - 1 : newest) })
    return rows.map(parse<AlertRecord>)
  }
}

/** Those conditions whose value is given. */
function clauses(conditions: Record<string, SQLInputValue | undefined>): { where: string; values: SQLInputValue[] } {
  const given = Object.entries(conditions).filter((entry): entry is [string, SQLInputValue] => entry[1] !== undefined)
  const where = given.length === 0 ? '' : `WHERE ${given.map(([condition]) => condition).join(' AND ')}`
  return { where, values: given.map(([, value]) => value) }
}

function parse<T>(row: Row): T {
  return JSON.parse(String(row['record']))
}

function subjectOf(row: Row): Subject {
  const key = String(row['subject'])
  const colon = key.indexOf(':')
  return { kind: key.startsWith('host:') ? 'host' : 'agent', id: key.slice(colon + 1) }
}

export function transitionOf(row: Row): ReturnType<Ledger['transitions']>[number] {
  return {
    subject: subjectOf(row),
    from: String(row['from_state']),
    to: String(row['to_state']),
    atMs: Number(row['at_ms']),
    noticedMs: Number(row['noticed_ms']),
    ...(row['cause'] !== null && { cause: String(row['cause']) }),
    ...(row['last_beat_ms'] !== null && { lastBeatMs: Number(row['last_beat_ms']) }),
  }
}

function spanOf(row: Row): { fromMs: number; toMs: number } {
  return { fromMs: Number(row['from_ms']), toMs: Number(row['to_ms']) }
}
