/**
 * The durable record. Facts go in by `write`, as data, all of one call or none; they are read back by the other methods.
 *
 * `write` never blocks the event loop for a disk: the real ledger has a thread of its own that commits what has gathered,
 * so that a slow fsync makes no agent look silent. The reads look at what is committed, in this thread.
 */
import type { AgentRecord, Beat } from '../domain/agent.ts'
import type { AuditEntry, AuditHead, AuditVerdict } from '../domain/audit.ts'
import type { HostRecord } from '../domain/host.ts'
import type { Incident, Mute, Subject } from '../domain/incident.ts'
import type { Actor } from '../domain/operation.ts'
import type { Timeline } from '../domain/uptime.ts'

/** The record can't be read or written. `message` says what was to be done and why it failed, for the operator's log. */
export class LedgerError extends Error {
  override name = 'LedgerError'
}

/** One change of state of an agent or a host. */
export interface Transition {
  from: string
  to: string
  /** When it happened. */
  atMs: number
  /** When the watch noticed. */
  noticedMs: number
  cause?: string
  lastBeatMs?: number
}

/** A sentence to be told at least once to each receiver. `id` is unique for ever. */
export interface AlertRecord {
  id: string
  /** notice: neither begins nor ends a problem ("the error budget of ezra is gone by Friday", "#12 was acknowledged"). */
  kind: 'problem' | 'recovery' | 'reminder' | 'acknowledged' | 'notice'
  /** Whom it is about, at most 100; empty: the watch itself. Each with its host, so that the room is known. */
  subjects: { kind: 'agent' | 'host'; id: string; host: string }[]
  /** Numbers of the incidents it tells of, at most 100. */
  incidents: number[]
  /** When it was made. */
  at: number
  /** At most 400 characters. */
  text: string
  /** Recoveries: how long the longest of its incidents lasted. */
  durationMs?: number
}

export interface OperationRecord {
  number: number
  operation: string
  arguments: Record<string, unknown>
  actor: Actor
  /** From where: `tower`, `shell`, `watch`. */
  via: string
  requestedMs: number
  /** `begun` or `waiting` (for a second person) until it has ended; `interrupted` where the watch stopped in between. */
  status: string
  endedMs?: number
  lines: string[]
  /** For what the watch does by itself: the incident. For people the reason is among the arguments. */
  why?: string
  /** The second person, where it took one. */
  confirmedBy?: Actor
  /** The number of the operation that asked for this one. */
  partOf?: number
}

/** The watch says that it is looking. `boot` and `bootMs` (milliseconds since the machine's boot, asleep or awake) let the
 * next life of the watch carry this one's time on, whatever somebody does to the wall clock in between. */
export interface LookingMark {
  atMs: number
  boot: string
  bootMs: number
}

/** One due time of one job of a schedule. `due`: the local date and time, "2026-03-29T02:30". */
export interface ScheduleRun {
  job: string
  due: string
  startedMs: number
  endedMs?: number
  outcome?: 'ok' | 'failed'
  detail?: string
}

export type LedgerFact =
  | { kind: 'agent'; id: string; record: AgentRecord }
  | { kind: 'host'; id: string; record: HostRecord }
  | { kind: 'transition'; subject: Subject; transition: Transition }
  /** The same number again replaces what was known of it. So for operations and mutes. */
  | { kind: 'incident'; incident: Incident }
  | { kind: 'alert'; alert: AlertRecord }
  | { kind: 'told'; receiver: string; alertId: string; atMs: number }
  | { kind: 'looking'; mark: LookingMark }
  /** The agent was busy (or idle) from … to; the same `fromMs` again moves the end. */
  | { kind: 'activity'; agent: string; span: { fromMs: number; toMs: number; busy: boolean } }
  /** Each time it is written the audit gets an entry, too, in the same transaction. */
  | { kind: 'operation'; operation: OperationRecord }
  | { kind: 'mute'; mute: Mute }
  /** Epoch and sequence prove that the agent lived through a time in which the watch wasn't looking. */
  | { kind: 'proof'; agent: string; fromMs: number; toMs: number }
  | { kind: 'run'; run: ScheduleRun }
  | { kind: 'note'; name: string; value: string }
  /** The last beat of an agent: of one that posts it, before it is answered; of the others, with the mark of the sweep. */
  | { kind: 'beat'; agent: string; beat: Beat }

export interface Ledger {
  /**
   * Resolves when all of these are durable, in the order of the calls; rejects with LedgerError when none of them is. A call
   * that was given later may still succeed then.
   */
  write(facts: readonly LedgerFact[]): Promise<void>
  /** A fresh number, each time: one more than the highest ever written or given out. */
  nextNumber(of: 'incident' | 'operation' | 'mute'): number

  /** What was known when it was last written; empty at first. */
  remembered(): Remembered
  /** The last mark of a watch that looked. */
  looking(): LookingMark | undefined
  /** Alerts that this receiver was not told, made at or after `fromMs`, oldest first. */
  untold(receiver: string, limit: number, fromMs?: number): AlertRecord[]
  /** Operations, newest first. */
  operations(filter: { operation?: string; agent?: string; actorKind?: Actor['kind']; sinceMs?: number; limit: number }): OperationRecord[]
  /** Entries of the audit, newest first: each operation has one for its beginning and one for its end. `subject`: an id. */
  audit(filter: { subject?: string; number?: number; sinceMs?: number; limit: number }): AuditEntry[]
  /** The last entry of the audit, by which its chain can be checked later. */
  auditHead(): AuditHead
  /**
   * Checks the whole chain of the audit, a piece at a time, and that it goes by `noted`, an earlier head, where one is given.
   * Rejects with LedgerError where it can't be read.
   */
  verifyAudit(noted?: AuditHead): Promise<AuditVerdict>
  /** Open ones first, then the newest. `subject`: its key ("host:vps1"), or its id. */
  incidents(filter: { subject?: string; number?: number; limit: number }): Incident[]
  /** Silences and maintenance that end at or after `fromMs`, oldest first. */
  mutes(fromMs: number): Mute[]
  /** The state at `fromMs` (its last change before it) and all changes since. */
  timeline(subject: Subject, fromMs: number): Timeline
  /** Those that happened in [fromMs, toMs), oldest first. */
  transitions(filter: { subject?: Subject; fromMs: number; toMs: number; limit: number }): (Transition & { subject: Subject })[]
  proofs(agent: string, fromMs: number): { fromMs: number; toMs: number }[]
  busySpans(agent: string, fromMs: number): { fromMs: number; toMs: number }[]
  /** The run of the newest due time of a job. */
  lastRun(job: string): ScheduleRun | undefined
  run(job: string, due: string): ScheduleRun | undefined
  note(name: string): string | undefined

  /** Forgets what is older, folds the write-ahead log in; answers how many rows went. Rejects with LedgerError. */
  upkeep(beforeMs: number): Promise<number>
  /** Writes what was given, then closes. */
  close(): Promise<void>
}

export interface Remembered {
  agents: Map<string, AgentRecord>
  hosts: Map<string, HostRecord>
  /** The last beat of each agent. */
  beats: Map<string, Beat>
}

export type { Incident, Mute, Subject }
