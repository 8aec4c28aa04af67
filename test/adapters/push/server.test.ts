import { createServer, type Server } from 'node:http'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Bounds, httpBeatSource } from '../../../src/adapters/push/server.ts'
import { Secret } from '../../../src/config/config.ts'
import { BeatSourceError, type PostedBeat, type RunningBeatSource } from '../../../src/ports/beat-source.ts'
import { LedgerError } from '../../../src/ports/ledger.ts'
import { virtualClock } from '../../fakes/virtual-clock.ts'
import { keptLog } from '../../support/log.ts'
import { realClock } from '../../support/real-clock.ts'
import { until } from '../../support/until.ts'
import { heardOn, post, rawConnection } from './http.ts'

const token = 'a token of bezalel, with ümlauts'
const posters = new Map([
  ['bezalel', { token: new Secret(token) }],
  ['ezra', { token: new Secret('ezra-s-own') }],
])
/** As a header has it: bytes of UTF-8, one character each. */
const sent = Buffer.from(token, 'utf8').toString('latin1')

let taken: [string, PostedBeat][]
/** How the ledger answers. */
let durable: () => Promise<void>
let log: ReturnType<typeof keptLog>
let clock: ReturnType<typeof virtualClock>
let server: RunningBeatSource

async function start(bounds: Partial<Bounds> = {}, on = realClock): Promise<RunningBeatSource> {
  return httpBeatSource({ listen: { host: '127.0.0.1', port: 0 }, clock: on, log, bounds: { stopMs: 0, ...bounds } }).start(
    posters,
    async (agent, beat) => {
      taken.push([agent, beat])
      await durable()
    },
  )
}

beforeEach(async () => {
  taken = []
  durable = () => Promise.resolve()
  log = keptLog()
  clock = virtualClock()
  server = await start()
})
afterEach(() => server.stop())

const beat = (path = '', more: Parameters<typeof post>[1] = {}) => post(`${server.url}/beat/bezalel${path}`, { token: sent, ...more })

describe('a beat', () => {
  it('is taken and answered with OK', async () => {
    expect(await beat()).toMatchObject({ status: 200, text: 'OK' })
    expect(taken).toEqual([['bezalel', { epoch: '' }]])
  })

  it('may come by GET, from whoever has only wget', async () => {
    expect(await beat('', { method: 'GET' })).toMatchObject({ status: 200, text: 'OK' })
    expect(taken).toHaveLength(1)
  })

  it('says what its body says', async () => {
    const body = { epoch: 'e1', seq: 4, progress: 2.5, busy: true, doing: 'carving\nthe ark', model: 'm', pid: 77, else: 1, at: 'now' }
    await beat('', { body: JSON.stringify(body) })
    expect(taken).toEqual([['bezalel', { epoch: 'e1', seq: 4, progress: 2.5, busy: true, doing: 'carving the ark', model: 'm', pid: 77 }]])
  })

  it('may be the very heartbeat file of its agent', async () => {
    await beat('', { body: '{"timestamp":"2026-11-22T10:00:00Z","cycle":9,"status":"error","error":"no model"}' })
    expect(taken).toEqual([['bezalel', { epoch: '', seq: 9, failing: 'no model' }]])
  })

  it('may have nulls in its body for what it does not know', async () => {
    expect((await beat('', { body: '{"epoch":null,"seq":null,"busy":null,"doing":null,"pid":null}' })).status).toBe(200)
    expect(taken).toEqual([['bezalel', { epoch: '' }]])
  })

  it('at /start is busy', async () => {
    await beat('/start')
    await beat('/start', { body: '{"doing":"the backup","epoch":5}' })
    expect(taken.map(([, said]) => said)).toEqual([
      { epoch: '', busy: true, doing: 'started' },
      { epoch: '5', busy: true, doing: 'the backup' },
    ])
  })

  it('at /fail says that it fails, and why, if it says so in text or JSON', async () => {
    await beat('/fail')
    await beat('/fail', { body: 'the disk\tis full', headers: { 'content-type': 'application/x-www-form-urlencoded' } })
    await beat('/fail', { body: '{"failing":"no money","progress":3}' })
    expect(taken.map(([, said]) => said)).toEqual([
      { epoch: '', failing: '' },
      { epoch: '', failing: 'the disk is full' },
      { epoch: '', failing: 'no money', progress: 3 },
    ])
  })

  it.each([
    ['0', { epoch: '', busy: false }],
    ['3', { epoch: '', busy: false, failing: 'exit status 3' }],
    ['255', { epoch: '', busy: false, failing: 'exit status 255' }],
  ])('with the exit status %s is that of a job that has ended', async (status, said) => {
    expect((await beat(`/${status}`)).status).toBe(200)
    expect(taken).toEqual([['bezalel', said]])
  })

  it('may say in text why a job failed', async () => {
    await beat('/1', { body: 'tar: no space' })
    expect(taken).toEqual([['bezalel', { epoch: '', busy: false, failing: 'exit status 1: tar: no space' }]])
  })

  it('may carry a query, which is passed over', async () => {
    expect((await beat('/start?rid=123')).status).toBe(200)
  })

  it('comes again and again on one connection', async () => {
    const socket = await rawConnection(server.url)
    const heard = heardOn(socket)
    const one = `POST /beat/ezra HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ezra-s-own\r\nContent-Length: 0\r\n\r\n`
    socket.write(one.repeat(5))
    await until(() => taken.length === 5, { withinMs: 5_000, what: 'five beats' })
    socket.end()
    expect((await heard).match(/HTTP\/1.1 200 OK/g)).toHaveLength(5)
  })
})

