import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { openLedger } from '../../../src/adapters/ledger/sqlite.ts'
import { decide } from '../../../src/domain/agent.ts'
import { LedgerError } from '../../../src/ports/ledger.ts'
import { timmy } from '../../support/ledger-facts.ts'
import { ledgerFolder } from './folder.ts'

const here = ledgerFolder()

/** As version 1 made it, word for word. */
const version1 = `
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
PRAGMA user_version = 1;
`

function fill(sql = ''): void {
  mkdirSync(dirname(here.file), { recursive: true })
  const db = new DatabaseSync(here.file)
  db.exec(`PRAGMA journal_mode = WAL; ${version1} ${sql}`)
  db.close()
}

const quoted = (value: unknown) => `'${JSON.stringify(value)}'`

/** One life as version 1 wrote it: down and back, a lost host, an open problem, a pause, an operation that was cut short. */
function fillWithLife(): void {
  const bezalel = {
    facts: { lastBeat: { atMs: 500.5, epoch: 'e1', seq: 7, busy: true }, gone: { atMs: 900.25, cause: 'process-gone' } },
    status: { state: 'down', sinceMs: 900.25, cause: 'process-gone' },
    problem: { sinceMs: 900.25, cause: 'process-gone' },
  }
  const ezra = {
    facts: { lastBeat: { atMs: 400, epoch: '' }, paused: { sinceMs: 600.75, reason: 'moving house' } },
    status: { state: 'paused', sinceMs: 600.75, cause: 'moving house' },
  }
  const alert = (number: number, more: object) =>
    `INSERT INTO alerts VALUES (${number}, 'alert-${number}', ${number * 100}.5, ${quoted({ id: `alert-${number}`, at: number * 100 + 0.5, ...more })});`
  fill(`
    INSERT INTO notes VALUES ('alive_ms', '1234.56'), ('upkeep', '2026-11-20');
    INSERT INTO records VALUES ('agent', 'bezalel', ${quoted(bezalel)}), ('agent', 'ezra', ${quoted(ezra)}),
      ('agent', 'timmy', ${quoted({ facts: {}, status: { state: 'new', sinceMs: 5 } })}),
      ('host', 'vps1', ${quoted({ status: { state: 'unreachable', sinceMs: 700.5, cause: 'auth' }, problem: { sinceMs: 700.5, cause: 'auth' } })});
    INSERT INTO transitions (kind, id, from_state, to_state, at_ms, noticed_ms, cause, last_beat_ms) VALUES
      ('agent', 'bezalel', 'new', 'up', 100.2, 100.2, NULL, NULL),
      ('agent', 'bezalel', 'up', 'unknown', 200.1, 210.9, 'not-looking', 150.5),
      ('agent', 'bezalel', 'unknown', 'up', 200.4, 220, NULL, 200.4),
      ('host', 'vps1', 'up', 'unreachable', 700.5, 720.6, 'auth', NULL),
      ('agent', 'bezalel', 'up', 'down', 900.25, 905.75, 'process-gone', 500.5);
    INSERT INTO incidents VALUES (3, 'agent', 'timmy', 'silent', 300.4, 350.6), (5, 'host', 'vps1', 'auth', 700.5, NULL),
      (6, 'agent', 'bezalel', 'process-gone', 900.25, NULL), (9, 'agent', 'timmy', 'silent', 950, 960);
    DELETE FROM incidents WHERE number = 9;
    ${alert(3, { kind: 'problem', subject: 'agent', subjectId: 'timmy', host: 'local', incident: 3, text: 'timmy is down.' })}
    ${alert(4, { kind: 'recovery', subject: 'agent', subjectId: 'timmy', host: 'local', incident: 3, text: 'timmy is back.' })}
    ${alert(6, { kind: 'problem', subject: 'agent', subjectId: 'bezalel', host: 'vps2', incident: 6, text: 'x'.repeat(600) })}
    ${alert(7, { kind: 'notice', subject: 'watch', subjectId: 'watch', text: 'I am here.' })}
    INSERT INTO told VALUES ('tower', 'alert-3', 301), ('tower', 'alert-4', 401.5);
    INSERT INTO operations VALUES
      (1, 'restart', '{"agent":"timmy"}', 'timmy', 'watch', 'watch', 'the watch', 'watch', 310.5, 'ok', 340.5, '["timmy is back."]'),
      (2, 'restart', '{"agent":"bezalel"}', 'bezalel', 'account', '7', 'Ada', 'tower', 910, 'begun', NULL, '[]');
    INSERT INTO activity VALUES ('timmy', 10.2, 20.7, 1), ('timmy', 20.7, 30.1, 0);
  `)
}

