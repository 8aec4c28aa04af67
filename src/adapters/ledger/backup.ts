/** Backups: one file, whole and checked, that only its user can read. */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { damageOf, openSound } from './file.ts'
import { failure } from './guarded.ts'

/** All pages in one go: a watch that writes meanwhile would have the copying begin again and again. It is not held up by it. */
const pagesAtOnce = 2 ** 31 - 1

/**
 * Copies the ledger, whether or not a watch writes to it, to `file`; a backup that is there already is replaced once the new
 * one is whole. Answers its size. Rejects with LedgerError where it can't be done; `file` is then as it was.
 */
export async function backUp(path: string, file: string): Promise<{ bytes: number }> {
  try {
    if (existsSync(file)) mayBeReplaced(path, file)
    await copyChecked(path, `${file}.partial`, 'quick_check')
    renameSync(`${file}.partial`, file)
    syncFolderOf(file)
    return { bytes: statSync(file).size }
  } catch (error) {
    throw failure(`be copied to ${file}`, error)
  }
}

/**
 * Puts a backup in the place of the ledger, once it has been found whole; no watch may be running. Answers where the ledger
 * that was there is kept. Rejects with LedgerError where it can't be done; the ledger is then as it was.
 */
export async function restore(path: string, file: string, now: Date): Promise<{ replaced?: string }> {
  try {
    if (isSame(path, file)) throw new Error('that is the ledger itself')
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const copy = `${path}.restoring`
    await copyChecked(file, copy, 'integrity_check')
    const replaced = `${path}.replaced-${now.toISOString().slice(0, 19).replaceAll(':', '-')}Z`
    // The log first: one that stays behind would be taken for that of the backup.
    const kept = ['-wal', ''].filter((suffix) => existsSync(path + suffix))
    for (const suffix of kept) renameSync(path + suffix, replaced + suffix)
    rmSync(`${path}-shm`, { force: true })
    renameSync(copy, path)
    syncFolderOf(path)
    return kept.includes('') ? { replaced } : {}
  } catch (error) {
    throw failure(`be restored from ${file}`, error)
  }
}

/** Throws, and leaves no `copy`, where the original is no ledger of a version that is known, or the copy is not whole. */
async function copyChecked(original: string, copy: string, check: 'quick_check' | 'integrity_check'): Promise<void> {
  rmSync(copy, { force: true })
  const source = openSound(original)
  try {
    closeSync(openSync(copy, 'wx', 0o600))
    await backup(source, copy, { rate: pagesAtOnce })
    const db = new DatabaseSync(copy)
    try {
      // One file, that can be read where nothing can be written beside it.
      db.exec('PRAGMA journal_mode = DELETE')
      const damage = damageOf(db, check)
      if (damage !== undefined) throw new Error(`it is damaged (${damage})`)
    } finally {
      db.close()
    }
    sync(copy)
  } catch (error) {
    rmSync(copy, { force: true })
    throw error
  } finally {
    source.close()
  }
}

/** Not the ledger itself, nor anything that somebody else keeps there. */
function mayBeReplaced(path: string, file: string): void {
  if (isSame(path, file)) throw new Error('that is the ledger itself')
  try {
    openSound(file).close()
  } catch (error) {
    throw new Error('there is something else than a backup: remove it, or name another file', { cause: error })
  }
}

function isSame(path: string, file: string): boolean {
  return existsSync(path) && existsSync(file) && realpathSync(path) === realpathSync(file)
}

function sync(path: string): void {
  const handle = openSync(path, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

function syncFolderOf(path: string): void {
  sync(dirname(path))
}
