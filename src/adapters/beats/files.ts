/** Heartbeat files as scripts write them: a reader has the old one or the new one, never half of either. */
import { randomUUID } from 'node:crypto'
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  utimesSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'

const maxReadBytes = 64 * 1024

/** What the file holds, as far as it is a JSON object: empty where it is none, or is not there. */
export function readFields(file: string): Record<string, unknown> {
  let handle: number
  try {
    // A pipe with nobody at its other end must not hold anybody up.
    handle = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch {
    // Whatever is the matter with it, it is about to be replaced: what can't be replaced is told then.
    return {}
  }
  try {
    if (!fstatSync(handle).isFile()) return {}
    const bytes = Buffer.alloc(maxReadBytes)
    const value: unknown = JSON.parse(bytes.toString('utf8', 0, readSync(handle, bytes, 0, maxReadBytes, 0)))
    return value !== null && typeof value === 'object' && !Array.isArray(value) ? { ...value } : {}
  } catch {
    // Not JSON, or torn: nothing of it can be carried on.
    return {}
  } finally {
    closeSync(handle)
  }
}

/**
 * Replaces the file as a whole, and makes its folder where there is none: one below /run is gone after each start of the
 * machine. Throws the error of the system.
 */
export function replaceFile(file: string, text: string): void {
  const folder = dirname(file)
  mkdirSync(folder, { recursive: true })
  // Hidden, and without the ending of the real one: nobody takes it for a job.
  const temporary = join(folder, `.${basename(file)}.${randomUUID()}.tmp`)
  try {
    const handle = openSync(temporary, 'wx', 0o644)
    try {
      // Whoever watches may be another user, whatever umask a crontab has.
      fchmodSync(handle, 0o644)
      writeSync(handle, text)
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
    renameSync(temporary, file)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

/** Only its modification time moves; what is in it stays. Throws the error of the system. */
export function touchFile(file: string, nowMs: number): void {
  mkdirSync(dirname(file), { recursive: true })
  closeSync(openSync(file, 'a', 0o644))
  utimesSync(file, nowMs / 1000, nowMs / 1000)
}