describe('a ledger of version 1', () => {
  it('keeps every change of state, in its order, in whole milliseconds', () => {
    fillWithLife()
    const ledger = here.opened()
    expect(ledger.timeline({ kind: 'agent', id: 'bezalel' }, 0)).toEqual([
      { atMs: 100, state: 'up' },
      { atMs: 200, state: 'unknown', cause: 'not-looking' },
      { atMs: 200, state: 'up' },
      { atMs: 900, state: 'down', cause: 'process-gone' },
    ])
    expect(ledger.transitions({ fromMs: 600, toMs: 1_000, limit: 9 })).toEqual([
      { subject: { kind: 'host', id: 'vps1' }, from: 'up', to: 'unreachable', atMs: 701, noticedMs: 721, cause: 'auth' },
      {
        subject: { kind: 'agent', id: 'bezalel' },
        from: 'up',
        to: 'down',
        atMs: 900,
        noticedMs: 906,
        cause: 'process-gone',
        lastBeatMs: 501,
      },
    ])
  })

  it('keeps what was known of each agent and host, in the words of today', () => {
    fillWithLife()
    const ledger = here.opened()
    const { agents, hosts } = ledger.remembered()
    expect(agents.get('bezalel')).toEqual({
      facts: {
        lastBeat: { atMs: 501, epoch: 'e1', seq: 7, busy: true },
        gone: { atMs: 900, cause: 'process-gone' },
        watchedSinceMs: 501,
        good: { count: 0, sinceMs: 501 },
      },
      status: { state: 'down', sinceMs: 900, cause: 'process-gone' },
      problem: { sinceMs: 900, cause: 'process-gone' },
    })
    expect(agents.get('ezra')).toEqual({
      facts: {
        lastBeat: { atMs: 400, epoch: '' },
        paused: { sinceMs: 601, by: { config: { reason: 'moving house' } } },
        watchedSinceMs: 400,
        good: { count: 1, sinceMs: 400 },
      },
      status: { state: 'paused', sinceMs: 601, cause: 'moving house' },
    })
    expect(agents.get('timmy')?.facts).toEqual({ watchedSinceMs: 5, good: { count: 0, sinceMs: 5 } })
    expect(hosts.get('vps1')).toEqual({
      status: { state: 'unreachable', sinceMs: 701, cause: 'auth' },
      problem: { sinceMs: 701, cause: 'auth' },
    })
    expect(ledger.looking()).toEqual({ atMs: 1_235, boot: '', bootMs: 0 })
  })

  it('has agents that are judged on as if nothing had happened', () => {
    fillWithLife()
    const bezalel = here.opened().remembered().agents.get('bezalel')
    if (!bezalel) throw new Error('bezalel is forgotten')
    const timing = { periodMs: 1_000, graceMs: 1_000 }
    expect(decide(bezalel, { kind: 'tick' }, 1_000, timing).effects).toEqual([])
    const back = decide(bezalel, { kind: 'sighted', beat: { atMs: 1_100, epoch: 'e2' } }, 1_100, timing)
    expect(back.effects.map(({ kind }) => kind)).toEqual(['transition', 'recovery'])
  })

  it('keeps incidents, each told as it was', () => {
    fillWithLife()
    const ledger = here.opened()
    expect(ledger.incidents({ limit: 9 })).toEqual([
      {
        number: 6,
        subject: { kind: 'agent', id: 'bezalel' },
        cause: 'process-gone',
        openedMs: 900,
        noticedMs: 906,
        told: { alertId: 'alert-6', atMs: 601 },
      },
      {
        number: 5,
        subject: { kind: 'host', id: 'vps1' },
        cause: 'auth',
        openedMs: 701,
        noticedMs: 721,
        // Its alert is forgotten by now, but it was told.
        told: { alertId: 'v1-problem-5', atMs: 701 },
      },
      {
        number: 3,
        subject: timmy,
        cause: 'silent',
        openedMs: 300,
        noticedMs: 300,
        closedMs: 351,
        told: { alertId: 'alert-3', atMs: 301 },
        recoveryTold: { alertId: 'alert-4', atMs: 401 },
      },
    ])
    expect(ledger.nextNumber('incident')).toBe(10)
  })

  it('keeps the outbox: what was told is told, what was not will be', () => {
    fillWithLife()
    const ledger = here.opened()
    expect(ledger.untold('tower', 9)).toEqual([
      {
        id: 'alert-6',
        kind: 'problem',
        subjects: [{ kind: 'agent', id: 'bezalel', host: 'vps2' }],
        incidents: [6],
        at: 601,
        text: `${'x'.repeat(399)}…`,
      },
      { id: 'alert-7', kind: 'notice', subjects: [], incidents: [], at: 701, text: 'I am here.' },
    ])
    expect(ledger.untold('elsewhere', 9)[1]).toEqual({
      id: 'alert-4',
      kind: 'recovery',
      subjects: [{ kind: 'agent', id: 'timmy', host: 'local' }],
      incidents: [3],
      at: 401,
      text: 'timmy is back.',
      durationMs: 51,
    })
  })

  it('keeps audit, activity and notes', () => {
    fillWithLife()
    const ledger = here.opened()
    expect(ledger.operations({ limit: 9 })).toEqual([
      {
        number: 2,
        operation: 'restart',
        arguments: { agent: 'bezalel' },
        actor: { kind: 'account', id: '7', name: 'Ada' },
        via: 'tower',
        requestedMs: 910,
        status: 'interrupted',
        lines: [],
      },
      {
        number: 1,
        operation: 'restart',
        arguments: { agent: 'timmy' },
        actor: { kind: 'watch', id: 'watch', name: 'the watch' },
        via: 'watch',
        requestedMs: 311,
        status: 'ok',
        endedMs: 341,
        lines: ['timmy is back.'],
      },
    ])
    expect(ledger.operations({ operation: 'restart', agent: 'timmy', actorKind: 'watch', sinceMs: 0, limit: 9 })).toHaveLength(1)
    expect(ledger.nextNumber('operation')).toBe(3)
    expect(ledger.busySpans('timmy', 0)).toEqual([{ fromMs: 10, toMs: 21 }])
    expect(ledger.note('upkeep')).toBe('2026-11-20')
  })

  it('that is empty becomes an empty one', () => {
    fill()
    const ledger = here.opened()
    expect(ledger.remembered()).toEqual({ agents: new Map(), hosts: new Map(), beats: new Map() })
    expect(ledger.nextNumber('incident')).toBe(1)
  })

  it('is the same file as a new one afterwards, and is not brought up again', async () => {
    fillWithLife()
    await here.opened().close()
    const schemaOf = (file: string) => {
      const db = new DatabaseSync(file, { readOnly: true })
      const all = db.prepare("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name").all()
      db.close()
      return all
    }
    const other = join(here.folder, 'new.sqlite')
    await openLedger(other).close()
    expect(schemaOf(here.file)).toEqual(schemaOf(other))
    await here.opened().close()
    expect(copies()).toHaveLength(1)
  })

  it('is copied first, for its user alone, and that copy is the old ledger whole', async () => {
    fillWithLife()
    await openLedger(here.file, 'write', () => new Date('2026-11-22T23:59:00Z')).close()
    expect(copies()).toEqual(['ledger.sqlite.v1-2026-11-22.bak'])
    const copy = join(dirname(here.file), 'ledger.sqlite.v1-2026-11-22.bak')
    expect(statSync(copy).mode & 0o777).toBe(0o600)
    const db = new DatabaseSync(copy, { readOnly: true })
    expect(db.prepare('PRAGMA user_version').get()).toEqual({ user_version: 1 })
    expect(db.prepare('SELECT count(*) AS n FROM transitions').get()).toEqual({ n: 5 })
    db.close()
  })

  it('that can not be brought up stays as it was, and says so', () => {
    fill(`INSERT INTO records VALUES ('agent', 'timmy', '{"facts": torn')`)
    const before = readFileSync(here.file)
    expect(() => here.opened()).toThrow(/^The ledger could not open .*ledger\.sqlite: it could not be brought from version 1 to 2: .*JSON/)
    expect(() => here.opened()).toThrow(LedgerError)
    expect(readFileSync(here.file).equals(before)).toBe(true)
    expect(copies()).toHaveLength(1)
  })

  it('is not brought up by who only reads it', () => {
    fillWithLife()
    expect(() => openLedger(here.file, 'read')).toThrow(/it is of an older Towerwatch: start the watch once, which brings it up to date/)
    expect(copies()).toEqual([])
  })
})

function copies(): string[] {
  return readdirSync(dirname(here.file)).filter((name) => name.includes('.bak'))
}
