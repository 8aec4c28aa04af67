import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type BeatPostError, postBeat } from '../../../src/adapters/beats/post.ts'
import { virtualClock } from '../../fakes/virtual-clock.ts'
import { until } from '../../support/until.ts'

let url: URL
let asked: { path: string | undefined; authorization: string | undefined; body: string }[]
/** The answers, in their order; the last one for all that come after it. */
let answers: ((response: ServerResponse) => void)[]
let stop: () => Promise<void>
let clock: ReturnType<typeof virtualClock>
let interrupt: AbortController

beforeEach(async () => {
  asked = []
  answers = [(response) => response.end('OK')]
  clock = virtualClock()
  interrupt = new AbortController()
  const server = createServer((request: IncomingMessage, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      asked.push({ path: request.url, authorization: request.headers.authorization, body: Buffer.concat(chunks).toString('utf8') })
      const answer = answers.length > 1 ? answers.shift() : answers[0]
      answer?.(response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  url = new URL(`http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/beat/scribe`)
  stop = () =>
    new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
})
afterEach(() => stop())

const answer =
  (status: number, text: string, headers: Record<string, string> = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(status, headers).end(text)
const send = () => postBeat({ url, token: 'tökén', body: { seq: 1 } }, { clock, random: () => 0.5, signal: interrupt.signal })

/** Time passes for whoever waits, until he has an answer. */
async function passing(work: Promise<void>): Promise<string> {
  let result: string | undefined
  work.then(
    () => {
      result = 'ok'
    },
    (error: BeatPostError) => {
      result = `${error.kind}: ${error.message.replace(url.origin, 'it')}`
    },
  )
  return until(
    async () => {
      if (clock.pending() > 0) await clock.advance(60_000)
      return result
    },
    { withinMs: 10_000, what: 'the end of the post' },
  )
}

describe('a post', () => {
  it('carries the token and the beat', async () => {
    expect(await passing(send())).toBe('ok')
    expect(asked).toEqual([{ path: '/beat/scribe', authorization: `Bearer ${Buffer.from('tökén').toString('latin1')}`, body: '{"seq":1}' }])
  })

  it('is tried again where the watch could not make it durable, or is hurried', async () => {
    answers = [answer(503, 'later', { 'retry-after': '2' }), answer(429, 'slower'), answer(502, ''), answer(200, 'OK')]
    expect(await passing(send())).toBe('ok')
    expect(asked).toHaveLength(4)
  })

  it('waits for as long as it is told, within reason', async () => {
    answers = [answer(503, '', { 'retry-after': '3' }), answer(503, '', { 'retry-after': '86400' }), answer(200, 'OK')]
    const sent = send()
    await until(() => clock.pending() === 1, { withinMs: 5_000, what: 'the pause' })
    await clock.advance(2_999)
    expect(asked).toHaveLength(1)
    await clock.advance(1)
    await until(() => clock.pending() === 1, { withinMs: 5_000, what: 'the second pause' })
    await clock.advance(5_000)
    await sent
    expect(asked).toHaveLength(3)
  })

  it('is given up after a while, with the last answer', async () => {
    answers = [answer(503, 'The beat is known, but could not be made durable: send it again.\n')]
    expect(await passing(send())).toBe('failed: it answered 503: The beat is known, but could not be made durable: send it again.')
    expect(asked).toHaveLength(6)
  })

  it('that is refused is not tried again', async () => {
    answers = [answer(401, "This is not the agent's token.\n\u001b[31m")]
    expect(await passing(send())).toBe("refused: it answered 401: This is not the agent's token. [31m")
    expect(asked).toHaveLength(1)
  })

  it('goes nowhere else with its token', async () => {
    answers = [answer(302, '', { location: `${url.origin}/elsewhere` })]
    expect(await passing(send())).toBe('refused: it answered 302 (it is not followed elsewhere)')
    expect(asked).toHaveLength(1)
  })

  it('is tried again where nobody listens, or hangs up', async () => {
    answers = [(response) => response.destroy(), answer(200, 'OK')]
    expect(await passing(send())).toBe('ok')
    await stop()
    expect(await passing(send())).toBe("failed: it can't be reached: nothing listens there (is the watch running?)")
  })

  it('is cut short by Ctrl-C', async () => {
    answers = [(response) => void response.flushHeaders()]
    const sent = send()
    await until(() => asked.length === 1, { withinMs: 5_000, what: 'the request' })
    interrupt.abort()
    expect(await passing(sent)).toBe("failed: it can't be reached: interrupted")
  })
})
