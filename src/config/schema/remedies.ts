/** How much the watch does by itself. */
import { z } from 'zod'
import { duration, off } from './parts.ts'

export const remedies = z.strictObject({
  /** So many automatic restarts in the whole fleet, and of one agent, within `per`; then it asks a person. */
  budget: z.union([off, z.int().min(1).max(10_000)], { error: 'expected "off" or a whole number' }).default(10),
  agentBudget: z.union([off, z.int().min(1).max(10_000)], { error: 'expected "off" or a whole number' }).default(6),
  per: duration.default(3_600_000),
  /** So many restarts at the same time, of people, too. */
  atOnce: z.int().min(1).max(100).default(2),
  /** Who dies again after so many restarts within so long is given up, but for one try each `retry`. */
  crashLoop: z
    .union(
      [
        off,
        z.strictObject({
          starts: z.int().min(2).max(100).default(5),
          within: duration.default(900_000),
          retry: duration.default(3_600_000),
        }),
      ],
      {
        error: 'expected "off" or { starts: 5, within: 15m, retry: 1h }',
      },
    )
    .prefault({}),
})
