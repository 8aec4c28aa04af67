/**
 * From version 1, which told each problem by itself, as soon as it was there, and kept times with fractions. It knew neither
 * acknowledgements nor mutes, and only a declaration could pause an agent.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { AgentRecord, AgentStatus, Beat } from '../../domain/agent.ts'
import type { HostRecord } from '../../domain/host.ts'
import type { Incident, Subject } from '../../domain/incident.ts'
import type { Actor } from '../../domain/operation.ts'
import type { AlertRecord, LedgerFact } from '../../ports/ledger.ts'
import { rowOf, statements } from './rows.ts'
import { schema } from './schema.ts'
import { preparer } from './statements.ts'

const tables = ['notes', 'records', 'transitions', 'incidents', 'alerts', 'told', 'operations', 'activity']
const maxTextLength = 400

type Row = Record<string, unknown>

/** Runs inside a transaction; throws where something in the file is not as version 1 wrote it. */
export function fromVersion1(db: DatabaseSync): void {
  // Their names are wanted for the new ones. That of the transitions stays as long as its table: incidents are looked up by it.
  for (const index of ['incidents_of', 'operations_of']) db.exec(`DROP INDEX ${index}`)
  for (const table of tables) db.exec(`ALTER TABLE ${table} RENAME TO v1_${table}`)
  db.exec(schema)
  copyTransitions(db)
  const prepare = preparer(db)
  for (const fact of factsIn(db)) {
    const [statement, ...values] = rowOf(fact)
    prepare(statements[statement]).run(...values)
  }
  keepCounting(db)
  for (const table of tables) db.exec(`DROP TABLE v1_${table}`)
}

function copyTransitions(db: DatabaseSync): void {
  db.exec(`
    INSERT INTO transitions (subject, at_ms, step, from_state, to_state, noticed_ms, cause, last_beat_ms)
    SELECT subject, ms, row_number() OVER (PARTITION BY subject, ms ORDER BY at_ms, number) - 1,
      from_state, to_state, CAST(round(noticed_ms) AS INTEGER), cause, CAST(round(last_beat_ms) AS INTEGER)
    FROM (SELECT *, kind || ':' || id AS subject, CAST(round(at_ms) AS INTEGER) AS ms FROM v1_transitions)`)
}

function* factsIn(db: DatabaseSync): Generator<LedgerFact> {
  const each = (sql: string): Iterable<Row> => db.prepare(sql).iterate()

  for (const { name, value } of each('SELECT name, value FROM v1_notes')) {
    // The boot is not known: the next watch goes by the wall clock.
    if (name === 'alive_ms') yield { kind: 'looking', mark: { atMs: Math.round(Number(value)), boot: '', bootMs: 0 } }
    else yield { kind: 'note', name: String(name), value: String(value) }
  }
  for (const { kind, id, record } of each('SELECT kind, id, record FROM v1_records')) {
    if (kind === 'agent') yield { kind: 'agent', id: String(id), record: agentRecord(JSON.parse(String(record))) }
    else yield { kind: 'host', id: String(id), record: hostRecord(JSON.parse(String(record))) }
  }
  const alerts = alertsByIncident(db)
  for (const row of each(incidentsSql)) yield { kind: 'incident', incident: incident(row, alerts) }
  for (const row of each(alertsSql)) yield { kind: 'alert', alert: alertRecord(JSON.parse(String(row['payload'])), row) }
  for (const { tower, alert_id, at_ms } of each('SELECT tower, alert_id, at_ms FROM v1_told')) {
    yield { kind: 'told', receiver: String(tower), alertId: String(alert_id), atMs: Number(at_ms) }
  }
  for (const row of each('SELECT * FROM v1_operations ORDER BY number')) yield operation(row)
  for (const { agent, from_ms, to_ms, busy } of each('SELECT agent, from_ms, to_ms, busy FROM v1_activity ORDER BY agent, from_ms')) {
    yield { kind: 'activity', agent: String(agent), span: { fromMs: Number(from_ms), toMs: Number(to_ms), busy: busy === 1 } }
  }
}

/** What version 1 kept of an agent. */
interface AgentRecord1 {
  facts: {
    lastBeat?: Beat
    gone?: { atMs: number; cause: 'process-gone' | 'pane-dead' }
    hostLost?: { sinceMs: number }
    paused?: { sinceMs: number; reason: string }
    blind?: { sinceMs: number }
  }
  status: AgentStatus
  problem?: NonNullable<AgentRecord['problem']>
}

function agentRecord(record: AgentRecord1): AgentRecord {
  const { paused, ...rest } = wholeMs(record.facts)
  const status = wholeMs(record.status)
  const problem = record.problem && wholeMs(record.problem)
  const sinceMs = rest.lastBeat?.atMs ?? status.sinceMs
  return {
    facts: {
      ...rest,
      // Silence was judged by the last beat alone.
      watchedSinceMs: sinceMs,
      good: { count: rest.lastBeat && !problem ? 1 : 0, sinceMs },
      ...(paused && { paused: { sinceMs: paused.sinceMs, by: { config: { reason: paused.reason } } } }),
    },
    status,
    ...(problem && { problem }),
  }
}

