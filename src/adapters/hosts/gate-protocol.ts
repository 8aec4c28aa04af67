/** The lines and frames between the watch and its gate (gate/answers.sh says the form). Pure. */
import { z } from 'zod'
import type { ActStep, AgentDeclaration, AgentSighting, FileSighting } from '../../ports/host.ts'

/** What the gate says first. Another text is another version. */
export const GATE_GREETING = 'towerwatch-gate 3'

export const limits = {
  /** What start-up files of a login shell may print before the gate's hello. */
  noiseBytes: 65_536,
  frameBytes: 262_144,
  /** All frames of one answer. */
  replyBytes: 16 * 1_048_576,
  /** One line of ours; the gate ends the connection over a longer one. */
  lineBytes: 65_536,
}

/** The gate, or somebody in its place, answered in another form than agreed. The connection is of no use after it. */
export class ProtocolError extends Error {
  override name = 'ProtocolError'
}

/** What was declared cannot be told to a gate. `message` names the agent and the field. */
export class DeclarationError extends Error {
  override name = 'DeclarationError'
}

const frameKinds = ['hello', 'part', 'progress', 'ok', 'refused', 'failed'] as const
type FrameKind = (typeof frameKinds)[number]
export interface Frame {
  request: number
  kind: FrameKind
  body: Buffer
}

/** What the gate says on stderr: `gone` and a pid, or `written` and the id of an agent. The first group matches where it is the former. */
export function newsLines(nonce: string): RegExp {
  return new RegExp(`\\n${nonce} (?:(gone) \\d{1,10}|written [a-z0-9_.-]{1,63})\\n`, 'g')
}

const headerPattern = /^([0-9a-f]+) (\d{1,9}) ([a-z]{1,9}) (\d{1,9})$/
const headerMaxBytes = 128

/** Cuts a stream into frames. Drops everything before the line that begins the hello of this nonce. */
export class FrameParser {
  readonly #nonce: string
  #rest: Buffer = Buffer.alloc(0)
  #greeted = false

  constructor(nonce: string) {
    this.#nonce = nonce
  }

