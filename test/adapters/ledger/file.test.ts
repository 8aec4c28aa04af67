import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openLedger } from '../../../src/adapters/ledger/sqlite.ts'
import { LedgerError } from '../../../src/ports/ledger.ts'
import { alert, alertOf, incident, operation, timmy, transition } from '../../support/ledger-facts.ts'
import { ledgerFolder } from './folder.ts'

const here = ledgerFolder()

/** Makes a file with another program's means. */
function made(sql: string): Buffer {
  mkdirSync(dirname(here.file), { recursive: true })
  const db = new DatabaseSync(here.file)
  db.exec(sql)
  db.close()
  return readFileSync(here.file)
}

describe('the file', () => {
  it('is only for its user', () => {
    here.opened()
    expect(statSync(here.file).mode & 0o777).toBe(0o600)
    expect(statSync(dirname(here.file)).mode & 0o777).toBe(0o700)
  })

  it('holds what was written when it is opened again', async () => {
    const ledger = here.opened()
    await ledger.write([transition('new', 'up', 1), alert('a'), incident(4)])
    await ledger.close()
    const again = here.opened()
    expect(again.timeline(timmy, 0)).toEqual([{ atMs: 1, state: 'up' }])
    expect(again.untold('tower', 9)).toEqual([alertOf('a')])
    expect(again.nextNumber('incident')).toBe(5)
  })

  it('may be opened by two at once, who both find it made', async () => {
    const [first, second] = [here.opened(), here.opened()]
    await Promise.all([first.write([alert('a')]), second.write([alert('b')])])
    expect(first.untold('tower', 9)).toHaveLength(2)
    expect(second.untold('tower', 9)).toHaveLength(2)
  })

  it('is read while somebody else writes', async () => {
    const writer = here.opened()
    const reader = here.opened('read')
    await writer.write([alert('a')])
    expect(reader.untold('tower', 9)).toEqual([alertOf('a')])
  })

  it('that is only read can not be written', async () => {
    await here.opened().close()
    const reader = here.opened('read')
    await expect(reader.write([alert('a')])).rejects.toThrow(/^The ledger could not be written: it is open for reading only$/)
    await expect(reader.upkeep(1)).rejects.toThrow(LedgerError)
    expect(reader.remembered().agents.size).toBe(0)
  })

  it('that is not there can not be read, and is not made by reading', () => {
    expect(() => openLedger(here.file, 'read')).toThrow(LedgerError)
    expect(existsSync(here.file)).toBe(false)
  })

  it('of a newer version is refused in a sentence, and left as it was', async () => {
    await here.opened().close()
    const before = made('PRAGMA journal_mode = DELETE; PRAGMA user_version = 7')
    for (const access of ['write', 'read'] as const) {
      expect(() => openLedger(here.file, access)).toThrow(/its version is 7, this Towerwatch knows 3: use the version that wrote it/)
    }
    expect(readFileSync(here.file).equals(before)).toBe(true)
  })

  it.each([
    ['unversioned', 'CREATE TABLE notes (text TEXT)'],
    ['with a version like ours', 'CREATE TABLE records (text TEXT); PRAGMA user_version = 1'],
    ['signed by somebody else', 'CREATE TABLE records (text TEXT); PRAGMA user_version = 2; PRAGMA application_id = 5'],
  ])('of another program is refused and left as it was: %s', (_, sql) => {
    const before = made(sql)
    for (const access of ['write', 'read'] as const) {
      expect(() => openLedger(here.file, access)).toThrow(/it is no ledger, but the file of another program: name another state folder/)
    }
    expect(readFileSync(here.file).equals(before)).toBe(true)
  })

  it('that is no database is refused, with the way to put a backup in its place', () => {
    mkdirSync(dirname(here.file))
    writeFileSync(here.file, 'this is only text, but enough of it to be taken for a database header'.repeat(20))
    expect(() => openLedger(here.file)).toThrow(
      /^The ledger could not open .*ledger\.sqlite: the file is damaged \(.*\)\. Put a backup in its place: towerwatch restore FILE$/,
    )
  })

  it('with a damaged page is found damaged before anything is written', async () => {
    const ledger = here.opened()
    await ledger.write(Array.from({ length: 3_000 }, (_, n) => transition('up', 'down', n)))
    await ledger.close()
    const bytes = readFileSync(here.file)
    bytes.fill(0xa5, bytes.length >> 1, (bytes.length >> 1) + 9_000)
    writeFileSync(here.file, bytes)
    expect(() => openLedger(here.file)).toThrow(/ledger\.sqlite: the file is damaged \(.*\).*towerwatch restore FILE$/s)
    expect(readFileSync(here.file).equals(bytes)).toBe(true)
  })

  it('in a folder that may not be written is refused', () => {
    if (process.getuid?.() === 0) {
      // To root no folder is closed; a file in the place of the folder is.
      writeFileSync(dirname(here.file), '')
    } else chmodSync(here.folder, 0o500)
    expect(() => openLedger(here.file)).toThrow(LedgerError)
    chmodSync(here.folder, 0o700)
  })

  it('has its log folded in by upkeep, and when it is closed', async () => {
    const ledger = here.opened()
    for (let n = 0; n < 50; n++) await ledger.write([alert(`alert-${n}`, n)])
    expect(statSync(`${here.file}-wal`).size).toBeGreaterThan(10_000)
    await ledger.upkeep(0)
    expect(statSync(`${here.file}-wal`).size).toBe(0)
    await ledger.write([alert('last')])
    await ledger.close()
    expect(existsSync(`${here.file}-wal`)).toBe(false)
  })
})

