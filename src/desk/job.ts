/** What passes through the desk: a request, what is known of it, and who asked for it. */
import { asTyped } from '../domain/arguments.ts'
import type { Actor, OperationDeclaration, Screen } from '../domain/operation.ts'
import type { ActingOperation, CheckedArguments, OperationContext, Outcome } from '../operations/operation.ts'
import type { OperationRecord } from '../ports/ledger.ts'
import type { OpenRequest } from './requests.ts'

export interface DeskRequest {
  operation: string
  arguments: Readonly<Record<string, unknown>>
  actor: Actor
  /** Where it came from. */
  via: 'tower' | 'shell' | 'watch'
  /** Why, where no argument says it: for what the watch does by itself, the incident. For the audit. */
  why?: string
  /** Fires when the one who asked went away, where that can be told. What changes something goes on all the same. */
  away?: AbortSignal
  /** What the answer is read on; absent: nobody knows. */
  screen?: Screen
}

/** Everything that an operation sees, but what depends on who asks. */
export type DeskContext = Omit<OperationContext, 'actor' | 'progress' | 'config' | 'away' | 'screen' | 'cancelled'> & {
  config: () => OperationContext['config']
  /** By which hosts know the orders of this ledger; it resolves when that is durable. */
  watchId: string | Promise<string>
  /** In [0, 1). */
  random: () => number
  /** Has a sentence of at most 400 characters told to everybody. */
  tell: (text: string) => void
}

/** An operation that acts, with everything known of who asked for it. */
export interface Job {
  operation: ActingOperation
  args: CheckedArguments
  asked: DeskRequest
  progress: (line: string) => void
  /** The request that it belongs to. */
  open: OpenRequest
  by?: Asker
  /** Its record, where it has waited for a second person. */
  waited?: OperationRecord
}

/** An operation that asks for another one. */
export interface Asker {
  number: number
  operation: string
  args: CheckedArguments
  isDryRun: boolean
  /** It is one of the so many that may be under way at once. */
  hasTurn: boolean
  open: OpenRequest
  /** Its own step ends where it asks for others: they are what is under way then. */
  endStep: () => void
  by?: Asker
}

/** An operation, and what it is to be done with. */
export interface Piece {
  operation: OperationDeclaration
  args: CheckedArguments
}

/** "restart all", "maintenance host ezra 2h new disk" */
export function sayJob({ operation, args }: Piece): string {
  const words = operation.arguments.flatMap(({ name, kind }) => (kind === 'flag' ? [] : (args[name] ?? [])))
  return [operation.name, ...words.map(asTyped)].join(' ')
}

/** The asker, who asked for that, and so on. */
export function chainOf(asker: Asker | undefined): Asker[] {
  return asker ? [asker, ...chainOf(asker.by)] : []
}

export function refusal(line: string): Outcome {
  return { status: 'refused', lines: [line] }
}
