/** The websocket transport, and the way in that both transports share, against games that are small and badly behaved. */
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { MAX_FRAME_BYTES } from '../../../src/adapters/tower/codec.ts'
import { websocketTransport } from '../../../src/adapters/tower/websocket.ts'
import { TowerConnectError } from '../../../src/ports/tower-transport.ts'
import { recorder } from '../../support/recorder.ts'
import { until } from '../../support/until.ts'

const account = { name: 'tower watch', password: 'four "right" words' }
const toStop: (() => void)[] = []
afterEach(() => {
  for (const stop of toStop.splice(0)) stop()
})

type Serve = (socket: WebSocket, request: IncomingMessage, frames: unknown[]) => void

async function game(serve: Serve): Promise<string> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: true })
  attach(server, serve)
  await once(server, 'listening')
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function attach(server: WebSocketServer, serve: Serve): void {
  server.on('connection', (socket, request) => {
    const frames: unknown[] = []
    socket.on('message', (data) => frames.push(JSON.parse(data.toString())))
    serve(socket, request, frames)
  })
  toStop.push(() => {
    for (const socket of server.clients) socket.terminate()
    server.close()
  })
}

const text = (words: string) => JSON.stringify(['text', [words], {}])
const greeting = text('<span class="color-012">Welcome to the Tower</span>')
const loggedIn = JSON.stringify(['logged_in', [], { options: {} }])
const pong = (id: string) => JSON.stringify(['tower_pong', [], { v: 1, id, boot: 'b', options: {} }])

/** A game that greets, and answers the login with these frames. */
const answering =
  (...answers: string[]): Serve =>
  (socket) => {
    socket.send(greeting)
    socket.once('message', () => {
      for (const answer of answers) socket.send(answer)
    })
  }

const bounds = (timeoutMs = 5_000) => ({ timeoutMs, signal: new AbortController().signal })

async function failure(url: string, timeoutMs?: number): Promise<TowerConnectError> {
  try {
    await websocketTransport({ url }).connect(account, recorder().listener, bounds(timeoutMs))
  } catch (error) {
    if (error instanceof TowerConnectError) return error
    throw error
  }
  throw new Error('The connection was made, but should have failed.')
}

describe('the way in', () => {
  test('offers no subprotocol and no compression, names no session, and sends the login as Evennia wants it', async () => {
    let seen: { request: IncomingMessage; frames: unknown[] } | undefined
    const url = await game((socket, request, frames) => {
      seen = { request, frames }
      answering(loggedIn)(socket, request, frames)
    })
    const connection = await websocketTransport({ url }).connect(account, recorder().listener, bounds())
    connection.send({ name: 'tower_ping', data: { v: 1, id: 'p' } })
    await until(() => seen?.frames.length === 2, { withinMs: 5_000, what: 'two frames' })
    expect(seen?.frames).toEqual([
      ['login', [], { name: 'tower watch', password: 'four "right" words' }],
      ['tower_ping', [], { v: 1, id: 'p' }],
    ])
    expect(seen?.request.headers['sec-websocket-protocol']).toBeUndefined()
    expect(seen?.request.headers['sec-websocket-extensions']).toBeUndefined()
    expect(seen?.request.url).toBe('/')
  })

  test('a greeting in several pieces is no answer to the login', async () => {
    const url = await game((socket) => {
      for (const piece of ['one', 'two', 'three']) socket.send(text(piece))
      socket.once('message', () => socket.send(loggedIn))
    })
    await websocketTransport({ url }).connect(account, recorder().listener, bounds())
  })

  test.each([
    '<span>Username and/or password is incorrect.</span>',
    'Too many login failures; please try again in a few minutes.',
    'You have been banned and cannot continue from here.',
  ])('%j is a refusal, told in its words and without the password', async (words) => {
    const error = await failure(await game(answering(text(words))))
    expect(error.kind).toBe('refused')
    expect(error.message).toContain(words.replace(/<[^>]*>/g, ''))
    expect(error.message).not.toContain('right')
  })

  test('a game that hangs up during the login is unreachable, with its code', async () => {
    const url = await game((socket) => {
      socket.send(greeting)
      socket.once('message', () => socket.close(1000))
    })
    expect(await failure(url)).toMatchObject({ kind: 'unreachable', message: expect.stringContaining('1000') })
  })

  test('what is no address is unreachable, not a crash', async () => {
    expect((await failure('http//nonsense')).kind).toBe('unreachable')
  })
})

describe('an open connection', () => {
  async function open(serve: (socket: WebSocket) => void) {
    const heard = recorder()
    const url = await game((socket) => {
      socket.send(greeting)
      socket.once('message', () => {
        socket.send(loggedIn)
        serve(socket)
      })
    })
    return { ...heard, connection: await websocketTransport({ url }).connect(account, heard.listener, bounds()) }
  }

  test('tells messages in order, what is malformed as such, and nothing of text, prompts and binary frames', async () => {
    const { received, malformed } = await open((socket) => {
      socket.send(pong('p-1'))
      socket.send(text('You hear a bell.'))
      socket.send(JSON.stringify(['prompt', [''], {}]))
      socket.send(Buffer.from(pong('binary')))
      socket.send('{')
      socket.send(pong('p-2'))
    })
    await until(() => received.length === 2, { withinMs: 5_000, what: 'two pongs' })
    expect(received.map(({ data }) => ('id' in data ? data.id : ''))).toEqual(['p-1', 'p-2'])
    expect(malformed).toEqual([expect.stringContaining('not JSON')])
  })

  test('ends where a frame is beyond all bounds', async () => {
    const { closed } = await open((socket) => socket.send(`["${'x'.repeat(MAX_FRAME_BYTES)}"]`))
    await until(() => closed.length > 0, { withinMs: 5_000, what: 'the end' })
    expect(closed).toEqual([expect.stringMatching(/payload/i)])
  })

  test('ends with the reason of the game, also where that is only said', async () => {
    const said = await open((socket) => socket.close(1000, 'Logged in from elsewhere. Disconnecting.'))
    await until(() => said.closed.length > 0, { withinMs: 5_000, what: 'the end' })
    expect(said.closed).toEqual([expect.stringContaining('elsewhere')])
    const shown = await open((socket) => {
      socket.send(text('Logged in from elsewhere. Disconnecting.'))
      socket.close(1000)
    })
    await until(() => shown.closed.length > 0, { withinMs: 5_000, what: 'the end' })
    expect(shown.closed).toEqual([expect.stringContaining('elsewhere')])
  })

  test('ends once where the game is cut off', async () => {
    const { closed, connection } = await open((socket) => socket.terminate())
    await until(() => closed.length > 0, { withinMs: 5_000, what: 'the end' })
    connection.close()
    connection.send({ name: 'tower_ping', data: { v: 1, id: 'late' } })
    expect(closed).toEqual([expect.stringContaining('1006')])
  })
})
