/** The ledger's file: opened, looked through, brought up to this version. */
import { chmodSync, closeSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { messageOf } from '../../domain/failure.ts'
import { interrupt } from './chain.ts'
import { migrations } from './migrations.ts'
import { applicationId, schema, schemaVersion } from './schema.ts'

/** How long to wait for another program that writes. */
const busyMs = 5_000

export function openToRead(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true, timeout: busyMs })
  return closedOnFault(db, () => {
    const found = whoseIs(db)
    if (found.kind === 'ours' && found.version < schemaVersion) {
      throw new Error(`it is of an older Towerwatch: start the watch once, which brings it up to date`)
    }
    refuse(found)
  })
}

/** Any ledger of a version that is known, older ones, too: to be copied. */
export function openSound(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true, timeout: busyMs })
  return closedOnFault(db, () => {
    const found = whoseIs(db)
    if (found.kind === 'empty') throw new Error('it is empty')
    refuse(found)
  })
}

/** For who writes after `prepareFile`. A COMMIT that returned survives a power cut. */
export function openToWrite(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: busyMs })
  // The log is moved into the file at each mebibyte: a small disk must not be filled by the log alone.
  return closedOnFault(db, () => db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 256'))
}

/**
 * Makes a new ledger, or makes sure that the one there is sound and of this version; before a migration a copy is kept beside
 * it. Throws, and leaves the file as it was, where that can't be done.
 */
export function prepareFile(path: string, now: Date): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const db = new DatabaseSync(path, { timeout: busyMs })
  try {
    // Before anything is written: what another version wrote, or another program, stays as it is.
    const found = whoseIs(db)
    refuse(found)
    chmodSync(path, 0o600)
    if (found.kind === 'ours') {
      const damage = damageOf(db, 'quick_check')
      if (damage !== undefined) throw new Error(sayDamaged(damage))
      if (found.version < schemaVersion) keepCopy(db, `${path}.v${found.version}-${now.toISOString().slice(0, 10)}.bak`)
    }
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    makeOurs(db)
  } catch (error) {
    throw isDamage(error) ? new Error(sayDamaged(messageOf(error)), { cause: error }) : error
  } finally {
    db.close()
  }
}

/** In memory there is only ever this version. */
export function openInMemory(): DatabaseSync {
  const db = new DatabaseSync(':memory:')
  makeOurs(db)
  return db
}

/** Of two that open a new file, or an old one, at the same moment, the second finds it made. */
function makeOurs(db: DatabaseSync): void {
  db.exec('BEGIN IMMEDIATE')
  try {
    const found = whoseIs(db)
    if (found.kind === 'empty') db.exec(schema)
    else for (let version = found.version; version < schemaVersion; version++) migrate(db, version)
    db.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion}`)
    interrupt(db)
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

function migrate(db: DatabaseSync, version: number): void {
  const migration = migrations[version]
  if (!migration) throw new Error(`its version ${version} is not known any more`)
  try {
    migration(db)
  } catch (error) {
    throw new Error(`it could not be brought from version ${version} to ${version + 1}: ${messageOf(error)}`, { cause: error })
  }
}

type Found =
  | { kind: 'empty'; version: 0 }
  | { kind: 'ours'; version: number }
  | { kind: 'newer'; version: number }
  | { kind: 'other'; version: number }

function whoseIs(db: DatabaseSync): Found {
  const pragma = (name: string) => Number(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0])
  const version = pragma('user_version')
  const id = pragma('application_id')
  const tables = new Set(
    db
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
      .all()
      .map((row) => row['name']),
  )
  if (version === 0 && id === 0 && tables.size === 0) return { kind: 'empty', version: 0 }
  // The first version did not sign its files; its tables are known.
  const isFirst = id === 0 && version >= 1 && ['records', 'transitions', 'told', 'operations'].every((name) => tables.has(name))
  if (id !== applicationId && !isFirst) return { kind: 'other', version }
  return version > schemaVersion ? { kind: 'newer', version } : { kind: 'ours', version }
}

function refuse(found: Found): void {
  if (found.kind === 'newer') {
    throw new Error(
      `its version is ${found.version}, this Towerwatch knows ${schemaVersion}: use the version that wrote it, or name another state folder`,
    )
  }
  if (found.kind === 'other') throw new Error('it is no ledger, but the file of another program: name another state folder')
}

/** What is wrong with the file, in SQLite's words; undefined where nothing is. `quick_check` leaves the indexes out. */
export function damageOf(db: DatabaseSync, check: 'quick_check' | 'integrity_check'): string | undefined {
  const found = db
    .prepare(`PRAGMA ${check}(3)`)
    .all()
    .map((row) => String(Object.values(row)[0]))
  return found.length === 1 && found[0] === 'ok' ? undefined : found.join('; ')
}

function sayDamaged(damage: string): string {
  return `the file is damaged (${damage}). Put a backup in its place: towerwatch restore FILE`
}

function isDamage(error: unknown): boolean {
  // SQLITE_CORRUPT and SQLITE_NOTADB.
  return error instanceof Error && 'errcode' in error && (error.errcode === 11 || error.errcode === 26)
}

/** A copy of all that is committed, in one file that only its user can read. One a day is kept. */
function keepCopy(db: DatabaseSync, copy: string): void {
  const partial = `${copy}.partial`
  rmSync(partial, { force: true })
  closeSync(openSync(partial, 'wx', 0o600))
  try {
    db.prepare('VACUUM INTO ?').run(partial)
    renameSync(partial, copy)
  } finally {
    rmSync(partial, { force: true })
  }
}

function closedOnFault(db: DatabaseSync, work: () => void): DatabaseSync {
  try {
    work()
    return db
  } catch (error) {
    db.close()
    throw error
  }
}
