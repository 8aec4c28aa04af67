/** `<stateDir>/watch.beat` and, beside it, what the deadman has noted. */
import { createHash } from 'node:crypto'
import { open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Outage } from '../../domain/deadman.ts'
import type { OwnBeat } from '../../domain/own-beat.ts'
import type { OwnBeatFile, OwnBeatReader } from '../../ports/own-beat.ts'
import { deadmanStore } from './store.ts'

/** A beat fills it out with spaces, so that one in place of another needs no new block on a full disk. */
const sizeBytes = 1024

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
    write: async (beat) => {
      const text = printBeat(beat)
      const temporary = `${file}.tmp`
      try {
        await writeFile(temporary, text, { mode: 0o600 })
        await rename(temporary, file)
      } catch (error) {
        await rm(temporary, { force: true }).catch(() => undefined)
        // A full disk takes no new file, but new words in an old one. A reader may see half of them, and looks again.
        await overwrite(file, text).catch(() => {
          throw error
        })
      }
    },
    outage: async (): Promise<Outage | undefined> => (await store.read()).memory.outage,
  }
}

async function overwrite(file: string, text: string): Promise<void> {
  const handle = await open(file, 'r+')
  try {
    await handle.write(text, 0)
  } finally {
    await handle.close()
  }
}

/** JSON on one line. `says` is for people who look into the file. */
function printBeat(beat: OwnBeat): string {
  const says = beat.stoppedAt === undefined ? 'watching' : `stopped in order at ${new Date(beat.stoppedAt).toISOString()}`
  return `${JSON.stringify({ says, ...beat }).padEnd(sizeBytes - 1)}\n`
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
        if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return { kind: 'none' }
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
