/**
 * From a typed line to arguments, in two steps. `takeApart` gives each declared argument its words; the shell does it, and
 * the plugin does the same in Python (typed.py; both run test/fixtures/arguments.json). `resolve` says what the words mean:
 * which agent, which number. Neither ever throws.
 */
import { parseDuration } from './duration.ts'
import { flagWord, takeFlags } from './flags.ts'
import { nearest } from './nearest.ts'
import type { ArgumentDeclaration } from './operation.ts'

/** Who can be named: ids, each with the name that people write. */
export interface Names {
  agents: ReadonlyMap<string, { name: string }>
  hosts: ReadonlyMap<string, { name: string }>
}

export type Taken = { args: Record<string, string> } | { missing: ArgumentDeclaration } | { left: string[] }

export type Resolved =
  /** agent, host, agent-or-host: the id. subject, incident: `agent:ezra`, `host:ezra`, `all`, or the number. */
  | { value: string }
  /** Nothing is called so. `near`: what was meant, perhaps. `known`: what there is. */
  | { unknown: { near: string | undefined; known: string[] } }
  /** The beginning of several names. */
  | { ambiguous: string[] }
  /** Not of this kind: what is wrong with it, as the end of "The duration …". */
  | { wrong: string }

/** No silence, maintenance, pause or acknowledgement is longer: whoever forgets one must not lose the alerts for ever. */
const longestMs = 30 * 86_400_000
const longestText = 200
/** The longest name may have so many words. */
const mostWords = 8

/** Without signs that nobody sees, that control a terminal or turn the writing round: what is typed is shown to others. */
const cleaned = (text: string): string => text.replace(/\p{Cf}|\p{Cs}/gu, '').replace(/\p{Cc}|\p{Zl}|\p{Zp}/gu, ' ')
/** White space is what ASCII says it is: the two languages differ about the rest. */
const split = (text: string): string[] => text.split(/[ \t\n\r\f\v]+/).filter((word) => word !== '')
const plain = (text: string): string => split(text).join(' ').toLowerCase()

/** Takes a typed line apart. `missing`: the first required argument that nothing is left for; `left`: words that nobody takes. */
export function takeApart(all: readonly ArgumentDeclaration[], typed: string, names: Names): Taken {
  const { rest: words, flags: args } = takeFlags(all, split(cleaned(typed)))
  const declared = all.filter(({ kind }) => kind !== 'flag')
  let at = 0
  for (let index = 0; index < declared.length; index++) {
    const argument = declared[index]
    if (!argument) break
    if (takesRest(argument)) {
      if (at < words.length) args[argument.name] = words.slice(at).join(' ')
      at = words.length
    } else if (argument.required) {
      if (at < words.length) at = take(argument, words, at, names, args)
    } else {
      const run = declared.slice(index, index + optionalsFrom(declared, index))
      at = takeOptional(run, words, at, names, args)
      index += run.length - 1
    }
    // "silence ezra testing": what is missing is the duration, and "testing" is the reason.
    const isNone = (earlier: ArgumentDeclaration) => earlier.required && earlier.kind === 'duration' && !isDuration(args[earlier.name])
    if (argument.required && args[argument.name] === undefined) return { missing: declared.slice(0, index).find(isNone) ?? argument }
  }
  return at < words.length ? { left: words.slice(at) } : { args }
}

const takesRest = ({ kind }: ArgumentDeclaration): boolean => kind === 'text' || kind === 'pane'

function optionalsFrom(declared: readonly ArgumentDeclaration[], from: number): number {
  const end = declared.findIndex((argument, index) => index >= from && (argument.required || takesRest(argument)))
  return (end === -1 ? declared.length : end) - from
}

/** Words that say by themselves what they are come first; a name could be anything. */
function takeOptional(
  run: readonly ArgumentDeclaration[],
  words: readonly string[],
  from: number,
  names: Names,
  args: Record<string, string>,
): number {
  let at = from
  const open = new Set(run)
  while (at < words.length) {
    const fitting = [...open].find((argument) => isOne(argument, words, at)) ?? [...open].find(({ kind }) => !isTelling(kind))
    if (!fitting) return at
    at = take(fitting, words, at, names, args)
    open.delete(fitting)
  }
  return at
}

