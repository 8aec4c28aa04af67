/** That somebody who changes the audit's rows is found out, wherever he does it. */
import { createHash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openLedger } from '../../../src/adapters/ledger/sqlite.ts'
import { type AuditVerdict, linkOf, noHead } from '../../../src/domain/audit.ts'
import { operation } from '../../support/ledger-facts.ts'
import { ledgerFolder } from './folder.ts'

const here = ledgerFolder()
const rows = 12
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

async function written(): Promise<Extract<AuditVerdict, { kind: 'whole' }>> {
  const ledger = openLedger(here.file)
  await ledger.write(Array.from({ length: rows }, (_, n) => operation(n + 1)))
  const verdict = await ledger.verifyAudit()
  await ledger.close()
  if (verdict.kind !== 'whole') throw new Error(JSON.stringify(verdict))
  return verdict
}

async function verdictAfter(tamper: (db: DatabaseSync) => void): Promise<AuditVerdict> {
  const db = new DatabaseSync(here.file)
  db.exec('BEGIN')
  tamper(db)
  db.exec('COMMIT')
  db.close()
  const ledger = openLedger(here.file, 'read')
  const verdict = await ledger.verifyAudit()
  await ledger.close()
  return verdict
}

describe('a chain in which somebody', () => {
  const column = fc.constantFrom('entry', 'prev', 'hash')
  const seq = fc.integer({ min: 1, max: rows })

  it('changed one character of one row is broken there', async () => {
    await written()
    await fc.assert(
      fc.asyncProperty(column, seq, fc.nat(), async (name, at, place) => {
        const db = new DatabaseSync(here.file)
        const text = String(db.prepare(`SELECT ${name} AS text FROM audit WHERE seq = ?`).get(at)?.['text'])
        db.close()
        const index = place % text.length
        const other = text[index] === '0' ? '1' : '0'
        // A character of a number, or of a text: the entry stays JSON, or the column that is worked out from it would refuse.
        fc.pre(name !== 'entry' || isJson(replaced(text, index, other)))
        const set = (db: DatabaseSync, value: string) => db.prepare(`UPDATE audit SET ${name} = ? WHERE seq = ?`).run(value, at)
        const verdict = await verdictAfter((db) => set(db, replaced(text, index, other)))
        await verdictAfter((db) => set(db, text))
        expect(verdict).toMatchObject({ kind: 'broken', seq: at })
      }),
      { numRuns: Math.min(60, Number(process.env['TOWERWATCH_RUNS'] ?? 60)) },
    )
    expect(await verdictAfter(() => {})).toMatchObject({ kind: 'whole', entries: rows })
  })

  it.each([1, 5, rows - 1])('took out row %i is broken there', async (at) => {
    await written()
    expect(await verdictAfter((db) => db.prepare('DELETE FROM audit WHERE seq = ?').run(at))).toMatchObject({ kind: 'broken', seq: at })
  })

  it('changed the order of two rows is broken at the first of them', async () => {
    await written()
    const verdict = await verdictAfter((db) => {
      db.exec('UPDATE audit SET seq = -1 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 5; UPDATE audit SET seq = 5 WHERE seq = -1')
    })
    expect(verdict).toMatchObject({ kind: 'broken', seq: 4 })
  })

  it('put a row between is broken there, and so is one whose anchor was changed', async () => {
    await written()
    const added = await verdictAfter((db) =>
      db.exec(`UPDATE audit SET seq = seq + 100 WHERE seq > 6; UPDATE audit SET seq = seq - 99 WHERE seq > 100;
        INSERT INTO audit (seq, entry, prev, hash) SELECT 7, entry, hash, hash FROM audit WHERE seq = 6`),
    )
    expect(added).toMatchObject({ kind: 'broken', seq: 7 })
    const anchored = await verdictAfter((db) => db.exec("INSERT INTO audit_anchor VALUES (1, 3, 'ff')"))
    expect(anchored).toEqual({ kind: 'broken', seq: 1, why: 'it is there, before the beginning' })
    expect(await verdictAfter((db) => db.exec('DELETE FROM audit WHERE seq <= 3'))).toMatchObject({ kind: 'broken', seq: 4 })
  })

  it('cut off its end looks whole, but its head is not the one that was noted', async () => {
    const { head } = await written()
    const verdict = await verdictAfter((db) => db.exec('DELETE FROM audit WHERE seq > 9'))
    expect(verdict).toMatchObject({ kind: 'whole', entries: 9, head: { seq: 9 } })
    const ledger = openLedger(here.file, 'read')
    expect(ledger.auditHead()).toEqual(verdict.kind === 'whole' && verdict.head)
    expect(await ledger.verifyAudit(head)).toEqual({ kind: 'broken', seq: 10, why: 'it ends there, but entry 12 was noted' })
    expect(await ledger.verifyAudit({ seq: 9, hash: head.hash })).toMatchObject({ kind: 'broken', seq: 9 })
    expect(await ledger.verifyAudit(ledger.auditHead())).toMatchObject({ kind: 'whole' })
    await ledger.close()
  })

  it('made the whole of it anew is found by a head that was noted before', async () => {
    const { head } = await written()
    const forged = openLedger(`${here.file}-forged`)
    await forged.write(Array.from({ length: rows }, (_, n) => operation(n + 1, { lines: ['nothing happened'] })))
    expect(await forged.verifyAudit()).toMatchObject({ kind: 'whole' })
    expect(await forged.verifyAudit(head)).toMatchObject({ kind: 'broken', seq: rows })
    await forged.close()
  })

  it('worked out every hash anew and left out the very number that was noted is broken there', async () => {
    const { head } = await written()
    await verdictAfter((db) => {
      let before = noHead
      for (const { seq, entry } of db.prepare('SELECT seq, entry FROM audit ORDER BY seq').all()) {
        // The last one gets the number after its own, and so there is none to compare with what was noted.
        const from = Number(seq) === rows ? { seq: rows, hash: before.hash } : before
        const link = linkOf(from, { ...JSON.parse(String(entry)), lines: ['nothing happened'] }, sha256)
        const put = 'UPDATE audit SET seq = ?, entry = ?, prev = ?, hash = ? WHERE seq = ?'
        db.prepare(put).run(link.seq, link.entry, link.prev, link.hash, Number(seq))
        before = { seq: link.seq, hash: link.hash }
      }
    })
    const ledger = openLedger(here.file, 'read')
    const missing = { kind: 'broken', seq: rows, why: `entry ${rows} is missing` }
    expect([await ledger.verifyAudit(head), await ledger.verifyAudit()]).toEqual([missing, missing])
    await ledger.close()
  })
})

