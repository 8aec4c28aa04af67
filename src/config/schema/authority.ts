/** Who may do what, beyond what the game and this machine's user accounts say. */
import { z } from 'zod'
import { duration } from './parts.ts'

export const authority = z.strictObject({
  /** What needs a second person: an operation, or one with what it is about: "restart all". */
  confirm: z
    .array(
      z.string().regex(/^[a-z][a-z-]{0,31}( [a-z0-9][a-z0-9_.: -]{0,80})?$/, { error: 'expected an operation, such as "restart all"' }),
    )
    .max(50)
    .default([]),
  /** How long a second person may take. */
  within: duration.default(120_000),
  /** So many changes may one person ask for within `per`. */
  changes: z.int().min(1).max(100_000).default(30),
  per: duration.default(60_000),
})
