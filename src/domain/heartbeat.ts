/**
 * Heartbeat files: bytes in, a beat's contents or a named fault out. Whatever a file holds, this never throws.
 *
 * | format | what the file holds |
 * |---|---|
 * | json | an object; every key is optional. Keys: see `keys` |
 * | epoch | the time alone, as text: seconds (or ms) since 1970 |
 * | mtime | anything: only its modification time counts |
 * | job | a record of a job that ran: the time, and the interval after which it is due again, as JSON, as lines `key=value` or as `TIME INTERVAL [EXIT STATUS]` |
 * | auto | recognised by what is in it, and `<job>.last` files by their name |
 */
import type { Beat } from './agent.ts'
import { parseDuration } from './duration.ts'
import { type HeartbeatFault, heartbeatFault } from './heartbeat-fault.ts'
import { type Instant, readInstant } from './instant.ts'

export type HeartbeatFormat = 'auto' | 'json' | 'mtime' | 'epoch' | 'job'

/** What a file was recognised as. */
export type HeartbeatForm = 'json' | 'hermes' | 'epoch' | 'job' | 'mtime'

/** What a heartbeat says of its agent: any part of a beat. */
export interface HeartbeatContent extends Partial<Omit<Beat, 'atMs'>> {
  /** The time that stands in it. Freshness goes by the file's age on its own host, not by this. */
  saidAt?: Instant
}

export type HeartbeatReading =
  /** `fault`: something is wrong with it, and it counts as a beat all the same. */
  | { kind: 'beat'; content: HeartbeatContent; form: HeartbeatForm; because: string; fault?: HeartbeatFault }
  /** It proves nothing. */
  | { kind: 'fault'; fault: HeartbeatFault }

export interface ReadOptions {
  format: HeartbeatFormat
  /** The key that holds the time; looked for under the usual names where it isn't given. */
  timeField?: string
  /** The file's name, without its folder. */
  name?: string
  /** What `auto` recognised in it before: a half-written file must not pass for one of another form. */
  before?: HeartbeatForm
}

/** `bytes`: the file's first 64 KiB, `truncated` where there was more. */
export function readHeartbeat(bytes: Uint8Array, truncated: boolean, options: ReadOptions): HeartbeatReading {
  const { format, timeField, before } = options
  if (format === 'mtime') return onlyMtime('fleet.yaml says that only its modification time counts')
  if (truncated) return fault('huge')
  const text = new TextDecoder('utf-8').decode(bytes).trim()
  const isJob = format === 'job' || (format === 'auto' && options.name?.endsWith('.last') === true)
  if (text === '') {
    // A file that is only touched is empty for good. One that held something is being written right now.
    if (format !== 'auto' || isJob || isSpecific(before)) return fault('empty')
    return { ...onlyMtime('it is empty: only its modification time counts'), fault: heartbeatFault('empty') }
  }
  if (text.startsWith('{') || format === 'json') return readJson(text, bytes, timeField, isJob)
  if (isJob) return readJobText(text, bytes)
  const instant = /^\d+(\.\d+)?$/.test(text) ? readInstant(text) : undefined
  if (instant) return { kind: 'beat', content: { saidAt: instant }, form: 'epoch', because: `one number: ${instant.form}` }
  if (format === 'epoch') return isBinary(text, bytes) ? fault('binary') : fault('no-number')
  if (isSpecific(before)) return fault(isBinary(text, bytes) ? 'binary' : 'other-form', sayForm(before))
  if (text.startsWith('[')) return fault('no-object')
  const beat = onlyMtime('it holds nothing of a known form: only its modification time counts')
  return isBinary(text, bytes) ? { ...beat, fault: heartbeatFault('binary') } : beat
}

function fault(...about: Parameters<typeof heartbeatFault>): HeartbeatReading & { kind: 'fault' } {
  return { kind: 'fault', fault: heartbeatFault(...about) }
}

function onlyMtime(because: string): HeartbeatReading & { kind: 'beat' } {
  return { kind: 'beat', content: {}, form: 'mtime', because }
}

function isSpecific(form: HeartbeatForm | undefined): form is Exclude<HeartbeatForm, 'mtime'> {
  return form !== undefined && form !== 'mtime'
}

function sayForm(form: Exclude<HeartbeatForm, 'mtime'>): string {
  return form === 'epoch' ? 'a time' : form === 'job' ? 'a job record' : 'a JSON object'
}

function isBinary(text: string, bytes: Uint8Array): boolean {
  return bytes.includes(0) || text.includes('\ufffd')
}

// --- JSON --------------------------------------------------------------------------------------------------------

type Fields = Readonly<Record<string, unknown>>

