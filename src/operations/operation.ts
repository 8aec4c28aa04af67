/** What an operation is: its declaration for help and for the Tower, and the code that does it. */
import type { Config } from '../config/config.ts'
import type { AgentRecord, Beat } from '../domain/agent.ts'
import type { HostRecord } from '../domain/host.ts'
import type { Actor, OperationDeclaration } from '../domain/operation.ts'
import type { Clock } from '../ports/clock.ts'
import type { HostHealth, HostLink } from '../ports/host.ts'
import type { Incident, Ledger, Subject } from '../ports/ledger.ts'
import type { TowerLink } from '../ports/tower.ts'

export type OutcomeStatus = 'ok' | 'failed' | 'timeout' | 'refused'

export interface Outcome {
  status: OutcomeStatus
  /** For people: lines of plain text. */
  lines: string[]
  /** The same for programs (`--json`). */
  data?: unknown
  /** Nothing was done, for a reason that passes by itself: the same request may be made again. */
  passes?: true
}

/** What an operation may see and use. */
export interface OperationContext {
  config: Config
  clock: Clock
  ledger: Ledger
  agent(id: string): AgentRecord | undefined
  host(id: string): HostRecord | undefined
  lastIncident(subject: Subject): Incident | undefined
  /** The hands on a host; undefined while it can't be reached. */
  hands(host: string): HostLink | undefined
  health(host: string): { atMs: number; health: HostHealth } | undefined
  /** Resolves with the first beat that fits, undefined when the signal fired first. */
  nextBeat(agent: string, fits: (beat: Beat) => boolean, signal: AbortSignal): Promise<Beat | undefined>
  /** Complete local days before now, the newest first. */
  daysBefore(nowMs: number, count: number): { fromMs: number; toMs: number }[]
  tower(): { state: TowerLink; sinceMs: number } | undefined
  /** Fires when the watch stops: whoever waits for something stops waiting. */
  stopping: AbortSignal
  actor: Actor
  /** A line for the one who asked, as it happens. */
  progress(line: string): void
}

/** Arguments after checking: every required one is there, and names an agent or host that exists. */
export type CheckedArguments = Readonly<Record<string, string>>

export interface Operation extends OperationDeclaration {
  run(args: CheckedArguments, context: OperationContext): Promise<Outcome>
}
