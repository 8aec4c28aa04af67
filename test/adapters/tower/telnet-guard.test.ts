/** What the guarded telnet does with a game that is well, and with one that isn't. telnet-defects.test.ts: what it guards against. */
import type { Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { decodeGmcp } from '../../../src/adapters/tower/codec.ts'
import { doubled, gmcpFrame, telnetBytes } from '../../../src/adapters/tower/telnet-guard.ts'
import { until } from '../../support/until.ts'
import { guardedClient, pong, rawGame, readingGame, sub } from './raw-game.ts'

const { IAC, SB, SE, WILL, WONT, DO, DONT, GMCP } = telnetBytes

const toStop: (() => void)[] = []
afterEach(() => {
  for (const stop of toStop.splice(0)) stop()
})

/** A guarded client and what it told. */
async function guarded(serve: (socket: Socket) => void) {
  const game = await readingGame(serve)
  toStop.push(game.stop)
  const client = guardedClient(game.port)
  toStop.push(() => client.telnet.end(false))
  const socket = await until(game.socket, { withinMs: 5_000, what: 'the connection' })
  return { ...client, socket, received: game.received }
}

describe('negotiation', () => {
  test('of all that Evennia offers only GMCP is accepted', async () => {
    const offers = [DO, 34, WILL, 3, DO, 31, DO, 24, WILL, 86, WILL, 70, WILL, 69, WILL, 201, WILL, 91]
    const { received, told } = await guarded((socket) => {
      for (let index = 0; index < offers.length; index += 2) socket.write(Buffer.of(IAC, offers[index] ?? 0, offers[index + 1] ?? 0))
    })
    await until(() => received().length >= 27, { withinMs: 5_000, what: 'nine answers' })
    const answers: number[][] = []
    for (let index = 0; index < received().length; index += 3) answers.push([...received().subarray(index + 1, index + 3)])
    expect(answers).toEqual([
      [WONT, 34],
      [DONT, 3],
      [WONT, 31],
      [WONT, 24],
      [DONT, 86],
      [DONT, 70],
      [DONT, 69],
      [DO, 201],
      [DONT, 91],
    ])
    expect(told.enabled).toBe(1)
  })

  test('GMCP that comes before it is agreed is not looked at; agreed late, it is', async () => {
    const { told } = await guarded((socket) => {
      socket.write(Buffer.concat([pong, Buffer.of(IAC, WONT, GMCP), Buffer.of(IAC, WILL, GMCP), sub(GMCP, 'Tower.Ack {}')]))
    })
    await until(() => told.gmcp.length > 0, { withinMs: 5_000, what: 'GMCP' })
    expect(told).toMatchObject({ enabled: 1, gmcp: ['Tower.Ack {}'], ended: [] })
  })

  test.each([
    ['offers', WILL, GMCP],
    ['offers of something else', WILL, 70],
    ['demands', DO, 24],
  ])('a game that repeats its %s without end is left', async (_what, command, option) => {
    const { told, received } = await guarded((socket) =>
      socket.write(Buffer.concat(Array.from({ length: 5_000 }, () => Buffer.of(IAC, command, option)))),
    )
    await until(() => told.ended.length > 0, { withinMs: 5_000, what: 'the end' })
    expect(told.ended).toEqual([expect.stringContaining(`option ${option}`)])
    expect(received().length).toBeLessThanOrEqual(30)
  })

  test('a game that switches GMCP off is left', async () => {
    const { told } = await guarded((socket) => socket.write(Buffer.of(IAC, WILL, GMCP, IAC, WONT, GMCP)))
    await until(() => told.ended.length > 0, { withinMs: 5_000, what: 'the end' })
    expect(told.ended).toEqual([expect.stringContaining('GMCP off')])
  })
})

describe('a flood', () => {
  test.each([
    ['text without an end', Buffer.alloc(65_536, 'a')],
    ['empty lines', Buffer.alloc(65_536, '\r\n')],
    ['small subnegotiations of something refused', Buffer.concat(Array.from({ length: 10_000 }, () => sub(70, 'x')))],
    ['messages', Buffer.concat(Array.from({ length: 1_000 }, () => pong))],
    ['nothings', Buffer.concat(Array.from({ length: 32_768 }, () => Buffer.of(IAC, 241)))],
  ])('of %s is an end, with its reason', async (_what, piece) => {
    const { told, socket } = await guarded((opened) => {
      opened.write(Buffer.of(IAC, WILL, GMCP))
      const more = () => {
        while (!opened.destroyed && opened.write(piece));
      }
      opened.on('drain', more)
      more()
    })
    await until(() => told.ended.length > 0 && socket.destroyed, { withinMs: 20_000, what: 'the end on both sides' })
    expect(told.ended).toEqual([expect.stringContaining('floods')])
  })
})

describe('what goes out', () => {
  test('a message is one frame with its name as written and each 0xFF doubled', () => {
    expect([...gmcpFrame('Tower.Ping {}')]).toEqual([IAC, SB, GMCP, ...Buffer.from('Tower.Ping {}'), IAC, SE])
    expect([...doubled(Buffer.of(65, 255, 66))]).toEqual([65, 255, 255, 66])
    expect(gmcpFrame('ÿ').filter((byte) => byte === IAC).length).toBe(2)
  })

  test('messages arrive whole and in order, and nothing is written after the end', async () => {
    const { telnet, received, told } = await guarded(() => {})
    for (let index = 0; index < 100; index++) telnet.send(`Tower.Ping {"id":"p-${index}"}`)
    telnet.end(true)
    telnet.send('Tower.Ping {"id":"too late"}')
    const expected = Buffer.concat(Array.from({ length: 100 }, (_, index) => gmcpFrame(`Tower.Ping {"id":"p-${index}"}`)))
    await until(() => received().length >= expected.length, { withinMs: 5_000, what: 'all frames' })
    expect(received().equals(expected)).toBe(true)
    expect(told.ended).toEqual([])
  })
})

describe('what comes in', () => {
  test('a message of a megabyte, byte by byte at its ends, unicode and doubled 0xFF inside', async () => {
    const text = `Tower.Error {"v":1,"code":"invalid","text":"${'é🗼'.repeat(100_000)}"}`
    const frame = Buffer.concat([Buffer.of(IAC, WILL, GMCP), sub(GMCP, text), sub(GMCP, Buffer.of(65, IAC, IAC, 66))])
    const { told } = await guarded((socket) => {
      for (const byte of frame.subarray(0, 40)) socket.write(Buffer.of(byte))
      socket.write(frame.subarray(40))
    })
    await until(() => told.gmcp.length === 2, { withinMs: 10_000, what: 'both' })
    expect(told.gmcp[0]).toBe(text)
    expect(told.gmcp[1]).toBe(Buffer.of(65, IAC, 66).toString())
  })

  test('a GMCP name of 100,000 bytes costs nothing', async () => {
    const { told } = await guarded((socket) =>
      socket.write(Buffer.concat([Buffer.of(IAC, WILL, GMCP), sub(GMCP, 'a.'.repeat(50_000)), pong])),
    )
    await until(() => told.gmcp.length === 2, { withinMs: 5_000, what: 'the message after it' })
    expect(told.gmcp.map((payload) => decodeGmcp(Buffer.from(payload)).kind)).toEqual(['malformed', 'message'])
  })

  test('text comes by the line, and a prompt at the go-ahead', async () => {
    const { told } = await guarded((socket) => socket.write(Buffer.concat([Buffer.from('one\r\ntwo'), Buffer.of(IAC, 249)])))
    await until(() => told.text.length === 2, { withinMs: 5_000, what: 'two texts' })
    expect(told.text).toEqual(['one\r\n', 'two'])
  })
})

describe('the end', () => {
  test('is told once, whether the game hangs up or resets', async () => {
    for (const hangUp of [(socket: Socket) => socket.end(), (socket: Socket) => socket.resetAndDestroy()]) {
      const { told, telnet } = await guarded(hangUp)
      await until(() => told.ended.length > 0, { withinMs: 5_000, what: 'the end' })
      telnet.send('Tower.Ping {}')
      telnet.end(true)
      expect(told.ended.length).toBe(1)
    }
  })

  test('a port where nobody listens is an end with its reason', async () => {
    const { port, stop } = await rawGame(() => {})
    stop()
    const { told } = guardedClient(port)
    await until(() => told.ended.length > 0, { withinMs: 5_000, what: 'the end' })
    expect(told.ended).toEqual([expect.stringContaining('ECONNREFUSED')])
  })

  test('our own end is not told back to us', async () => {
    const { told, telnet, socket } = await guarded(() => {})
    telnet.end(false)
    await until(() => socket.destroyed || socket.readableEnded, { withinMs: 5_000, what: 'the game to see it' })
    expect(told.ended).toEqual([])
  })
})
