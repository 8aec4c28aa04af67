/** Heartbeat files: bytes in, a beat's contents or a named fault out. Whatever a file holds, this never throws. */
import { assertNever } from './assert-never.ts'

export type HeartbeatFormat = 'json' | 'mtime' | 'epoch' | 'auto'

/** What a heartbeat says of its agent. The file's own time is not used: remote clocks are only labels. */
export interface HeartbeatContent {
  epoch?: string
  pid?: number
  seq?: number
  busy?: boolean
  doing?: string
  model?: string
}

export type HeartbeatReading = { kind: 'beat'; content: HeartbeatContent } | { kind: 'fault'; fault: string }

/** `bytes`: the file's first 64 KiB, `truncated` where there was more. */
export function readHeartbeat(bytes: Uint8Array, truncated: boolean, format: HeartbeatFormat): HeartbeatReading {
  if (format === 'mtime') return { kind: 'beat', content: {} }
  if (truncated) return { kind: 'fault', fault: 'the heartbeat file is larger than 64 KiB' }
  const text = new TextDecoder('utf-8').decode(bytes).trim()
  switch (format) {
    case 'json':
      return readJson(text)
    case 'epoch':
      return readEpoch(text)
    case 'auto':
      if (text.startsWith('{')) return readJson(text)
      return text !== '' && Number.isFinite(Number(text)) ? readEpoch(text) : { kind: 'beat', content: {} }
    default:
      return assertNever(format)
  }
}

function readEpoch(text: string): HeartbeatReading {
  const seconds = Number(text)
  if (text === '' || !Number.isFinite(seconds) || seconds <= 0)
    return { kind: 'fault', fault: 'the heartbeat file holds no number of seconds' }
  return { kind: 'beat', content: {} }
}

function readJson(text: string): HeartbeatReading {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { kind: 'fault', fault: text === '' ? 'the heartbeat file is empty' : 'the heartbeat file is not whole JSON' }
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    return { kind: 'fault', fault: 'the heartbeat file holds no JSON object' }
  const fields = value as Record<string, unknown>
  const content: HeartbeatContent = {}
  const epoch = fields['epoch']
  const epochText = typeof epoch === 'string' ? clean(epoch, 100) : typeof epoch === 'number' && Number.isFinite(epoch) ? String(epoch) : ''
  if (epochText !== '') content.epoch = epochText
  const pid = fields['pid']
  if (typeof pid === 'number' && Number.isInteger(pid) && pid > 1 && pid < 2 ** 31) content.pid = pid
  const seq = fields['seq']
  if (typeof seq === 'number' && Number.isFinite(seq)) content.seq = seq
  if (typeof fields['busy'] === 'boolean') content.busy = fields['busy']
  if (typeof fields['doing'] === 'string') content.doing = clean(fields['doing'], 200)
  if (typeof fields['model'] === 'string') content.model = clean(fields['model'], 100)
  return { kind: 'beat', content }
}

/** Outside text as it is kept: one line, no control characters, capped. Whoever shows it still escapes for his own medium. */
export function clean(text: string, max: number): string {
  // C0 and C1 controls, line separators, and the marks that turn the reading direction round. A pair of surrogates that
  // JSON left half, or the cap cut in two, would be a text that Python can read but not print.
  return text
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]+/g, ' ')
    .trim()
    .slice(0, max)
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .trimEnd()
}
