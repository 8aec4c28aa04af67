/** What zod finds wrong, said as people need it: what was expected there, and what was meant perhaps. */
import type { Document } from 'yaml'
import type { z } from 'zod'
import { nearest } from '../domain/nearest.ts'
import { knownKeys } from './known-keys.ts'
import { fleetFile } from './schema.ts'

/** Tells a fault at a place of the file. */
export type Tell = (path: readonly PropertyKey[], message: string) => void

export function tellIssue(issue: z.core.$ZodIssue, document: Document, tell: Tell): void {
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = knownKeys(fleetFile, issue.path, document.toJS())
      for (const key of issue.keys) {
        // It is a key of another form of this map.
        if (known.includes(key)) {
          tell([...issue.path, key], `"${key}" does not go with the other keys here`)
          continue
        }
        const meant = nearest(key, known)
        const hint = meant === undefined ? `known here: ${known.join(', ')}` : `did you mean "${meant}"?`
        tell([...issue.path, key], `unknown key "${key}": ${hint}`)
      }
      return
    }
    case 'invalid_key':
      tell(issue.path, issue.issues[0]?.message ?? issue.message)
      return
    case 'invalid_union': {
      // A union over `kind`: name the kinds. Any other union carries its own sentence.
      if ('discriminator' in issue && issue.discriminator === 'kind') {
        tell([...issue.path], `expected a kind, one of: ${kindsAt(issue.path).join(', ')}`)
        return
      }
      const closest = closestOption(issue.errors)
      if (closest) for (const inner of closest) tellIssue({ ...inner, path: [...issue.path, ...inner.path] }, document, tell)
      else tell(issue.path, issue.message)
      return
    }
    case 'invalid_value':
      tell(issue.path, issue.message.startsWith('expected') ? issue.message : `expected one of: ${issue.values.map(String).join(', ')}`)
      return
    case 'invalid_type':
      tell(
        issue.path,
        issue.message.startsWith('expected')
          ? issue.message
          : `${issue.input === undefined && issue.message.endsWith('undefined') ? 'missing: ' : ''}expected ${sayType(issue.expected)}`,
      )
      return
    case 'too_small':
    case 'too_big':
      tell(issue.path, issue.message.startsWith('expected') ? issue.message : `expected ${saySize(issue)}`)
      return
    default:
      tell(issue.path, issue.message)
  }
}

/** Of the forms that a value may have, the one that it all but has: there a typo is told as what it is. */
function closestOption(options: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | undefined {
  // A union of other forms than maps (text or number, text or a file's name) has a sentence of its own.
  if (options.some((issues) => issues.some(({ code, path }) => code === 'invalid_type' && path.length === 0))) return undefined
  // Keys of another form speak against a form more than a wrong value does.
  const strangers = (issues: readonly z.core.$ZodIssue[]) =>
    issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 0), 0)
  const distance = (a: readonly z.core.$ZodIssue[], b: readonly z.core.$ZodIssue[]) => strangers(a) - strangers(b) || a.length - b.length
  const [best, second] = [...options].sort(distance)
  return best && second && distance(best, second) < 0 ? best : undefined
}

function kindsAt(path: readonly PropertyKey[]): string[] {
  if (path[0] === 'sinks') return ['webhook', 'command']
  if (path[0] === 'hosts') return path[2] === 'services' ? ['unit', 'launchd', 'process', 'tcp', 'http'] : ['local', 'ssh']
  return ['pane', 'process', 'command', 'service', 'launchd', 'hermes']
}

function sayType(expected: string): string {
  return (
    (
      { record: 'a map of names', object: 'a map of keys', string: 'text', array: 'a list', int: 'a whole number' } as Record<
        string,
        string
      >
    )[expected] ?? `a ${expected}`
  )
}

/** "at least 2", "at most 200 characters", "some text", "less than 100". */
function saySize(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  const isLow = issue.code === 'too_small'
  const limit = Number(isLow ? issue.minimum : issue.maximum)
  if (issue.origin === 'string') {
    if (isLow && limit <= 1) return 'some text, not nothing'
    return `at ${isLow ? 'least' : 'most'} ${limit} characters`
  }
  if (issue.origin === 'array') return `at ${isLow ? 'least' : 'most'} ${limit === 1 ? 'one of them' : `${limit} of them`}`
  if (issue.inclusive === false) return `${isLow ? 'more' : 'less'} than ${limit}`
  return `${isLow ? 'at least' : 'at most'} ${limit}`
}
