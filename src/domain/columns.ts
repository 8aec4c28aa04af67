/** Text by the columns that it takes on a terminal: wide signs take two, combining and invisible ones none. The plugin counts the same (layout.py). */

/** East Asian wide and fullwidth signs, in whole blocks; emoji are asked for by their property. */
const wideBlocks: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x17000, 0x18dff],
  [0x1b000, 0x1b2ff],
  [0x20000, 0x3fffd],
]

/** How many columns a text takes. */
export function columnsOf(text: string): number {
  // Nearly all of it is that, and tables are measured cell by cell.
  if (/^[ -~]*$/.test(text)) return text.length
  let columns = 0
  for (const sign of text) columns += columnsOfSign(sign)
  return columns
}

function columnsOfSign(sign: string): number {
  if (/^[\p{Mn}\p{Me}\p{Cf}]$/u.test(sign)) return 0
  const code = sign.codePointAt(0) ?? 0
  if (code < 0x1100) return 1
  return /^\p{Emoji_Presentation}$/u.test(sign) || wideBlocks.some(([from, to]) => code >= from && code <= to) ? 2 : 1
}

/** Text of at most so many columns; what is longer ends in an ellipsis. */
export function cutColumns(text: string, most: number): string {
  if (columnsOf(text) <= most) return text
  return `${headOf(text, most - 1).trimEnd()}…`
}

/** Filled up with blanks to so many columns. */
export function padColumns(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - columnsOf(text)))
}

/**
 * A line in lines of at most `columns` (8 at least), broken between words; a word that is longer is broken where it must be. What follows the
 * first is indented like that and `hang` more, so that it can be seen to belong to it.
 */
export function wrapLine(line: string, columns: number, hang = 2): string[] {
  if (columnsOf(line) <= columns) return [line]
  const blanks = /^ */.exec(line)?.[0].length ?? 0
  const indent = ' '.repeat(Math.min(blanks, Math.floor(columns / 2)))
  const rest = ' '.repeat(Math.min(indent.length + hang, Math.floor(columns / 2)))
  const lines: string[] = []
  let current = indent
  let isEmpty = true
  for (const word of line.slice(blanks).split(' ')) {
    if (!isEmpty && columnsOf(current) + 1 + columnsOf(word) > columns) {
      lines.push(current.trimEnd())
      current = rest
      isEmpty = true
    }
    current += isEmpty ? word : ` ${word}`
    isEmpty = false
    while (columnsOf(current) > columns) {
      const head = headOf(current, columns)
      lines.push(head)
      current = rest + current.slice(head.length)
    }
  }
  return [...lines, current.trimEnd()].filter((text, index) => index === 0 || text.trim() !== '')
}

/** The beginning of a text that takes at most so many columns. */
function headOf(text: string, most: number): string {
  let head = ''
  let used = 0
  for (const sign of text) {
    used += columnsOfSign(sign)
    if (used > most) break
    head += sign
  }
  return head
}
