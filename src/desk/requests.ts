/** What was asked for and has not ended: how far it is, and the way to call it off. In memory only, as all of it ends with the watch. */
import { personOf } from '../domain/authority.ts'
import type { Actor } from '../domain/operation.ts'
import type { CheckedArguments } from '../operations/operation.ts'
import { type Piece, sayJob } from './job.ts'

/** One request, for as long as it lasts, with all that it asks for in turn. */
export interface OpenRequest {
  /** Fires when it is called off. */
  signal: AbortSignal
  /** A piece of it, for as long as it waits for its turn, or is being done. Call what is returned when that is over. */
  step(piece: Piece, stage: Stage): () => void
  end(): void
}

/** waits: it has not begun. acts: a host may have been told of it. sees: it changes nothing. */
type Stage = 'waits' | 'acts' | 'sees'

export interface OpenStep {
  /** Its name. */
  operation: string
  /** With what it is about, for people: "restart bezalel" */
  what: string
  stage: Stage
  by: Actor
}

/** Whose requests, and about whom: an agent or host as `agent:ezra`, `host:ezra`; `all`: everybody's; undefined: all of this person's. */
export interface Chosen {
  actor: Actor
  subject: string | undefined
}

export interface Requests {
  /** `also`: fires when it is called off in another way. */
  begin(actor: Actor, also?: AbortSignal): OpenRequest
  /** What would be called off. */
  find(chosen: Chosen): OpenStep[]
  /** Calls it off; answers what that was. */
  callOff(chosen: Chosen): OpenStep[]
}

interface Entry {
  actor: Actor
  off: AbortController
  /** What was asked for at first; the rest are pieces of it. */
  whole: OpenPiece | undefined
  pieces: Set<OpenPiece>
}

interface OpenPiece extends OpenStep {
  args: CheckedArguments
}

export function openRequests(): Requests {
  const entries = new Set<Entry>()

  const chosen = ({ actor, subject }: Chosen): Entry[] =>
    [...entries].filter((entry) => entry.whole && isMeant(entry.actor, { actor, subject }) && isAbout(entry.whole.args, subject))

  /** Between two pieces it is what it was asked for as. */
  const stepsOf = ({ whole, pieces }: Entry): OpenStep[] => {
    const open = pieces.size > 0 ? [...pieces] : whole ? [whole] : []
    return open.map(({ args: _, ...step }) => step)
  }

  return {
    begin: (actor, also) => {
      const off = new AbortController()
      const entry: Entry = { actor, off, whole: undefined, pieces: new Set() }
      entries.add(entry)
      return {
        signal: also ? AbortSignal.any([off.signal, also]) : off.signal,
        step: ({ operation, args }, stage) => {
          const piece = { operation: operation.name, what: sayJob({ operation, args }), args, stage, by: actor }
          entry.whole ??= piece
          entry.pieces.add(piece)
          return () => void entry.pieces.delete(piece)
        },
        end: () => void entries.delete(entry),
      }
    },
    find: (which) => chosen(which).flatMap(stepsOf),
    callOff: (which) =>
      chosen(which).flatMap((entry) => {
        const steps = stepsOf(entry)
        entry.off.abort()
        return steps
      }),
  }
}

/** What the watch does by itself is nobody's request: `pause` and `maintenance` are for that. */
export function isMeant(asker: Actor, { actor, subject }: Chosen): boolean {
  return asker.kind !== 'watch' && (subject === 'all' || personOf(asker) === personOf(actor))
}

/** An agent stands in arguments by its id alone, or told apart from a host of the same name. */
export function isAbout(args: CheckedArguments, subject: string | undefined): boolean {
  if (subject === undefined || subject === 'all') return true
  const id = subject.startsWith('agent:') ? subject.slice('agent:'.length) : undefined
  return Object.values(args).some((value) => value === subject || value === id)
}
