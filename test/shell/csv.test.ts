import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { csvLine } from '../../src/shell/csv.ts'

/** A plain reader of RFC 4180, for one line. */
function read(line: string): string[] {
  const cells: string[] = []
  let at = 0
  do {
    let cell = ''
    if (line[at] === '"') {
      for (at++; line[at] !== '"' || line[at + 1] === '"'; at++) {
        cell += line[at]
        if (line[at] === '"') at++
      }
      at++
    } else for (; at < line.length && line[at] !== ',' && line[at] !== '\r'; at++) cell += line[at]
    cells.push(cell)
  } while (line[at++] === ',')
  expect(line.slice(at - 1)).toBe('\r\n')
  return cells
}

describe('a line of a table', () => {
  it('holds texts and numbers as they are, and nothing for what is not known', () => {
    expect(csvLine(['a', 1, -2.5, undefined, true, ''])).toBe('a,1,-2.5,,true,\r\n')
  })

  it('quotes what would end the cell', () => {
    expect(csvLine(['a,b', 'say "x"', 'two\nlines', 'a\rb'])).toBe('"a,b","say ""x""","two\nlines","a\rb"\r\n')
  })

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', ' =1', '\t=1', '\r=1', '＝1', '=cmd|"/c calc"!A1'])('makes no formula of %j', (text) => {
    expect(read(csvLine([text]))).toEqual([`'${text}`])
  })

  it('is read back as it was, whatever the texts are', () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('"', ',', '\r', '\n', 'x', '=', ' ') }))
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), (texts) => {
        const cells = read(csvLine(texts))
        expect(cells.map((cell, index) => (cell === `'${texts[index]}` ? cell.slice(1) : cell))).toEqual(texts)
        for (const cell of cells) expect(cell).not.toMatch(/^\s*[=+\-@]/)
      }),
      { numRuns: 2_000 },
    )
  })
})
