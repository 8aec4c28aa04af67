/**
 * telnetlib with everything disarmed that lets a game crash, stall or flood us (reference: its source, 1.0.2).
 *
 * What the library is left to do is to cut the stream into text, negotiations and subnegotiations. Its own option handlers
 * are never reached: all 256 are replaced, per connection, before the first byte can come. Its GMCP handler throws on bad
 * JSON and on names without a dot and loses their case; its MCCP and NAWS handlers throw on bad input; its answers to a
 * repeated WILL never end; its writer turns a buffer that holds 0xFF into digits. So we answer, parse and write ourselves.
 */
import type { Socket } from 'node:net'
import { createConnection, TelnetOption, type TelnetSocket } from 'telnetlib'
import { MAX_FRAME_BYTES } from './codec.ts'
import { BYTE_FLOOD, byteInflow } from './inflow.ts'

const SE = 0xf0
const SB = 0xfa
const WILL = 0xfb
const WONT = 0xfc
const DO = 0xfd
const DONT = 0xfe
const IAC = 0xff
const GMCP = 201

/** Evennia's longest text is a screen of help. */
const MAX_TEXT_BYTES = 1024 * 1024
/** Offers and demands for one option that are answered; a peer that goes on does not mean well. */
const MAX_NEGOTIATIONS = 10
const GENTLE_MS = 500

export interface GuardEvents {
  /** The game agreed to GMCP. */
  enabled(): void
  /** What came between IAC SB 201 and IAC SE, once GMCP is agreed. */
  gmcp(payload: Uint8Array): void
  /** A line, or as much of one as came in one piece: a prompt has no end, and some games end lines with a bare LF. */
  text(bytes: Uint8Array): void
  /** The connection is over and its socket destroyed; called once. */
  ended(reason: string): void
}

export interface GuardedTelnet {
  /** Sends one GMCP message, as one write. Does nothing on a dead connection. */
  send(text: string): void
  bufferedBytes(): number
  /** Ends it; `ended` is not called. */
  end(gently: boolean): void
}

export function openGuardedTelnet(address: { host: string; port: number }, events: GuardEvents): GuardedTelnet {
  const telnet = createConnection({
    ...address,
    // None: the library's own negotiation starts timers and never notices a late WILL. The game offers GMCP by itself.
    remoteOptions: [],
    localOptions: [],
    receiveBufferMax: MAX_TEXT_BYTES,
    subnegotiationBufferMax: MAX_FRAME_BYTES,
  })
  // By itself the library holds back what has no CRLF behind it, so that a refusal in another form would never be heard.
  telnet.reader.flushPolicy.endOfChunk = true
  const raw = telnet.socket
  const bytes = byteInflow()
  let over = false

  const end = (reason: string) => {
    if (over) return
    over = true
    raw.destroy()
    events.ended(reason)
  }
  const option = (code: number) =>
    code === GMCP
      ? new GmcpOption(telnet, {
          enabled: () => !over && events.enabled(),
          disabled: () => end('the game switched GMCP off'),
          gmcp: (payload) => !over && events.gmcp(payload),
          flood: () => end(`the game repeats its offers of telnet option ${code}`),
        })
      : new RefusedOption(telnet, code, () => end(`the game repeats its offers of telnet option ${code}`))
  for (let code = 0; code < 256; code++) telnet.options.set(code, option(code))

  telnet.on('data', (text: Buffer) => !over && events.text(text))
  raw.on('data', (chunk: Buffer) => bytes.isOver(chunk.length, performance.now()) && end(BYTE_FLOOD))
  // After an error the library may stay silent for ever: neither 'end' nor 'close' is sure to come. So it is the end.
  telnet.on('error', (error: Error) => end(error.message))
  raw.on('end', () => end('the game closed the connection'))
  raw.on('close', () => end('the connection was closed'))
  raw.setNoDelay(true)
  raw.setKeepAlive(true, 30_000)

  return {
    send: (text) => {
      if (!over && raw.writable) raw.write(gmcpFrame(text))
    },
    bufferedBytes: () => raw.writableLength,
    end: (gently) => {
      if (over) return
      over = true
      if (!gently) {
        raw.destroy()
        return
      }
      raw.end()
      setTimeout(() => raw.destroy(), GENTLE_MS).unref()
    },
  }
}

/** IAC SB 201 … IAC SE as one buffer, so that nothing gets in between; 0xFF doubled. */
export function gmcpFrame(text: string): Buffer {
  return Buffer.concat([Buffer.of(IAC, SB, GMCP), doubled(Buffer.from(text, 'utf8')), Buffer.of(IAC, SE)])
}

/** UTF-8 never holds 0xFF, so for text this copies nothing. */
export function doubled(bytes: Buffer): Buffer {
  if (!bytes.includes(IAC)) return bytes
  const out: number[] = []
  for (const byte of bytes) out.push(...(byte === IAC ? [IAC, IAC] : [byte]))
  return Buffer.from(out)
}

/** Says no to everything, a bounded number of times, and hears nothing. MCCP, MSDP and NAWS among them. */
class RefusedOption extends TelnetOption {
  #count = 0
  readonly #flood: () => void

  constructor(telnet: TelnetSocket, code: number, flood: () => void) {
    super(telnet, code)
    this.#flood = flood
  }

  override handleWill(): void {
    this.answer(DONT)
  }

  override handleWont(): void {}

  override handleDo(): void {
    this.answer(WONT)
  }

  override handleDont(): void {}

  override subnegotiation(_payload: Buffer): void {}

  protected answer(command: number): void {
    this.#count += 1
    if (this.#count > MAX_NEGOTIATIONS) this.#flood()
    else write(this.socket.socket, command, this.code)
  }
}

class GmcpOption extends RefusedOption {
  #on = false
  readonly #events: { enabled(): void; disabled(): void; gmcp(payload: Uint8Array): void }

  constructor(telnet: TelnetSocket, events: { enabled(): void; disabled(): void; gmcp(payload: Uint8Array): void; flood(): void }) {
    super(telnet, GMCP, events.flood)
    this.#events = events
  }

  override handleWill(): void {
    this.answer(DO)
    if (this.#on) return
    this.#on = true
    this.#events.enabled()
  }

  override handleWont(): void {
    if (this.#on) this.#events.disabled()
  }

  override subnegotiation(payload: Buffer): void {
    if (this.#on) this.#events.gmcp(payload)
  }
}

function write(socket: Socket, command: number, option: number): void {
  if (socket.writable) socket.write(Buffer.of(IAC, command, option))
}

// Named here for the tests, which speak telnet byte by byte.
export const telnetBytes = { SE, SB, WILL, WONT, DO, DONT, IAC, GMCP } as const
