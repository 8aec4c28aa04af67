/** TowerTransport over Evennia's websocket. `ws://` or `wss://`; the latter checks the certificate. */
import { type RawData, WebSocket } from 'ws'
import type { TowerTransport } from '../../ports/tower-transport.ts'
import { decodeWebsocket, encodeWebsocket, MAX_FRAME_BYTES, websocketFrame } from './codec.ts'
import { converse, type Wire, type WireEvents } from './conversation.ts'
import { sayDistrust } from './distrust.ts'
import { BYTE_FLOOD, byteInflow } from './inflow.ts'

/** How long a gentle end may take before the socket is cut. */
const GENTLE_MS = 500

export interface WebsocketOptions {
  /** No user name or password in it: those go in the login, and URLs end up in logs. */
  url: string
  /** PEM of the authority that alone is trusted, for a Tower with a certificate of its own; absent: the system's. */
  ca?: string
}

export function websocketTransport(options: WebsocketOptions): TowerTransport {
  return {
    kind: 'websocket',
    connect: (account, listener, bounds) =>
      converse('websocket', account, listener, bounds, (events) => openWebsocket(options, bounds.timeoutMs, events)),
  }
}

function openWebsocket(options: WebsocketOptions, timeoutMs: number, events: WireEvents): Wire {
  // No subprotocol: Evennia 5 answers with none, and ws then gives up. No `csessid`: it would log in as some browser's user.
  const socket = new WebSocket(options.url, {
    perMessageDeflate: false,
    maxPayload: MAX_FRAME_BYTES,
    handshakeTimeout: timeoutMs,
    followRedirects: false,
    // Said outright, because NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment would turn it off.
    rejectUnauthorized: true,
    ...(options.ca === undefined ? {} : { ca: options.ca }),
  })
  const cut = (reason: string) => {
    events.ended(reason)
    socket.terminate()
  }
  const bytes = byteInflow()
  socket.on('upgrade', ({ socket: raw }) =>
    socket.on('open', () => {
      // Of the connection below, because pings and continuations without end are no messages. Not before it is open: a first
      // listener sets the bytes flowing, and those that came with the handshake would be gone before `ws` listens.
      raw.on('data', (chunk: Buffer) => bytes.isOver(chunk.length, performance.now()) && cut(BYTE_FLOOD))
      events.ready()
    }),
  )
  socket.on('message', (data, isBinary) => {
    if (!isBinary) events.incoming(decodeWebsocket(bytesOf(data)))
  })
  // 'close' follows an error, but not always soon: an error is the end.
  socket.on('error', (error) => {
    const distrust = sayDistrust(error, options)
    if (distrust !== undefined) events.untrusted(distrust)
    cut(error.message)
  })
  socket.on('close', (code, reason) => events.ended(`closed by the game (${code}${reason.length > 0 ? ` ${reason.toString()}` : ''})`))

  const send = (frame: string) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(frame)
  }
  return {
    login: (account) => send(websocketFrame('login', { name: account.name, password: account.password })),
    send: (message) => send(encodeWebsocket(message)),
    bufferedBytes: () => socket.bufferedAmount,
    end: (gently) => {
      if (!gently) return socket.terminate()
      socket.close(1000)
      setTimeout(() => socket.terminate(), GENTLE_MS).unref()
    },
  }
}

function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data)
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data
}
