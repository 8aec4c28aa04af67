/** What an operation is: its declaration for help and for the Tower, and the code that does it. */
import type { Config } from '../config/config.ts'
import type { AgentEvent, AgentRecord, Beat } from '../domain/agent.ts'
import type { JudgedHealth } from '../domain/health.ts'
import type { HostRecord } from '../domain/host.ts'
import type { Incident, Mute, Subject } from '../domain/incident.ts'
import type { Actor, OperationDeclaration, Screen } from '../domain/operation.ts'
import type { Clock } from '../ports/clock.ts'
import type { Attempt, HostHealth, HostLink } from '../ports/host.ts'
import type { Ledger } from '../ports/ledger.ts'
import type { TowerLink } from '../ports/tower.ts'
import type { Viewers } from './viewers.ts'

/** waiting: nothing was done yet, a second person has to confirm it. */
export type OutcomeStatus = 'ok' | 'failed' | 'timeout' | 'refused' | 'waiting'

export interface Outcome {
  status: OutcomeStatus
  /** For people: lines of plain text. */
  lines: string[]
  /** The same for programs (`--json`). */
  data?: unknown
  /** Nothing was done, for a reason that passes by itself: the same request may be made again. */
  passes?: true
  /** It was refused for what was typed, such as the name of nobody, and will be whenever it is typed so. */
  isWrongInput?: true
}

/** What an operation may see and use. */
export interface OperationContext {
  config: Config
  clock: Clock
  ledger: Ledger
  agent(id: string): AgentRecord | undefined
  host(id: string): HostRecord | undefined
  lastIncident(subject: Subject): Incident | undefined
  incident(number: number): Incident | undefined
  /** The open ones, and closed ones about which somebody may still have to be told; by number. */
  incidents(): Incident[]
  /** Puts a changed incident into memory at once, and into the ledger; resolves when it is durable there. */
  amend(incidents: readonly Incident[]): Promise<void>
  /** Tells the watch something about an agent: that a person paused it. */
  observe(agent: string, event: AgentEvent): void
  mutes: MuteBook
  /** The hands on a host; undefined while it can't be reached. */
  hands(host: string): HostLink | undefined
  /** What the host said last of itself, and when. */
  health(host: string): ({ atMs: number; health: HostHealth } & JudgedHealth) | undefined
  /** Asks the host how it is, now; `health` knows it then. Rejects with HostError. */
  probe(host: string): Promise<HostHealth>
  /** What is wrong with an agent's heartbeat and what to do about it, if anything. */
  fault(agent: string): string | undefined
  /** Resolves with the first beat that fits, undefined when the signal fired first. */
  nextBeat(agent: string, fits: (beat: Beat) => boolean, signal: AbortSignal): Promise<Beat | undefined>
  /** Complete local days before now, the newest first. */
  daysBefore(nowMs: number, count: number): { fromMs: number; toMs: number }[]
  tower(): { state: TowerLink; sinceMs: number } | undefined
  /** Tells everybody, and the log, something about an agent; at most 400 characters. */
  notice(agent: string, text: string): void
  /** Fires when the watch stops: whoever waits for something stops waiting. */
  stopping: AbortSignal
  /** Fires when it is called off: nothing is begun any more, and nobody waits for what was. What a host was told stays told. */
  cancelled: AbortSignal
  /** Fires when the one who asked went away; absent where that can't be told. For what is of no use without somebody who reads it. */
  away?: AbortSignal
  /** Who watches whom. */
  viewers: Viewers
  actor: Actor
  /** What the one who asked reads the answer on; absent where nobody knows. Tables are laid out for it; all else is wrapped afterwards. */
  screen?: Screen
  /** A line for the one who asked, as it happens. */
  progress(line: string): void
}

/** Silences and maintenance, as operations see and change them. */
export interface MuteBook {
  /** What keeps alerts about this subject quiet at that moment. */
  of(subject: Subject, nowMs: number): Mute | undefined
  inMaintenance(subject: Subject, nowMs: number): boolean
  /** In force at that moment, or still to come; by number. */
  list(nowMs: number): Mute[]
  /** Resolves with its number when it is durable. */
  add(mute: Omit<Mute, 'number'>): Promise<Mute>
  /** Ends one that is in force or to come, now. */
  end(number: number, nowMs: number): Promise<void>
}

/**
 * Arguments after checking: every required one is there and is of its kind, and who is named exists. Agents and hosts by id;
 * a subject as `agent:ezra`, `host:ezra` or `all`; an incident by its number; a duration as `2h`.
 */
export type CheckedArguments = Readonly<Record<string, string>>

export type Operation = SeeingOperation | ActingOperation

interface SeeingOperation extends OperationDeclaration {
  effect: 'sees'
  run(args: CheckedArguments, context: OperationContext): Promise<Outcome>
}

export interface ActingOperation extends OperationDeclaration {
  effect: 'acts'
  /**
   * `agent`: one at a time per agent; who asks meanwhile follows the one that is under way. The agent is the argument `agent`.
   * Where that is of the kind `subject`, an agent stands in it by its id alone, and what is about many is not one act but asks
   * for one for each.
   */
  oneAtATime?: 'agent'
  run(args: CheckedArguments, context: ActContext): Promise<Outcome>
  /** What `run` would do at this moment, told and not done. */
  plan(args: CheckedArguments, context: ActContext): Promise<Outcome>
}

export interface Confirmations {
  /** What the code stands for, and whether this person may confirm it. */
  plan(code: string): Outcome
  /** Has it done; resolves with what came of it. */
  confirm(code: string): Promise<Outcome>
}

export interface Cancellations {
  /** What would be given up. `subject`: `agent:ezra`, `host:ezra`, or `all`, which is that of everybody. */
  plan(subject: string | undefined): Outcome
  cancel(subject: string | undefined): Promise<Outcome>
}

export interface ActContext extends OperationContext {
  /** Of this operation in the audit: what the host knows a repeated order by. */
  attempt: Attempt
  /** What waits for a second person, who is the one that asks now. */
  confirmations: Confirmations
  /** What this person has asked for. */
  cancellations: Cancellations
  /**
   * Asks for another operation on behalf of the same person; it has an audit record of its own. A dry run asks for dry runs
   * only. At most three may ask for one another in a row, and none for what it is a part of: the rest is refused. Never rejects.
   * `progress` takes its lines; left out: they go to the one who asked.
   */
  request(operation: string, args: CheckedArguments, progress?: (line: string) => void): Promise<Outcome>
}