function hostRecord(record: HostRecord): HostRecord {
  return wholeMs(record)
}

const incidentsSql = `
  SELECT *, (SELECT noticed_ms FROM v1_transitions t WHERE t.kind = i.kind AND t.id = i.id AND t.at_ms = i.opened_ms
    AND t.to_state IN ('down', 'unreachable') LIMIT 1) AS noticed_ms
  FROM v1_incidents i ORDER BY number`

type Told = NonNullable<Incident['told']>

/** The first alert of each kind about each incident, by both. */
function alertsByIncident(db: DatabaseSync): Map<string, Told> {
  const found = new Map<string, Told>()
  const sql = `SELECT alert_id, at_ms, payload ->> '$.kind' AS kind, payload ->> '$.incident' AS incident FROM v1_alerts ORDER BY number`
  for (const { alert_id, at_ms, kind, incident } of db.prepare(sql).iterate()) {
    const key = `${kind} ${incident}`
    if (!found.has(key)) found.set(key, { alertId: String(alert_id), atMs: ms(at_ms) })
  }
  return found
}

/** Each problem and each recovery had its alert. Where that is forgotten by now, it must not be told again all the same. */
function incident(row: Row, alerts: ReadonlyMap<string, Told>): Incident {
  const number = Number(row['number'])
  const openedMs = ms(row['opened_ms'])
  const subject: Subject = { kind: row['kind'] === 'host' ? 'host' : 'agent', id: String(row['id']) }
  const told = (kind: 'problem' | 'recovery', otherwiseMs: number): Told =>
    alerts.get(`${kind} ${number}`) ?? { alertId: `v1-${kind}-${number}`, atMs: otherwiseMs }
  const isClosed = row['closed_ms'] !== null
  const closedMs = ms(row['closed_ms'])
  return {
    number,
    subject,
    cause: String(row['cause']),
    openedMs,
    noticedMs: row['noticed_ms'] === null ? openedMs : ms(row['noticed_ms']),
    told: told('problem', openedMs),
    ...(isClosed && { closedMs, recoveryTold: told('recovery', closedMs) }),
  }
}

const alertsSql = `
  SELECT a.payload, i.opened_ms, i.closed_ms FROM v1_alerts a LEFT JOIN v1_incidents i ON i.number = a.payload ->> '$.incident'
  ORDER BY a.number`

/** What version 1 kept of an alert. */
interface AlertRecord1 {
  id: string
  kind: 'problem' | 'recovery' | 'notice'
  subject: 'agent' | 'host' | 'watch'
  subjectId: string
  host?: string
  incident?: number
  at: number
  text: string
}

function alertRecord(alert: AlertRecord1, { opened_ms, closed_ms }: Row): AlertRecord {
  const { id, kind, subject, subjectId, host, incident, at, text } = alert
  const isMeasured = kind === 'recovery' && typeof opened_ms === 'number' && typeof closed_ms === 'number'
  return {
    id,
    kind,
    subjects: subject === 'watch' ? [] : [{ kind: subject, id: subjectId, host: host ?? subjectId }],
    incidents: incident === undefined ? [] : [incident],
    at: Math.round(at),
    text: text.length > maxTextLength ? `${text.slice(0, maxTextLength - 1)}…` : text,
    ...(isMeasured && { durationMs: ms(closed_ms) - ms(opened_ms) }),
  }
}

function operation(row: Row): LedgerFact {
  return {
    kind: 'operation',
    operation: {
      number: Number(row['number']),
      operation: String(row['operation']),
      arguments: JSON.parse(String(row['arguments'])),
      actor: actorOf(row),
      via: String(row['via']),
      requestedMs: ms(row['requested_ms']),
      status: String(row['status']),
      ...(row['ended_ms'] !== null && { endedMs: ms(row['ended_ms']) }),
      lines: JSON.parse(String(row['lines'])),
    },
  }
}

function actorOf(row: Row): Actor {
  const kind = String(row['actor_kind'])
  return { kind: kind === 'account' || kind === 'shell' ? kind : 'watch', id: String(row['actor_id']), name: String(row['actor_name']) }
}

/** Numbers of incidents that are forgotten by now are never given again. */
function keepCounting(db: DatabaseSync): void {
  for (const table of ['incidents', 'operations']) {
    const before = db.prepare('SELECT seq FROM sqlite_sequence WHERE name = ?').get(`v1_${table}`)
    if (before) {
      db.prepare('DELETE FROM sqlite_sequence WHERE name = ?').run(table)
      db.prepare('INSERT INTO sqlite_sequence (name, seq) VALUES (?,?)').run(table, Number(before['seq']))
    }
  }
}

function ms(value: unknown): number {
  return Math.round(Number(value))
}

/** The same with every time in whole milliseconds; no other number in these records has a fraction. */
function wholeMs<T>(value: T): T {
  return JSON.parse(JSON.stringify(value), (_, part) => (typeof part === 'number' ? Math.round(part) : part))
}
