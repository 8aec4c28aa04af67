/** How much a game may send before it is left, in bytes on the wire and in frames: the same for both transports. */
import { MAX_FRAME_BYTES } from './codec.ts'
import { type Meter, meter } from './meter.ts'

const WINDOW_MS = 10_000
/**
 * Four of the longest frames in ten seconds. A Tower sends requests and acks of a few hundred bytes; what brings more costs
 * the daemon its processor, whatever the bytes say.
 */
const MAX_BYTES = 4 * MAX_FRAME_BYTES
/** Far more than a Tower full of people has to say. A frame of three bytes costs as much as one of three hundred. */
const MAX_FRAMES = 5_000

export const byteInflow = (): Meter => meter(MAX_BYTES, WINDOW_MS)
export const frameInflow = (): Meter => meter(MAX_FRAMES, WINDOW_MS)

export const BYTE_FLOOD = `the game floods us: more than ${MAX_BYTES} bytes in ${WINDOW_MS / 1000} s`
export const FRAME_FLOOD = `the game floods us: more than ${MAX_FRAMES} frames in ${WINDOW_MS / 1000} s`
