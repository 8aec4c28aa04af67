/** Posts one beat to a watch, and tries again for a while: the watch may be starting anew, or its disk be slow. */
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { clean } from '../../domain/heartbeat.ts'
import { type Clock, pauseOn } from '../../ports/clock.ts'

export interface BeatPost {
  url: URL
  token: string
  body: object
}

interface Ports {
  clock: Clock
  /** In [0, 1). */
  random: () => number
  signal: AbortSignal
}

/** refused: what was sent is wrong, and will be the next time, too. failed: it could not be told now. */
export class BeatPostError extends Error {
  override name = 'BeatPostError'
  readonly kind: 'refused' | 'failed'
  constructor(kind: 'refused' | 'failed', message: string) {
    super(message)
    this.kind = kind
  }
}

/** After each, it is tried once more. */
const pausesMs = [250, 500, 1_000, 2_000, 4_000]
const answerMs = 10_000
const longestPauseMs = 5_000
/** Of an answer, no more is read. */
const maxAnswerBytes = 4_096

/** Resolves once the watch has said that the beat is durable. Rejects with BeatPostError. */
export async function postBeat(post: BeatPost, { clock, random, signal }: Ports): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const result = await tryOnce(post, signal)
    if (result.kind === 'ok') return
    const pauseMs = pausesMs[attempt]
    if (result.kind === 'refused' || pauseMs === undefined || signal.aborted)
      throw new BeatPostError(result.kind, `${post.url.origin} ${result.text}`)
    const askedMs = Math.min(result.retryAfterMs ?? 0, longestPauseMs)
    await pauseOn(clock, Math.max(askedMs, pauseMs * (0.5 + random() / 2)), signal)
  }
}

type Result = { kind: 'ok' } | { kind: 'refused'; text: string } | { kind: 'failed'; text: string; retryAfterMs?: number }

function tryOnce({ url, token, body }: BeatPost, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve) => {
    const failed = (error: Error) => resolve({ kind: 'failed', text: `can't be reached: ${whyOf(error)}` })
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    // As bytes: Node would encode the head like a body of text, which puts out a token beyond ASCII.
    const bytes = Buffer.from(JSON.stringify(body), 'utf8')
    const outgoing = send(
      url,
      {
        method: 'POST',
        agent: false,
        signal: AbortSignal.any([signal, AbortSignal.timeout(answerMs)]),
        headers: {
          authorization: `Bearer ${Buffer.from(token, 'utf8').toString('latin1')}`,
          'content-type': 'application/json',
          'content-length': bytes.length,
        },
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          if (text.length < maxAnswerBytes) text += chunk
        })
        response.on('error', failed)
        response.on('end', () => resolve(resultOf(response.statusCode ?? 0, clean(text, 200), response.headers['retry-after'])))
      },
    )
    outgoing.on('error', failed)
    outgoing.end(bytes)
  })
}

function resultOf(status: number, sentence: string, retryAfter: string | undefined): Result {
  if (status >= 200 && status < 300) return { kind: 'ok' }
  const text = `answered ${status}${sentence === '' ? '' : `: ${sentence}`}`
  if (status === 429 || status >= 500) {
    const seconds = Number(retryAfter)
    return { kind: 'failed', text, ...(seconds > 0 && { retryAfterMs: seconds * 1_000 }) }
  }
  // The token is for this address only: no answer can send it anywhere else.
  return { kind: 'refused', text: status >= 300 && status < 400 ? `${text} (it is not followed elsewhere)` : text }
}

function whyOf(error: Error): string {
  if (error.name === 'TimeoutError') return `no answer within ${answerMs / 1_000} s`
  if (error.name === 'AbortError') return 'interrupted'
  const code = 'code' in error ? String(error.code) : ''
  return code === 'ECONNREFUSED' ? 'nothing listens there (is the watch running?)' : code === '' ? error.message : `${code}`
}
