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
import { openLedger } from '../../src/adapters/ledger/sqlite.ts'
import { newAgent } from '../../src/domain/agent.ts'
import type { Incident, LedgerFact, Subject } from '../../src/ports/ledger.ts'
import type { BenchmarkContext, Figure, Outcome } from '../benchmark.ts'
import { median } from '../statistics.ts'

const agents = 1_000
const days = 30
const rounds = 5
const dayMs = 86_400_000
const minuteMs = 60_000

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
    await fill(file)
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

/** A life for each agent: late and back one and a half times a day, down and back once a day, each told. */
async function fill(file: string): Promise<void> {
  const ledger = openLedger(file)
  const nowMs = Date.now()
  let number = 0
  for (let day = 0; day < days; day++) {
    const facts: LedgerFact[] = []
    for (let index = 0; index < agents; index++) {
      const subject: Subject = { kind: 'agent', id: `agent-${index}` }
      const dayStartMs = nowMs - (days - day) * dayMs + index * 53
      const change = (from: string, to: string, minute: number, cause?: string): void => {
        const atMs = dayStartMs + minute * minuteMs
        facts.push({
          kind: 'transition',
          subject,
          transition: { from, to, atMs, noticedMs: atMs + 900, lastBeatMs: atMs - 31_000, ...(cause !== undefined && { cause }) },
        })
      }
      change('up', 'late', 60)
      change('late', 'up', 61)
      change('up', 'late', 300)
      change('late', 'down', 303, 'silent')
      change('down', 'up', 309)
      change(day % 2 === 0 ? 'up' : 'late', day % 2 === 0 ? 'late' : 'up', day % 2 === 0 ? 1_430 : 5)
      facts.push(...told(subject, ++number, dayStartMs + 303 * minuteMs))
    }
    await ledger.write(facts)
  }
  for (let index = 0; index < agents; index++) {
    const record = newAgent(nowMs - days * dayMs)
    record.facts.lastBeat = { atMs: nowMs, epoch: `${crypto.randomUUID()}:${index}`, pid: index, seq: 86_400, progress: 7, busy: true }
    await ledger.write([{ kind: 'agent', id: `agent-${index}`, record }])
  }
  await ledger.close()
}

function told(subject: Subject, number: number, openedMs: number): LedgerFact[] {
  const closedMs = openedMs + 6 * minuteMs
  const [problem, recovery] = [crypto.randomUUID(), crypto.randomUUID()]
  const incident: Incident = {
    number,
    subject,
    cause: 'silent',
    openedMs,
    noticedMs: openedMs + 900,
    closedMs,
    told: { alertId: problem, atMs: openedMs + 1_000 },
    recoveryTold: { alertId: recovery, atMs: closedMs + 1_000 },
  }
  const subjects = [{ ...subject, host: 'vps1' }]
  const text = `${subject.id} is down: no heartbeat (last beat 3 min ago). To bring it back, type: restart ${subject.id}`
  return [
    { kind: 'incident', incident },
    { kind: 'alert', alert: { id: problem, kind: 'problem', subjects, incidents: [number], at: openedMs, text } },
    { kind: 'told', receiver: 'tower', alertId: problem, atMs: openedMs + 1_000 },
    { kind: 'alert', alert: { id: recovery, kind: 'recovery', subjects, incidents: [number], at: closedMs, text, durationMs: 360_000 } },
    { kind: 'told', receiver: 'tower', alertId: recovery, atMs: closedMs + 1_000 },
  ]
}
