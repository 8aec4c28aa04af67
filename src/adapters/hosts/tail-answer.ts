/** The answer to `tail` (gate/tail.sh): a line about it, then what an agent wrote, which may be anything. Pure. */
import { z } from 'zod'
import type { Tail } from '../../ports/host.ts'
import { ProtocolError } from './gate-protocol.ts'

const head = z
  .string()
  .regex(/^(pane pane\.\d{1,9} all|log log\.\d{1,20}\.\d{1,15} (all|cut))$/)
  .transform((line) => line.split(' '))

/** Longer than what a gate sends: bytes that are no UTF-8 become three each. */
const mostBytes = 16_384

/** Throws ProtocolError where it is out of form. */
export function parseTail(body: Uint8Array): Tail {
  const cut = body.indexOf(10)
  if (cut < 0) throw new ProtocolError('the answer to tail has no head')
  if (body.length - cut - 1 > mostBytes) throw new ProtocolError(`the answer to tail is over the limit of ${mostBytes} bytes`)
  const decoder = new TextDecoder()
  const found = head.safeParse(decoder.decode(body.subarray(0, cut)))
  if (!found.success) throw new ProtocolError('the head of the answer to tail is malformed')
  const [from, cursor = '', amount] = found.data
  return { text: decoder.decode(body.subarray(cut + 1)), from: from === 'pane' ? 'pane' : 'log', cursor, isCut: amount === 'cut' }
}
