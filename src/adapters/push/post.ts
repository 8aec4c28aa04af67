/** What a request says: its path and body in, a beat or a plain refusal out. Pure; whatever comes, this never throws. */
import { z } from 'zod'
import { clean, type HeartbeatContent, readHeartbeat } from '../../domain/heartbeat.ts'
import type { PostedBeat } from '../../ports/beat-source.ts'

/** exit: a job has ended with this status; 0 is good. */
export type Said = { kind: 'beat' } | { kind: 'start' } | { kind: 'fail' } | { kind: 'exit'; status: number }

export interface Path {
  /** As it stands in the path: whether there is such an agent is seen by its token. */
  agent: string
  /** Undefined where the path goes on with something unknown. */
  said: Said | undefined
}

/** Undefined where the path has nothing to do with beats. A query, as Healthchecks' `?rid=…`, is passed over. */
export function readPath(url: string): Path | undefined {
  const [, agent, rest] = /^\/beat\/([^/?#]{1,100})(?:\/([^/?#]{1,10}))?(?:\?.*)?$/s.exec(url) ?? []
  return agent === undefined ? undefined : { agent, said: readSaid(rest) }
}

function readSaid(text: string | undefined): Said | undefined {
  if (text === undefined) return { kind: 'beat' }
  if (text === 'start' || text === 'fail') return { kind: text }
  const status = Number(text)
  return /^\d{1,3}$/.test(text) && status <= 255 ? { kind: 'exit', status } : undefined
}

/**
 * What the words that this border has are to be; an agent may post its very heartbeat file, so anything else may be there,
 * and means what it means in a file. A wrong one is told rather than passed over: whoever posts reads the answer.
 */
const body = z.looseObject({
  epoch: z.union([z.string(), z.number()]).nullish(),
  seq: z.number().nullish(),
  progress: z.number().nullish(),
  busy: z.boolean().nullish(),
  doing: z.string().nullish(),
  model: z.string().nullish(),
  failing: z.union([z.string(), z.boolean()]).nullish(),
  pid: z
    .int()
    .min(2)
    .max(2 ** 31 - 1)
    .nullish(),
})

export type Reading = { beat: PostedBeat } | { status: 400 | 415; sentence: string }

/**
 * The beat. A body is JSON, or plain text that says why a job failed: `curl -d "$output"`. By its first character rather
 * than by its declared type, because curl calls everything a form.
 */
export function readPost(said: Said, bytes: Uint8Array, contentType: string | undefined): Reading {
  const text = new TextDecoder('utf-8').decode(bytes).trim()
  const isJson = text.startsWith('{') || /^application\/([\w.-]+\+)?json\b/i.test(contentType ?? '')
  if (bytes.length === 0 || text === '') return { beat: beatOf(said, {}, '') }
  if (!isJson) {
    if (said.kind === 'fail' || said.kind === 'exit') return { beat: beatOf(said, {}, clean(text, 200)) }
    return { status: 415, sentence: 'Send the body as a JSON object, or none.' }
  }
  const reading = readHeartbeat(bytes, false, { format: 'json' })
  if (reading.kind === 'fault') return { status: 400, sentence: 'The body is no JSON object, or not a whole one.' }
  const key = body.safeParse(JSON.parse(text)).error?.issues[0]?.path[0]
  if (key !== undefined) return { status: 400, sentence: `"${String(key)}" in the body is not of its kind: ${kinds(String(key))}.` }
  return { beat: beatOf(said, reading.content, '') }
}

function kinds(key: string): string {
  switch (key) {
    case 'seq':
    case 'progress':
      return 'a number'
    case 'busy':
      return 'true or false'
    case 'pid':
      return 'a process id'
    case 'epoch':
      return 'text or a number'
    case 'failing':
      return 'text, true or false'
    default:
      return 'text'
  }
}

function beatOf(said: Said, content: HeartbeatContent, text: string): PostedBeat {
  const { epoch = '', pid, seq, progress, model } = content
  const failing = whyFailing(said, content.failing ?? text)
  const busy = content.busy ?? busyBy(said)
  const doing = content.doing ?? (said.kind === 'start' ? 'started' : undefined)
  return {
    epoch,
    ...(pid !== undefined && { pid }),
    ...(seq !== undefined && { seq }),
    ...(progress !== undefined && { progress }),
    ...(busy !== undefined && { busy }),
    ...(doing !== undefined && { doing }),
    ...(model !== undefined && { model }),
    ...(failing !== undefined && { failing }),
  }
}

/** A job that has started is at work, one that has ended is not; else only the agent itself knows. */
function busyBy(said: Said): boolean | undefined {
  if (said.kind === 'start') return true
  return said.kind === 'exit' ? false : undefined
}

function whyFailing(said: Said, text: string): string | undefined {
  switch (said.kind) {
    case 'exit': {
      if (said.status === 0) return undefined
      const status = `exit status ${said.status}`
      return text === '' ? status : `${status}: ${text}`
    }
    case 'fail':
      return text
    default:
      // An agent that says in its body that it fails needs no other path for it.
      return text === '' ? undefined : text
  }
}