describe('what is no beat', () => {
  it.each([
    ['a wrong token', '/beat/bezalel', { token: 'wrong' }],
    ["another agent's token", '/beat/bezalel', { token: 'ezra-s-own' }],
    ['no token', '/beat/bezalel', {}],
    ['an empty token', '/beat/bezalel', { token: '' }],
    ['a token of another scheme', '/beat/ezra', { headers: { authorization: 'Basic ezra-s-own' } }],
    ['an agent that there is not', '/beat/nobody', { token: 'wrong' }],
    ['an agent that there is not, with a token of one that there is', '/beat/nobody', { token: 'ezra-s-own' }],
    ['a name that is none', '/beat/__proto__', { token: 'ezra-s-own' }],
    ['an unknown path below an agent, with a wrong token', '/beat/bezalel/what', { token: 'wrong' }],
    ['an unknown method, with a wrong token', '/beat/bezalel', { token: 'wrong', method: 'DELETE' }],
  ])('%s gets one and the same 401', async (_, path, request) => {
    const { status, text, headers } = await post(server.url + path, request)
    expect({ status, text, challenge: headers['www-authenticate'], connection: headers['connection'] }).toEqual({
      status: 401,
      text: "This is not the agent's token. Send it as: Authorization: Bearer TOKEN\n",
      challenge: 'Bearer',
      connection: 'close',
    })
    expect(taken).toEqual([])
  })

  it.each([
    ['/', 404, 'Beats are posted to /beat/<agent>.'],
    ['/beat', 404, 'Beats are posted to /beat/<agent>.'],
    ['/beat/', 404, 'Beats are posted to /beat/<agent>.'],
    ['/beat/bezalel/start/now', 404, 'Beats are posted to /beat/<agent>.'],
    ['/beat/bezalel/stop', 404, 'After the agent may come /start, /fail, or an exit status from 0 to 255.'],
    ['/beat/bezalel/256', 404, 'After the agent may come /start, /fail, or an exit status from 0 to 255.'],
    ['/beat/bezalel/-1', 404, 'After the agent may come /start, /fail, or an exit status from 0 to 255.'],
    ['/beat/bezalel/1e1', 404, 'After the agent may come /start, /fail, or an exit status from 0 to 255.'],
  ])('the path %s gets %i', async (path, status, sentence) => {
    expect(await post(server.url + path, { token: sent })).toMatchObject({ status, text: `${sentence}\n` })
    expect(taken).toEqual([])
  })

  it.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS'])('the method %s gets 405', async (method) => {
    const { status, headers } = await beat('', { method })
    expect({ status, allow: headers['allow'] }).toEqual({ status: 405, allow: 'POST, GET' })
    expect(taken).toEqual([])
  })

  it.each([
    ['{"seq":', 400, 'The body is no JSON object, or not a whole one.'],
    ['{"seq":"1"}', 400, '"seq" in the body is not of its kind: a number.'],
    ['{"failing":3}', 400, '"failing" in the body is not of its kind: text, true or false.'],
    ['{"progress":"much"}', 400, '"progress" in the body is not of its kind: a number.'],
    ['{"progress":1e999}', 400, '"progress" in the body is not of its kind: a number.'],
    ['{"busy":1}', 400, '"busy" in the body is not of its kind: true or false.'],
    ['{"pid":1}', 400, '"pid" in the body is not of its kind: a process id.'],
    ['{"epoch":{}}', 400, '"epoch" in the body is not of its kind: text or a number.'],
    ['{"doing":["x"]}', 400, '"doing" in the body is not of its kind: text.'],
    ['just text', 415, 'Send the body as a JSON object, or none.'],
    ['progress=1', 415, 'Send the body as a JSON object, or none.'],
  ])('the body %s gets %i', async (body, status, sentence) => {
    expect(await beat('', { body })).toMatchObject({ status, text: `${sentence}\n` })
    expect(taken).toEqual([])
  })

  it('a body that says it is JSON and is not gets 400, whatever it begins with', async () => {
    const headers = { 'content-type': 'application/json; charset=utf-8' }
    expect(await beat('', { body: '[]', headers })).toMatchObject({
      status: 400,
      text: 'The body is no JSON object, or not a whole one.\n',
    })
    expect(await beat('/fail', { body: 'text', headers })).toMatchObject({
      status: 400,
      text: 'The body is no JSON object, or not a whole one.\n',
    })
  })

  it('a body larger than 16 KiB gets 413, with its length said before or not', async () => {
    const body = 'x'.repeat(16 * 1024 + 1)
    expect(await beat('/fail', { body })).toMatchObject({ status: 413, text: 'The body is larger than 16 KiB.\n' })
    expect(await beat('/fail', { body, headers: { 'transfer-encoding': 'chunked' } })).toMatchObject({ status: 413 })
    expect(await beat('/fail', { body: 'x'.repeat(16 * 1024) })).toMatchObject({ status: 200 })
    expect(taken).toHaveLength(1)
  })

  it('a body without an end is not read without an end', async () => {
    const socket = await rawConnection(server.url)
    const heard = heardOn(socket)
    socket.write(`POST /beat/ezra HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ezra-s-own\r\nContent-Length: 1000000000\r\n\r\n`)
    let isOpen = true
    socket.on('close', () => {
      isOpen = false
    })
    let written = 0
    const more = () => {
      while (isOpen && socket.write('x'.repeat(65_536))) written += 65_536
    }
    socket.on('drain', more)
    more()
    expect(await heard).toMatch(/^HTTP\/1\.1 413 /)
    expect(written).toBeLessThan(50_000_000)
  })

  it('a head larger than 8 KiB gets 431', async () => {
    expect((await beat(`?${'x'.repeat(9_000)}`)).status).toBe(431)
    expect((await beat('', { headers: { 'x-more': 'x'.repeat(9_000) } })).status).toBe(431)
  })

  it('something else than HTTP gets 400, and the end of the connection', async () => {
    const socket = await rawConnection(server.url)
    const heard = heardOn(socket)
    socket.write('SSH-2.0-OpenSSH_9.2\r\n')
    expect(await heard).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n(.*\r\n)*This is no HTTP request\.\n$/)
  })

  it('leaves nothing of itself in the log', async () => {
    await post(`${server.url}/beat/\u001b[31mnobody`.replace('\u001b', '%1b'), { token: 'guessed-token' })
    await post(`${server.url}/beat/nobody`, { token: 'guessed-token' })
    expect(log.lines).toEqual([
      { level: 'warn', fields: { count: 1 }, message: 'beats were posted with a wrong token, or for an agent that does not post' },
    ])
  })
})