/** Under which keys each thing is looked for; the first that holds something fit counts. */
const keys = {
  time: [
    'at',
    'ts',
    'time',
    'timestamp',
    'updated_at',
    'updatedAt',
    'last_beat',
    'lastBeat',
    'last_heartbeat',
    'lastHeartbeat',
    'heartbeat',
    'beat_at',
    'last_seen',
    'lastSeen',
    'last_run',
    'lastRun',
    'finished_at',
    'datetime',
    'now',
  ],
  epoch: ['epoch', 'instance', 'instance_id', 'run_id'],
  /** With the pid, it names a life where no epoch does. */
  start: ['start_time', 'startTime', 'started_at', 'startedAt'],
  seq: ['seq', 'sequence', 'cycle'],
  progress: ['progress', 'step', 'completed'],
  doing: ['doing', 'task', 'current_task', 'activity'],
  status: ['status', 'state'],
  /** Whole numbers; anything but 0 is a failure. */
  exit: ['exit_status', 'exitStatus', 'exit_code', 'exitCode', 'returncode', 'rc'],
  /** `false` is a failure. */
  good: ['ok', 'healthy', 'success'],
  /** Why it fails, once something says that it does. */
  why: ['error', 'reason', 'message', 'last_error'],
  /** In seconds, or a text such as "1h". */
  interval: ['interval_seconds', 'interval_s', 'interval', 'every', 'every_seconds'],
} as const

const failingWords = new Set(['error', 'failed', 'failing', 'failure', 'unhealthy', 'fatal', 'crashed'])
const busyWords = new Set(['busy', 'working', 'running'])
const idleWords = new Set(['idle', 'waiting', 'sleeping'])
const plainWords = new Set(['ok', 'up', 'alive', 'healthy', 'good', 'success', 'online'])

function readJson(text: string, bytes: Uint8Array, timeField: string | undefined, isJob: boolean): HeartbeatReading {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return fault(bytes.includes(0) ? 'binary' : 'torn')
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return fault('no-object')
  const fields = value as Fields
  const { name, instant } = findTime(fields, timeField)
  const content = contentOf(fields, name, instant)
  const missing = timeField !== undefined && !instant ? heartbeatFault('no-time', clean(timeField, 60)) : undefined
  const isHermes = ['pid', 'updated_at', 'monotonic', 'start_time'].every((key) => Object.hasOwn(fields, key))
  const what = isHermes ? 'JSON of a Hermes gateway' : isJob ? 'a job record: JSON' : 'JSON'
  const because = instant ? `${what} with the time under "${name}" (${instant.form})` : `${what} without a time of its own`
  if (isJob) return asJob(content, fields, because, missing)
  return { kind: 'beat', content, form: isHermes ? 'hermes' : 'json', because, ...(missing && { fault: missing }) }
}

function findTime(fields: Fields, timeField: string | undefined): { name?: string; instant?: Instant } {
  // "epoch" means the time to some and a life to others: a number that can be a time is one, where nothing else is.
  const names = timeField === undefined ? [...keys.time, ...(typeof fields['epoch'] === 'number' ? ['epoch'] : [])] : [timeField]
  for (const name of names) {
    const instant = Object.hasOwn(fields, name) ? readInstant(fields[name]) : undefined
    if (instant) return { name: clean(name, 60), instant }
  }
  return {}
}

function contentOf(fields: Fields, timeName: string | undefined, instant: Instant | undefined): HeartbeatContent {
  const content: HeartbeatContent = {}
  if (instant) content.saidAt = instant
  const pid = own(fields, 'pid')
  if (typeof pid === 'number' && Number.isInteger(pid) && pid > 1 && pid < 2 ** 31) content.pid = pid
  const epoch = textAt(
    fields,
    keys.epoch.filter((key) => key !== timeName),
    100,
  )
  const start = textAt(
    fields,
    keys.start.filter((key) => key !== timeName),
    60,
  )
  if (epoch !== '') content.epoch = epoch
  else if (content.pid !== undefined && start !== '') content.epoch = `${content.pid}-${start}`
  const seq = numberAt(fields, keys.seq)
  if (seq !== undefined) content.seq = seq
  const progress = numberAt(fields, keys.progress)
  if (progress !== undefined) content.progress = progress
  const status = textAt(fields, keys.status, 200)
  const word = status.toLowerCase()
  const busy = busyOf(fields, word)
  if (busy !== undefined) content.busy = busy
  const isSentence = !busyWords.has(word) && !idleWords.has(word) && !plainWords.has(word) && !failingWords.has(word)
  const doing = textAt(fields, keys.doing, 200) || (isSentence ? status : '')
  if (doing !== '') content.doing = doing
  const model = textAt(fields, ['model'], 100)
  if (model !== '') content.model = model
  const failing = failingOf(fields, word)
  if (failing !== undefined) content.failing = failing
  return content
}

function own(fields: Fields, key: string): unknown {
  return Object.hasOwn(fields, key) ? fields[key] : undefined
}