describe('an operation', () => {
  it('that was begun when the watch ended is called interrupted', async () => {
    const ledger = here.opened()
    await ledger.write([operation(1, { status: 'failed', endedMs: 9 }), operation(2)])
    await ledger.close()
    const statuses = here
      .opened()
      .operations({ limit: 9 })
      .map(({ status }) => status)
    expect(statuses).toEqual(['interrupted', 'failed'])
  })

  it('that is under way is left alone when somebody only reads', async () => {
    await here.opened().write([operation(1)])
    expect(here.opened('read').operations({ limit: 9 })[0]?.status).toBe('begun')
  })
})

describe('whatever happens', () => {
  it('nothing that was acknowledged is lost by kill -9, and no half of a call is there', async () => {
    const child = fileURLToPath(new URL('writer-child.ts', import.meta.url))
    let last = 0
    for (let round = 0; round < 5; round++) {
      const writer = spawn(process.execPath, [child, here.file, String(last + 1)], { stdio: ['ignore', 'pipe', 'inherit'] })
      let said = ''
      await new Promise<void>((resolve) => {
        writer.stdout.on('data', (chunk) => {
          said += chunk
          if (said.split('\n').length > 10 + round * 7) resolve()
        })
      })
      writer.kill('SIGKILL')
      await once(writer, 'close')
      const acknowledged = said.slice(0, said.lastIndexOf('\n')).split('\n').map(Number)
      expect(acknowledged.length).toBeGreaterThanOrEqual(10)
      const ledger = openLedger(here.file)
      const states = ledger.timeline(timmy, 0).map(({ atMs }) => atMs)
      // Every one that was said to be written is there, each with all of its call, in their order.
      expect(acknowledged.filter((n) => !states.includes(n))).toEqual([])
      expect(states).toEqual(states.map((_, index) => index + 1))
      expect(ledger.untold('tower', 100_000).map(({ at }) => at)).toEqual(states)
      expect(ledger.incidents({ limit: 100_000 })).toHaveLength(states.length)
      expect(ledger.remembered().agents.get('timmy')?.status.sinceMs).toBe(states.length)
      last = states.length
      await ledger.close()
    }
  })

  it('a full disk is a LedgerError, loses nothing that was written, and is overcome', async () => {
    await here.opened().close()
    const child = fileURLToPath(new URL('filling-child.ts', import.meta.url))
    // No file may grow beyond 128 KiB there, which SQLite meets as it meets a full disk.
    const script = `trap '' XFSZ; ulimit -f 256; exec "$0" "$@"`
    const said = execFileSync('/bin/sh', ['-c', script, process.execPath, child, here.file], { encoding: 'utf8' })
    const { isLedgerError, message, written, readable } = JSON.parse(said) as Record<string, unknown>
    expect(message).toMatch(/^The ledger could not write record, transition, alert: /)
    expect(isLedgerError).toBe(true)
    expect(written).toBeGreaterThan(0)
    expect(readable).toBe(written)
    const ledger = here.opened()
    expect(ledger.untold('tower', 100_000)).toHaveLength(Number(written))
    await ledger.write([alert('after')])
    expect(ledger.untold('tower', 100_000).at(-1)?.id).toBe('after')
  })
})
