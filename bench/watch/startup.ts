/**
 * How long a watch needs for its ledger when it starts with 30 days of 1,000 agents behind it, 6 changes of state a day each:
 * in a process of its own, as a start is. `startup_s`: opening (with the look through the file for damage), what was
 * remembered, incidents and outbox, and the timeline of each agent over all 30 days.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { BenchmarkContext, Figure, Outcome } from '../benchmark.ts'
import { median } from '../statistics.ts'
import { agents, days, fillLedger } from './full-ledger.ts'

const rounds = 5

/** What the child says. */
export interface Startup {
  openMs: number
  recallMs: number
  timelinesMs: number
  /** Changes of state that were read. */
  changes: number
}

/** Key `startup_s`, and the parts of it. */
export async function measureStartup({ say, signal }: Pick<BenchmarkContext, 'say' | 'signal'>): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'towerwatch-startup-'))
  try {
    const file = join(folder, 'ledger.sqlite')
    await fillLedger(file)
    const mib = statSync(file).size / 1024 ** 2
    const starts: Startup[] = []
    for (let round = 0; round < rounds; round++) starts.push(await start(file, signal))
    const [first] = starts
    if (first?.changes !== agents * days * 6) throw new Error(`${first?.changes} changes were read, ${agents * days * 6} were written`)
    const ms = (part: (start: Startup) => number) => median(starts.map(part))
    const totalMs = ms(({ openMs, recallMs, timelinesMs }) => openMs + recallMs + timelinesMs)
    say(`start-up with a ledger of ${mib.toFixed(1)} MiB: ${totalMs.toFixed(0)} ms`)
    const figure = (value: number, unit: Figure['unit'], means: string): Figure => ({ value, unit, better: 'lower', whose: 'ours', means })
    return {
      figures: {
        startup_s: figure(totalMs / 1_000, 's', `reading the ledger at the start: ${days} days of ${agents} agents, 6 changes a day each`),
        startup_open_ms: figure(
          ms(({ openMs }) => openMs),
          'ms',
          'the part of it for opening, with the look for damage',
        ),
        startup_recall_ms: figure(
          ms(({ recallMs }) => recallMs),
          'ms',
          'the part of it for records, incidents, mutes and outbox',
        ),
        startup_timelines_ms: figure(
          ms(({ timelinesMs }) => timelinesMs),
          'ms',
          'the part of it for the timelines of all agents',
        ),
        startup_ledger_mib: figure(mib, 'MiB', 'the size of that ledger, with an incident a day for each agent, told and over'),
      },
      comparisons: {},
      leftOut: [],
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function start(file: string, signal: AbortSignal): Promise<Startup> {
  const child = fileURLToPath(new URL('../startup-child.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [child, file], { signal })
  return JSON.parse(stdout)
}
