/** When a host is not well. */
import { z } from 'zod'
import { duration, off } from './parts.ts'

function levels(what: string, schema: z.ZodType<number, unknown>) {
  return z.union([off, z.strictObject({ warn: schema, critical: schema })], {
    error: `expected "off" or { warn: …, critical: … } in ${what}`,
  })
}

const percent = z.number().min(1).max(100)
const used = levels('percent used', percent).optional()

export const thresholds = z.strictObject({
  /** Of each mounted file system. */
  disk: used,
  inodes: used,
  memory: used,
  swap: used,
  /** Of five minutes, per core. */
  load: levels('load per core', z.number().min(0.1).max(1000)).optional(),
  /** How far its clock is off. */
  clock: levels('time', duration).optional(),
  /** A disk that would be full within so long, the way it fills now, is worth a warning. */
  fullWithin: z.union([off, duration], { error: 'expected "off" or a duration such as "3d"' }).optional(),
})

export const health = z.strictObject({
  /** How often each host is asked. */
  every: duration.default(60_000),
  ...thresholds.shape,
})
