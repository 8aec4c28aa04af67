import type { Resolved } from './arguments.ts'
import type { ArgumentDeclaration } from './operation.ts'

const mostListed = 20

/** What to say where `resolve` has found no value for an argument. What was typed is not said again: it may be anything. */
export function sayUnresolved({ name, kind }: ArgumentDeclaration, found: Exclude<Resolved, { value: string }>): string {
  if ('wrong' in found) return `The ${name} ${found.wrong}.`
  if ('ambiguous' in found) return `That is the beginning of several names: ${sayNames(found.ambiguous)}. Type more of it.`
  const { near, known } = found.unknown
  return `There is no such ${thingOf(kind)}. ${near === undefined ? `Known: ${sayNames(known)}.` : `Did you mean ${near}?`}`
}

function thingOf(kind: ArgumentDeclaration['kind']): string {
  return kind === 'agent' || kind === 'host' ? kind : 'agent or host'
}

/** "ezra, timmy and 3 more": of many only the first. */
export function sayNames(names: readonly string[]): string {
  const more = names.length > mostListed ? ` and ${names.length - mostListed} more` : ''
  return `${names.slice(0, mostListed).join(', ')}${more}`
}
