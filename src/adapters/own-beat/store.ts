/** What the deadman remembers from run to run, and the lock that keeps two of them apart. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import type { DeadmanMemory } from '../../domain/deadman.ts'
import { hasCode } from '../../domain/failure.ts'
import type { DeadmanStore } from '../../ports/own-beat.ts'
import { replaceJson } from './replace.ts'

const instant = z.object({ boot: z.string().max(100), bootMs: z.number() })
const memorySchema = z.object({
  outage: z
    .object({
      id: z.string().regex(/^[0-9a-f]{24}$/),
      what: z.enum(['dead', 'stopped']),
      sinceMs: z.number(),
      isTold: z.boolean(),
      isCalled: z.boolean(),
      isOver: z.boolean(),
    })
    .optional(),
  lastRestart: instant.optional(),
  refused: instant.optional(),
  unwell: instant.extend({ seenMs: z.number() }).optional(),
})

export function deadmanStore(stateDir: string): DeadmanStore {
  const file = join(stateDir, 'deadman.json')
  return {
    read: async () => {
      let text: string
      try {
        text = await readFile(file, 'utf8')
      } catch (error) {
        if (hasCode(error, 'ENOENT', 'ENOTDIR')) return { memory: {}, isDamaged: false }
        throw error
      }
      const memory = parseMemory(text)
      return memory ? { memory, isDamaged: false } : { memory: {}, isDamaged: true }
    },
    write: (memory) => replaceJson(file, memory),
    lock: () => takeLock(join(stateDir, 'deadman.lock')),
  }
}

function parseMemory(text: string): DeadmanMemory | undefined {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    // Damaged, and told as that.
    return undefined
  }
  const parsed = memorySchema.safeParse(json)
  if (!parsed.success) return undefined
  const { outage, lastRestart, refused, unwell } = parsed.data
  return { ...(outage && { outage }), ...(lastRestart && { lastRestart }), ...(refused && { refused }), ...(unwell && { unwell }) }
}

/**
 * A lock of the kernel's, which goes with its process: Node has no flock, but SQLite takes one on a file. Nothing is ever
 * written into it. A lock file with a pid in it can be taken over by two at once.
 */
function takeLock(file: string): { release(): void } | undefined {
  const database = new DatabaseSync(file, { timeout: 0 })
  try {
    database.exec('BEGIN EXCLUSIVE')
    return { release: () => database.close() }
  } catch (error) {
    database.close()
    if (error instanceof Error && 'errcode' in error && error.errcode === 5) return undefined
    throw error
  }
}
