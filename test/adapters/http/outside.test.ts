import { readFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { httpOutside } from '../../../src/adapters/http/outside.ts'
import { OutsideError } from '../../../src/ports/outside.ts'

const tls = join(import.meta.dirname, '..', '..', 'fixtures', 'tls')
const cert = readFileSync(join(tls, 'localhost.crt'), 'utf8')
const key = readFileSync(join(tls, 'localhost.key'), 'utf8')

let servers: Server[] = []
afterEach(async () => {
  delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  for (const server of servers) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  servers = []
})

async function listen(answer: RequestListener, secure = false): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = []
  const handler: RequestListener = (request, response) => {
    asked.push(`${request.method} ${request.url}`)
    answer(request, response)
  }
  const server = secure ? createTlsServer({ cert, key }, handler) : createServer(handler)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `${secure ? 'https://localhost' : 'http://127.0.0.1'}:${port}`, asked }
}

const ok: RequestListener = (_request, response) => response.end('OK')
const status =
  (code: number, headers: Record<string, string> = {}): RequestListener =>
  (_request, response) =>
    response.writeHead(code, headers).end()

/** What it was rejected with; fails where it was not, or where the secret is in it. */
async function trouble(work: Promise<void>, secret = '5ecre7'): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(OutsideError)
  const text = String(error)
  expect(text).not.toContain(secret)
  return text
}

describe("an outside dead man's switch", () => {
  it('is called by GET of its URL, or of its URL with /fail', async () => {
    const { url, asked } = await listen(ok)
    for (const path of ['/ping/5ecre7', '/ping/5ecre7/?create=1', '']) {
      const outside = httpOutside({ url: `${url}${path}`, timeoutMs: 5_000 })
      await outside.call('well')
      await outside.call('failed')
    }
    expect(asked).toEqual([
      'GET /ping/5ecre7',
      'GET /ping/5ecre7/fail',
      'GET /ping/5ecre7/?create=1',
      'GET /ping/5ecre7/fail?create=1',
      'GET /',
      'GET /fail',
    ])
  })

  it('that answers anything but 2xx was not reached, and no redirect is followed', async () => {
    const other = await listen(ok)
    const moved = await listen(status(302, { location: other.url }))
    expect(await trouble(httpOutside({ url: `${moved.url}/5ecre7`, timeoutMs: 5_000 }).call('well'))).toMatch(/302, a redirect/)
    expect(other.asked).toEqual([])
    const gone = await listen(status(404))
    expect(await trouble(httpOutside({ url: `${gone.url}/5ecre7`, timeoutMs: 5_000 }).call('well'))).toMatch(/404: is deadman.ping/)
    const broken = await listen(status(503))
    expect(await trouble(httpOutside({ url: `${broken.url}/5ecre7`, timeoutMs: 5_000 }).call('well'))).toMatch(/it answered 503/)
  })

  it('that says nothing, or talks without an end, is left in time', async () => {
    const silent = await listen(() => {})
    expect(await trouble(httpOutside({ url: `${silent.url}/5ecre7`, timeoutMs: 100 }).call('well'))).toMatch(/no answer within 0.1 s/)
    const endless = await listen((_request, response) => {
      response.writeHead(200)
      const more = () => response.write('x'.repeat(65_536), more)
      more()
    })
    await httpOutside({ url: endless.url, timeoutMs: 5_000 }).call('well')
  })

  it('is broken off by its signal', async () => {
    const silent = await listen(() => {})
    const abort = new AbortController()
    const call = trouble(httpOutside({ url: `${silent.url}/5ecre7`, timeoutMs: 5_000 }).call('well', abort.signal))
    abort.abort()
    expect(await call).toMatch(/the call failed/)
  })

  it('over https must show a certificate that is trusted, whatever the environment says', async () => {
    const { url, asked } = await listen(ok, true)
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    expect(await trouble(httpOutside({ url: `${url}/5ecre7`, timeoutMs: 5_000 }).call('well'))).toMatch(/its certificate is not trusted/)
    expect(asked).toEqual([])
    await httpOutside({ url: `${url}/5ecre7`, timeoutMs: 5_000, ca: cert }).call('well')
    expect(asked).toEqual(['GET /5ecre7'])
  })

  it.each([
    ['nobody listens', 'http://127.0.0.1:1/5ecre7', /nobody listens there/],
    ['it is no URL', 'hc-ping/5ecre7', /not an http/],
    ['it is a file', 'file:///5ecre7', /not an http/],
  ])('says in words what is wrong where %s, and never the URL', async (_name, url, words) => {
    expect(await trouble(httpOutside({ url, timeoutMs: 5_000 }).call('well'))).toMatch(words)
  })
})
