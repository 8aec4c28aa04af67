/** A game that floods whoever comes, in one way after the other: the daemon leaves it each time, and neither stalls nor grows. */
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, expect, test } from 'vitest'
import { telnetBytes } from '../../../src/adapters/tower/telnet-guard.ts'
import { until } from '../../support/until.ts'
import type { Health } from './daemon-child.ts'
import { pong, rawGame, sub } from './raw-game.ts'

const { IAC, SB, WILL, DO, GMCP } = telnetBytes
/** Half of what one flood brings would fill it. */
const MEMORY_MIB = 48

const toStop: (() => void)[] = []
afterEach(() => {
  for (const stop of toStop.splice(0)) stop()
})

const many = (piece: Buffer) => Buffer.concat(Array.from({ length: Math.ceil(65_536 / piece.length) }, () => piece))
/** For ever, or until the client has had enough. */
function pour(socket: Socket, first: Buffer, again: Buffer): void {
  const more = () => {
    while (!socket.destroyed && socket.write(again));
  }
  socket.on('drain', more)
  socket.write(first)
  more()
}

const telnetFloods: [Buffer, Buffer][] = [
  [Buffer.alloc(0), many(Buffer.from('a'))],
  [Buffer.alloc(0), many(Buffer.from('\r\n'))],
  [Buffer.of(IAC, SB, GMCP), many(Buffer.from('a'))],
  [Buffer.of(IAC, SB, GMCP), many(Buffer.of(IAC, 7))],
  [Buffer.alloc(0), many(sub(70, 'x'))],
  [Buffer.of(IAC, WILL, GMCP), many(pong)],
  [Buffer.of(IAC, WILL, GMCP), many(sub(GMCP, 'Tower.Pong {'))],
  [Buffer.alloc(0), Buffer.concat(Array.from({ length: 256 }, (_, code) => Buffer.of(IAC, DO, code)))],
  [Buffer.alloc(0), randomBytes(65_536)],
]

/** Unmasked, as a server's is, of less than 126 bytes. */
const frame = (first: number, payload: string | Buffer) =>
  Buffer.concat([Buffer.of(first, Buffer.from(payload).length), Buffer.from(payload)])
const websocketFloods: [Buffer, Buffer][] = [
  [Buffer.alloc(0), many(frame(0x81, '["text",["Welcome"],{}]'))],
  [Buffer.alloc(0), many(frame(0x89, 'x'))],
  [frame(0x01, 'x'), many(frame(0x00, ''))],
  [Buffer.alloc(0), many(frame(0x82, ''))],
  [Buffer.alloc(0), many(frame(0x81, '{'))],
  [Buffer.of(0x81, 127, 0, 0, 0, 1, 0, 0, 0, 0), many(Buffer.from('a'))],
  [Buffer.alloc(0), randomBytes(65_536)],
]

async function upgraded(socket: Socket): Promise<void> {
  const [request] = await once(socket, 'data')
  const key = /sec-websocket-key: (\S+)/i.exec(String(request))?.[1] ?? ''
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`)
}

test.each([
  ['telnet', telnetFloods, async () => {}],
  ['ws', websocketFloods, upgraded],
])(
  'over %s: each flood is an end, and after all of them the daemon answers and is as small as before',
  async (scheme, floods, open) => {
    let connections = 0
    const ended: number[] = []
    const game = await rawGame(async (socket) => {
      const number = connections++
      socket.on('close', () => ended.push(number))
      await open(socket)
      const [first, again] = floods[number % floods.length] ?? [Buffer.alloc(0), many(Buffer.of(0))]
      pour(socket, first, again)
    })
    toStop.push(game.stop)
    const daemon = spawn(
      process.execPath,
      [`--max-old-space-size=${MEMORY_MIB}`, join(import.meta.dirname, 'daemon-child.ts'), `${scheme}://127.0.0.1:${game.port}`],
      { stdio: ['pipe', 'pipe', 'pipe'] },
    )
    toStop.push(() => daemon.kill('SIGKILL'))
    let said = ''
    daemon.stderr.on('data', (chunk) => (said += chunk))
    const answers: Health[] = []
    createInterface({ input: daemon.stdout }).on('line', (line) => answers.push(JSON.parse(line)))
    const ask = async () => {
      const count = answers.length
      daemon.stdin.write('\n')
      return until(() => daemon.exitCode === null && answers[count], { withinMs: 30_000, what: () => `an answer of the daemon\n${said}` })
    }
    // Asked in the middle of each: whoever stands still does not answer.
    for (let round = 1; round <= floods.length; round++) {
      await until(() => ended.length >= round, { withinMs: 60_000, what: () => `the end of flood ${round}\n${said}` })
      await ask()
    }
    const health = await ask()
    expect(health.heapMiB).toBeLessThan(MEMORY_MIB)
    expect(health.lines).toBeLessThan(100)
    expect(health.reasons.join('\n')).toContain('floods')
    expect(health.reasons.join('\n')).not.toContain('four-right-words')
  },
  120_000,
)