const isTelling = (kind: ArgumentDeclaration['kind']): boolean => kind === 'choice' || kind === 'duration'

function isOne(argument: ArgumentDeclaration, words: readonly string[], at: number): boolean {
  if (argument.kind === 'choice') return argument.words.includes(bare(words[at] ?? ''))
  return argument.kind === 'duration' && isDuration(words[isFor(words, at) ? at + 1 : at])
}

/** In a shell one is used to `--open`. */
const bare = (word: string): string => word.toLowerCase().replace(/^--/, '')
const isDuration = (word: string | undefined): boolean => word !== undefined && durationMs(plain(word)) !== undefined
/** In ASCII only, one unit: "2h", "1.5 h". */
const durationMs = (text: string): number | undefined => (/^[0-9.]+ ?[a-z]+$/.test(text) ? parseDuration(text) : undefined)
const isFor = (words: readonly string[], at: number): boolean => words[at]?.toLowerCase() === 'for' && isDuration(words[at + 1])

/** Puts the words of one argument into `args`; answers where the next one begins. There is at least one word. */
function take(argument: ArgumentDeclaration, words: readonly string[], from: number, names: Names, args: Record<string, string>): number {
  const at = argument.kind === 'duration' && isFor(words, from) ? from + 1 : from
  const count = isName(argument.kind) ? nameLength(argument.kind, words, at, names) : 1
  args[argument.name] = words.slice(at, at + count).join(' ')
  return at + count
}

type NameKind = Extract<ArgumentDeclaration['kind'], 'agent' | 'host' | 'agent-or-host' | 'subject' | 'incident'>
const isName = (kind: ArgumentDeclaration['kind']): kind is NameKind =>
  kind === 'agent' || kind === 'host' || kind === 'agent-or-host' || kind === 'subject' || kind === 'incident'

/** How many words the name has that begins here: the longest one that is known, else one; two where the first is "host" or "agent". */
function nameLength(kind: NameKind, words: readonly string[], at: number, names: Names): number {
  for (let count = Math.min(mostWords, words.length - at); count > 1; count--) {
    const text = words.slice(at, at + count).join(' ')
    if (exactly(named(kind, text), names).length > 0) return count
  }
  const word = plain(words[at] ?? '')
  const isLead = (kind === 'subject' || kind === 'incident') && (word === 'host' || word === 'agent')
  return isLead && words.length - at > 1 && exactly(named(kind, word), names).length === 0 ? 2 : 1
}

interface Named {
  /** Lower case, single blanks. */
  text: string
  agents: boolean
  hosts: boolean
}

/** "host ezra" and "host:ezra" leave no doubt where an agent and its host bear the same name. */
function named(kind: NameKind, typed: string): Named {
  const text = plain(typed)
  if (kind === 'subject' || kind === 'incident') {
    const explicit = /^(agent|host)[ :] ?([\s\S]+)$/.exec(text)
    if (explicit) return { text: explicit[2] ?? '', agents: explicit[1] === 'agent', hosts: explicit[1] === 'host' }
  }
  return { text, agents: kind !== 'host', hosts: kind !== 'agent' }
}

interface Found {
  kind: 'agent' | 'host'
  id: string
}

function all({ agents, hosts }: Named, names: Names): (Found & { names: string[] })[] {
  const list = (kind: Found['kind'], from: Names['agents']) => [...from].map(([id, { name }]) => ({ kind, id, names: [id, plain(name)] }))
  return [...(agents ? list('agent', names.agents) : []), ...(hosts ? list('host', names.hosts) : [])]
}

/** By id; else by name. */
function exactly(word: Named, names: Names): Found[] {
  const things = all(word, names)
  const byId = things.filter(({ id }) => id === word.text)
  return byId.length > 0 ? byId : things.filter(({ names: [, name] }) => name === word.text)
}

