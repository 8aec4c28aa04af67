/** Who may do what, as far as the watch says it: the game's locks and this machine's accounts come before it. */
import type { Actor, ArgumentDeclaration } from './operation.ts'

export interface AuthorityPolicy {
  /** What needs a second person: an operation's name, or that with what it is about: "restart all". */
  confirm: readonly string[]
  /** How long a second person may take. */
  withinMs: number
  /** So many changes may one person ask for within `perMs`. */
  changes: number
  perMs: number
}

/** Two sessions of one account are one person; an account and a user of this machine are two, as far as anybody can tell. */
export function personOf({ kind, id }: Actor): string {
  return `${kind}:${id}`
}

/**
 * Whether a second person has to confirm it. "restart" is every restart, "restart all" only that of everything, "restart ezra"
 * that of the agent or the host ezra, "restart host ezra" that of the host.
 */
export function needsSecond(
  confirm: readonly string[],
  operation: { name: string; arguments: readonly ArgumentDeclaration[] },
  args: Readonly<Record<string, string>>,
): boolean {
  const about = operation.arguments.flatMap(({ name, kind }) => namesOf(kind, args[name] ?? ''))
  return confirm.some((entry) => {
    const [name, ...rest] = entry.trim().split(/ +/)
    return name === operation.name && (rest.length === 0 || about.includes(rest.join(' ').replace(':', ' ')))
  })
}

function namesOf(kind: ArgumentDeclaration['kind'], value: string): string[] {
  if (value === '' || kind === 'text' || kind === 'flag' || kind === 'duration') return []
  const [what, id] = value.split(':')
  const isTyped = kind === 'subject' && (what === 'agent' || what === 'host') && id !== undefined
  return isTyped ? [`${what} ${id}`, id] : kind === 'agent' || kind === 'host' ? [value, `${kind} ${value}`] : [value.replace(':', ' ')]
}

/** Without signs that look like another one, also when they are read aloud from a screen. */
const signs = 'ABCDEFGHJKMNPQRTUVWXY346789'
const codeLength = 6

/** `random`: in [0, 1). */
export function newCode(random: () => number): string {
  return Array.from({ length: codeLength }, () => signs[Math.floor(random() * signs.length)] ?? 'A').join('')
}

/** As people type it. */
export function sameCode(typed: string, code: string): boolean {
  return typed.trim().toUpperCase() === code
}

/** What somebody may still ask for: it fills up steadily, from nothing to `most` within `perMs`. */
export interface Bucket {
  left: number
  atMs: number
}

/** `waitMs`: 0 where it was there to be spent; else how long until it will be, and nothing is spent. */
export function spend(bucket: Bucket | undefined, most: number, perMs: number, nowMs: number): { bucket: Bucket; waitMs: number } {
  // A clock that goes backwards fills nothing up and takes nothing away.
  const gained = bucket === undefined ? most : (Math.max(0, nowMs - bucket.atMs) * most) / perMs
  const left = Math.min(most, (bucket?.left ?? 0) + gained)
  if (left >= 1) return { bucket: { left: left - 1, atMs: nowMs }, waitMs: 0 }
  return { bucket: { left, atMs: nowMs }, waitMs: Math.max(1, Math.ceil(((1 - left) * perMs) / most)) }
}
