/** How much a game may send before it is left, in bytes on the wire: the same for both transports. */
import { MAX_FRAME_BYTES } from './codec.ts'
import { type Meter, meter } from './meter.ts'

const WINDOW_MS = 10_000

/**
 * Two of the longest frames in ten seconds. A Tower sends requests and acks of a few hundred bytes; what brings more costs
 * the daemon its processor, whatever the bytes say.
 */
export function inflow(): Meter {
  return meter(2 * MAX_FRAME_BYTES, WINDOW_MS)
}

export const FLOOD = `the game floods us: more than ${2 * MAX_FRAME_BYTES} bytes in ${WINDOW_MS / 1000} s`