/** Of an agent and a host with the same id the agent. */
function distinct(things: readonly Found[]): Found[] {
  return things.filter(({ id }, index) => things.findIndex((thing) => thing.id === id) === index)
}

/** What the words of one argument mean. */
export function resolve(argument: ArgumentDeclaration, typed: string, names: Names): Resolved {
  switch (argument.kind) {
    case 'text':
    case 'pane':
      return resolveText(typed)
    case 'word':
      return split(cleaned(typed)).length > 1 ? { wrong: 'must be one word' } : resolveText(typed)
    case 'flag':
      return plain(typed) === 'yes' ? { value: 'yes' } : { wrong: 'is there or is not' }
    case 'duration':
      return resolveDuration(typed)
    case 'number':
      return resolveNumber(typed) ?? { wrong: 'must be a number, like 3' }
    case 'choice': {
      const word = bare(plain(typed))
      return argument.words.includes(word) ? { value: word } : { wrong: `must be ${argument.words.join(' or ')}` }
    }
    case 'incident':
      return resolveNumber(typed) ?? resolveName(argument.kind, typed, names)
    case 'subject':
      return plain(typed) === 'all' ? { value: 'all' } : resolveName(argument.kind, typed, names)
    default:
      return resolveName(argument.kind, typed, names)
  }
}

function resolveName(kind: NameKind, typed: string, names: Names): Resolved {
  // Nobody's name is longer; the nearest one of a very long word is not worth looking for.
  const word = named(kind, typed.slice(0, 200))
  const exact = distinct(exactly(word, names))
  const found = exact.length > 0 ? exact : distinct(beginningWith(word, names))
  const [first] = found
  if (first && found.length === 1) return { value: kind === 'subject' || kind === 'incident' ? `${first.kind}:${first.id}` : first.id }
  if (first) return { ambiguous: found.map(({ id }) => id) }
  const known = distinct(all(word, names)).map(({ id }) => id)
  return { unknown: { near: nearest(word.text.slice(0, 64), known), known } }
}

function beginningWith(word: Named, names: Names): Found[] {
  if (word.text === '') return []
  return all(word, names).filter((thing) => thing.names.some((name) => name.startsWith(word.text)))
}

function resolveNumber(typed: string): { value: string } | undefined {
  const digits = /^#?([0-9]{1,12})$/.exec(plain(typed))?.[1]
  return digits === undefined || Number(digits) === 0 ? undefined : { value: String(Number(digits)) }
}

function resolveDuration(typed: string): Resolved {
  const word = plain(typed).replace(/^for /, '')
  const ms = durationMs(word)
  if (ms === undefined) return { wrong: 'must be like 30m, 2h or 1d' }
  if (ms <= 0) return { wrong: 'must be longer than nothing' }
  return ms > longestMs ? { wrong: 'may be 30d at most' } : { value: word.replace(' ', '') }
}

function resolveText(typed: string): Resolved {
  const text = split(cleaned(typed)).join(' ')
  if (text === '') return { wrong: 'must say something' }
  return text.length > longestText ? { wrong: `may have ${longestText} characters at most` } : { value: text }
}

/** A checked value as people type it: "ezra" for `agent:ezra`, "host ezra" for `host:ezra`. */
export function asTyped(value: string): string {
  return value.replace(/^agent:/, '').replace(/^host:/, 'host ')
}

/** The line that takes these arguments apart to themselves again. */
export function printArguments(declared: readonly ArgumentDeclaration[], args: Readonly<Record<string, string>>): string {
  return declared.flatMap(({ name, kind }) => (kind === 'flag' && args[name] !== undefined ? flagWord(name) : (args[name] ?? []))).join(' ')
}

/** As it stands in help: `<incident>`, `[sticky]`, `[comment…]`, `[--dry-run]`. */
export function usageOfArgument(argument: ArgumentDeclaration): string {
  if (argument.kind === 'flag') return `[${flagWord(argument.name)}]`
  const text = argument.kind === 'choice' ? argument.words.join('|') : `${argument.name}${argument.kind === 'text' ? '…' : ''}`
  return argument.required ? `<${text}>` : `[${text}]`
}
