import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { columnsOf, cutColumns, padColumns, wrapLine } from '../../src/domain/columns.ts'

const runs = { numRuns: Number(process.env['TOWERWATCH_RUNS'] ?? 1_000) }
/** The plugin counts the same (tests/pure/test_layout.py). */
const cases: [string, number][] = JSON.parse(readFileSync(new URL('../fixtures/columns.json', import.meta.url), 'utf8'))
const text = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '-', '漢', '🗼', 'é', 'e\u0301', '\u200b', 'ｆ'), maxLength: 120 })

describe('columns of a terminal', () => {
  it.each(cases)('%j takes %d', (word, columns) => {
    expect(columnsOf(word)).toBe(columns)
  })

  it('are what a text is cut and filled to', () => {
    expect(cutColumns('漢漢漢', 5)).toBe('漢漢…')
    expect(cutColumns('漢漢漢', 4)).toBe('漢…')
    expect(cutColumns('abc', 3)).toBe('abc')
    expect(padColumns('漢', 4)).toBe('漢  ')
    fc.assert(
      fc.property(text, fc.integer({ min: 2, max: 60 }), (word, most) => {
        expect(columnsOf(cutColumns(word, most))).toBeLessThanOrEqual(most)
      }),
      runs,
    )
  })
})

describe('a line that is too long', () => {
  it('is broken between words, and what follows is indented', () => {
    expect(wrapLine('one two three four', 9)).toEqual(['one two', '  three', '  four'])
    expect(wrapLine('  entry 12 of the audit', 14)).toEqual(['  entry 12 of', '    the audit'])
    expect(wrapLine('short', 9)).toEqual(['short'])
  })

  it('is broken in a word that no line holds', () => {
    expect(wrapLine('abcdefghijkl', 8)).toEqual(['abcdefgh', '  ijkl'])
    expect(wrapLine('an abcdefghijkl', 8, 0)).toEqual(['an', 'abcdefgh', 'ijkl'])
  })

  it('fits, whatever it is, and nothing of it is lost', () => {
    const bare = (line: string) => line.replaceAll(' ', '')
    fc.assert(
      fc.property(text, fc.integer({ min: 20, max: 132 }), (line, columns) => {
        const lines = wrapLine(line, columns)
        for (const one of lines) expect(columnsOf(one)).toBeLessThanOrEqual(columns)
        expect(bare(lines.join(''))).toBe(bare(line))
      }),
      runs,
    )
  })
})
