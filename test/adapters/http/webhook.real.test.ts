import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type WebhookOptions, webhookSink } from '../../../src/adapters/http/webhook.ts'
import { SinkError } from '../../../src/ports/sink.ts'
import { problem, recovery } from '../../contracts/sink.ts'
import { type WebhookServer, webhookServer } from '../../support/webhook-server.ts'

const never = new AbortController().signal
let server: WebhookServer

beforeEach(async () => {
  server = await webhookServer()
})
afterEach(() => server.stop())

async function fault(more: Partial<WebhookOptions> = {}): Promise<SinkError> {
  const error = await webhookSink({ url: server.url, timeoutMs: 10_000, ...more })
    .tell(recovery, never)
    .then(() => new Error('it was taken'))
    .catch((thrown: unknown) => thrown)
  if (!(error instanceof SinkError)) throw error
  return error
}

describe('a webhook', () => {
  it('is posted the alert as JSON, with its token', async () => {
    await webhookSink({ url: server.url, token: 'very-secret-token', timeoutMs: 10_000 }).tell(recovery, never)
    await webhookSink({ url: server.url, timeoutMs: 10_000 }).tell(problem, never)
    expect(server.requests).toMatchObject([
      {
        method: 'POST',
        path: '/hook/very-secret-path?key=very-secret-key',
        headers: { 'content-type': 'application/json', authorization: 'Bearer very-secret-token' },
        body: { id: 'a-2', kind: 'recovery', incidents: [1, 2], at: recovery.at, durationMs: 60_000, text: recovery.text },
      },
      { body: { id: 'a-1', subjects: [] } },
    ])
    expect(server.requests[1]?.headers.authorization).toBeUndefined()
    expect(server.requests[1]?.body).not.toHaveProperty('durationMs')
  })

  it.each([200, 201, 202, 204])('takes it with %i', async (status) => {
    server.answer(() => ({ status }))
    await webhookSink({ url: server.url, timeoutMs: 10_000 }).tell(recovery, never)
    expect(server.requests.length).toBe(1)
  })

  it.each([408, 425, 429, 500, 502, 503, 504, 599])('takes it later with %i', async (status) => {
    server.answer(() => ({ status }))
    expect(await fault()).toMatchObject({ kind: 'failed', message: `it answered ${status}`, retryAfterMs: undefined })
  })

  it.each([400, 401, 403, 404, 405, 410, 413, 422])('never takes it with %i', async (status) => {
    server.answer(() => ({ status }))
    expect(await fault()).toMatchObject({ kind: 'refused', message: `it answered ${status}` })
  })

  it.each([301, 302, 303, 307, 308])('is not followed elsewhere with %i', async (status) => {
    server.answer(() => ({ status, headers: { location: server.url } }))
    expect(await fault()).toMatchObject({ kind: 'refused', message: expect.stringContaining('redirect') })
    expect(server.requests.length).toBe(1)
  })

  it.each([
    ['7', 7_000],
    ['0', 0],
    ['Tue, 20 Oct 2026 08:00:30 GMT', 30_000],
    ['Tue, 20 Oct 2026 07:00:00 GMT', 0],
    ['soon', undefined],
    ['-5', undefined],
    ['', undefined],
  ])('says with "retry-after: %s" when it may be asked again', async (value, ms) => {
    server.answer(() => ({ status: 503, headers: { 'retry-after': value, date: 'Tue, 20 Oct 2026 08:00:00 GMT' } }))
    expect((await fault()).retryAfterMs).toBe(ms)
  })

  it('that says nothing is given up after its time limit', async () => {
    void server.hang()
    expect(await fault({ timeoutMs: 200 })).toMatchObject({ kind: 'failed', message: 'no answer within 0.2 s' })
  })

  it('that isn’t there, or isn’t HTTP, fails', async () => {
    const { url } = server
    await server.stop()
    expect(await fault({ url })).toMatchObject({ kind: 'failed', message: 'nobody listens there' })
    server = await webhookServer()
    const mute = createServer((socket) =>
      socket
        .on('error', () => {})
        .resume()
        .end('no HTTP\r\n\r\n'),
    )
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
    const address = mute.address()
    const port = typeof address === 'object' && address ? address.port : 0
    expect(await fault({ url: `http://127.0.0.1:${port}/very-secret-path` })).toMatchObject({ kind: 'failed' })
    await new Promise((resolve) => mute.close(resolve))
  })

  it('over TLS is talked to only where its certificate is trusted', async () => {
    await server.stop()
    const pem = (name: string) => readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url), 'utf8')
    server = await webhookServer({ key: pem('localhost.key'), cert: pem('localhost.crt') })
    const url = server.url.replace('127.0.0.1', 'localhost')
    expect(await fault({ url })).toMatchObject({ kind: 'failed', message: expect.stringMatching(/^its certificate is not trusted/) })
    expect(server.requests).toEqual([])
    await webhookSink({ url, ca: pem('localhost.crt'), timeoutMs: 10_000 }).tell(recovery, never)
    expect(server.requests.length).toBe(1)
  })

  it('whose URL or token can not be used refuses', async () => {
    expect(await fault({ url: 'file:///etc/very-secret' })).toMatchObject({ kind: 'refused' })
    expect(await fault({ url: 'very secret' })).toMatchObject({ kind: 'refused' })
    expect(await fault({ token: 'very-secret\r\nx: y' })).toMatchObject({ kind: 'refused' })
    expect(server.requests).toEqual([])
  })

  it('whatever goes wrong, its URL and token stand in no error', async () => {
    const token = 'very-secret-token'
    const faults = [await fault({ token: `${token}\n` }), await fault({ url: 'http://very-secret-host.invalid:x/', token })]
    server.answer(() => ({ status: 500 }))
    faults.push(await fault({ token }))
    const { url } = server
    await server.stop()
    faults.push(await fault({ url, token }))
    server = await webhookServer()
    for (const error of faults) {
      expect(JSON.stringify([error.message, error.stack, error.detail, Object.entries(error)])).not.toMatch(/very-secret|127\.0\.0\.1/)
      expect(error.cause).toBeUndefined()
    }
  })
})
