/** wss://: whose certificate is taken, and what is said of one that isn't. Against the real game: test/contracts/tower-transport.real.test.ts. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { startTowerSession } from '../../../src/adapters/tower/session.ts'
import { websocketTransport } from '../../../src/adapters/tower/websocket.ts'
import { TowerConnectError } from '../../../src/ports/tower-transport.ts'
import { virtualClock } from '../../fakes/virtual-clock.ts'
import { recorder } from '../../support/recorder.ts'
import { until } from '../../support/until.ts'
import { type Authority, type Certificate, makeAuthority, tlsProxy } from './certificates.ts'
import { idleHandlers } from './idle-handlers.ts'

const account = { name: 'towerwatch', password: 'four-right-words' }
const toStop: (() => void)[] = []
let authority: Authority
let stranger: Authority
let right: Certificate

beforeAll(async () => {
  ;[authority, stranger] = await Promise.all([makeAuthority(), makeAuthority()])
  right = await authority.issue('DNS:localhost,IP:127.0.0.1')
})
afterEach(() => {
  for (const stop of toStop.splice(0)) stop()
})
afterAll(() => {
  authority?.remove()
  stranger?.remove()
})

/** A game in plain, and its proxy. */
async function game(certificate: Certificate) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  server.on('connection', (socket) => {
    socket.send('["text",["Welcome"],{}]')
    socket.once('message', () => socket.send('["logged_in",[],{}]'))
  })
  await once(server, 'listening')
  const plainPort = (server.address() as AddressInfo).port
  const proxy = await tlsProxy(certificate, plainPort)
  toStop.push(proxy.stop, () => {
    for (const socket of server.clients) socket.terminate()
    server.close()
  })
  return { proxy, plainPort, url: `wss://localhost:${proxy.port}` }
}

async function distrust(url: string, ca?: string): Promise<TowerConnectError> {
  const transport = websocketTransport({ url, ...(ca !== undefined && { ca }) })
  try {
    await transport.connect(account, recorder().listener, { timeoutMs: 10_000, signal: new AbortController().signal })
  } catch (error) {
    if (error instanceof TowerConnectError) return error
    throw error
  }
  throw new Error('The connection was made, but should have failed.')
}

describe('a Tower with a certificate', () => {
  test('that its authority signed, for the name in the address, is the right one', async () => {
    const { url, proxy } = await game(right)
    const bounds = { timeoutMs: 10_000, signal: new AbortController().signal }
    const connection = await websocketTransport({ url, ca: authority.ca }).connect(account, recorder().listener, bounds)
    expect(proxy.passed()).toBeGreaterThan(0)
    connection.close()
  })

  test.each<[string, () => Promise<{ certificate: Certificate; ca?: string }>, RegExp]>([
    ['that this machine knows nobody for', async () => ({ certificate: right }), /vouched for by nobody.*tower\.ca/],
    ['that somebody else signed', async () => ({ certificate: right, ca: stranger.ca }), /not signed by the authority in tower\.ca/],
    [
      'for another name',
      async () => ({ certificate: await authority.issue('DNS:tower.example.org'), ca: authority.ca }),
      /for another name \(DNS:tower\.example\.org\).*tower\.url/,
    ],
    [
      'that has expired',
      async () => ({ certificate: await authority.issue('DNS:localhost', -1), ca: authority.ca }),
      /has expired\. Renew it/,
    ],
  ])('%s is refused before anything is sent, in a sentence with the place and the remedy', async (_what, make, sentence) => {
    const { certificate, ca } = await make()
    const { url, proxy } = await game(certificate)
    const error = await distrust(url, ca)
    expect(error.kind).toBe('untrusted')
    expect(error.message).toContain(url)
    expect(error.message).toMatch(sentence)
    expect(proxy.passed()).toBe(0)
  })

  test('without one, that is in plain, is not fallen back to', async () => {
    const { plainPort } = await game(right)
    const error = await distrust(`wss://localhost:${plainPort}`, authority.ca)
    expect(error.kind).toBe('untrusted')
    expect(error.message).toMatch(/no TLS at wss:\/\/localhost:\d+\. Put a proxy/)
  })

  test('beside an authority that is no certificate after all is an error, not a crash', async () => {
    const { url, proxy } = await game(right)
    const error = await distrust(url, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
    expect(error.message).toMatch(/tower\.ca|asn1|PEM/i)
    expect(proxy.passed()).toBe(0)
  })

  test('is checked whatever the environment says', async () => {
    const { url, proxy } = await game(right)
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    try {
      expect((await distrust(url)).kind).toBe('untrusted')
    } finally {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before
    }
    expect(proxy.passed()).toBe(0)
  })

  test('that is wrong is tried again once a minute, and is used within that once it is right', async () => {
    const clock = virtualClock()
    const { url, proxy } = await game(right)
    let ca = stranger.ca
    const session = startTowerSession({
      transport: {
        kind: 'websocket',
        connect: (who, listener, bounds) => websocketTransport({ url, ca }).connect(who, listener, bounds),
      },
      account,
      handlers: idleHandlers,
      clock,
      random: () => 0,
      fleet: 'test',
      version: '0.1.0',
      hashes: { protocol: 'a'.repeat(64), operations: 'b'.repeat(64) },
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    })
    toStop.push(() => void session.stop())
    const down = () => until(() => session.link().state.kind === 'down', { withinMs: 10_000, what: 'the refusal' })
    for (let tries = 1; tries <= 3; tries++) {
      await clock.advance(tries === 1 ? 0 : 60_000)
      await until(() => proxy.tries() === tries, { withinMs: 10_000, what: `try ${tries}` })
      await down()
      expect(session.link().state).toMatchObject({ retryInMs: 60_000, reason: expect.stringContaining('tower.ca') })
      await clock.advance(59_999)
      expect(proxy.tries()).toBe(tries)
    }
    ca = authority.ca
    await clock.advance(1)
    await until(() => proxy.passed() > 0, { withinMs: 10_000, what: 'the login' })
  })
})
