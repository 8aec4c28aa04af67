import { open, rename, rm, writeFile } from 'node:fs/promises'

/** A text fills its file out with spaces to this, so that one in place of another needs no new block on a full disk. */
const sizeBytes = 1024

/**
 * Replaces the file by JSON on one line; a reader has the old one or the new one. Only where the disk is full are the new
 * words written over the old ones, and a reader may then see half of them. Rejects where neither can be done.
 */
export async function replaceJson(file: string, value: object): Promise<void> {
  const text = `${JSON.stringify(value).padEnd(sizeBytes - 1)}\n`
  const temporary = `${file}.tmp`
  try {
    await writeFile(temporary, text, { mode: 0o600 })
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    await overwrite(file, text).catch(() => {
      throw error
    })
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
