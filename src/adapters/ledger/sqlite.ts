/**
 * The ledger in SQLite (node:sqlite): intervals, never samples. WAL with synchronous FULL: a call that returned survives
 * a power cut. The path ':memory:' gives one that is gone with the process, for tests.
 */
import { chmodSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import type { AgentRecord, AgentState } from '../../domain/agent.ts'
import type { HostRecord } from '../../domain/host.ts'
import type { Actor } from '../../domain/operation.ts'
import { type AlertRecord, type Decision, type Incident, type Ledger, LedgerError, type OperationRecord } from '../../ports/ledger.ts'

const schemaVersion = 1

const schema = `
CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE records (kind TEXT NOT NULL, id TEXT NOT NULL, record TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE transitions (
  number INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, from_state TEXT NOT NULL, to_state TEXT NOT NULL,
  at_ms REAL NOT NULL, noticed_ms REAL NOT NULL, cause TEXT, last_beat_ms REAL);
CREATE INDEX transitions_of ON transitions (kind, id, at_ms);
CREATE TABLE incidents (
  number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, cause TEXT NOT NULL,
  opened_ms REAL NOT NULL, closed_ms REAL);
CREATE INDEX incidents_of ON incidents (kind, id, closed_ms);
CREATE TABLE alerts (number INTEGER PRIMARY KEY, alert_id TEXT NOT NULL UNIQUE, at_ms REAL NOT NULL, payload TEXT NOT NULL);
CREATE TABLE told (tower TEXT NOT NULL, alert_id TEXT NOT NULL, at_ms REAL NOT NULL, PRIMARY KEY (tower, alert_id)) WITHOUT ROWID;
CREATE TABLE operations (
  number INTEGER PRIMARY KEY AUTOINCREMENT, operation TEXT NOT NULL, arguments TEXT NOT NULL, agent TEXT,
  actor_kind TEXT NOT NULL, actor_id TEXT NOT NULL, actor_name TEXT NOT NULL, via TEXT NOT NULL,
  requested_ms REAL NOT NULL, status TEXT NOT NULL, ended_ms REAL, lines TEXT NOT NULL);
CREATE INDEX operations_of ON operations (operation, agent, requested_ms);
CREATE TABLE activity (
  agent TEXT NOT NULL, from_ms REAL NOT NULL, to_ms REAL NOT NULL, busy INTEGER NOT NULL, PRIMARY KEY (agent, from_ms)) WITHOUT ROWID;
`

/** Throws LedgerError where the file can't be opened, is no ledger, or was written by a newer version. */
export function openLedger(path: string, access: 'write' | 'read' = 'write'): Ledger {
  const db = guarded(`open ${path}`, () => open(path, access))

  /** Runs all of `work` or none of it. */
  function atomically<T>(what: string, work: () => T): T {
    return guarded(what, () => {
      db.exec('BEGIN IMMEDIATE')
      try {
        const result = work()
        db.exec('COMMIT')
        return result
      } catch (error) {
        // After some failures (disk full) SQLite has rolled back by itself already.
        if (db.isTransaction) db.exec('ROLLBACK')
        throw error
      }
    })
  }

  const run = (sql: string, ...values: SQLInputValue[]) => db.prepare(sql).run(...values)
  const all = (sql: string, ...values: SQLInputValue[]) => db.prepare(sql).all(...values) as Row[]

  function insertOperation(
    operation: Parameters<Ledger['beginOperation']>[0],
    status: string,
    endedMs: number | null,
    lines: string[],
  ): number {
    const { arguments: args, actor } = operation
    const agent = typeof args['agent'] === 'string' ? args['agent'] : null
    const { lastInsertRowid } = run(
      'INSERT INTO operations (operation, arguments, agent, actor_kind, actor_id, actor_name, via, requested_ms, status, ended_ms, lines) VALUES (?,?,?,?,?,?,?,?,?,?,?)',
      operation.operation,
      JSON.stringify(args),
      agent,
      actor.kind,
      actor.id,
      actor.name,
      operation.via,
      operation.requestedMs,
      status,
      endedMs,
      JSON.stringify(lines),
    )
    return Number(lastInsertRowid)
  }

  return {
    remembered: () =>
      guarded('read what was known', () => {
        const agents = new Map<string, AgentRecord>()
        const hosts = new Map<string, HostRecord>()
        for (const row of all('SELECT kind, id, record FROM records')) {
          if (row['kind'] === 'agent') agents.set(String(row['id']), JSON.parse(String(row['record'])))
          else hosts.set(String(row['id']), JSON.parse(String(row['record'])))
        }
        const alive = readNote(db, 'alive_ms')
        return { agents, hosts, ...(alive !== undefined && { aliveMs: Number(alive) }) }
      }),

    record: (decision) => atomically('record a decision', () => writeDecision(db, decision)),

    alive: (nowMs) => guarded('say that the watch is looking', () => writeNote(db, 'alive_ms', String(nowMs))),

    activity: (agent, span) =>
      guarded('record activity', () => {
        run(
          'INSERT INTO activity (agent, from_ms, to_ms, busy) VALUES (?,?,?,?) ON CONFLICT (agent, from_ms) DO UPDATE SET to_ms = excluded.to_ms',
          agent,
          span.fromMs,
          span.toMs,
          span.busy ? 1 : 0,
        )
      }),

    unacknowledged: (tower, limit) =>
      guarded('read the outbox', () =>
        all(
          'SELECT payload FROM alerts a WHERE NOT EXISTS (SELECT 1 FROM told t WHERE t.tower = ? AND t.alert_id = a.alert_id) ORDER BY number LIMIT ?',
          tower,
          limit,
        ).map((row) => JSON.parse(String(row['payload'])) as AlertRecord),
      ),

    acknowledge: (tower, alertId, nowMs) =>
      guarded('note that an alert was told', () => {
        run('INSERT OR IGNORE INTO told (tower, alert_id, at_ms) VALUES (?,?,?)', tower, alertId, nowMs)
      }),

    beginOperation: (operation) => atomically('write the audit', () => insertOperation(operation, 'begun', null, [])),

    endOperation: (number, status, lines, nowMs) =>
      guarded('write the audit', () => {
        run('UPDATE operations SET status = ?, ended_ms = ?, lines = ? WHERE number = ?', status, nowMs, JSON.stringify(lines), number)
      }),

    refusedOperation: (operation, reason) =>
      guarded('write the audit', () => {
        insertOperation(operation, 'refused', operation.requestedMs, [reason])
      }),

    operations: (filter) =>
      guarded('read the audit', () => {
        const where: string[] = []
        const values: SQLInputValue[] = []
        const add = (clause: string, value: SQLInputValue | undefined) => {
          if (value === undefined) return
          where.push(clause)
          values.push(value)
        }
        add('operation = ?', filter.operation)
        add('agent = ?', filter.agent)
        add('actor_kind = ?', filter.actorKind)
        add('requested_ms >= ?', filter.sinceMs)
        const clause = where.length > 0 ? `WHERE ${where.join(' AND ')}` : ''
        return all(`SELECT * FROM operations ${clause} ORDER BY number DESC LIMIT ?`, ...values, filter.limit).map(asOperation)
      }),

    incidents: (filter) =>
      guarded('read the incidents', () => {
        const clause = filter.subject === undefined ? '' : 'WHERE id = ?'
        const values: SQLInputValue[] = filter.subject === undefined ? [] : [filter.subject]
        return all(`SELECT * FROM incidents ${clause} ORDER BY closed_ms IS NOT NULL, number DESC LIMIT ?`, ...values, filter.limit).map(
          asIncident,
        )
      }),

    timeline: (agent, fromMs) =>
      guarded('read the transitions', () => {
        const before = all(
          "SELECT at_ms, to_state FROM transitions WHERE kind = 'agent' AND id = ? AND at_ms < ? ORDER BY at_ms DESC, number DESC LIMIT 1",
          agent,
          fromMs,
        )
        const since = all(
          "SELECT at_ms, to_state FROM transitions WHERE kind = 'agent' AND id = ? AND at_ms >= ? ORDER BY at_ms, number",
          agent,
          fromMs,
        )
        return [...before, ...since].map((row) => ({ atMs: Number(row['at_ms']), state: String(row['to_state']) as AgentState }))
      }),

    busySpans: (agent, fromMs) =>
      guarded('read the activity', () =>
        all('SELECT from_ms, to_ms FROM activity WHERE agent = ? AND to_ms > ? AND busy = 1 ORDER BY from_ms', agent, fromMs).map(
          (row) => ({
            fromMs: Number(row['from_ms']),
            toMs: Number(row['to_ms']),
          }),
        ),
      ),

    note: (name) => guarded('read a note', () => readNote(db, name)),
    setNote: (name, value) => guarded('write a note', () => writeNote(db, name, value)),

    upkeep: (beforeMs) => {
      const gone = atomically('do its upkeep', () => {
        const before = Number(all('SELECT total_changes() AS n')[0]?.['n'])
        // The newest old transition of each subject stays: it says in which state the kept time begins.
        run(
          'DELETE FROM transitions WHERE at_ms < ?1 AND number NOT IN (SELECT max(number) FROM transitions WHERE at_ms < ?1 GROUP BY kind, id)',
          beforeMs,
        )
        run('DELETE FROM incidents WHERE closed_ms < ?', beforeMs)
        run('DELETE FROM alerts WHERE at_ms < ?', beforeMs)
        run('DELETE FROM told WHERE at_ms < ?', beforeMs)
        run('DELETE FROM activity WHERE to_ms < ?', beforeMs)
        return Number(all('SELECT total_changes() AS n')[0]?.['n']) - before
      })
      guarded('fold its log in', () => db.exec('PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE)'))
      return gone
    },

    close: () => {
      if (db.isOpen) db.close()
    },
  }
}

type Row = Record<string, unknown>

function open(path: string, access: 'write' | 'read'): DatabaseSync {
  if (path !== ':memory:' && access === 'write') mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const db = new DatabaseSync(path, { readOnly: access === 'read', timeout: 5000 })
  try {
    prepare(db, path, access)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function prepare(db: DatabaseSync, path: string, access: 'write' | 'read'): void {
  const version = () => Number(db.prepare('PRAGMA user_version').get()?.['user_version'])
  // Before anything is written: what another version wrote, or another program, stays as it is.
  const isNew = version() === 0 && access === 'write' && db.prepare('SELECT 1 FROM sqlite_schema').get() === undefined
  if (!isNew && version() !== schemaVersion) {
    throw new Error(
      `its version is ${version()}, this Towerwatch knows ${schemaVersion}: use the version that wrote it, or name another state folder`,
    )
  }
  if (access === 'read') return
  if (path !== ':memory:') chmodSync(path, 0o600)
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  db.exec('BEGIN IMMEDIATE')
  // Of two that open a new file at the same moment, the second finds it made.
  if (version() === 0) db.exec(`${schema} PRAGMA user_version = ${schemaVersion};`)
  // Operations that a crash cut short are none of this run's.
  db.exec("UPDATE operations SET status = 'interrupted' WHERE status = 'begun'")
  db.exec('COMMIT')
}

function writeDecision(db: DatabaseSync, decision: Decision): { incident?: number } {
  const { subject, record, transitions, incident, alert } = decision
  for (const step of transitions) {
    db.prepare(
      'INSERT INTO transitions (kind, id, from_state, to_state, at_ms, noticed_ms, cause, last_beat_ms) VALUES (?,?,?,?,?,?,?,?)',
    ).run(subject.kind, subject.id, step.from, step.to, step.atMs, step.noticedMs, step.cause ?? null, step.lastBeatMs ?? null)
  }
  db.prepare('INSERT INTO records (kind, id, record) VALUES (?,?,?) ON CONFLICT (kind, id) DO UPDATE SET record = excluded.record').run(
    subject.kind,
    subject.id,
    JSON.stringify(record),
  )
  const number = incident && writeIncident(db, subject, incident)
  if (alert) {
    const numbered: AlertRecord = number === undefined ? alert : { ...alert, incident: number }
    db.prepare('INSERT OR IGNORE INTO alerts (alert_id, at_ms, payload) VALUES (?,?,?)').run(alert.id, alert.at, JSON.stringify(numbered))
  }
  return number === undefined ? {} : { incident: number }
}

function writeIncident(db: DatabaseSync, subject: Decision['subject'], incident: NonNullable<Decision['incident']>): number | undefined {
  if (incident.kind === 'open') {
    const { lastInsertRowid } = db
      .prepare('INSERT INTO incidents (kind, id, cause, opened_ms) VALUES (?,?,?,?)')
      .run(subject.kind, subject.id, incident.cause, incident.atMs)
    return Number(lastInsertRowid)
  }
  const open = db
    .prepare('SELECT max(number) AS number FROM incidents WHERE kind = ? AND id = ? AND closed_ms IS NULL')
    .get(subject.kind, subject.id)
  if (typeof open?.['number'] !== 'number') return undefined
  db.prepare('UPDATE incidents SET closed_ms = max(?, opened_ms) WHERE kind = ? AND id = ? AND closed_ms IS NULL').run(
    incident.atMs,
    subject.kind,
    subject.id,
  )
  return open['number']
}

function readNote(db: DatabaseSync, name: string): string | undefined {
  const row = db.prepare('SELECT value FROM notes WHERE name = ?').get(name)
  return row ? String(row['value']) : undefined
}

function writeNote(db: DatabaseSync, name: string, value: string): void {
  db.prepare('INSERT INTO notes (name, value) VALUES (?,?) ON CONFLICT (name) DO UPDATE SET value = excluded.value').run(name, value)
}

function asIncident(row: Row): Incident {
  return {
    number: Number(row['number']),
    subject: { kind: row['kind'] === 'host' ? 'host' : 'agent', id: String(row['id']) },
    cause: String(row['cause']),
    openedMs: Number(row['opened_ms']),
    ...(row['closed_ms'] !== null && { closedMs: Number(row['closed_ms']) }),
  }
}

function asOperation(row: Row): OperationRecord {
  return {
    number: Number(row['number']),
    operation: String(row['operation']),
    arguments: JSON.parse(String(row['arguments'])),
    actor: { kind: String(row['actor_kind']) as Actor['kind'], id: String(row['actor_id']), name: String(row['actor_name']) },
    via: String(row['via']),
    requestedMs: Number(row['requested_ms']),
    status: String(row['status']),
    ...(row['ended_ms'] !== null && { endedMs: Number(row['ended_ms']) }),
    lines: JSON.parse(String(row['lines'])),
  }
}

/** Whatever SQLite throws becomes a LedgerError that says what was to be done. */
function guarded<T>(what: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof LedgerError) throw error
    throw new LedgerError(`The ledger could not ${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}
