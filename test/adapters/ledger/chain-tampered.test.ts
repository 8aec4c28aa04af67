/**
 * What is found of any change to the audit, by whoever may write the file, and what is not:
 *
 * - Without working out hashes anew: whatever is changed, removed, put in or moved is found, but for an end that is cut off,
 *   and a beginning that is cut off as if it had been forgotten in order (the verdict says from where on it holds).
 * - Hashes worked out anew as well: by a head that was noted elsewhere, for everything up to that. What comes after it proves
 *   nothing, for he may put in there what he likes.
 */
import { createHash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toLink } from '../../../src/adapters/ledger/chain.ts'
import { openLedger } from '../../../src/adapters/ledger/sqlite.ts'
import { type AuditHead, type AuditLink, type AuditVerdict, noHead } from '../../../src/domain/audit.ts'
import type { Ledger } from '../../../src/ports/ledger.ts'
import { operation } from '../../support/ledger-facts.ts'
import { ledgerFolder } from './folder.ts'

const here = ledgerFolder()
const rows = 9
const numRuns = Math.min(Number(process.env['TOWERWATCH_RUNS'] ?? 600), 20_000)

/** The audit as it stands in the file; the rows by their place there. */
interface Chain {
  rows: AuditLink[]
  anchor?: AuditHead
}
type Tamper = (chain: Chain) => Chain

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const place = fc.nat({ max: rows + 1 })
const renumbered = (links: AuditLink[], first: number): AuditLink[] => links.map((link, index) => ({ ...link, seq: first + index }))
const at = <T>(list: readonly T[], index: number): T | undefined => list[index % Math.max(1, list.length)]
const with_ = (links: AuditLink[], index: number, change: (link: AuditLink) => AuditLink): AuditLink[] =>
  links.map((link, position) => (position === index % links.length ? change(link) : link))

const text = fc.oneof(fc.constant(''), fc.constant('0'.repeat(64)), fc.string({ maxLength: 5 }), fc.stringMatching(/^[0-9a-f]{64}$/))
const entry = fc.oneof(
  fc.json({ maxDepth: 1 }).filter((json) => json.startsWith('{')),
  fc.constant('{"event":"ok","lines":[],"atMs":1}'),
)

/** By somebody who leaves the hashes as they are, or writes anything in their place. */
const clumsy: fc.Arbitrary<Tamper> = fc.oneof(
  fc.tuple(place, entry).map(
    ([index, value]): Tamper =>
      (chain) => ({ ...chain, rows: with_(chain.rows, index, (one) => ({ ...one, entry: value })) }),
  ),
  fc.tuple(place, fc.constantFrom('prev' as const, 'hash' as const), text).map(
    ([index, name, value]): Tamper =>
      (chain) => ({ ...chain, rows: with_(chain.rows, index, (one) => ({ ...one, [name]: value })) }),
  ),
  // Taken out, with or without closing the gap.
  fc.tuple(place, place, fc.boolean()).map(
    ([from, count, isClosed]): Tamper =>
      (chain) => {
        const left = chain.rows.filter((_, index) => index < from || index >= from + count)
        return { ...chain, rows: isClosed ? renumbered(left, chain.rows[0]?.seq ?? 1) : left }
      },
  ),
  // One more, a copy of another one.
  fc.tuple(place, place).map(
    ([to, of]): Tamper =>
      (chain) => {
        const copy = at(chain.rows, of)
        const more = copy ? [...chain.rows.slice(0, to), copy, ...chain.rows.slice(to)] : chain.rows
        return { ...chain, rows: renumbered(more, chain.rows[0]?.seq ?? 1) }
      },
  ),
  // Two in each other's place.
  fc.tuple(place, place).map(
    ([one, other]): Tamper =>
      (chain) => {
        const [a, b] = [at(chain.rows, one), at(chain.rows, other)]
        const swapped = chain.rows.map((link) => (link === a ? b : link === b ? a : link) ?? link)
        return { ...chain, rows: renumbered(swapped, chain.rows[0]?.seq ?? 1) }
      },
  ),
  // All of them moved along.
  fc.integer({ min: -3, max: 3 }).map(
    (by): Tamper =>
      (chain) => ({ ...chain, rows: chain.rows.map((link) => ({ ...link, seq: link.seq + by })) }),
  ),
  fc.tuple(fc.nat({ max: rows + 3 }), text).map(
    ([seq, hash]): Tamper =>
      (chain) => ({ ...chain, anchor: { seq, hash } }),
  ),
  // As if it had been forgotten in order.
  place.map(
    (count): Tamper =>
      (chain) => {
        const last = chain.rows[count - 1]
        return last ? { rows: chain.rows.slice(count), anchor: { seq: last.seq, hash: last.hash } } : chain
      },
  ),
  place.map(
    (count): Tamper =>
      (chain) => ({ ...chain, rows: chain.rows.slice(0, count) }),
  ),
)

/** By somebody who works out every hash from there on. */
const rehashed: fc.Arbitrary<Tamper> = place.map(
  (from): Tamper =>
    (chain) => {
      const made: AuditLink[] = []
      for (const [index, link] of chain.rows.entries()) {
        const before = made.at(-1) ?? chain.anchor ?? noHead
        const seq = before.seq + 1
        const entry = JSON.stringify({ ...JSON.parse(link.entry), seq })
        made.push(index < from ? link : { seq, entry, prev: before.hash, hash: sha256(before.hash + entry) })
      }
      return { ...chain, rows: made }
    },
)

