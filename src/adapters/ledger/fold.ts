import type { DatabaseSync } from 'node:sqlite'

/**
 * Moves the write-ahead log into the file and gives its room back to the disk. False where somebody is reading an older
 * state: then that is left for the next time, because the writes must not wait for him.
 */
export function fold(db: DatabaseSync): boolean {
  const timeoutMs = Number(db.prepare('PRAGMA busy_timeout').get()?.['timeout'])
  db.exec('PRAGMA busy_timeout = 0')
  try {
    return db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.['busy'] === 0
  } finally {
    db.exec(`PRAGMA busy_timeout = ${timeoutMs}`)
  }
}
