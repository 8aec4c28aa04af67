/** What passes over the control socket: one JSON request, answered by lines of JSON. */
import { z } from 'zod'
import { screenLimits } from '../../domain/operation.ts'

export const controlRequest = z.strictObject({
  operation: z.string().max(64),
  arguments: z.record(z.string().max(32), z.string().max(400)),
  /** The user of this machine who asks. The socket is his own (0600 in a 0700 folder), so his word is taken. */
  user: z.strictObject({ id: z.string().max(64), name: z.string().max(80), from: z.string().max(80).optional() }),
  /** The terminal that the answer is read on; absent where it is none. */
  screen: z.strictObject({ columns: z.int().min(screenLimits.least).max(screenLimits.most) }).optional(),
})
export type ControlRequest = z.infer<typeof controlRequest>

export const controlLine = z.union([
  z.strictObject({ progress: z.string() }),
  z.strictObject({
    outcome: z.strictObject({
      status: z.enum(['ok', 'failed', 'timeout', 'refused', 'waiting']),
      lines: z.array(z.string()),
      data: z.unknown().optional(),
      /** Refused for what was typed: the shell ends as it does for wrong input. */
      isWrongInput: z.literal(true).optional(),
    }),
  }),
])
export type ControlOutcome = Extract<z.infer<typeof controlLine>, { outcome: unknown }>['outcome']

/** What follows a request to record: a line of a trace each. */
export const recordLine = z.strictObject({ line: z.record(z.string(), z.unknown()) })
