/** Facts to write into a ledger, short to say. */
import type { AlertRecord, Incident, LedgerFact, Mute, OperationRecord, ScheduleRun, Subject } from '../../src/ports/ledger.ts'

export const timmy: Subject = { kind: 'agent', id: 'timmy' }
export const local: Subject = { kind: 'host', id: 'timmy' }
export const ada = { kind: 'shell' as const, id: '1000', name: 'ada' }

export const transition = (from: string, to: string, atMs: number, subject = timmy): LedgerFact => ({
  kind: 'transition',
  subject,
  transition: { from, to, atMs, noticedMs: atMs },
})
export const alertOf = (id: string, at = 0): AlertRecord => ({
  id,
  kind: 'problem',
  subjects: [{ kind: 'agent', id: 'timmy', host: 'local' }],
  incidents: [1],
  at,
  text: `alert ${id}`,
})
export const alert = (id: string, at = 0): LedgerFact => ({ kind: 'alert', alert: alertOf(id, at) })
export const told = (alertId: string, atMs = 1, receiver = 'tower'): LedgerFact => ({ kind: 'told', receiver, alertId, atMs })
export const incidentOf = (number: number, more: Partial<Incident> = {}): Incident => ({
  number,
  subject: timmy,
  cause: 'silent',
  openedMs: number,
  noticedMs: number,
  ...more,
})
export const incident = (number: number, more?: Partial<Incident>): LedgerFact => ({ kind: 'incident', incident: incidentOf(number, more) })
export const operationOf = (number: number, more: Partial<OperationRecord> = {}): OperationRecord => ({
  number,
  operation: 'restart',
  arguments: { agent: 'timmy' },
  actor: ada,
  via: 'shell',
  requestedMs: number,
  status: 'begun',
  lines: [],
  ...more,
})
export const operation = (number: number, more?: Partial<OperationRecord>): LedgerFact => ({
  kind: 'operation',
  operation: operationOf(number, more),
})
export const muteOf = (number: number, fromMs: number, toMs: number): Mute => ({
  number,
  kind: 'silence',
  subject: timmy,
  fromMs,
  toMs,
  reason: 'moving it',
  by: ada,
})
export const run = (due: string, startedMs: number, more: Partial<ScheduleRun> = {}): LedgerFact => ({
  kind: 'run',
  run: { job: 'nightly', due, startedMs, ...more },
})
