/** A finished run, as JSON and as a table. Pure. */
import { type Outcome, ratiosOf } from './benchmark.ts'
import type { Machine } from './machine.ts'

export interface Run {
  name: string
  machine: Machine
  outcome: Outcome
}

export interface Report {
  name: string
  machine: Machine
  /** In the unit that the name ends in. */
  figures: Record<string, number>
  /** Ours / theirs. */
  ratios: Record<string, number>
}

export function report({ name, machine, outcome }: Run): Report {
  const values = (entries: Record<string, { value: number }>) =>
    Object.fromEntries(Object.entries(entries).map(([key, { value }]) => [key, rounded(value)]))
  return { name, machine, figures: values(outcome.figures), ratios: values(ratiosOf(outcome)) }
}

/** The same for people, with what each figure means and which way is better. Ends without a newline. */
export function table({ name, machine, outcome }: Run): string {
  const figures = Object.entries(outcome.figures).map(([key, figure]) => [
    key,
    String(rounded(figure.value)),
    figure.unit,
    figure.whose,
    `${figure.better} is better`,
    figure.means,
  ])
  const ratios = Object.entries(ratiosOf(outcome)).map(([key, ratio]) => [
    key,
    String(rounded(ratio.value)),
    `${ratio.better} is better`,
    `${ratio.ours} / ${ratio.theirs}`,
  ])
  return [
    `${name}, on ${machineLine(machine)}`,
    '',
    ...columns([['figure', 'value', 'unit', 'whose', '', ''], ...figures], [1]),
    '',
    ...columns([['ratio', 'ours / theirs', '', ''], ...ratios], [1]),
    ...outcome.leftOut.map((sentence) => `\nLeft out: ${sentence}`),
  ].join('\n')
}

export function machineLine(machine: Machine): string {
  const { cpu, cores, memoryMib, system, node, loadBefore, loadAfter } = machine
  return `${cpu}, ${cores} cores, ${memoryMib} MiB, ${system}, Node ${node}, load ${loadBefore} before and ${loadAfter} after`
}

/** Four digits say all that a measurement knows. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4))
}

/** Rows as lines; the columns in `right` hold numbers. */
function columns(rows: string[][], right: number[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  return rows.map((row) =>
    row
      .map((cell, column) => (right.includes(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}