describe('before it is answered', () => {
  it('a beat is durable', async () => {
    let commit = () => {}
    durable = () =>
      new Promise((resolve) => {
        commit = resolve
      })
    let isAnswered = false
    const answer = beat().then((answered) => {
      isAnswered = true
      return answered
    })
    await until(() => taken.length === 1, { withinMs: 5_000, what: 'the beat' })
    // Another request goes there and back meanwhile: this one is not just slow.
    await post(`${server.url}/`)
    expect(isAnswered).toBe(false)
    commit()
    expect(await answer).toMatchObject({ status: 200, text: 'OK' })
  })

  it('a beat that the ledger does not take is known, and its agent is told to send it again', async () => {
    durable = () => Promise.reject(new LedgerError('The ledger could not be written: disk full'))
    const { status, text, headers } = await beat()
    expect({ status, text, retry: headers['retry-after'] }).toEqual({
      status: 503,
      text: 'The beat is known, but could not be made durable: send it again.\n',
      retry: '2',
    })
    expect(taken).toHaveLength(1)
    expect(log.lines).toEqual([])
  })

  it('a beat that breaks the watch is told in the log, and is not taken for one', async () => {
    durable = () => Promise.reject(new TypeError('undefined is not a beat'))
    expect((await beat()).status).toBe(503)
    expect(log.messages('error')).toEqual(['beats could not be taken in'])
  })

  it('a beat does not wait for ever for a disk that hangs', async () => {
    await server.stop()
    server = await start({ durableMs: 5_000 }, clock)
    durable = () => new Promise(() => {})
    const answer = beat()
    await until(() => taken.length === 1, { withinMs: 5_000, what: 'the beat' })
    await clock.advance(5_000)
    expect((await answer).status).toBe(503)
  })
})

