/** What the parts of fleet.yaml are made of: durations, paths, names, secrets. */
import { z } from 'zod'
import { parseDuration, sayDuration } from '../../domain/duration.ts'
import { ID_PATTERN } from '../../domain/ids.ts'

export const idText = z.string().regex(new RegExp(ID_PATTERN), {
  error: 'expected a name of lower-case letters, digits, "_", "." and "-" (at most 63, a letter or digit first)',
})

const longestMs = 3650 * 86_400_000

export function durationFrom(leastMs: number) {
  return z.union([z.string(), z.number()], { error: 'expected a duration such as "30s", "5m" or "1h"' }).transform((value, ctx) => {
    const ms = parseDuration(String(value))
    if (ms !== undefined && ms >= leastMs && ms <= longestMs) return ms
    ctx.addIssue({ code: 'custom', message: `${sayExpected(ms, leastMs)}, got "${value}"` })
    return z.NEVER
  })
}

function sayExpected(ms: number | undefined, leastMs: number): string {
  if (ms !== undefined && ms > longestMs) return 'expected a duration of at most 3650d'
  if (ms !== undefined && ms < leastMs)
    return leastMs === 1 ? 'expected a duration longer than nothing' : `expected ${sayDuration(leastMs)} or more`
  return 'expected a duration such as "30s", "5m" or "1h"'
}

export const duration = durationFrom(1)
export const durationOrNone = durationFrom(0)

export const absolutePath = z.string().regex(/^\/[^\0\n]*$/, { error: 'expected an absolute path (it begins with "/")' })
/** A path on the watch's own machine: absolute, or relative to fleet.yaml, or under "~/". */
export const localPath = z.string().min(1)
/** ssh itself reads quotes, backslashes and "$" in a path as something else than a path. */
export const sshPath = z
  .string()
  .regex(/^[^"'\\$\p{C}]+$/u, { error: 'expected a path without quotes, "\\" and "$", which ssh reads as something else' })
/** One element of a command line. The gate takes one per line, so a newline can't be part of it. */
const argument = z.string().regex(/^[^\0\n]*$/, { error: 'expected text without a newline' })
export const command = z.array(argument, { error: 'expected a list: the program, then its arguments, one per item' }).min(1)

export const secret = z.union([z.strictObject({ env: z.string().min(1) }), z.strictObject({ file: localPath })], {
  error: 'expected { env: NAME } or { file: path }: a secret never stands in fleet.yaml itself',
})

export const url = z.string().regex(/^https?:\/\/[^\s]+$/, { error: 'expected http://… or https://…' })
export const off = z.literal('off')
/** The name of a systemd unit; never an option, for no "-" comes first. */
export const unitName = z.string().regex(/^[A-Za-z0-9@_][A-Za-z0-9@._-]{0,120}$/, { error: 'expected the name of a systemd unit' })
export const scope = z.enum(['system', 'user']).default('system')
