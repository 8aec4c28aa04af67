/**
 * Beats over HTTP: `POST /beat/<agent>`, `/start`, `/fail`, `/<exit status>`, with the agent's token. GET does the same, for
 * whoever has nothing but wget; nothing that a browser follows by itself can carry the token.
 *
 * `200 OK` is said once the beat is durable. Everything that comes is bounded: sizes, time, connections, pace. Nothing of a
 * request but a known agent's name gets into the log.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { messageOf } from '../../domain/failure.ts'
import { type BeatSource, BeatSourceError, type RunningBeatSource, type TakeBeat } from '../../ports/beat-source.ts'
import type { Clock } from '../../ports/clock.ts'
import { LedgerError } from '../../ports/ledger.ts'
import type { Log } from '../../ports/log.ts'
import { type Pace, pacer } from './pace.ts'
import { readPath, readPost, type Said } from './post.ts'
import { type Tokens, tokensOf } from './tokens.ts'

export interface Bounds {
  /** From the connection, or the end of the request before, to the end of the headers. */
  headersMs: number
  /** The same to the end of the body. */
  requestMs: number
  /** How often the two are looked after. */
  lookMs: number
  /** A connection that is not used; longer than the usual period of a minute, so that agents can keep theirs. */
  idleMs: number
  connections: number
  /** How long a beat may take to become durable before its agent is told that it is not. */
  durableMs: number
  /** How long a stop waits for what is being answered. */
  stopMs: number
  pace: Pace
}

const usualBounds: Bounds = {
  headersMs: 5_000,
  requestMs: 8_000,
  lookMs: 1_000,
  idleMs: 75_000,
  connections: 2_000,
  durableMs: 5_000,
  stopMs: 2_000,
  pace: { perSecond: 50, burst: 100 },
}

const maxBodyBytes = 16 * 1024
/** Of a body that is too large, so much is read all the same: who is cut off in the middle of asking never reads why. */
const maxReadBytes = 1024 * 1024
const maxHeaderBytes = 8 * 1024
/** A trouble that goes on is told so often. */
const tellEveryMs = 60_000

export interface PushOptions {
  listen: { host: string; port: number }
  clock: Clock
  log: Log
  /** For tests that have no time. */
  bounds?: Partial<Bounds>
}

export function httpBeatSource({ listen, clock, log, bounds: given }: PushOptions): BeatSource {
  const bounds = { ...usualBounds, ...given }
  return {
    start: async (posters, take) => {
      const desk: Desk = {
        tokens: tokensOf(posters),
        pace: pacer(bounds.pace),
        take,
        clock,
        durableMs: bounds.durableMs,
        isStopping: false,
        tellStranger: seldom(clock, (count) =>
          log.warn({ count }, 'beats were posted with a wrong token, or for an agent that does not post'),
        ),
        tellHasty: seldom(clock, (count, agent) => log.warn({ count, agent }, 'an agent posts its beats too fast; some are refused')),
        tellBroken: seldom(clock, (count, err) => log.error({ count, err }, 'beats could not be taken in')),
      }
      const tellFull = seldom(clock, (count) =>
        log.warn({ count, connections: bounds.connections }, 'too many connections post beats; some are refused'),
      )
      const server = createServer(
        {
          headersTimeout: bounds.headersMs,
          requestTimeout: bounds.requestMs,
          connectionsCheckingInterval: bounds.lookMs,
          keepAliveTimeout: bounds.idleMs,
          maxHeaderSize: maxHeaderBytes,
        },
        (request, response) => serve(request, response, desk),
      )
      server.maxConnections = bounds.connections
      server.on('drop', () => tellFull())
      server.on('clientError', refuseGarbage)
      await listening(server, listen)
      if (!isLoopback(listen.host)) log.warn({ host: listen.host }, plainWarning)
      // A machine that has no descriptors left can't take a connection; those it has go on.
      server.on('error', (error) => desk.tellBroken(error.message))
      return running(server, listen.host, desk, { clock, stopMs: bounds.stopMs })
    },
  }
}

/** Said of an address that others can reach. */
export const plainWarning =
  'beats are taken in plain HTTP, where others on the way can read the tokens: listen on 127.0.0.1 behind a proxy with TLS'

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

function running(server: Server, host: string, desk: Desk, { clock, stopMs }: { clock: Clock; stopMs: number }): RunningBeatSource {
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    redeclare: (posters) => {
      desk.tokens = tokensOf(posters)
    },
    stop: () =>
      new Promise((resolve) => {
        desk.isStopping = true
        const cut = clock.after(stopMs, () => server.closeAllConnections())
        server.close(() => {
          cut.cancel()
          resolve()
        })
      }),
  }
}

function listening(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const code = 'code' in error ? error.code : ''
      const why =
        code === 'EADDRINUSE'
          ? 'something else listens there already: name another port under push.listen'
          : code === 'EACCES'
            ? 'ports below 1024 are not for every user: name another one under push.listen'
            : `${error.message}: see push.listen`
      reject(new BeatSourceError(`beats can't be taken on ${host}:${port}: ${why}`))
    })
    server.listen(port, host, resolve)
  })
}

interface Desk {
  tokens: Tokens
  pace: ReturnType<typeof pacer>
  take: TakeBeat
  clock: Clock
  durableMs: number
  isStopping: boolean
  tellStranger(): void
  tellHasty(agent: string): void
  tellBroken(why: string): void
}