describe('an entry that can not be written', () => {
  it('takes its operation with it: neither is there without the other', async () => {
    const ledger = openLedger(here.file)
    await ledger.write([operation(1)])
    const db = new DatabaseSync(here.file)
    db.exec("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no room'); END")
    await expect(ledger.write([operation(2)])).rejects.toThrow(/no room/)
    expect(ledger.operations({ limit: 9 }).map(({ number }) => number)).toEqual([1])
    db.exec('DROP TRIGGER full')
    db.close()
    await ledger.write([operation(3)])
    expect(ledger.audit({ limit: 9 }).map(({ number }) => number)).toEqual([3, 1])
    expect(await ledger.verifyAudit()).toMatchObject({ kind: 'whole', entries: 2 })
    await ledger.close()
  })
})

describe('a chain that a crash cut short', () => {
  it('goes on with what was interrupted, once', async () => {
    await written()
    for (let time = 0; time < 2; time++) {
      const ledger = openLedger(here.file)
      expect(await ledger.verifyAudit()).toMatchObject({ kind: 'whole', entries: 2 * rows })
      expect(ledger.audit({ limit: 1 })).toMatchObject([{ number: rows, event: 'interrupted' }])
      await ledger.close()
    }
  })
})

const replaced = (text: string, index: number, sign: string) => text.slice(0, index) + sign + text.slice(index + 1)

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object'
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}
