/** Comma-separated values by RFC 4180, which a spreadsheet reads as text and numbers, never as a formula. */

export type Cell = string | number | boolean | undefined

/** One line, with its end. */
export function csvLine(cells: readonly Cell[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`
}

function csvCell(cell: Cell): string {
  if (cell === undefined) return ''
  if (typeof cell !== 'string') return String(cell)
  // Spreadsheets calculate what begins so, quoted or not: an agent could make its cause of failure a command.
  const text = /^[\s]*[=+\-@＝＋－＠]|^[\t\r\n]/.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
