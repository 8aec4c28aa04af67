/**
 * The audit: what was asked for, by whom, and what came of it, as a chain in which each entry holds the hash of the one before.
 *
 * What that proves: whoever changes, removes, adds or reorders entries has to work out every hash after them anew, and then the
 * last hash is another one. So an entry is proved by each later hash that was noted where he does not get at it: the watch
 * puts the last one into its log once an hour, and `towerwatch audit --verify` prints it and compares it with one that is
 * given to it. Its beginning may be forgotten in order, and so may be cut off; which entries are gone is told with the verdict.
 * What it does not prove: somebody who owns the machine may make the whole chain anew, or cut its end off, as far
 * back as to the last hash that is noted elsewhere; and he may have the watch write what never happened. That is as far as
 * a log on an untrusted machine gets (Schneier and Kelsey, "Secure Audit Logs to Support Computer Forensics", 1999); noting
 * heads elsewhere is what the logs of RFC 6962 do with signed tree heads.
 */
import { asTyped } from './arguments.ts'
import type { Actor } from './operation.ts'

export interface AuditEntry {
  /** Counts from one, without gaps. */
  seq: number
  atMs: number
  /** What became of it: `begun`, `waiting` for a second person, `ok`, `failed`, `timeout`, `refused`, `interrupted`. */
  event: string
  /** Of the operation: the same from its beginning to its end; what the host knows an attempt by. */
  number: number
  operation: string
  arguments: Record<string, unknown>
  isDryRun: boolean
  actor: Actor
  /** From where: `tower`, `shell`, `watch`. */
  via: string
  /** The reason that was given, or the incident for what the watch does by itself. */
  why?: string
  /** The second person. */
  confirmedBy?: Actor
  /** The number of the operation that this one is a part of. */
  partOf?: number
  lines: string[]
}

/** An entry as it is kept. `entry` is canonical JSON of an AuditEntry. */
export interface AuditLink {
  seq: number
  entry: string
  prev: string
  hash: string
}

/** The end of a chain, or of that part of it which was forgotten: what the next entry goes by. */
export interface AuditHead {
  seq: number
  hash: string
}

export type AuditVerdict =
  /** `from`: what was forgotten before the first one. */
  | { kind: 'whole'; entries: number; from: AuditHead; head: AuditHead }
  /** What is kept follows from itself, but the head that it was to be compared with is older than all of it. */
  | { kind: 'forgotten'; from: AuditHead }
  /** `seq`: of the first entry that is not what was written. */
  | { kind: 'broken'; seq: number; why: string }

/** SHA-256, hexadecimal. */
export type Hash = (text: string) => string

/** What the first entry of all goes by. */
export const noHead: AuditHead = { seq: 0, hash: '0'.repeat(64) }

/** Before an entry gets its place in the chain. */
export type AuditBody = Omit<AuditEntry, 'seq'>

export function linkOf(head: AuditHead, body: AuditBody, hash: Hash): AuditLink {
  const entry = canonical({ ...body, seq: head.seq + 1 })
  return { seq: head.seq + 1, entry, prev: head.hash, hash: hash(head.hash + entry) }
}

/** Why this is not the link that follows that head; undefined where it is. */
export function faultOf(head: AuditHead, link: AuditLink, hash: Hash): string | undefined {
  if (link.seq !== head.seq + 1) return `entry ${head.seq + 1} is missing`
  if (link.prev !== head.hash) return 'it does not follow the entry before it'
  if (link.hash !== hash(link.prev + link.entry)) return 'it is not what was written'
  // Else a whole chain could be moved along, and its beginning cut off without a gap.
  if (seqIn(link.entry) !== link.seq) return 'it was written in another place'
  return undefined
}

function seqIn(entry: string): unknown {
  try {
    return (JSON.parse(entry) as Partial<AuditEntry> | null)?.seq
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** JSON with its keys in order and nothing between: one text for one value. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : part,
  )
}

/** What is typed behind all else; an entry has its arguments by the alphabet. */
const trailing = ['kind', 'what', 'only', 'alive', 'duration', 'comment', 'reason']

/** "maintenance host ezra 2h new disk": what was asked for, as it was typed. */
export function sayAsked({ operation, arguments: args }: Pick<AuditEntry, 'operation' | 'arguments'>): string {
  const words = Object.entries(args)
    .sort(([a], [b]) => trailing.indexOf(a) - trailing.indexOf(b))
    .map(([, value]) => asTyped(String(value)))
  return [operation, ...words].join(' ')
}
