/**
 * Texts that somebody might write to get at a shell, a terminal, a format or a page: a list by hand, and as many more as are
 * wanted, put together from its pieces and from odd characters. The same seed gives the same ones.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'

/** All of them try to run this program, or to make a file whose name begins so. */
export const tripwire = 'tw-pwn'

const byHand: readonly string[] = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'fixtures', 'hostile.json'), 'utf8')) as string[]

/** How many are tried: TOWERWATCH_CORPUS of them, else `usual`. */
export function corpusSize(usual: number): number {
  const wanted = process.env['TOWERWATCH_CORPUS']
  return wanted === undefined ? usual : Number(wanted)
}

/** How long a test of so many may take, on a machine that has other things to do. */
export const patienceMs = (count: number): number => Math.max(120_000, count * 300)

const seed = Number(process.env['TOWERWATCH_SEED'] ?? 20_261_123)

const piece = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...byHand) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
  { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom(...'$`\'"\\;|&<>(){}[]*?~#%!^=+-_.,: \t\n\r/@0aZ'), maxLength: 16 }) },
)
const text = fc.oneof(
  { weight: 6, arbitrary: fc.array(piece, { minLength: 1, maxLength: 4 }).map((pieces) => pieces.join('')) },
  {
    weight: 1,
    arbitrary: fc.tuple(piece, fc.integer({ min: 200, max: 3_000 })).map(([one, length]) => one.repeat(length).slice(0, length)),
  },
)

/** The list by hand first, then generated ones. */
export function hostileTexts(count: number): string[] {
  const generated = count > byHand.length ? fc.sample(text, { numRuns: count - byHand.length, seed }) : []
  return [...byHand, ...generated].slice(0, count).map(wellFormed)
}

/** The same as bytes; some are not UTF-8. */
export function hostileBytes(count: number): Buffer[] {
  const odd = [
    Buffer.from([0xff, 0xfe]),
    Buffer.from([0xc0, 0xaf]),
    Buffer.from([0xed, 0xa0, 0x80]),
    Buffer.from([0xf4, 0x90, 0x80, 0x80]),
    Buffer.from([0xe2, 0x82]),
  ]
  return hostileTexts(count).map((one, index) => {
    const bytes = Buffer.from(one, 'utf8')
    return index % 7 === 6 ? Buffer.concat([bytes, odd[index % odd.length] ?? bytes]) : bytes
  })
}

/** As it comes back from a file or an argument: half a surrogate pair can't be written. */
export const wellFormed = (one: string): string => Buffer.from(one, 'utf8').toString('utf8')

/** In pieces of this size. */
export function inGroups<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) => all.slice(index * size, (index + 1) * size))
}
