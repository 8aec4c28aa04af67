/**
 * Every known defect of telnetlib 1.0.2: shown on the library as it comes, in a process of its own, and shown to be harmless
 * behind telnet-guard.ts. A newer telnetlib that mends one fails here, and tells us what is no longer needed.
 *
 * | # | defect of the bare library | shown, and disarmed, by |
 * |---|---|---|
 * | 1 | dies of GMCP with bad JSON | "GMCP with bad JSON" |
 * | 2 | … also where GMCP was never agreed | "GMCP with bad JSON that nobody agreed to" |
 * | 3 | dies of a GMCP name without a dot | "a GMCP name without a dot" |
 * | 4 | dies of a dot in the JSON of such a name | "a dot in the JSON of a name without one" |
 * | 5 | dies of a newline inside the JSON | "a newline inside the JSON" |
 * | 6 | dies of a window size (NAWS) of less than 4 bytes | "a window size of two bytes" |
 * | 7 | dies of bad zlib under MCCP | "garbage where compression should begin" |
 * | 8 | dies of any 'error' without a listener | "a subnegotiation beyond the buffer", "a line beyond the buffer", "a port where nobody listens" |
 * | 9 | stands still for 38 s over a GMCP name of 100,000 bytes | "a GMCP name of 100,000 bytes" |
 * | 10 | after an overflow: 'error', then nothing for ever | "an overflow is an end" |
 * | 11 | the README's `receiveBuffermax` does nothing | "the buffer option" |
 * | 12 | text without CRLF, and prompts, are never told | "text without CRLF" |
 * | 13 | bytes with 0xFF are written as digits | "0xFF" |
 * | 14 | GMCP names lose their case, in and out | "the case of a GMCP name" |
 * | 15 | compressed bytes behind the MCCP subnegotiation are lost | "compression" |
 * | 16 | IAC x inside a subnegotiation swallows what follows | "IAC x inside a subnegotiation" |
 * | 17 | GMCP overtakes text under back-pressure | "order" |
 * | 18 | `setEncoding` breaks IAC | "an encoding" |
 * | 19 | refused or reset: 'error' only, no 'end', no 'close'; 'negotiated' on the dead socket | "a port where nobody listens", "a reset" |
 * | 20 | `destroy()` leaves the socket open | "destroying" |
 * | 21 | a WILL after a WONT is answered by DO but enables nothing | "a late offer" |
 * | 22 | a repeated WILL brings a DO each time, without end | "a repeated offer" |
 * | 23 | no TLS, no reconnect, no types | "what it does not have"; the session reconnects (session.test.ts), telnetlib.d.ts types |
 * | 24 | TelnetSocket is not exported | "what it does not have" |
 *
 * Beyond the list: floods of text, subnegotiations, messages and negotiations (telnet-guard.test.ts "a flood", flooded-daemon.test.ts),
 * anything at all (hostile-game.test.ts), refusals in pieces (telnet.test.ts), a game that hangs up, resets, or is only half there
 * (telnet-guard.test.ts "the end"; session.test.ts "a server that stays silent"), CR and NUL (below).
 *
 * What the reference says it does well is in telnet-guard.test.ts: packets cut to single bytes, doubled IAC, unicode.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { deflateSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { decodeGmcp } from '../../../src/adapters/tower/codec.ts'
import { gmcpFrame, telnetBytes } from '../../../src/adapters/tower/telnet-guard.ts'
import { until } from '../../support/until.ts'
import { guardedClient, pong, readingGame, sub } from './raw-game.ts'

const { IAC, SB, WILL, WONT, DO, DONT, GMCP } = telnetBytes
const MCCP = 86
const NAWS = 31
const GA = 249
const offer = Buffer.of(IAC, WILL, GMCP)
/** A demand that every client refuses: the answer proves that it took what came before. */
const demand = Buffer.of(IAC, DO, 24)
const refusal = Buffer.of(IAC, WONT, 24)
/** After this long without a word of a bare client nothing more is expected of it. */
const QUIET_MS = 600

const toStop: (() => void)[] = []
afterEach(() => {
  for (const stop of toStop.splice(0)) stop()
})

async function game(serve: (socket: Socket) => void) {
  const opened = await readingGame(serve)
  toStop.push(opened.stop)
  return opened
}

