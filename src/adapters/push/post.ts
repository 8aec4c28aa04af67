/** What a request says: its path and body in, a beat or a plain refusal out. Pure; whatever comes, this never throws. */
import { z } from 'zod'
import { clean } from '../../domain/heartbeat.ts'
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

const line = (max: number) =>
  z
    .string()
    .transform((text) => clean(text, max))
    .nullish()

/** The same words as in a heartbeat file of the format json; what else an agent writes there is passed over. */
const body = z.object({
  epoch: z
    .union([z.string(), z.number()])
    .transform((epoch) => clean(String(epoch), 100))
    .nullish(),
  seq: z.int().min(0).nullish(),
  progress: z.number().nullish(),
  busy: z.boolean().nullish(),
  doing: line(200),
  model: line(100),
  failing: line(200),
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
  if (text === '') return { beat: beatOf(said, {}, '') }
  if (!isJson) {
    if (said.kind === 'fail' || said.kind === 'exit') return { beat: beatOf(said, {}, clean(text, 200)) }
    return { status: 415, sentence: 'Send the body as a JSON object, or none.' }
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { status: 400, sentence: 'The body is not whole JSON.' }
  }
  const parsed = body.safeParse(value)
  if (parsed.success) return { beat: beatOf(said, parsed.data, '') }
  const key = parsed.error.issues[0]?.path[0]
  return {
    status: 400,
    sentence:
      key === undefined ? 'The body is not a JSON object.' : `"${String(key)}" in the body is not of its kind: ${kinds(String(key))}.`,
  }
}

function kinds(key: string): string {
  switch (key) {
    case 'seq':
      return 'a whole number from 0 on'
    case 'progress':
      return 'a number'
    case 'busy':
      return 'true or false'
    case 'pid':
      return 'a process id'
    case 'epoch':
      return 'text or a number'
    default:
      return 'text'
  }
}

function beatOf(said: Said, { epoch, seq, progress, busy, doing, model, failing, pid }: z.infer<typeof body>, text: string): PostedBeat {
  const why = whyFailing(said, failing ?? text)
  const isBusy = busy ?? busyBy(said)
  const work = doing ?? (said.kind === 'start' ? 'started' : undefined)
  return {
    epoch: epoch ?? '',
    ...(pid != null && { pid }),
    ...(seq != null && { seq }),
    ...(progress != null && { progress }),
    ...(isBusy !== undefined && { busy: isBusy }),
    ...(work !== undefined && { doing: work }),
    ...(model != null && { model }),
    ...(why !== undefined && { failing: why }),
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
