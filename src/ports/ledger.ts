/**
 * The durable record. What is in it after a call returned survives a crash of the watch and of its machine.
 * Every method throws LedgerError where the record can't be read or written.
 */
import type { AgentRecord } from '../domain/agent.ts'
import type { HostRecord } from '../domain/host.ts'
import type { Actor } from '../domain/operation.ts'
import type { Timeline } from '../domain/uptime.ts'

export class LedgerError extends Error {
  override name = 'LedgerError'
}

export type Subject = { kind: 'agent' | 'host'; id: string }

export interface Transition {
  from: string
  to: string
  atMs: number
  noticedMs: number
  cause?: string
  lastBeatMs?: number
}

export interface Incident {
  number: number
  subject: Subject
  cause: string
  openedMs: number
  /** Absent while it is open. */
  closedMs?: number
}

/** A sentence to be told at least once by each Tower. `id` is unique for ever. */
export interface AlertRecord {
  id: string
  kind: 'problem' | 'recovery' | 'notice'
  subject: 'agent' | 'host' | 'watch'
  subjectId: string
  host?: string
  incident?: number
  at: number
  text: string
}

/** One decision about one subject, written as a whole or not at all. */
export interface Decision {
  subject: Subject
  record: AgentRecord | HostRecord
  transitions: Transition[]
  incident?: { kind: 'open'; cause: string; atMs: number } | { kind: 'close'; atMs: number }
  alert?: AlertRecord
}

export interface OperationRecord {
  number: number
  operation: string
  arguments: Record<string, unknown>
  actor: Actor
  /** From where: `tower`, `shell`, `watch`. */
  via: string
  requestedMs: number
  /** `begun` until it has ended; `interrupted` where the watch stopped in between. */
  status: string
  endedMs?: number
  lines: string[]
}

export interface Ledger {
  /** What was known when it was last written, and when the watch last said that it is looking; empty at first. */
  remembered(): { agents: Map<string, AgentRecord>; hosts: Map<string, HostRecord>; aliveMs?: number }
  /** Writes a decision; answers the number of the incident it opened or closed. */
  record(decision: Decision): { incident?: number }
  /** The watch is looking. */
  alive(nowMs: number): void
  /** The agent was busy (or idle) from … to; the same `fromMs` again moves the end. */
  activity(agent: string, span: { fromMs: number; toMs: number; busy: boolean }): void

  /** Alerts that this Tower has not acknowledged, oldest first. */
  unacknowledged(tower: string, limit: number): AlertRecord[]
  acknowledge(tower: string, alertId: string, nowMs: number): void

  /** Before anything is changed: the audit. Answers the operation's number. */
  beginOperation(operation: Omit<OperationRecord, 'number' | 'status' | 'lines' | 'endedMs'>): number
  endOperation(number: number, status: string, lines: string[], nowMs: number): void
  /** What the Tower's locks refused, and what never began, for the audit. */
  refusedOperation(operation: Omit<OperationRecord, 'number' | 'status' | 'lines' | 'endedMs'>, reason: string): void
  /** Operations of a name, newest first. */
  operations(filter: { operation?: string; agent?: string; actorKind?: Actor['kind']; sinceMs?: number; limit: number }): OperationRecord[]

  /** Open ones first, then the newest. */
  incidents(filter: { subject?: string; limit: number }): Incident[]
  timeline(agent: string, fromMs: number): Timeline
  busySpans(agent: string, fromMs: number): { fromMs: number; toMs: number }[]

  /** A value kept by name, for jobs that run once per date. */
  note(name: string): string | undefined
  setNote(name: string, value: string): void
  /** Forgets what is older, folds the write-ahead log in; answers how many rows went. */
  upkeep(beforeMs: number): number
  close(): void
}
