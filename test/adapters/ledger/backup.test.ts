import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { backUp, restore } from '../../../src/adapters/ledger/backup.ts'
import { exported } from '../../../src/adapters/ledger/export.ts'
import { openLedger } from '../../../src/adapters/ledger/sqlite.ts'
import { LedgerError } from '../../../src/ports/ledger.ts'
import { alert, incident, incidentOf, muteOf, operation, timmy, transition } from '../../support/ledger-facts.ts'
import { ledgerFolder } from './folder.ts'

const here = ledgerFolder()
const copy = () => join(here.folder, 'copy.sqlite')
const now = new Date('2026-11-22T10:11:12.345Z')

describe('a backup', () => {
  it('made while the watch writes is whole, one file, and only for its user', async () => {
    const ledger = here.opened()
    let isWriting = true
    let written = 0
    const writing = (async () => {
      for (; isWriting; written++) await ledger.write([alert(`alert-${written}`), transition('up', 'down', written)])
    })()
    while (written < 100) await new Promise((resolve) => setImmediate(resolve))
    const before = written
    const { bytes } = await backUp(here.file, copy())
    isWriting = false
    await writing
    expect(bytes).toBe(statSync(copy()).size)
    expect(statSync(copy()).mode & 0o777).toBe(0o600)
    expect(readdirSync(here.folder).sort()).toEqual(['copy.sqlite', 'var'])
    const copied = openLedger(copy())
    const states = copied.timeline(timmy, 0)
    expect(states.length).toBeGreaterThanOrEqual(before)
    expect(copied.untold('tower', 100_000)).toHaveLength(states.length)
    await copied.close()
  })

  it('takes the place of an older one, and of nothing else', async () => {
    const ledger = here.opened()
    await backUp(here.file, copy())
    await ledger.write([alert('a')])
    await backUp(here.file, copy())
    const again = openLedger(copy(), 'read')
    expect(again.untold('tower', 9)).toHaveLength(1)
    await again.close()
    writeFileSync(copy(), 'somebody keeps his notes here')
    await expect(backUp(here.file, copy())).rejects.toThrow(
      /^The ledger could not be copied to .*copy\.sqlite: there is something else than a backup: remove it, or name another file$/,
    )
    expect(readFileSync(copy(), 'utf8')).toBe('somebody keeps his notes here')
  })

  it('is never made over the ledger itself', async () => {
    here.opened()
    symlinkSync(here.file, copy())
    for (const file of [here.file, copy()]) await expect(backUp(here.file, file)).rejects.toThrow('that is the ledger itself')
  })

  it('of a ledger that is not there, or into a folder that is not, is a LedgerError', async () => {
    await expect(backUp(here.file, copy())).rejects.toThrow(LedgerError)
    here.opened()
    await expect(backUp(here.file, join(here.folder, 'no', 'where'))).rejects.toThrow(LedgerError)
    expect(readdirSync(here.folder)).toEqual(['var'])
  })
})