describe('bounds', () => {
  it('an agent that runs wild is held to its pace, and starves nobody', async () => {
    await server.stop()
    server = await start({ pace: { perSecond: 50, burst: 10 } }, clock)
    const answers = await Promise.all(Array.from({ length: 15 }, () => beat()))
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(10).fill(200), ...Array(5).fill(429)])
    expect(answers.find(({ status }) => status === 429)?.headers['retry-after']).toBe('1')
    expect((await post(`${server.url}/beat/ezra`, { token: 'ezra-s-own' })).status).toBe(200)
    await clock.advance(20)
    expect((await beat()).status).toBe(200)
    expect((await beat()).status).toBe(429)
    expect(log.messages('warn')).toEqual(['an agent posts its beats too fast; some are refused'])
  })

  it('two hundred connections that dawdle are cut, while an agent goes on beating', async () => {
    await server.stop()
    server = await start({ headersMs: 300, requestMs: 600, lookMs: 50 })
    const starts = [
      '',
      'POST /be',
      'POST /beat/ezra HTTP/1.1\r\nHost: x\r\nX-A: ',
      'POST /beat/ezra HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ezra-s-own\r\nContent-Length: 900\r\n\r\n{',
    ]
    const slow = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const socket = await rawConnection(server.url)
        const heard = heardOn(socket)
        socket.write(starts[index % starts.length] ?? '')
        return { heard, socket }
      }),
    )
    const dawdle = setInterval(() => {
      for (const { socket } of slow) if (socket.writable) socket.write('x')
    }, 40)
    expect((await beat()).status).toBe(200)
    const heard = await Promise.all(slow.map((each) => each.heard))
    clearInterval(dawdle)
    expect((await beat()).status).toBe(200)
    expect(new Set(heard.map((text) => text.slice(0, 12)))).toEqual(new Set(['HTTP/1.1 408', 'HTTP/1.1 400']))
    expect(taken).toHaveLength(2)
  })

  it('no more connections are held than there may be', async () => {
    await server.stop()
    server = await start({ connections: 5 })
    const sockets = []
    for (let count = 0; count < 5; count++) sockets.push(await rawConnection(server.url))
    const refused = await rawConnection(server.url)
    expect(await heardOn(refused)).toBe('')
    expect(log.messages('warn')).toEqual(['too many connections post beats; some are refused'])
    for (const socket of sockets) socket.destroy()
    await until(async () => (await beat().catch(() => undefined))?.status === 200, { withinMs: 5_000, what: 'a free connection' })
  })
})

