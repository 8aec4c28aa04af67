/** The answer to `configs`, and the words of the verbs that keep settings and put them back. */
import { z } from 'zod'
import type { ConfigSighting } from '../../ports/host.ts'
import { ProtocolError } from './gate-protocol.ts'

const hash = z.union([z.literal('-'), z.string().regex(/^[0-9a-f]{64}$/)])
const place = z
  .string()
  .regex(/^\d{1,9}$/)
  .transform(Number)
const lines = z.tuple([
  z.string().regex(/^config \d{1,2}$/),
  hash,
  hash,
  z.enum(['before', 'after', 'unknown']),
  z
    .string()
    .transform((text) => text.split(' '))
    .pipe(z.tuple([z.enum(['sound', 'broken', 'unknown']), z.enum(['none', 'syntax', 'empty', 'scalar', 'text']), place, place])),
])

const why: Record<string, string> = {
  syntax: 'it cannot be read as what its name says',
  empty: 'there is nothing in it',
  scalar: 'it holds no settings, but one bare value',
  text: 'it is no UTF-8 text',
}

/** `paths`: the files that were declared. Throws ProtocolError. */
export function parseConfigs(bodies: readonly Buffer[], paths: readonly string[]): ConfigSighting[] {
  if (bodies.length !== paths.length) throw new ProtocolError('the settings do not match those declared')
  return paths.map((path, index) => {
    const parsed = lines.safeParse(bodies[index]?.toString('latin1').split('\n'))
    if (!parsed.success || parsed.data[0] !== `config ${index}`) throw new ProtocolError('a part about settings is malformed')
    const [, now, good, written, [form, word, line, column]] = parsed.data
    const where = line === 0 ? '' : ` (line ${line}${column === 0 ? '' : `, column ${column}`})`
    return {
      path,
      ...(now !== '-' && { hash: now }),
      ...(good !== '-' && { goodHash: good }),
      written,
      form,
      ...(form === 'broken' && { detail: `${why[word] ?? ''}${where}` }),
    }
  })
}

/** A token for each: its hash, or `-`. */
export function hashTokens(hashes: readonly (string | undefined)[]): string[] {
  return hashes.map((one) => one ?? '-')
}
