/**
 * A recorded life: one JSON object per line, in the order of `at` (seconds from the beginning). `towerwatch record` writes
 * it, `towerwatch simulate --trace` replays it, and other programs write it, too: the form is a contract.
 */
import { z } from 'zod'
import { nearest } from '../domain/nearest.ts'
import type { TraceLine } from '../domain/trace.ts'

const seconds = z.number({ error: 'expected a number of seconds' })
const at = seconds
  .min(0, { error: 'expected 0 or more seconds' })
  .max(10 * 366 * 86_400, { error: 'expected at most ten years, in seconds' })
const name = z.string({ error: 'expected a name in quotes' })
const text = (max: number) => z.string({ error: 'expected text in quotes' }).max(max, { error: `expected at most ${max} characters` })
const whole = z.number({ error: 'expected a number' }).min(-Number.MAX_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER)

const beat = z.strictObject(
  {
    epoch: z.union([text(200), whole], { error: 'expected text in quotes of at most 200 characters, or a number' }).optional(),
    seq: whole.optional(),
    progress: whole.optional(),
    busy: z.boolean({ error: 'expected true or false' }).optional(),
    pid: z.int().positive().optional(),
    doing: text(200).optional(),
    model: text(100).optional(),
    failing: text(200).optional(),
    ageS: seconds.min(0).optional(),
    intervalS: seconds.positive().optional(),
  },
  { error: 'expected an object such as {"epoch":"e1","seq":1,"progress":1,"busy":true}' },
)

const process = z.enum(['gone', 'pane-dead', 'alive'], { error: 'expected "gone", "pane-dead" or "alive"' })
const reachable = z.boolean({ error: 'expected true or false' })
const watch = z.enum(['stop', 'kill', 'start'], { error: 'expected "stop", "kill" or "start"' })

/** Each kind of line by the key that only it has. */
const forms = {
  beat: z.strictObject({ at, agent: name, beat }),
  process: z.strictObject({ at, agent: name, process }),
  condition: z.strictObject({ at, agent: name, condition: text(200).nullable() }),
  paused: z.strictObject({ at, agent: name, paused: text(200).nullable() }),
  reachable: z.strictObject({ at, host: name, reachable, cause: text(40).optional() }),
  watch: z.strictObject({ at, watch }),
  clock: z.strictObject({ at, clock: seconds }),
  end: z.strictObject({ at, end: z.literal(true, { error: 'expected true' }) }),
}

export interface Trace {
  lines: readonly TraceLine[]
  /** When it ends: its `end` line, else its last line. */
  endMs: number
}

/** A trace that can't be replayed. `message` has a line per fault: file, line, what is wrong and what was expected. */
export class TraceError extends Error {
  override name = 'TraceError'
}

/** So many faults are told at once; a file that is no trace at all would else fill the screen. */
const mostFaults = 20

/** Seconds as a trace has them, to the whole milliseconds that the watch counts in. */
export function traceMs(line: { at: number }): number {
  return Math.round(line.at * 1000)
}

/** `names`: whom the trace may speak of. Throws TraceError with all that is wrong, up to twenty faults. */
export function parseTrace(
  content: string,
  file: string,
  names: { agents: ReadonlyMap<string, unknown>; hosts: ReadonlyMap<string, unknown> },
): Trace {
  const lines: TraceLine[] = []
  const faults: string[] = []
  let endedOn: number | undefined
  let last = { at: 0, number: 0 }
  const rows = content.replace(/^\uFEFF/, '').split('\n')
  for (const [index, row] of rows.entries()) {
    if (faults.length >= mostFaults) {
      faults.push(`${file}: and more; the rest was not looked at`)
      break
    }
    if (row.trim() === '') continue
    const number = index + 1
    const fault = (what: string) => void faults.push(`${file}:${number}: ${what}`)
    if (endedOn !== undefined) {
      fault(`nothing may come behind the end, which is on line ${endedOn}: move the end to the last line`)
      break
    }
    const read = parseLine(row)
    if ('faults' in read) {
      for (const what of read.faults) fault(what)
      continue
    }
    const { line } = read
    const stranger = strangerIn(line, names)
    if (stranger !== undefined) fault(stranger)
    if (line.at < last.at) fault(`at ${line.at} comes behind at ${last.at} of line ${last.number}: sort the lines by "at"`)
    else last = { at: line.at, number }
    if ('end' in line) endedOn = number
    lines.push(line)
  }
  if (faults.length === 0 && lines.length === 0)
    faults.push(
      `${file}: there is no line in it: expected lines such as {"at":0,"agent":"a1","beat":{"epoch":"e1","seq":1}} and {"at":900,"end":true}`,
    )
  if (faults.length > 0) throw new TraceError(faults.join('\n'))
  return { lines, endMs: Math.round(last.at * 1000) }
}