/** Empty where there is none. Numbers count as text: an epoch may be either. */
function textAt(fields: Fields, names: readonly string[], max: number): string {
  for (const name of names) {
    const value = own(fields, name)
    const text = typeof value === 'string' ? clean(value, max) : typeof value === 'number' && Number.isFinite(value) ? String(value) : ''
    if (text !== '') return text
  }
  return ''
}

function numberAt(fields: Fields, names: readonly string[]): number | undefined {
  for (const name of names) {
    const value = own(fields, name)
    if (typeof value === 'number' && Number.isFinite(value)) return value
  }
  return undefined
}

function busyOf(fields: Fields, word: string): boolean | undefined {
  const [busy, idle] = [own(fields, 'busy'), own(fields, 'idle')]
  if (typeof busy === 'boolean') return busy
  if (typeof idle === 'boolean') return !idle
  return busyWords.has(word) ? true : idleWords.has(word) ? false : undefined
}

function failingOf(fields: Fields, statusWord: string): string | undefined {
  const why = textAt(fields, keys.why, 200)
  const said = own(fields, 'failing')
  if (said === true) return why || 'its heartbeat says that it is failing'
  if (typeof said === 'string' && !['', 'false', 'no', '0'].includes(said.trim().toLowerCase())) return clean(said, 200) || 'failing'
  const bad = keys.good.find((key) => own(fields, key) === false)
  if (bad !== undefined) return why || `its heartbeat says "${bad}": false`
  const status = numberAt(fields, keys.exit)
  if (status !== undefined && Number.isInteger(status) && status !== 0)
    return why ? `exit status ${status}: ${why}` : `exit status ${status}`
  return failingWords.has(statusWord) ? why || `its heartbeat says "${statusWord}"` : undefined
}

// --- jobs --------------------------------------------------------------------------------------------------------

const longestIntervalMs = 3650 * 86_400_000

function asJob(content: HeartbeatContent, fields: Fields, because: string, missing?: HeartbeatFault): HeartbeatReading {
  const intervalMs = intervalOf(fields)
  const wrong = intervalMs === undefined ? heartbeatFault('no-interval') : missing
  if (intervalMs !== undefined) content.intervalMs = intervalMs
  return { kind: 'beat', content, form: 'job', because, ...(wrong && { fault: wrong }) }
}

function intervalOf(fields: Fields): number | undefined {
  for (const name of keys.interval) {
    const value = own(fields, name)
    const ms = typeof value === 'string' ? intervalText(value) : typeof value === 'number' ? value * 1000 : undefined
    // Below a second nothing is due that a host is asked about once a second.
    if (ms !== undefined && ms >= 1000 && ms <= longestIntervalMs) return Math.round(ms)
  }
  return undefined
}

function intervalText(text: string): number | undefined {
  return /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) * 1000 : parseDuration(text)
}

/** Lines of `key=value` or `key: value`, or `TIME INTERVAL [EXIT STATUS]`. */
function readJobText(text: string, bytes: Uint8Array): HeartbeatReading {
  if (isBinary(text, bytes)) return fault('binary')
  const pairs = text.split('\n').map((line) => /^\s*([A-Za-z_]{1,40})\s*[=:]\s*(.*?)\s*$/.exec(line))
  if (pairs.every((pair) => pair !== null)) {
    const fields: Fields = Object.fromEntries(pairs.map(([, key = '', value = '']) => [key, numberOrText(value)]))
    const { name, instant } = findTime(fields, undefined)
    const because = instant ? `a job record: lines of text with the time under "${name}"` : 'a job record: lines of text without a time'
    return asJob(contentOf(fields, name, instant), fields, because)
  }
  const words = text.split(/\s+/)
  // An ISO time may be written with a blank between day and hour.
  const isSplit = /^\d{4}-\d{2}-\d{2}$/.test(words[0] ?? '') && /^\d{2}:\d{2}/.test(words[1] ?? '')
  const [time = '', interval = '', status = ''] = isSplit ? [`${words[0]} ${words[1]}`, ...words.slice(2)] : words
  const instant = readInstant(time)
  if (!instant) return fault('no-number')
  const fields: Fields = { interval, ...(/^-?\d{1,5}$/.test(status) && { exit_status: Number(status) }) }
  return asJob(contentOf(fields, undefined, instant), fields, `a job record: text, the time first (${instant.form})`)
}

function numberOrText(value: string): unknown {
  const bare = value.replace(/^"(.*)"$/, '$1')
  if (bare === 'true' || bare === 'false') return bare === 'true'
  return /^-?\d{1,17}(\.\d{1,9})?$/.test(bare) ? Number(bare) : bare
}

/** Outside text as it is kept: one line, no control characters, capped. Whoever shows it still escapes for his own medium. */
export function clean(text: string, max: number): string {
  // C0 and C1 controls, line separators, and the marks that turn the reading direction round. A pair of surrogates that
  // JSON left half, or the cap cut in two, would be a text that Python can read but not print.
  return text
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]+/g, ' ')
    .trim()
    .slice(0, max)
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .trimEnd()
}