  /** The frames that are complete with this chunk. Throws ProtocolError; no further push may follow then. */
  push(chunk: Uint8Array): Frame[] {
    this.#rest = Buffer.concat([this.#rest, chunk])
    if (!this.#greeted && !this.#dropNoise()) return []
    const frames: Frame[] = []
    for (let frame = this.#take(); frame; frame = this.#take()) frames.push(frame)
    return frames
  }

  #dropNoise(): boolean {
    const start = this.#rest.indexOf(`\n${this.#nonce} 0 hello `, 0, 'latin1')
    if (start < 0) {
      if (this.#rest.length > limits.noiseBytes) {
        throw new ProtocolError(`more than ${limits.noiseBytes} bytes came before the gate's hello`)
      }
      return false
    }
    this.#rest = this.#rest.subarray(start + 1)
    this.#greeted = true
    return true
  }

  #take(): Frame | undefined {
    const lineEnd = this.#rest.indexOf(10)
    if (lineEnd < 0) {
      if (this.#rest.length > headerMaxBytes) throw new ProtocolError('a frame has no header')
      return undefined
    }
    const match = headerPattern.exec(this.#rest.toString('latin1', 0, Math.min(lineEnd, headerMaxBytes)))
    const kind = frameKinds.find((known) => known === match?.[3])
    if (!match || match[1] !== this.#nonce || !kind) throw new ProtocolError('a frame has a malformed header')
    const request = Number(match[2])
    const length = Number(match[4])
    if (length > limits.frameBytes) throw new ProtocolError(`a frame of ${length} bytes is over the limit of ${limits.frameBytes}`)
    const mark = `\n${this.#nonce} ${match[2]} end\n`
    const bodyStart = lineEnd + 1
    const frameEnd = bodyStart + length + mark.length
    if (this.#rest.length < frameEnd) return undefined
    if (this.#rest.toString('latin1', bodyStart + length, frameEnd) !== mark) throw new ProtocolError('a frame has no end mark')
    const body = Buffer.from(this.#rest.subarray(bodyStart, bodyStart + length))
    this.#rest = this.#rest.subarray(frameEnd)
    return { request, kind, body }
  }
}

/** Writes a frame as the gate does; for fakes and tests. */
export function encodeFrame(nonce: string, frame: Frame): Buffer {
  return Buffer.concat([
    Buffer.from(`${nonce} ${frame.request} ${frame.kind} ${frame.body.length}\n`),
    frame.body,
    Buffer.from(`\n${nonce} ${frame.request} end\n`),
  ])
}

const tokenPattern = /^[a-z0-9_.=-]+$/

/** One request line. Throws ProtocolError rather than let anything but plain tokens through. */
export function encodeRequest(nonce: string, request: number, tokens: readonly string[]): string {
  const bad = tokens.find((token) => !tokenPattern.test(token))
  if (bad !== undefined) throw new ProtocolError(`the request has a malformed token: ${JSON.stringify(bad.slice(0, 40))}`)
  const line = `${nonce} ${request} ${tokens.join(' ')}\n`
  if (line.length > limits.lineBytes) throw new ProtocolError('the request is too long')
  return line
}

/** The lines that follow a `declare`. Throws DeclarationError for values that a line cannot carry. */
export function encodeDeclarations(agents: readonly AgentDeclaration[]): string[] {
  return agents.flatMap((agent) => [
    ...bodyAndHead(agent).map(([tag, field, value]) => {
      const where = `${agent.id}: ${field}`
      if (/[\n\0]/.test(value)) throw new DeclarationError(`${where} holds a newline or a NUL, which a gate cannot be told`)
      if (Buffer.byteLength(value) > limits.lineBytes - 2) throw new DeclarationError(`${where} is too long`)
      if ('FDMSPLCNJHRY'.includes(tag) && !value.startsWith('/')) throw new DeclarationError(`${where} is not an absolute path`)
      return `${tag}:${value}`
    }),
    'E:',
  ])
}

type TaggedValue = [tag: string, field: string, value: string]

function bodyAndHead(agent: AgentDeclaration): TaggedValue[] {
  const { body } = agent
  const head: TaggedValue[] = [
    ['I', 'id', agent.id],
    ...argv('F', 'heartbeatFiles', agent.heartbeatFiles),
    ...optional('D', 'jobs', agent.jobs),
    ...argv('M', 'markers', agent.markers),
    ...argv('N', 'configs', agent.configs),
    ...optional('J', 'log', agent.log),
    ['G', 'stopGraceMs', String(Math.round(agent.stopGraceMs))],
    ['K', 'kind', body.kind],
  ]
  switch (body.kind) {
    case 'pane':
      return [
        ...head,
        ['S', 'socket', body.socket],
        ['T', 'target', body.target],
        ...argv('W', 'start', body.start ?? []),
        ...optional('Y', 'cwd', body.cwd),
      ]
    case 'process':
      return [
        ...head,
        ['P', 'pidFile', body.pidFile],
        ['L', 'log', body.log],
        ...optional('C', 'cwd', body.cwd),
        ...argv('A', 'start', body.start),
      ]
    case 'command':
      return [
        ...head,
        ...optional('P', 'pidFile', body.pidFile),
        ...argv('A', 'start', body.start),
        ...(body.stop ? argv('Z', 'stop', body.stop) : []),
      ]
    case 'service':
      return [...head, ['U', 'unit', body.unit], ['O', 'scope', body.scope]]
    case 'launchd':
      return [...head, ['Q', 'label', body.label], ['O', 'scope', body.scope]]
    case 'hermes':
      return [...head, ['H', 'home', body.home], ['R', 'program', body.program], ['U', 'unit', body.unit], ['O', 'scope', body.scope]]
  }
}

function optional(tag: string, field: string, value: string | undefined): TaggedValue[] {
  return value === undefined ? [] : [[tag, field, value]]
}

function argv(tag: string, field: string, values: readonly string[]): TaggedValue[] {
  return values.map((value, index) => [tag, `${field}[${index}]`, value])
}

const number = z
  .string()
  .regex(/^-?\d{1,17}$/)
  .transform(Number)
const pid = z
  .string()
  .regex(/^[1-9]\d{0,9}$/)
  .transform(Number)
const paneId = z.string().regex(/^%\d{1,9}$/)

const why = z.enum(['symlink', 'directory', 'pipe', 'special', 'file', 'denied', 'no-answer', 'cut-short'])
const fileWords = z.union([
  z.tuple([z.literal('content'), number, number, z.enum(['raw', 'base64', 'hex']), number]),
  z.tuple([z.literal('unchanged'), number, number]),
  z.tuple([z.literal('missing')]),
  z.tuple([z.literal('unreadable'), why]),
])
const processWords = z.union([
  z.tuple([z.literal('alive'), pid, z.string().regex(/^[A-Za-z0-9-]+:[A-Za-z0-9:-]+$/)]),
  z.tuple([z.literal('gone'), pid]),
  z.tuple([z.literal('gone')]),
  z.tuple([z.literal('unknown')]),
])
const paneWords = z.union([
  z.tuple([z.enum(['alive', 'dead']), paneId, number]),
  z.tuple([z.enum(['alive', 'dead']), paneId]),
  z.tuple([z.literal('missing')]),
  z.tuple([z.literal('none')]),
])
const folderWords = z.union([
  z.tuple([z.literal('listed'), z.enum(['all', 'cut']), number]),
  z.tuple([z.literal('missing')]),
  z.tuple([z.literal('unreadable'), why]),
  z.tuple([z.literal('none')]),
])

/** The number of a declared file or marker, or the name of a file in the folder of jobs. */
const fileKey = z.union([
  z
    .string()
    .regex(/^\d{1,3}$/)
    .transform(Number),
  z.string().regex(/^[A-Za-z0-9_@][A-Za-z0-9_.@-]{0,94}\.last$/),
])

/** Puts the parts of the answer to `beats` together. Throws ProtocolError where they are not what was declared. */
export function parseSightings(bodies: readonly Buffer[], declared: ReadonlyMap<string, AgentDeclaration>): AgentSighting[] {
  const sightings: AgentSighting[] = []
  for (const body of bodies) {
    const [[head = ''], rest] = splitLines(body, 1)
    const [kind = '', id = '', key = ''] = head.split(' ')
    const agent = declared.get(id)
    if (!agent) throw new ProtocolError('a part is of no agent that was declared')
    if (kind === 'agent') {
      sightings.push(parseAgent(agent, rest))
      continue
    }
    const sighting = sightings.at(-1)
    if (sighting?.id !== id) throw new ProtocolError('a part is not where it belongs')
    if (kind === 'file') sighting.files.push({ path: pathOf(agent, agent.heartbeatFiles, key), ...parseFile(rest) })
    else if (kind === 'mark') sighting.markers.push({ path: markerOf(agent, key), reason: plainSentence(rest.toString('utf8')) })
    else throw new ProtocolError('a part is of an unknown kind')
  }
  for (const { id, files } of sightings) {
    const expected = declared.get(id)?.heartbeatFiles ?? []
    if (expected.some((path, index) => files[index]?.path !== path)) throw new ProtocolError('a file that was declared is left out')
  }
  const isComplete = sightings.length === declared.size && new Set(sightings.map(({ id }) => id)).size === declared.size
  if (!isComplete) throw new ProtocolError('beats do not match the agents declared')
  return sightings
}

/** The first part about an agent: process, pane and folder of jobs on a line each. */
function parseAgent(agent: AgentDeclaration, body: Buffer): AgentSighting {
  const [[processLine = '', paneLine = '', folderLine = '']] = splitLines(body, 3)
  const process = parse(processWords, processLine.split(' '), 'process')
  const pane = parse(paneWords, paneLine.split(' '), 'pane')
  const folder = parse(folderWords, folderLine.split(' '), 'folder')
  if ((folder[0] === 'none') !== (agent.jobs === undefined)) throw new ProtocolError('a folder of jobs is not as declared')
  const sighting: AgentSighting = { id: agent.id, files: [], markers: [], process: toProcess(process) }
  if (pane[0] === 'missing') sighting.pane = { kind: 'missing' }
  else if (pane[0] !== 'none') {
    // A clock that was set back makes it less than nothing.
    sighting.pane = { kind: pane[0], id: pane[1], ...(pane.length === 3 && { quietMs: Math.max(0, pane[2]) }) }
  }
  if (folder[0] === 'listed') sighting.jobs = { kind: 'listed', isCut: folder[1] === 'cut', odd: folder[2] }
  else if (folder[0] === 'missing') sighting.jobs = { kind: 'missing' }
  else if (folder[0] === 'unreadable') sighting.jobs = { kind: 'unreadable', why: folder[1] }
  return sighting
}

function pathOf(agent: AgentDeclaration, paths: readonly string[], text: string): string {
  const key = parse(fileKey, text, 'key')
  const path = typeof key === 'number' ? paths[key] : agent.jobs === undefined ? undefined : jobFile(agent.jobs, key)
  if (path === undefined) throw new ProtocolError('a part is of a file that was not declared')
  return path
}

function markerOf(agent: AgentDeclaration, text: string): string {
  const path = pathOf(agent, agent.markers, text)
  return text.endsWith('.last') ? `${path}.paused` : path
}

/** The path of a job's file, in one form for all who compare it. */
function jobFile(folder: string, name: string): string {
  return `${folder.replace(/\/+$/, '')}/${name}`
}

/** A line about the file, then its content. */
function parseFile(body: Buffer): FileSighting {
  const [[line = ''], content] = splitLines(body, 1)
  const words = parse(fileWords, line.split(' '), 'file')
  switch (words[0]) {
    case 'content': {
      const [, mtimeMs, ageMs, form, limit] = words
      // The gate reads one byte more than it may send, so that a file that is longer shows.
      const bytes = decode(form, content)
      return { kind: 'content', mtimeMs, ageMs, bytes: new Uint8Array(bytes.subarray(0, limit)), truncated: bytes.length > limit }
    }
    case 'unchanged':
      return { kind: 'unchanged', mtimeMs: words[1], ageMs: words[2] }
    case 'missing':
      return { kind: 'missing' }
    case 'unreadable':
      return { kind: 'unreadable', why: words[1] }
  }
}

function toProcess(words: z.infer<typeof processWords>): AgentSighting['process'] {
  switch (words[0]) {
    case 'alive':
      return { kind: 'alive', pid: words[1], epoch: words[2] }
    case 'gone':
      return words.length === 2 ? { kind: 'gone', pid: words[1] } : { kind: 'gone' }
    case 'unknown':
      return { kind: 'unknown' }
  }
}

function decode(form: 'raw' | 'base64' | 'hex', content: Buffer): Buffer {
  if (form === 'raw') return content
  const text = content.toString('latin1').replace(/\s+/g, '')
  const pattern = form === 'hex' ? /^([0-9a-f]{2})*$/ : /^[A-Za-z0-9+/]*={0,2}$/
  if (!pattern.test(text)) throw new ProtocolError(`the content of a file is not ${form}`)
  return Buffer.from(text, form)
}

const stepWords = z.union([z.tuple([z.enum(['check', 'stop', 'start'])]), z.tuple([z.enum(['check', 'start']), z.literal('settings')])])

/** The body of `progress` and `failed`: a step, and where it matters the reason, then what is to be said. */
export function parseStep(body: Buffer): { step: ActStep; because?: 'settings'; text: string } {
  const [[first = ''], text] = splitLines(body, 1)
  const [step, because] = parse(stepWords, first.split(' '), 'step')
  return { step, ...(because && { because }), text: plainSentence(text.toString('utf8')) }
}

/**
 * Outside text made fit for one line of a log or a message: no control, direction or other invisible characters, at most
 * 300 characters.
 */
export function plainSentence(text: string): string {
  const plain = text
    .slice(0, 4_000)
    .replace(/\u001b\[[0-?]*[ -/]*[@-~]/g, '')
    .replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
  return plain.length > 300 ? `${plain.slice(0, 299).trimEnd()}…` : plain
}

function splitLines(body: Buffer, count: number): [string[], Buffer] {
  const lines: string[] = []
  let start = 0
  while (lines.length < count) {
    const end = body.indexOf(10, start)
    if (end < 0) throw new ProtocolError('a frame is shorter than agreed')
    lines.push(body.toString('utf8', start, end))
    start = end + 1
  }
  return [lines, body.subarray(start)]
}

function parse<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value)
  if (!result.success) throw new ProtocolError(`the ${what} part of an answer is malformed`)
  return result.data
}