function parseLine(row: string): { line: TraceLine } | { faults: string[] } {
  let value: unknown
  try {
    value = JSON.parse(row)
  } catch {
    return { faults: [`this is not a JSON object on one line: ${excerpt(row)}`] }
  }
  return readTraceLine(value)
}

/** One line as it was parsed from JSON. */
export function readTraceLine(value: unknown): { line: TraceLine } | { faults: string[] } {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    return { faults: [`expected a JSON object such as {"at":900,"end":true}, got ${excerpt(String(JSON.stringify(value)))}`] }
  const keys = Object.keys(value)
  const kinds = keys.filter((key): key is keyof typeof forms => Object.hasOwn(forms, key))
  const [kind] = kinds
  if (kind === undefined) {
    const meant = keys.map((key) => nearest(key, Object.keys(forms))).find((guess) => guess !== undefined)
    const known = Object.keys(forms).join(', ')
    return { faults: [`no key says what happened: expected one of ${known}${meant === undefined ? '' : ` (did you mean "${meant}"?)`}`] }
  }
  if (kinds.length > 1) return { faults: [`"${kinds.join('" and "')}" are two things that happened: write a line for each`] }
  const parsed = forms[kind].safeParse(value)
  if (parsed.success) return { line: parsed.data }
  return { faults: parsed.error.issues.map((issue) => sayIssue(issue, kind)) }
}

function sayIssue(issue: z.core.$ZodIssue, kind: keyof typeof forms): string {
  const path = issue.path.join('.')
  if (issue.code === 'unrecognized_keys') {
    const known = issue.path[0] === 'beat' ? Object.keys(beat.shape) : Object.keys(forms[kind].shape)
    const sayKey = (key: string) => {
      const meant = nearest(key, known)
      return meant === undefined ? `"${key}" (expected ${known.join(', ')})` : `"${key}" (did you mean "${meant}"?)`
    }
    return `${path === '' ? '' : `${path}: `}unknown key ${issue.keys.map(sayKey).join(', ')}`
  }
  return `${path === '' ? '' : `"${path}": `}${issue.message}`
}

function strangerIn(
  line: TraceLine,
  names: { agents: ReadonlyMap<string, unknown>; hosts: ReadonlyMap<string, unknown> },
): string | undefined {
  if ('agent' in line && !names.agents.has(line.agent)) return stranger('agent', line.agent, names.agents.keys())
  if ('host' in line && !names.hosts.has(line.host)) return stranger('host', line.host, names.hosts.keys())
  return undefined
}

function stranger(what: 'agent' | 'host', id: string, known: Iterable<string>): string {
  const all = [...known]
  const meant = nearest(id, all)
  if (meant !== undefined) return `fleet.yaml declares no ${what} "${excerpt(id, 63)}": did you mean "${meant}"?`
  const some = all.slice(0, 10).join(', ')
  return `fleet.yaml declares no ${what} "${excerpt(id, 63)}": it declares ${some === '' ? 'none' : some}${all.length > 10 ? ', …' : ''}`
}

/** Outside text for an error: one line, capped, without control characters. */
function excerpt(raw: string, max = 80): string {
  const clean = raw.replace(/\p{C}+/gu, ' ').trim()
  return clean.length > max ? `${clean.slice(0, max)}…` : clean
}