describe('start and stop', () => {
  it('answers what it has taken before it has stopped', async () => {
    await server.stop()
    server = await start({ stopMs: 60_000 })
    let commit = () => {}
    durable = () =>
      new Promise((resolve) => {
        commit = resolve
      })
    const answer = beat()
    await until(() => taken.length === 1, { withinMs: 5_000, what: 'the beat' })
    const stopped = server.stop()
    commit()
    expect(await answer).toMatchObject({ status: 200, headers: { connection: 'close' } })
    await stopped
    await expect(beat()).rejects.toThrow('ECONNREFUSED')
    server = await start()
  })

  it('does not wait longer than it may for what dawdles', async () => {
    await server.stop()
    server = await start({ stopMs: 1_000 }, clock)
    const socket = await rawConnection(server.url)
    const heard = heardOn(socket)
    socket.write('POST /beat/ezra HTTP/1.1\r\n')
    await beat()
    const stopped = server.stop()
    await clock.advance(1_000)
    await stopped
    await heard
    server = await start()
  })

  it('takes other agents and tokens over while it runs', async () => {
    server.redeclare(new Map([['bezalel', { token: new Secret('the new one') }]]))
    expect((await beat()).status).toBe(401)
    expect((await beat('', { token: 'the new one' })).status).toBe(200)
    expect((await post(`${server.url}/beat/ezra`, { token: 'ezra-s-own' })).status).toBe(401)
  })

  it('says which address is taken, and what to do', async () => {
    const other: Server = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const address = other.address()
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0
    const source = httpBeatSource({ listen: { host: '127.0.0.1', port }, clock: realClock, log })
    const failure = source.start(posters, () => Promise.resolve())
    await expect(failure).rejects.toThrow(BeatSourceError)
    await expect(failure).rejects.toThrow(
      `beats can't be taken on 127.0.0.1:${port}: something else listens there already: name another port under push.listen`,
    )
    other.close()
  })

  it('warns of an address that others can reach', async () => {
    const open = await httpBeatSource({ listen: { host: '0.0.0.0', port: 0 }, clock: realClock, log }).start(posters, () =>
      Promise.resolve(),
    )
    await open.stop()
    expect(log.messages('warn')).toEqual([
      'beats are taken in plain HTTP, where others on the way can read the tokens: listen on 127.0.0.1 behind a proxy with TLS',
    ])
  })
})

it('outlives whatever bytes come', async () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'POST /beat/ezra HTTP/1.1\r\n',
      'GET /beat/ezra/3 HTTP/1.1\r\n',
      'CONNECT a:1 HTTP/1.1\r\n\r\n',
      'Host: x\r\n',
      'Authorization: Bearer ezra-s-own\r\n',
      'Content-Length: 7\r\n',
      'Transfer-Encoding: chunked\r\n',
      'Expect: 100-continue\r\n',
      'Connection: Upgrade\r\nUpgrade: websocket\r\n',
      '\r\n',
      '7\r\n{"seq":\r\n',
      '0\r\n\r\n',
      '{"seq":1}',
      '{"__proto__":{"busy":true}}',
    ),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 12 }), async (pieces) => {
      const socket = await rawConnection(server.url)
      const heard = heardOn(socket)
      socket.end(Buffer.from(pieces.join(''), 'latin1'))
      await heard
    }),
    { numRuns: Number(process.env['TOWERWATCH_RUNS'] ?? 500) },
  )
  expect((await beat()).status).toBe(200)
  expect(log.messages('error')).toEqual([])
}, 60_000)