describe('restoring', () => {
  it('puts the backup in place and keeps what was there, with what its log held', async () => {
    const ledger = here.opened()
    await ledger.write([alert('a')])
    await backUp(here.file, copy())
    await ledger.write([alert('b')])
    // As after a crash: what is newest is in the log only.
    const crashed = join(here.folder, 'crashed')
    mkdirSync(crashed)
    for (const suffix of ['', '-wal']) copyFileSync(here.file + suffix, join(crashed, `ledger.sqlite${suffix}`))
    const path = join(crashed, 'ledger.sqlite')
    const { replaced } = await restore(path, copy(), now)
    expect(replaced).toBe(`${path}.replaced-2026-11-22T10-11-12Z`)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(existsSync(`${path}-wal`)).toBe(false)
    const ids = async (file: string) => {
      const opened = openLedger(file)
      const alerts = opened.untold('tower', 9).map(({ id }) => id)
      await opened.close()
      return alerts
    }
    expect(await ids(path)).toEqual(['a'])
    expect(await ids(replaced ?? '')).toEqual(['a', 'b'])
  })

  it('needs no ledger that was there before', async () => {
    await here.opened().close()
    const path = join(here.folder, 'elsewhere', 'ledger.sqlite')
    expect(await restore(path, here.file, now)).toEqual({})
    await openLedger(path).close()
  })

  it('helps where the ledger is damaged', async () => {
    const ledger = here.opened()
    await ledger.write([alert('a')])
    await ledger.close()
    await backUp(here.file, copy())
    writeFileSync(here.file, 'damaged '.repeat(600))
    await restore(here.file, copy(), now)
    expect(here.opened().untold('tower', 9)).toHaveLength(1)
  })

  it.each<[string, (file: string) => void]>([
    ['text', (file) => writeFileSync(file, 'no backup at all '.repeat(99))],
    ['empty', (file) => writeFileSync(file, '')],
    ['cut off', (file) => writeFileSync(file, readFileSync(here.file).subarray(0, 20_000))],
    [
      'damaged inside',
      (file) => {
        const bytes = readFileSync(here.file)
        bytes.fill(0xa5, bytes.length >> 1, (bytes.length >> 1) + 9_000)
        writeFileSync(file, bytes)
      },
    ],
    [
      "another program's",
      (file) => {
        const db = new DatabaseSync(file)
        db.exec('CREATE TABLE notes (text TEXT)')
        db.close()
      },
    ],
    [
      "a newer version's",
      (file) => {
        copyFileSync(here.file, file)
        const db = new DatabaseSync(file)
        db.exec('PRAGMA user_version = 99')
        db.close()
      },
    ],
    ['not there', () => {}],
  ])('leaves the ledger alone where the backup is %s', async (_, make) => {
    const ledger = here.opened()
    await ledger.write(Array.from({ length: 2_000 }, (_, n) => transition('up', 'down', n)))
    await ledger.close()
    make(copy())
    const before = readFileSync(here.file)
    await expect(restore(here.file, copy(), now)).rejects.toThrow(/^The ledger could not be restored from .*copy\.sqlite: /)
    expect(readFileSync(here.file).equals(before)).toBe(true)
    expect(readdirSync(dirname(here.file))).toEqual(['ledger.sqlite'])
  })

  it('of the ledger from itself is refused', async () => {
    await here.opened().close()
    await expect(restore(here.file, here.file, now)).rejects.toThrow('that is the ledger itself')
  })
})

describe('what is exported', () => {
  it('is every fact of a kind since then, oldest first, however many there are', async () => {
    const ledger = here.opened()
    const steps = Array.from({ length: 2_500 }, (_, n) => transition('up', 'down', n >> 2))
    await ledger.write(steps)
    await ledger.write([incident(1, { closedMs: 5 }), incident(2), incident(3, { closedMs: 50 })])
    await ledger.write([alert('a', 1), alert('b', 50), operation(1), operation(60), { kind: 'mute', mute: muteOf(1, 0, 70) }])
    expect([...exported(here.file, 'transitions', 0)]).toEqual(steps)
    expect([...exported(here.file, 'transitions', 600)]).toEqual(steps.slice(2_400))
    expect([...exported(here.file, 'incidents', 20)]).toEqual([
      { kind: 'incident', incident: incidentOf(2) },
      { kind: 'incident', incident: incidentOf(3, { closedMs: 50 }) },
    ])
    expect([...exported(here.file, 'alerts', 20)]).toEqual([alert('b', 50)])
    expect([...exported(here.file, 'operations', 20)]).toEqual([operation(60)])
    expect([...exported(here.file, 'mutes', 71)]).toEqual([])
    expect([...exported(here.file, 'mutes', 0)]).toHaveLength(1)
  })

  it('may be read slowly while the watch writes and cleans up', async () => {
    const ledger = here.opened()
    await ledger.write(Array.from({ length: 1_500 }, (_, n) => alert(`alert-${n}`, n)))
    const facts = exported(here.file, 'alerts', 0)
    facts.next()
    await ledger.write([alert('later', 5_000)])
    await ledger.upkeep(0)
    expect(statSync(`${here.file}-wal`).size).toBe(0)
    expect([...facts].at(-1)).toEqual(alert('later', 5_000))
  })
})
