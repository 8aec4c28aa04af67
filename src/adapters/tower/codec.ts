/**
 * Frames to messages and back, for both transports. Pure, and never throws: what is no message becomes a value that says why.
 *
 * Websocket: a text frame `["tower_ping",[],{"v":1,"id":"p-1"}]`. GMCP: `Tower.Ping {"v":1,"id":"p-1"}`.
 * Evennia adds the keyword `options` to all that goes out of it over the websocket, so that key is taken off before validation.
 */
import { messageOf } from '../../domain/failure.ts'
import { type TowerMessage, type TowerMessageName, towerMessages, type WatchMessage } from '../../protocol/messages.ts'
import { oneLine } from './one-line.ts'

/** Of what comes in. No legal message comes near this: a frame beyond it is refused before it is parsed. */
export const MAX_FRAME_BYTES = 1024 * 1024
const MAX_GMCP_NAME_BYTES = 64

export type Incoming =
  | { kind: 'message'; message: TowerMessage }
  /** The account is logged in. */
  | { kind: 'logged-in' }
  /** Words meant for a person: only the login looks at them. */
  | { kind: 'text'; text: string }
  /** A sound frame that is not for us (prompts, other plugins). */
  | { kind: 'other' }
  /** `text` says what is wrong: one line, capped, no control characters. */
  | { kind: 'malformed'; text: string }

export function encodeWebsocket(message: WatchMessage): string {
  return websocketFrame(message.name, message.data)
}

/** A frame of any name, for the login. Lone surrogates become U+FFFD: Python reads them but cannot print them. */
export function websocketFrame(name: string, data: object): string {
  return `[${JSON.stringify(name)},[],${wellFormedJson(data)}]`
}

export function encodeGmcp(message: WatchMessage): string {
  return gmcpText(message.name, message.data)
}

/** `tower_hello` becomes `Tower.Hello {…}`; Evennia lower-cases a name that comes in and turns its dots into underscores. */
export function gmcpText(name: string, data: object): string {
  return `${name.split('_').map(capitalised).join('.')} ${wellFormedJson(data)}`
}

export function decodeWebsocket(frame: Uint8Array): Incoming {
  if (frame.byteLength > MAX_FRAME_BYTES) return malformed(`frame of ${frame.byteLength} bytes, more than ${MAX_FRAME_BYTES}`)
  const parsed = parseJson(frame)
  if (!parsed.ok) return malformed(`frame is not JSON: ${parsed.reason}`)
  if (!Array.isArray(parsed.value)) return malformed('frame is not a list')
  const [name, positional, keywords] = parsed.value as unknown[]
  if (typeof name !== 'string') return malformed('frame does not begin with a name')
  if (name === 'text') {
    const text = Array.isArray(positional) ? positional[0] : positional
    return { kind: 'text', text: typeof text === 'string' ? text : '' }
  }
  if (Array.isArray(positional) && positional.length > 0 && isTowerName(name)) {
    return malformed(`${name} has positional arguments`)
  }
  return decodeNamed(name, keywords)
}

/** `payload` is what stands between IAC SB 201 and IAC SE, doubled 0xFF already undone. */
export function decodeGmcp(payload: Uint8Array): Incoming {
  if (payload.byteLength > MAX_FRAME_BYTES) return malformed(`GMCP of ${payload.byteLength} bytes, more than ${MAX_FRAME_BYTES}`)
  // A name ends at the first white space. Looked for in the first bytes only, so that a long one costs nothing.
  const head = payload.subarray(0, MAX_GMCP_NAME_BYTES + 1)
  const found = head.findIndex(isWhiteSpace)
  if (found === -1 && payload.byteLength > MAX_GMCP_NAME_BYTES) return malformed(`GMCP name of more than ${MAX_GMCP_NAME_BYTES} bytes`)
  const nameEnd = found === -1 ? payload.byteLength : found
  const written = latin1.decode(payload.subarray(0, nameEnd))
  if (!/^[A-Za-z0-9_.-]+$/.test(written)) return malformed(`GMCP name ${JSON.stringify(written)}`)
  const name = written
    .toLowerCase()
    .replaceAll('.', '_')
    .replace(/^core_/, '')
  if (!isTowerName(name)) return name === 'logged_in' ? { kind: 'logged-in' } : { kind: 'other' }
  const parsed = parseJson(payload.subarray(nameEnd))
  if (!parsed.ok) return malformed(`${name} is not JSON: ${parsed.reason}`)
  return decodeNamed(name, parsed.value)
}

function decodeNamed(name: string, keywords: unknown): Incoming {
  if (name === 'logged_in') return { kind: 'logged-in' }
  if (!isTowerName(name)) return { kind: 'other' }
  if (!isMessageName(name)) return malformed(`unknown message ${JSON.stringify(name)}`)
  if (typeof keywords !== 'object' || keywords === null || Array.isArray(keywords)) return malformed(`${name} has no fields`)
  const fields = Object.fromEntries(Object.entries(keywords).filter(([key]) => key !== 'options'))
  return decodeFields(name, fields)
}

/** Generic in the name, so that the name and the fields it belongs to stay together in the types. */
function decodeFields(name: TowerMessageName, fields: object): Incoming {
  const parsed = towerMessages[name].safeParse(fields)
  if (!parsed.success) {
    const faults = parsed.error.issues.slice(0, 3).map((issue) => `${issue.path.join('.') || 'message'}: ${issue.message}`)
    return malformed(`${name}: ${faults.join('; ')}`)
  }
  return { kind: 'message', message: { name, data: parsed.data } as TowerMessage }
}

function parseJson(bytes: Uint8Array): { ok: true; value: unknown } | { ok: false; reason: string } {
  try {
    return { ok: true, value: JSON.parse(utf8.decode(bytes)) }
  } catch (error) {
    return { ok: false, reason: messageOf(error) }
  }
}

// `fatal`: bytes that are no UTF-8 must not become a message with U+FFFD in its ids.
const utf8 = new TextDecoder('utf-8', { fatal: true })
const latin1 = new TextDecoder('latin1')

function wellFormedJson(data: object): string {
  return JSON.stringify(data, (_key, value: unknown) => (typeof value === 'string' ? value.replace(/\p{Surrogate}/gu, '\ufffd') : value))
}

const capitalised = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1)
const isWhiteSpace = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)
const isTowerName = (name: string): boolean => name.startsWith('tower_')
const isMessageName = (name: string): name is TowerMessageName => Object.hasOwn(towerMessages, name)
const malformed = (text: string): Incoming => ({ kind: 'malformed', text: oneLine(text, 300) })