const rowsOf = (db: DatabaseSync): AuditLink[] => db.prepare('SELECT seq, entry, prev, hash FROM audit ORDER BY seq').all().map(toLink)

async function original(): Promise<{ links: AuditLink[]; head: AuditHead }> {
  const ledger = openLedger(here.file)
  await ledger.write(Array.from({ length: rows }, (_, n) => operation(n + 1)))
  const head = ledger.auditHead()
  await ledger.close()
  const db = new DatabaseSync(here.file)
  const links = rowsOf(db)
  db.close()
  return { links, head }
}

function write(db: DatabaseSync, chain: Chain): Chain {
  db.exec('BEGIN; DELETE FROM audit; DELETE FROM audit_anchor')
  const insert = db.prepare('INSERT OR IGNORE INTO audit (seq, entry, prev, hash) VALUES (?,?,?,?)')
  for (const { seq, entry, prev, hash } of chain.rows) insert.run(seq, entry, prev, hash)
  if (chain.anchor) db.prepare('INSERT INTO audit_anchor VALUES (1,?,?)').run(chain.anchor.seq, chain.anchor.hash)
  db.exec('COMMIT')
  return { ...chain, rows: rowsOf(db) }
}

/** Each verdict about a chain that was tampered with, beside what stands in the file then. */
async function each(
  tamper: fc.Arbitrary<Tamper[]>,
  judge: (found: Chain, links: AuditLink[], verdicts: { plain: AuditVerdict; noted: AuditVerdict }) => void,
): Promise<void> {
  const { links, head } = await original()
  const db = new DatabaseSync(here.file)
  db.exec('PRAGMA synchronous = OFF')
  const ledger: Ledger = openLedger(here.file, 'read')
  try {
    await fc.assert(
      fc.asyncProperty(tamper, async (tampers) => {
        const found = write(
          db,
          tampers.reduce((chain: Chain, change) => change(chain), { rows: links }),
        )
        judge(found, links, { plain: await ledger.verifyAudit(), noted: await ledger.verifyAudit(head) })
      }),
      { numRuns },
    )
  } finally {
    db.close()
    await ledger.close()
  }
}

/** Every entry that is there stands where it was written, and nothing is missing between, and none but those before the anchor. */
function isRunOf(links: readonly AuditLink[], { rows: found, anchor }: Chain): boolean {
  const from = anchor?.seq ?? 0
  if (found.some(({ seq }) => seq <= from)) return false
  if (anchor && (links[from - 1]?.hash ?? noHead.hash) !== anchor.hash) return false
  return found.every((link, index) => same(link, links[from + index]))
}

const same = (one: AuditLink, other: AuditLink | undefined) =>
  other !== undefined && one.seq === other.seq && one.entry === other.entry && one.prev === other.prev && one.hash === other.hash

describe('an audit that was tampered with', () => {
  it('without new hashes is broken, unless all that is left stands as it was written', async () => {
    const seen = { whole: 0, broken: 0, shortened: 0 }
    await each(fc.array(clumsy, { minLength: 1, maxLength: 3 }), (found, links, { plain, noted }) => {
      // All of it gone: then nothing is there that could be wrong, and only a head that was noted tells.
      const isEmpty = found.rows.length === 0
      if (plain.kind === 'whole' && !isEmpty) expect(isRunOf(links, found)).toBe(true)
      if (isRunOf(links, found)) expect(plain.kind).toBe('whole')
      // A head that was noted tells of an end that was cut off, too.
      const isToTheEnd = isRunOf(links, found) && (found.anchor?.seq ?? 0) + found.rows.length === rows
      expect(noted.kind === 'whole').toBe(isToTheEnd)
      if (plain.kind === 'whole' && noted.kind !== 'whole') seen.shortened++
      seen[plain.kind === 'whole' ? 'whole' : 'broken']++
    })
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(numRuns / 50)
  })

  it('and with every hash worked out anew is told by a head that was noted: up to that, nothing is other than it was', async () => {
    const seen = { unseen: 0, told: 0, grown: 0 }
    const tampers = fc.tuple(fc.array(clumsy, { minLength: 1, maxLength: 2 }), rehashed).map(([clumsy, clever]) => [...clumsy, clever])
    await each(tampers, (found, links, { plain, noted }) => {
      if (noted.kind === 'whole') {
        const upTo = found.rows.filter(({ seq }) => seq <= rows)
        expect(isRunOf(links, { ...found, rows: upTo })).toBe(true)
        expect((found.anchor?.seq ?? 0) + upTo.length).toBe(rows)
        if (found.rows.length > upTo.length) seen.grown++
      } else if (plain.kind === 'whole') seen.told++
      if (noted.kind !== 'broken') seen.unseen++
    })
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(0)
    expect(seen.told).toBeGreaterThan(numRuns / 10)
  })

  it('so that it begins after the head that was noted is not compared, and said not to be', async () => {
    const { head } = await original()
    const db = new DatabaseSync(here.file)
    write(db, { rows: [], anchor: { seq: head.seq + 1, hash: 'ff' } })
    db.close()
    const ledger = openLedger(here.file, 'read')
    expect(await ledger.verifyAudit(head)).toEqual({ kind: 'forgotten', from: { seq: head.seq + 1, hash: 'ff' } })
    await ledger.close()
  })
})
