/**
 * Where it is decided how an answer fits the screen of the one who asked: a table where it fits, with cells that are cut or left out
 * as its columns say; on a narrow screen a record for each row; for who has it read aloud a sentence.
 */
import { columnsOf, cutColumns, padColumns, wrapLine } from '../domain/columns.ts'
import type { Screen } from '../domain/operation.ts'

export interface Column {
  name: string
  /** `title`: in the first line of a record. */
  place?: 'title'
  /** It may be cut to so many columns. Left out: it is never cut. */
  least?: number
  /** Where cutting is not enough it is left out, the lowest first. Absent: never. */
  drop?: number
  /** A cell as it stands in a record or a sentence, without the head of its column. Left out: "began 3 min ago". */
  say?: (cell: string) => string
}

/** For `say`: a cell that needs no words. */
export const asIs = (cell: string): string => cell

/** Where nobody has said how wide the screen is. */
const usual: Screen = { columns: 80 }
/** Below that a table is for nobody, unless it fits as it is. */
const narrow = 60
const gap = 2
/** The longest line that may pass to a Tower: sentences are not broken for a screen that nobody looks at. */
const longestLine = 400

/** A table as lines that fit `screen`. A cell that is empty or "-" says nothing, and is left out where there are no columns. */
export function lay(columns: readonly Column[], rows: readonly (readonly string[])[], screen: Screen = usual): string[] {
  if (screen.reader) return rows.flatMap((row) => sentence(columns, row))
  const found = fitting(columns, rows, screen.columns)
  if (!found) return rows.flatMap((row) => record(columns, row, screen.columns))
  const line = (row: readonly string[]) =>
    found.widths
      .flatMap((width, index) => (width === 'out' ? [] : [padColumns(cutColumns(row[index] ?? '', width), width)]))
      .join(' '.repeat(gap))
      .trimEnd()
  const head = line(columns.map(({ name }) => name))
  return [head, ...rows.flatMap((row) => (found.tooWide.has(row) ? record(columns, row, screen.columns) : [line(row)]))]
}

type Row = readonly string[]
type Width = number | 'out'

/**
 * How wide each column becomes; undefined where there is no table that fits. One name that is far longer than the others must not
 * cost everybody the table: up to a quarter of the rows are set aside, and stand in it as records.
 */
function fitting(columns: readonly Column[], rows: readonly Row[], most: number): { widths: Width[]; tooWide: Set<Row> } | undefined {
  const natural = naturalWidths(columns, rows)
  if (total(natural) <= most) return { widths: natural, tooWide: new Set() }
  if (most < narrow) return undefined
  const out = new Set<number>()
  const widest = [...rows].sort((a, b) => rigid(columns, b) - rigid(columns, a))
  for (;;) {
    for (let aside = 0; aside <= rows.length / 4; aside = aside * 2 || 1) {
      const tooWide = new Set(widest.slice(0, aside))
      const wanted = naturalWidths(
        columns,
        rows.filter((row) => !tooWide.has(row)),
      ).map((width, index) => (out.has(index) ? 'out' : width))
      const widths = shrink(columns, wanted, most)
      if (total(widths) <= most) return { widths, tooWide }
    }
    const next = nextToDrop(columns, out)
    if (next === undefined) return undefined
    out.add(next)
  }
}

function naturalWidths(columns: readonly Column[], rows: readonly Row[]): Width[] {
  return columns.map(({ name }, index) => Math.max(columnsOf(name), ...rows.map((row) => columnsOf(row[index] ?? ''))))
}

/** What a row needs at least. */
function rigid(columns: readonly Column[], row: Row): number {
  return columns.reduce((sum, { least }, index) => sum + Math.min(columnsOf(row[index] ?? ''), least ?? Number.POSITIVE_INFINITY), 0)
}

function total(widths: readonly Width[]): number {
  const shown = widths.filter((width) => width !== 'out')
  return shown.reduce((sum, width) => sum + width, gap * Math.max(0, shown.length - 1))
}

/** Takes from the column that can give most, one by one. */
function shrink(columns: readonly Column[], widths: readonly Width[], most: number): Width[] {
  const shrunk = [...widths]
  for (let over = total(shrunk) - most; over > 0; over--) {
    let giver = -1
    let mostToGive = 0
    for (const [index, { least }] of columns.entries()) {
      const width = shrunk[index]
      const toGive = least === undefined || width === undefined || width === 'out' ? 0 : width - least
      if (toGive > mostToGive) [giver, mostToGive] = [index, toGive]
    }
    const width = shrunk[giver]
    if (width === undefined || width === 'out') break
    shrunk[giver] = width - 1
  }
  return shrunk
}

function nextToDrop(columns: readonly Column[], out: ReadonlySet<number>): number | undefined {
  let found: number | undefined
  for (const [index, { drop }] of columns.entries()) {
    if (drop === undefined || out.has(index)) continue
    if (found === undefined || drop < (columns[found]?.drop ?? 0)) found = index
  }
  return found
}

const isSaid = (cell: string | undefined): cell is string => cell !== undefined && cell !== '' && cell !== '-'

const titlesOf = (columns: readonly Column[], row: readonly string[]): string[] =>
  columns.flatMap(({ place }, index) => (place === 'title' && isSaid(row[index]) ? [row[index]] : []))

function restOf(columns: readonly Column[], row: readonly string[]): string[] {
  return columns.flatMap(({ place, name, say }, index) => {
    const cell = row[index]
    if (place === 'title' || !isSaid(cell)) return []
    return [say ? say(cell) : `${name} ${cell}`.trim()]
  })
}

/** "ezra  down", and below it "its pane is dead, for 3 min". */
function record(columns: readonly Column[], row: readonly string[], width: number): string[] {
  return [...broken(titlesOf(columns, row), '  ', width, ''), ...broken(restOf(columns, row), ', ', width, '  ')]
}

/** Parts in lines, broken between parts wherever that will do: "2 min 9 s" and "still open" are read at one glance. */
function broken(parts: readonly string[], separator: string, width: number, indent: string): string[] {
  const lines: string[] = []
  for (const [index, part] of parts.entries()) {
    const text = index < parts.length - 1 ? `${part}${separator.trimEnd()}` : part
    const longer = `${lines.at(-1) ?? ''}${separator.startsWith(',') ? ' ' : separator}${text}`
    if (lines.length > 0 && columnsOf(longer) <= width) lines[lines.length - 1] = longer
    else lines.push(...wrapLine(`${lines.length === 0 ? indent : '  '}${text}`, width, indent === '' && lines.length === 0 ? 2 : 0))
  }
  return lines
}

/** "ezra down: its pane is dead, for 3 min." */
function sentence(columns: readonly Column[], row: readonly string[]): string[] {
  const rest = restOf(columns, row).join(', ')
  const said = `${titlesOf(columns, row).join(' ')}${rest === '' ? '' : `: ${rest}`}`
  return wrapLine(/[.!?…]$/.test(said) ? said : `${said}.`, longestLine)
}

/** Lines that fit the screen; tables that were laid out for it are left as they are. */
export function wrapAll(lines: readonly string[], screen: Screen | undefined): string[] {
  if (!screen) return [...lines]
  return lines.flatMap((line) => wrapLine(line, screen.reader ? longestLine : screen.columns))
}
