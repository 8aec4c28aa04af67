/**
 * Facts as rows: which statement, and its values. Worked out in the thread that has the fact, so that a fact that can't be
 * written fails by itself, and what is sent to the writer's thread are plain texts and numbers.
 */
import { assertNever } from '../../domain/assert-never.ts'
import { subjectKey } from '../../domain/incident.ts'
import type { LedgerFact } from '../../ports/ledger.ts'

const numbered = (table: string) =>
  `INSERT INTO ${table} (number, record) VALUES (?,?) ON CONFLICT (number) DO UPDATE SET record = excluded.record`

export const statements = {
  record: 'INSERT INTO records (subject, record) VALUES (?,?) ON CONFLICT (subject) DO UPDATE SET record = excluded.record',
  transition: `INSERT INTO transitions (subject, at_ms, step, from_state, to_state, noticed_ms, cause, last_beat_ms)
    VALUES (?1, ?2, (SELECT coalesce(max(step) + 1, 0) FROM transitions WHERE subject = ?1 AND at_ms = ?2), ?3, ?4, ?5, ?6, ?7)`,
  incident: numbered('incidents'),
  operation: numbered('operations'),
  mute: numbered('mutes'),
  // The same alert twice is one alert: its id is unique for ever.
  alert: 'INSERT INTO alerts (record) VALUES (?) ON CONFLICT (id) DO NOTHING',
  told: 'INSERT INTO told (receiver, alert_id, at_ms) VALUES (?,?,?) ON CONFLICT DO NOTHING',
  activity: `INSERT INTO activity (agent, from_ms, to_ms, busy) VALUES (?,?,?,?)
    ON CONFLICT (agent, from_ms) DO UPDATE SET to_ms = excluded.to_ms, busy = excluded.busy`,
  proof: `INSERT INTO proofs (agent, from_ms, to_ms) VALUES (?,?,?)
    ON CONFLICT (agent, from_ms) DO UPDATE SET to_ms = excluded.to_ms`,
  run: `INSERT INTO runs (job, due, started_ms, record) VALUES (?,?,?,?)
    ON CONFLICT (job, due) DO UPDATE SET started_ms = excluded.started_ms, record = excluded.record`,
  note: 'INSERT INTO notes (name, value) VALUES (?,?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  beat: 'INSERT INTO beats (agent, beat) VALUES (?,?) ON CONFLICT (agent) DO UPDATE SET beat = excluded.beat',
} as const

export type Row = readonly [statement: keyof typeof statements, ...values: (string | number | null)[]]

/** Throws where the fact holds what can't be written: a time that is no number, a value that JSON doesn't know. */
export function rowOf(fact: LedgerFact): Row {
  const row = rowFor(fact)
  // What can't be sent to the writer's thread would take the calls of others with it.
  for (const value of row) {
    const isPlain = value === null || typeof value === 'string' || Number.isFinite(value)
    if (!isPlain) throw new Error(`${String(value)} can't be written`)
  }
  return row
}

function rowFor(fact: LedgerFact): Row {
  switch (fact.kind) {
    case 'agent':
    case 'host':
      return ['record', subjectKey(fact), json(fact.record)]
    case 'looking':
      return ['record', 'watch', json(fact.mark)]
    case 'transition': {
      const { from, to, atMs, noticedMs, cause = null, lastBeatMs } = fact.transition
      return [
        'transition',
        subjectKey(fact.subject),
        ms(atMs),
        from,
        to,
        ms(noticedMs),
        cause,
        lastBeatMs === undefined ? null : ms(lastBeatMs),
      ]
    }
    case 'incident':
      return ['incident', fact.incident.number, json(fact.incident)]
    case 'operation':
      return ['operation', fact.operation.number, json(fact.operation)]
    case 'mute':
      return ['mute', fact.mute.number, json(fact.mute)]
    case 'alert':
      return ['alert', json(fact.alert)]
    case 'told':
      return ['told', fact.receiver, fact.alertId, ms(fact.atMs)]
    case 'activity':
      return ['activity', fact.agent, ms(fact.span.fromMs), ms(fact.span.toMs), fact.span.busy ? 1 : 0]
    case 'proof':
      return ['proof', fact.agent, ms(fact.fromMs), ms(fact.toMs)]
    case 'run':
      return ['run', fact.run.job, fact.run.due, ms(fact.run.startedMs), json(fact.run)]
    case 'note':
      return ['note', fact.name, fact.value]
    case 'beat':
      return ['beat', fact.agent, json(fact.beat)]
    default:
      return assertNever(fact)
  }
}

/** SQLite would take a fraction for a fault of the whole call. */
function ms(value: number): number {
  if (!Number.isFinite(value)) throw new Error(`${String(value)} is no time`)
  return Math.round(value)
}

function json(value: object): string {
  return JSON.stringify(value, onlyPlain)
}

/** JSON would make null of these, or leave them out, without a word. */
function onlyPlain(key: string, value: unknown): unknown {
  const isPlain = typeof value === 'number' ? Number.isFinite(value) : typeof value !== 'function' && typeof value !== 'symbol'
  if (!isPlain) throw new Error(`${key}: ${String(value)} can't be written`)
  return value
}