interface Answer {
  status: number
  sentence: string
  headers?: Record<string, string>
}

const unauthorized: Answer = {
  status: 401,
  sentence: "This is not the agent's token. Send it as: Authorization: Bearer TOKEN",
  headers: { 'www-authenticate': 'Bearer' },
}

function serve(request: IncomingMessage, response: ServerResponse, desk: Desk): void {
  // Whoever goes away before the answer has beaten all the same.
  request.on('error', () => {})
  response.on('error', () => {})
  const say = (result: Answer) => answer(request, response, result, desk.isStopping)
  const found = route(request, desk)
  // The body is read, within bounds, even where it can't change the answer: see maxReadBytes.
  readBody(request, (bytes) => {
    if ('status' in found) say(found)
    else if (!bytes) say({ status: 413, sentence: 'The body is larger than 16 KiB.' })
    else {
      const reading = readPost(found.said, bytes, request.headers['content-type'])
      if ('status' in reading) say(reading)
      else takeIn(found.agent, reading.beat, desk, say)
    }
  })
}

/** All that can be known before the body: the token first, so that a stranger learns nothing else. */
function route(request: IncomingMessage, desk: Desk): Answer | { agent: string; said: Said } {
  const path = readPath(request.url ?? '')
  if (!path) return { status: 404, sentence: 'Beats are posted to /beat/<agent>.' }
  if (!desk.tokens.fit(path.agent, request.headers.authorization)) {
    desk.tellStranger()
    return unauthorized
  }
  const { agent, said } = path
  if (said === undefined) {
    return { status: 404, sentence: 'After the agent may come /start, /fail, or an exit status from 0 to 255.' }
  }
  if (request.method !== 'POST' && request.method !== 'GET') {
    return { status: 405, sentence: 'Beats are sent with POST, or GET.', headers: { allow: 'POST, GET' } }
  }
  if (!desk.pace.may(agent, desk.clock.now())) {
    desk.tellHasty(agent)
    return { status: 429, sentence: 'Too many beats: send fewer than 50 a second.', headers: { 'retry-after': '1' } }
  }
  return { agent, said }
}

/** Calls back once with the body, or with undefined where it is too large. Not at all where the request breaks off. */
function readBody(request: IncomingMessage, done: (bytes: Uint8Array | undefined) => void): void {
  const chunks: Buffer[] = []
  let length = 0
  let isDone = false
  const finish = (bytes: Uint8Array | undefined) => {
    if (isDone) return
    isDone = true
    done(bytes)
  }
  request.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length <= maxBodyBytes) chunks.push(chunk)
    else if (length > maxReadBytes) finish(undefined)
  })
  request.on('end', () => finish(length > maxBodyBytes ? undefined : Buffer.concat(chunks)))
}

function takeIn(agent: string, beat: Parameters<TakeBeat>[1], desk: Desk, done: (answer: Answer) => void): void {
  let isDone = false
  const finish = (result: Answer) => {
    if (isDone) return
    isDone = true
    tooLate.cancel()
    done(result)
  }
  const notDurable: Answer = {
    status: 503,
    sentence: 'The beat is known, but could not be made durable: send it again.',
    headers: { 'retry-after': '2' },
  }
  const tooLate = desk.clock.after(desk.durableMs, () => finish(notDurable))
  desk.take(agent, beat).then(
    () => finish({ status: 200, sentence: 'OK' }),
    (error: unknown) => {
      // The ledger tells its own troubles; anything else is ours.
      if (!(error instanceof LedgerError)) desk.tellBroken(messageOf(error))
      finish(notDurable)
    },
  )
}

function answer(request: IncomingMessage, response: ServerResponse, { status, sentence, headers }: Answer, isStopping: boolean): void {
  if (response.writableEnded || response.destroyed) return
  const text = status === 200 ? sentence : `${sentence}\n`
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    // A stranger may not keep a connection, nor may whoever has still more to send than anybody reads.
    ...((status === 401 || !request.complete || isStopping) && { connection: 'close' }),
    ...headers,
  })
  response.end(text)
}

/** What is no HTTP, or took too long: a plain answer, and the end of the connection. */
function refuseGarbage(error: Error, socket: Socket | import('node:stream').Duplex): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const code = 'code' in error ? error.code : ''
  const [status, sentence] =
    code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? ['408 Request Timeout', 'The request took too long.']
      : code === 'HPE_HEADER_OVERFLOW'
        ? ['431 Request Header Fields Too Large', 'The headers are larger than 8 KiB.']
        : ['400 Bad Request', 'This is no HTTP request.']
  const text = `${sentence}\n`
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${text.length}\r\nconnection: close\r\n\r\n${text}`,
    () => socket.destroy(),
  )
}

/** Tells the first at once, and what comes in the minute after it as one number. */
function seldom<Details extends unknown[]>(
  clock: Clock,
  tell: (count: number, ...details: Details) => void,
): (...details: Details) => void {
  let count = 0
  let toldMs = Number.NEGATIVE_INFINITY
  return (...details) => {
    count += 1
    if (clock.now() - toldMs < tellEveryMs) return
    tell(count, ...details)
    toldMs = clock.now()
    count = 0
  }
}
