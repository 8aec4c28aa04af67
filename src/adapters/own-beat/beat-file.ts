/** `<stateDir>/watch.beat` and, beside it, what the deadman has noted. */
import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Outage } from '../../domain/deadman.ts'
import { hasCode } from '../../domain/failure.ts'
import type { OwnBeat } from '../../domain/own-beat.ts'
import type { OwnBeatFile, OwnBeatReader } from '../../ports/own-beat.ts'
import { replaceJson } from './replace.ts'
import { deadmanStore } from './store.ts'

const count = z.int().min(0)
const beatSchema = z.object({
  at: z.number().min(0).max(8.64e15),
  pid: z.int().min(1),
  epoch: z.string().max(200),
  boot: z.string().max(100),
  bootMs: z.number().min(0).max(1e15),
  seq: count,
  ledger: z.enum(['starting', 'writable', 'broken']),
  tower: z.enum(['starting', 'connected', 'not-connected']),
  lagMs: z.number().min(0).max(1e15),
  tells: z.string().max(64).optional(),
  stoppedAt: z.number().min(0).max(8.64e15).optional(),
})

export function ownBeatFile(stateDir: string): OwnBeatFile {
  const file = join(stateDir, 'watch.beat')
  const store = deadmanStore(stateDir)
  return {
    // `says` is for people who look into the file.
    write: (beat) => {
      const says = beat.stoppedAt === undefined ? 'watching' : `stopped in order at ${new Date(beat.stoppedAt).toISOString()}`
      return replaceJson(file, { says, ...beat })
    },
    outage: async (): Promise<Outage | undefined> => (await store.read()).memory.outage,
  }
}

export function ownBeatReader(stateDir: string): OwnBeatReader {
  const file = join(stateDir, 'watch.beat')
  return {
    read: async () => {
      try {
        const { mtimeMs } = await stat(file)
        const beat = parseBeat(await readFile(file, 'utf8'))
        return beat === undefined ? { kind: 'damaged', mtimeMs } : { kind: 'beat', beat, mtimeMs }
      } catch (error) {
        if (hasCode(error, 'ENOENT', 'ENOTDIR')) return { kind: 'none' }
        throw error
      }
    },
  }
}

function parseBeat(text: string): OwnBeat | undefined {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    // Half a beat, or none.
    return undefined
  }
  const parsed = beatSchema.safeParse(json)
  if (!parsed.success) return undefined
  const { tells, stoppedAt, ...beat } = parsed.data
  return { ...beat, ...(tells !== undefined && { tells }), ...(stoppedAt !== undefined && { stoppedAt }) }
}

/** Names the outage that began with this last beat: 24 hexadecimal digits, the same for whoever works it out. */
export function outageId(lastWords: string): string {
  return createHash('sha256').update(lastWords).digest('hex').slice(0, 24)
}
