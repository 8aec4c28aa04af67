/**
 * Intervals, never samples. What is only ever read back whole is kept as JSON, in the words of the port; what is searched
 * for are columns worked out from it, so that the two can't disagree. Times are whole milliseconds since 1970.
 *
 * `subject` is `agent:<id>`, `host:<id>`, or `watch` for the watch's own mark that it is looking. `step` tells apart what
 * happened to one subject in the same millisecond. AUTOINCREMENT: no number is given twice, not even after upkeep.
 */
export const schemaVersion = 3

/** Says in the file's header whose it is: "twlg". */
export const applicationId = 0x74776c67

/** `audit_anchor`: the last entry that was forgotten. In words that also suit a file that has these tables already. */
export const auditSchema = `
CREATE INDEX IF NOT EXISTS operations_open ON operations (number) WHERE status IN ('begun', 'waiting');
CREATE TABLE IF NOT EXISTS audit (
  seq INTEGER PRIMARY KEY, entry TEXT NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL,
  at_ms REAL AS (entry ->> '$.atMs'), number INTEGER AS (entry ->> '$.number'),
  about TEXT AS (replace(replace(coalesce(entry ->> '$.arguments.agent', entry ->> '$.arguments.subject', entry ->> '$.arguments.host'),
    'agent:', ''), 'host:', ''))) STRICT;
CREATE INDEX IF NOT EXISTS audit_of ON audit (number);
CREATE INDEX IF NOT EXISTS audit_about ON audit (about);
CREATE TABLE IF NOT EXISTS audit_anchor (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;
`

export const schema = `
CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE records (subject TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE beats (agent TEXT PRIMARY KEY, beat TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE transitions (
  subject TEXT NOT NULL, at_ms INTEGER NOT NULL, step INTEGER NOT NULL, from_state TEXT NOT NULL, to_state TEXT NOT NULL,
  noticed_ms INTEGER NOT NULL, cause TEXT, last_beat_ms INTEGER, PRIMARY KEY (subject, at_ms, step)) STRICT, WITHOUT ROWID;
CREATE INDEX transitions_by_time ON transitions (at_ms);
CREATE TABLE incidents (
  number INTEGER PRIMARY KEY AUTOINCREMENT, record TEXT NOT NULL,
  subject TEXT AS (record ->> '$.subject.kind' || ':' || (record ->> '$.subject.id')),
  closed_ms REAL AS (record ->> '$.closedMs'), is_closed INTEGER AS (record ->> '$.closedMs' IS NOT NULL)) STRICT;
CREATE INDEX incidents_open_first ON incidents (is_closed, number);
CREATE INDEX incidents_of ON incidents (subject, is_closed, number);
CREATE INDEX incidents_by_end ON incidents (closed_ms);
CREATE TABLE alerts (
  number INTEGER PRIMARY KEY AUTOINCREMENT, record TEXT NOT NULL,
  id TEXT AS (record ->> '$.id'), at_ms REAL AS (record ->> '$.at')) STRICT;
CREATE UNIQUE INDEX alerts_by_id ON alerts (id);
CREATE INDEX alerts_by_time ON alerts (at_ms);
CREATE TABLE told (
  receiver TEXT NOT NULL, alert_id TEXT NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (receiver, alert_id)) STRICT, WITHOUT ROWID;
CREATE TABLE operations (
  number INTEGER PRIMARY KEY AUTOINCREMENT, record TEXT NOT NULL,
  operation TEXT AS (record ->> '$.operation'), agent TEXT AS (record ->> '$.arguments.agent'),
  actor_kind TEXT AS (record ->> '$.actor.kind'), requested_ms REAL AS (record ->> '$.requestedMs'),
  status TEXT AS (record ->> '$.status')) STRICT;
CREATE INDEX operations_of ON operations (operation, agent, requested_ms);
CREATE INDEX operations_by_time ON operations (requested_ms);
CREATE TABLE mutes (
  number INTEGER PRIMARY KEY AUTOINCREMENT, record TEXT NOT NULL, to_ms REAL AS (record ->> '$.toMs')) STRICT;
CREATE INDEX mutes_by_end ON mutes (to_ms);
CREATE TABLE activity (
  agent TEXT NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL, busy INTEGER NOT NULL,
  PRIMARY KEY (agent, from_ms)) STRICT, WITHOUT ROWID;
CREATE TABLE proofs (
  agent TEXT NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL, PRIMARY KEY (agent, from_ms)) STRICT, WITHOUT ROWID;
CREATE TABLE runs (
  job TEXT NOT NULL, due TEXT NOT NULL, started_ms INTEGER NOT NULL, record TEXT NOT NULL,
  PRIMARY KEY (job, due)) STRICT, WITHOUT ROWID;
${auditSchema}`
