/** A game that sends anything at all, before and after the login: neither transport throws, stalls, or says what isn't so. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { telnetTransport } from '../../../src/adapters/tower/telnet.ts'
import { telnetBytes } from '../../../src/adapters/tower/telnet-guard.ts'
import { websocketTransport } from '../../../src/adapters/tower/websocket.ts'
import { TowerConnectError, type TowerTransport } from '../../../src/ports/tower-transport.ts'
import { recorder } from '../../support/recorder.ts'
import { pong, rawGame, sub } from './raw-game.ts'

const { IAC, WILL, DO, GMCP } = telnetBytes
const runs = Number(process.env['TOWERWATCH_RUNS'] ?? 5_000)
const seed = Number(process.env['TOWERWATCH_SEED'] ?? 20_261_123)
/** So many games at a time: a login takes a fifth of a second of waiting. */
const AT_A_TIME = 250
const account = { name: 'towerwatch', password: 'four-right-words' }

const toStop: (() => void)[] = []
afterEach(() => {
  for (const stop of toStop.splice(0)) stop()
})

interface Case {
  /** What follows the greeting. */
  before: Uint8Array[]
  /** Whether the game logs the account in; if not, it hangs up. */
  letsIn: boolean
  /** What it says to an account that is in, before it hangs up. */
  after: Uint8Array[]
  ending: 'end' | 'reset'
}

const cases = (piece: fc.Arbitrary<Uint8Array>): Case[] =>
  fc.sample(
    fc.record({
      before: fc.array(piece, { maxLength: 6 }),
      letsIn: fc.boolean(),
      after: fc.array(piece, { maxLength: 12 }),
      ending: fc.constantFrom('end' as const, 'reset' as const),
    }),
    { numRuns: runs, seed },
  )

const words = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom(
    'Username and/or password is incorrect.\r\n',
    'Logged in from elsewhere. Disconnecting.',
    ' ... Server restarted.\n',
    '<span class="',
    '\u001b[31m',
    '\r\0',
  ),
)
const json = fc.oneof(
  fc.json({ maxDepth: 3 }),
  fc.constantFrom('{"v":1,"id":"p","boot":"b"}', '{"__proto__":{"v":1}}', '{"v":1,', '[[],{}]', '{"v":1e999,"id":"p","boot":"b"}', 'null'),
)
const messageName = fc.constantFrom(
  'Tower.Pong',
  'Tower.Welcome',
  'Tower.Request',
  'Tower.Error',
  'Tower.',
  'tower_pong',
  'Logged.In',
  'Core',
  '',
)

/** Each case against a game of its own. Tells every case that went otherwise than it may, and how many came to be let in. */
async function through(all: Case[], transport: (port: number) => TowerTransport, serve: (socket: Socket, one: Case) => void) {
  const faults: string[] = []
  let open = 0
  const waiting = [...all.entries()]
  const next = async (): Promise<void> => {
    for (let turn = waiting.shift(); turn !== undefined; turn = waiting.shift()) {
      const [number, one] = turn
      const fault = await live(one, transport, serve)
      if (fault === 'was open') open += 1
      else if (fault !== undefined)
        faults.push(
          `case ${number} of seed ${seed}: ${fault}: ${JSON.stringify(one, (_key, value) => (value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value))}`,
        )
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, next))
  return { faults: faults.slice(0, 3), open }
}

async function live(
  one: Case,
  transport: (port: number) => TowerTransport,
  serve: (socket: Socket, one: Case) => void,
): Promise<string | undefined> {
  const game = await rawGame((socket) => serve(socket, one))
  const { listener, closed, malformed, received } = recorder()
  let isOpen = false
  try {
    const connection = await transport(game.port).connect(account, listener, { timeoutMs: 5_000, signal: new AbortController().signal })
    isOpen = true
    if (closed.length === 0)
      await new Promise<void>((resolve) => {
        const told = listener.closed
        listener.closed = (reason) => {
          told(reason)
          resolve()
        }
      })
    const count = received.length + malformed.length
    connection.send({ name: 'tower_ping', data: { v: 1, id: 'late' } })
    connection.close()
    await new Promise((resolve) => setImmediate(resolve))
    if (closed.length !== 1) return `told to be closed ${closed.length} times`
    if (received.length + malformed.length !== count) return 'told something after the end'
  } catch (error) {
    if (!(error instanceof TowerConnectError)) return `threw ${String(error)}`
    malformed.push(error.message)
    if (closed.length + received.length > 0) return 'told the listener of a connection that never was'
  } finally {
    game.stop()
  }
  for (const text of [...malformed, ...closed]) {
    if (/\p{Cc}|\p{Cf}/u.test(text) || text.length > 700) return `said ${JSON.stringify(text)}`
    if (text.includes(account.password)) return 'said the password'
  }
  return isOpen ? 'was open' : undefined
}