/** Sends `first`, and `next` once the client has refused a demand, which shows that it took the first. */
const inTwo = (first: Buffer, next: Buffer) => (socket: Socket) => {
  socket.write(Buffer.concat([first, demand]))
  let answers = Buffer.alloc(0)
  socket.on('data', (chunk) => {
    const before = answers.includes(refusal)
    answers = Buffer.concat([answers, chunk])
    if (!before && answers.includes(refusal)) socket.write(next)
  })
}

/** What a client in a process of its own said until it ended, or had been quiet for a while. */
async function child(mode: 'bare' | 'guarded', port: number, actions = '') {
  const process_ = spawn(process.execPath, [join(import.meta.dirname, 'guard-child.ts'), mode, String(port), actions], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  toStop.push(() => process_.kill('SIGKILL'))
  let out = ''
  let err = ''
  let spokeMs: number | undefined
  process_.stdout.on('data', (chunk) => {
    out += chunk
    spokeMs = performance.now()
  })
  process_.stderr.on('data', (chunk) => (err += chunk))
  const ended = once(process_, 'close')
  return {
    err: () => err,
    lines: () => out.trim().split('\n'),
    /** Its exit code, once it has ended by itself. */
    ended: async (): Promise<number | null> => (await ended)[0],
    /** `from`: since when it may have spoken, for one that says nothing at all. */
    quiet: async (from: () => unknown) => {
      await until(() => from() !== undefined && from() !== false, { withinMs: 20_000, what: 'the client to come' })
      const since = performance.now()
      await until(() => performance.now() - Math.max(since, spokeMs ?? since) > QUIET_MS, { withinMs: 20_000, what: 'quiet' })
      return out.trim().split('\n')
    },
  }
}

function guarded(port: number) {
  const client = guardedClient(port)
  toStop.push(() => client.telnet.end(false))
  return client
}

const soon = <T>(condition: () => T | false | undefined, what: string) => until(condition, { withinMs: 20_000, what })

interface Attack {
  name: string
  first: Buffer
  next: Buffer
  guarded: 'pong' | RegExp
}

const deadly: Attack[] = [
  ...[
    { name: 'GMCP with bad JSON', bytes: sub(GMCP, 'Tower.Pong {bad') },
    { name: 'a GMCP name without a dot', bytes: sub(GMCP, 'Goodbye') },
    { name: 'a dot in the JSON of a name without one', bytes: sub(GMCP, 'Ping {"a":"x.y"}') },
    { name: 'a newline inside the JSON', bytes: sub(GMCP, 'Tower.Pong {"v":1,\n"x":"') },
    { name: 'a window size of two bytes', bytes: sub(NAWS, Buffer.of(0, 1)) },
  ].map(({ name, bytes }) => ({ name, first: Buffer.concat([offer, bytes]), next: pong, guarded: 'pong' as const })),
  {
    name: 'GMCP with bad JSON that nobody agreed to',
    first: sub(GMCP, 'Tower.Pong {bad'),
    next: Buffer.concat([offer, pong]),
    guarded: 'pong',
  },
  {
    // In two: bytes of the same chunk would not reach the decompressor.
    name: 'garbage where compression should begin',
    first: Buffer.concat([offer, Buffer.of(IAC, WILL, MCCP), sub(MCCP, '')]),
    next: Buffer.concat([Buffer.from('this is not zlib\r\n'), pong]),
    guarded: 'pong',
  },
  {
    name: 'a subnegotiation beyond the buffer',
    first: Buffer.concat([offer, sub(GMCP, Buffer.alloc(5 * 1024 * 1024, 'a'))]),
    next: pong,
    guarded: /^ended: Subnegotiation buffer overflow/,
  },
  { name: 'a line beyond the buffer', first: Buffer.concat([offer, Buffer.alloc(2 * 1024 * 1024, 'a')]), next: pong, guarded: 'pong' },
]

describe.each(deadly)('$name', ({ first, next, guarded: outcome }) => {
  test('ends the process with telnetlib as it comes', async () => {
    const { port } = await game(inTwo(first, next))
    const bare = await child('bare', port)
    expect(await bare.ended()).toBe(1)
    expect(bare.err()).toMatch(/Error/)
    expect(bare.lines()).not.toContain('pong')
  })

  test('does nothing to the guarded one but, where nothing else is left, end its connection', async () => {
    const { port } = await game(inTwo(first, next))
    const safe = await child('guarded', port)
    expect(await safe.ended()).toBe(0)
    expect(safe.lines()).toEqual([outcome === 'pong' ? 'pong' : expect.stringMatching(outcome)])
  })
})

describe('a GMCP name of 100,000 bytes', () => {
  const attack = Buffer.concat([offer, sub(GMCP, 'a'.repeat(100_000)), pong])

  test('makes telnetlib stand still where its buffer takes it', async () => {
    const { port, socket } = await game((opened) => opened.write(attack))
    const bare = await child('bare', port, 'big,listen')
    const lines = await bare.quiet(socket)
    expect(lines).toContain('enable 201')
    expect(lines).not.toContain('pong')
  })

  test('is malformed to the guarded one, and the message after it comes', async () => {
    const { port } = await game((opened) => opened.write(attack))
    const { told } = guarded(port)
    await soon(() => told.gmcp.length === 2, 'both')
    expect(told.gmcp.map((payload) => decodeGmcp(Buffer.from(payload)).kind)).toEqual(['malformed', 'message'])
  })
})

describe('an overflow is an end', () => {
  const attack = Buffer.concat([offer, sub(GMCP, Buffer.alloc(5 * 1024 * 1024, 'a')), pong])

  test('of which telnetlib tells an error, and then nothing for ever', async () => {
    const { port, socket } = await game((opened) => opened.end(attack))
    const lines = await (await child('bare', port, 'listen')).quiet(socket)
    expect(lines).toContain('error: Subnegotiation buffer overflow')
    for (const word of ['pong', 'end', 'close']) expect(lines).not.toContain(word)
  })

  test('to the guarded one, whose socket is then gone', async () => {
    const { port, socket } = await game((opened) => opened.write(attack))
    const { told } = guarded(port)
    await soon(() => told.ended.length > 0 && socket()?.destroyed, 'the end on both sides')
    expect(told.ended).toEqual([expect.stringContaining('overflow')])
  })
})

describe('the buffer option', () => {
  const line = `${'a'.repeat(100_000)}\r\n`

  test('as the README spells it does nothing', async () => {
    const { port, socket } = await game((opened) => opened.write(line))
    expect(await (await child('bare', port, 'listen,readme')).quiet(socket)).toContain('error: Receive buffer overflow')
  })

  test('is no concern of the guarded one: a long line comes whole, in pieces', async () => {
    const { port } = await game((opened) => opened.write(line))
    const { told } = guarded(port)
    await soon(() => told.text.join('') === line, 'the line')
    expect(told.ended).toEqual([])
  })
})

describe('text without CRLF', () => {
  const refused = 'Username and/or password is incorrect.\n'

  test('is never told by telnetlib', async () => {
    const { port, socket } = await game(inTwo(offer, Buffer.concat([Buffer.from(refused), pong])))
    const lines = await (await child('bare', port, 'listen')).quiet(socket)
    expect(lines).toContain('pong')
    expect(lines.filter((said) => said.startsWith('text'))).toEqual([])
  })

  test('is told by the guarded one: a refusal that is not heard would be tried again, and lock out everybody', async () => {
    const { port } = await game(inTwo(offer, Buffer.from(refused)))
    const { told } = guarded(port)
    await soon(() => told.text.length > 0, 'the text')
    expect(told.text).toEqual([refused])
  })
})

describe('0xFF', () => {
  test('in what telnetlib writes becomes the numbers of the bytes', async () => {
    const { port, received } = await game(() => {})
    await child('bare', port, 'write-ff')
    await soon(() => received().includes(Buffer.of(0, 1)), 'the bytes')
    expect(received().includes(Buffer.of(65, IAC, IAC, 66))).toBe(false)
  })

  test('is doubled in a frame of the guarded one', async () => {
    const { port, received } = await game((opened) => opened.write(offer))
    const { telnet, told } = guarded(port)
    await soon(() => told.enabled === 1, 'GMCP')
    telnet.send('Tower.Ping "ÿ"')
    await soon(() => received().includes(gmcpFrame('Tower.Ping "ÿ"')), 'the frame')
    expect([...gmcpFrame('\u00ff')].filter((byte) => byte === IAC).length).toBe(2)
  })
})

describe('the case of a GMCP name', () => {
  test('is lost by telnetlib, in both directions', async () => {
    const { port, received, socket } = await game((opened) => opened.write(Buffer.concat([offer, sub(GMCP, 'Tower.PONG {}')])))
    const lines = await (await child('bare', port, 'greet')).quiet(socket)
    expect(lines).toContain('pong')
    expect(received().includes('tower.ping {}')).toBe(true)
  })

  test('is kept by the guarded one', async () => {
    const { port, received } = await game((opened) => opened.write(Buffer.concat([offer, sub(GMCP, 'Tower.PONG {}')])))
    const { telnet, told } = guarded(port)
    await soon(() => told.gmcp.length === 1, 'GMCP')
    telnet.send('Tower.Ping {}')
    await soon(() => received().includes('Tower.Ping {}'), 'the frame')
    expect(told.gmcp).toEqual(['Tower.PONG {}'])
  })
})

describe('compression', () => {
  const squeezed = Buffer.concat([sub(MCCP, ''), deflateSync(Buffer.concat([offer, pong]))])

  test('loses what telnetlib gets in the same piece as its beginning', async () => {
    const { port, received, socket } = await game((opened) => {
      opened.write(Buffer.of(IAC, WILL, MCCP))
      opened.once('data', () => opened.write(squeezed))
    })
    const lines = await (await child('bare', port, 'listen')).quiet(socket)
    expect(received().includes(Buffer.of(IAC, DO, MCCP))).toBe(true)
    expect(lines).toContain(`enable ${MCCP}`)
    expect(lines).not.toContain('pong')
  })

  test('is refused by the guarded one, and a game that honours that is understood', async () => {
    const { port, received } = await game((opened) => {
      opened.write(Buffer.of(IAC, WILL, MCCP))
      opened.once('data', () => opened.write(Buffer.concat([offer, pong])))
    })
    const { told } = guarded(port)
    await soon(() => told.gmcp.length === 1, 'the message')
    expect(received().includes(Buffer.of(IAC, DONT, MCCP))).toBe(true)
  })
})

describe('IAC x inside a subnegotiation', () => {
  const attack = Buffer.concat([
    offer,
    Buffer.of(IAC, SB, GMCP),
    Buffer.from('Tower.Pong {"v":1'),
    Buffer.of(IAC, 120),
    Buffer.from('swallowed'),
    pong,
    pong,
  ])

  test('swallows the rest and the next message in telnetlib, which dies of what is left', async () => {
    const { port } = await game((opened) => opened.write(attack))
    const bare = await child('bare', port, 'big')
    expect(await bare.ended()).toBe(1)
    expect(bare.lines()).not.toContain('pong')
  })

  test('is one malformed message to the guarded one; those after it come', async () => {
    const { port } = await game((opened) => opened.write(attack))
    const { told } = guarded(port)
    await soon(() => told.gmcp.length === 2, 'both')
    expect(told.gmcp.map((payload) => decodeGmcp(Buffer.from(payload)).kind)).toEqual(['malformed', 'message'])
  })
})

describe('order', () => {
  const bytes = Buffer.concat([offer, Buffer.from('first\r\n'), pong])

  test('is lost by telnetlib where somebody pauses it: GMCP overtakes the text', async () => {
    const { port, socket } = await game((opened) => opened.write(bytes))
    const lines = await (await child('bare', port, 'pause')).quiet(socket)
    expect(lines.filter((said) => said === 'pong' || said.startsWith('text'))).toEqual(['pong', 'text "first\\r\\n"'])
  })

  test('is of no account to the guarded one, which pauses nothing and loses neither', async () => {
    const { port } = await game((opened) => opened.write(bytes))
    const { told } = guarded(port)
    await soon(() => told.gmcp.length === 1 && told.text.length === 1, 'both')
    expect(told.text).toEqual(['first\r\n'])
  })
})

describe('an encoding', () => {
  test('set on telnetlib makes it deaf to everything that begins with IAC', async () => {
    const { port, socket } = await game((opened) => opened.write(Buffer.concat([offer, pong, Buffer.from('\r\n')])))
    const lines = await (await child('bare', port, 'encode,listen')).quiet(socket)
    expect(lines).not.toContain('enable 201')
    expect(lines).not.toContain('pong')
  })

  test('cannot be set on the guarded one', async () => {
    const { port } = await game((opened) => opened.write(Buffer.concat([offer, sub(GMCP, Buffer.of(0xc3, 0xbf, IAC, IAC))])))
    const { telnet } = guarded(port)
    expect(Object.keys(telnet).sort()).toEqual(['bufferedBytes', 'end', 'send'])
  })
})

describe('a port where nobody listens', () => {
  const nobody = async () => {
    const { port, stop } = await game(() => {})
    stop()
    return port
  }

  test('ends the process with telnetlib as it comes', async () => {
    const bare = await child('bare', await nobody())
    expect(await bare.ended()).toBe(1)
    expect(bare.err()).toContain('ECONNREFUSED')
  })

  test('with a listener it is an error and no end, and the dead socket is told to be negotiated', async () => {
    const bare = await child('bare', await nobody(), 'listen')
    await soon(() => bare.lines().includes('negotiated'), 'the strange news')
    expect(bare.lines()).toEqual([expect.stringContaining('ECONNREFUSED'), 'negotiated'])
  })

  test('is an end with its reason to the guarded one', async () => {
    const { told } = guarded(await nobody())
    await soon(() => told.ended.length > 0, 'the end')
    expect(told.ended).toEqual([expect.stringContaining('ECONNREFUSED')])
  })
})

describe('a reset', () => {
  const reset = (opened: Socket) => {
    opened.write(offer)
    opened.once('data', () => opened.resetAndDestroy())
  }

  test('is an error and no end to telnetlib', async () => {
    const { port, socket } = await game(reset)
    const lines = await (await child('bare', port, 'listen')).quiet(socket)
    expect(lines).toContainEqual(expect.stringContaining('ECONNRESET'))
    for (const word of ['end', 'close']) expect(lines).not.toContain(word)
  })

  test('is one end to the guarded one', async () => {
    const { port } = await game(reset)
    const { told, telnet } = guarded(port)
    await soon(() => told.ended.length > 0, 'the end')
    telnet.send('Tower.Ping {}')
    telnet.end(true)
    expect(told.ended.length).toBe(1)
  })
})

describe('destroying', () => {
  test('telnetlib leaves its socket open', async () => {
    const { port, socket } = await game(() => {})
    expect(await (await child('bare', port, 'destroy,listen')).quiet(socket)).toContain('its socket is open')
    expect(socket()?.readableEnded).toBe(false)
  })

  test('the guarded one closes it', async () => {
    const { port, socket } = await game(() => {})
    const { telnet, told } = guarded(port)
    await soon(socket, 'the connection')
    telnet.end(false)
    await soon(() => socket()?.destroyed || socket()?.readableEnded, 'the game to see it')
    expect(told.ended).toEqual([])
  })
})

describe('a late offer', () => {
  const late = (opened: Socket) => opened.write(Buffer.concat([Buffer.of(IAC, WONT, GMCP), offer, pong]))

  test('is taken up by telnetlib, which then does not know of it', async () => {
    const { port, socket, received } = await game(late)
    const lines = await (await child('bare', port)).quiet(socket)
    expect(
      received()
        .toString('latin1')
        .split(Buffer.of(IAC, DO, GMCP).toString('latin1')).length - 1,
    ).toBe(2)
    expect(lines).not.toContain('enable 201')
  })

  test('is as good as an early one to the guarded one', async () => {
    const { port } = await game(late)
    const { told } = guarded(port)
    await soon(() => told.gmcp.length === 1, 'the message')
    expect(told.enabled).toBe(1)
  })
})

describe('a repeated offer', () => {
  const repeated = (opened: Socket) =>
    opened.write(Buffer.concat([Buffer.of(IAC, WONT, GMCP), ...Array.from({ length: 1_000 }, () => offer)]))
  const answers = (received: Buffer) => received.toString('latin1').split(Buffer.of(IAC, DO, GMCP).toString('latin1')).length - 1

  test('is answered by telnetlib each time, for ever', async () => {
    const { port, received } = await game(repeated)
    await child('bare', port)
    await soon(() => answers(received()) >= 1_000, 'a thousand answers')
  })

  test('ends the connection of the guarded one', async () => {
    const { port, received } = await game(repeated)
    const { told } = guarded(port)
    await soon(() => told.ended.length > 0, 'the end')
    expect(answers(received())).toBeLessThanOrEqual(10)
  })
})

test('what it does not have: TelnetSocket among its exports, TLS, types', async () => {
  const library: object = await import('telnetlib')
  expect(Object.keys(library).sort()).toEqual(expect.not.arrayContaining(['TelnetSocket', 'connectTls', 'createSecureConnection', 'types']))
})

describe('carriage returns and NUL', () => {
  test('come as they are, and stand in no reason that a person reads', async () => {
    const { port } = await game((opened) => opened.write(Buffer.concat([Buffer.from('a\r\0b\0c\r\nd'), Buffer.of(IAC, GA)])))
    const { told } = guarded(port)
    await soon(() => told.text.join('').endsWith('d'), 'the text')
    expect(told.text.join('')).toBe('a\r\0b\0c\r\nd')
  })
})