const finish = (socket: Socket, { ending }: Case) => (ending === 'end' ? socket.end() : socket.resetAndDestroy())

describe(`${runs} games that send anything`, () => {
  test('over telnet end each in an error or an end that is told once', async () => {
    const option = fc.oneof(fc.constantFrom(GMCP, 86, 31, 24, 69, 3), fc.nat(255))
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      words.map((text) => Buffer.from(text)),
      fc.tuple(fc.integer({ min: 236, max: 255 }), option).map(([command, code]) => Buffer.of(IAC, command, code)),
      fc.tuple(option, fc.uint8Array({ maxLength: 40 })).map(([code, payload]) => sub(code, Buffer.from(payload))),
      fc.tuple(messageName, fc.constantFrom(' ', '', '\n'), json).map(([name, space, data]) => sub(GMCP, `${name}${space}${data}`)),
      fc.constant(pong),
    )
    const { faults, open } = await through(
      cases(piece),
      (port) => telnetTransport({ host: '127.0.0.1', port }),
      (socket, one) => {
        socket.write(Buffer.concat([Buffer.of(IAC, WILL, GMCP, IAC, DO, 24), Buffer.from('Welcome\r\n'), ...one.before]))
        if (!one.letsIn) {
          finish(socket, one)
          return
        }
        let heard = Buffer.alloc(0)
        socket.on('data', (chunk) => {
          const before = heard.includes('Core.Login')
          heard = Buffer.concat([heard, chunk])
          if (before || !heard.includes('Core.Login')) return
          // What came before may have left a subnegotiation open: that is closed first.
          socket.write(Buffer.concat([Buffer.of(IAC, 240), sub(GMCP, 'Logged.In {}'), ...one.after]), () => finish(socket, one))
        })
        socket.on('end', () => finish(socket, one))
      },
    )
    expect(faults).toEqual([])
    expect(open).toBeGreaterThan(runs / 8)
  }, 120_000)

  test('over the websocket end each in an error or an end that is told once', async () => {
    const frame = (opcode: number, payload: Buffer, isFinal = true) =>
      Buffer.concat([
        Buffer.of((isFinal ? 0x80 : 0) | opcode, Math.min(payload.length, 126)),
        payload.length < 126 ? Buffer.alloc(0) : Buffer.of(payload.length >> 8, payload.length & 0xff),
        payload,
      ])
    const text = (value: string) => frame(1, Buffer.from(value))
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .tuple(fc.nat(15), fc.uint8Array({ maxLength: 300 }), fc.boolean())
        .map(([opcode, payload, isFinal]) => frame(opcode, Buffer.from(payload), isFinal)),
      words.map((said) => text(JSON.stringify(['text', [said], {}]))),
      words.map(text),
      fc.tuple(messageName, json).map(([name, data]) => text(`["${name.toLowerCase().replace('.', '_')}",[],${data}]`)),
      json.map(text),
    )
    const { faults, open } = await through(
      cases(piece),
      (port) => websocketTransport({ url: `ws://127.0.0.1:${port}` }),
      async (socket, one) => {
        const [request] = await once(socket, 'data')
        const key = /sec-websocket-key: (\S+)/i.exec(String(request))?.[1] ?? ''
        const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
        const handshake = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`
        socket.write(Buffer.concat([Buffer.from(handshake), text('["text",["Welcome"],{}]'), ...one.before]))
        if (!one.letsIn) {
          finish(socket, one)
          return
        }
        socket.on('data', () => socket.write(Buffer.concat([text('["logged_in",[],{}]'), ...one.after]), () => finish(socket, one)))
        socket.on('end', () => finish(socket, one))
      },
    )
    expect(faults).toEqual([])
    expect(open).toBeGreaterThan(runs / 8)
  }, 120_000)

  test('with a handshake that is none, the websocket is an error', async () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .constantFrom(
          'HTTP/1.1 101 Nothing\r\n',
          'HTTP/1.1 302 Elsewhere\r\nLocation: ws://127.0.0.1:9/\r\n\r\n',
          'Upgrade: websocket\r\n',
          '\r\n\r\n',
        )
        .map((line) => Buffer.from(line)),
    )
    const { faults } = await through(
      cases(piece).slice(0, Math.ceil(runs / 10)),
      (port) => websocketTransport({ url: `ws://127.0.0.1:${port}` }),
      (socket, one) => {
        socket.once('data', () => socket.write(Buffer.concat([...one.before, ...one.after]), () => finish(socket, one)))
      },
    )
    expect(faults).toEqual([])
  }, 120_000)
})
