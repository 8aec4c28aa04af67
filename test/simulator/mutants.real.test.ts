/**
 * Rules broken on purpose, one at a time, in a copy of the sources: the simulator has to notice each. A rule whose breaking
 * nobody notices is one that nothing holds.
 */
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const project = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

let copy: string
beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), 'tw-mutant-'))
  cpSync(join(project, 'src'), join(copy, 'src'), { recursive: true })
  for (const file of ['package.json', 'node_modules']) symlinkSync(join(project, file), join(copy, file))
})
afterEach(() => rmSync(copy, { recursive: true }))

async function findings(sought: string): Promise<Record<string, number>> {
  const child = fileURLToPath(new URL('./mutant-child.ts', import.meta.url))
  const { stdout } = await run(process.execPath, [child, copy, sought], { timeout: 100_000 })
  return JSON.parse(stdout) as Record<string, number>
}

/** What the rule says; the file; what stands there once; what is put there instead; what is found then. */
const mutants: [rule: string, file: string, text: string, instead: string, found: string][] = [
  [
    'the grace is waited for',
    'domain/agent.ts',
    'return Math.max(lastBeat.atMs, watchedSinceMs) + periodMs + graceMs',
    'return Math.max(lastBeat.atMs, watchedSinceMs) + periodMs',
    'false-death',
  ],
  [
    'silence counts from when the watch looked again',
    'domain/agent.ts',
    'return Math.max(lastBeat.atMs, watchedSinceMs) + periodMs + graceMs',
    'return lastBeat.atMs + periodMs + graceMs',
    'false-death',
  ],
  [
    'one look is no death',
    'domain/agent.ts',
    'return facts.gone || facts.suspected ? facts : { ...facts, suspected: { atMs: nowMs, cause: event.cause } }',
    'return { ...facts, gone: { atMs: nowMs, cause: event.cause } }',
    'false-death',
  ],
  [
    'who hangs must show progress',
    'domain/agent.ts',
    "else if (isNews && (problem?.cause !== 'hung' || hasMoved))",
    'else if (isNews)',
    'duplicate-alert',
  ],
  [
    'a lost host hides its agents',
    'domain/agent.ts',
    'return { ...rest, hostLost: facts.hostLost ?? { sinceMs: event.sinceMs } }',
    'return rest',
    'ledger-error',
  ],
  [
    'another life proves nothing',
    'domain/agent.ts',
    "if (last.epoch === '' || last.epoch !== beat.epoch || last.seq === undefined",
    'if (last.seq === undefined',
    'ledger-error',
  ],
  [
    'too few beats prove nothing',
    'domain/agent.ts',
    '(beat.seq - last.seq) * (periodMs + graceMs) >= beat.atMs - last.atMs',
    'beat.seq > last.seq',
    'ledger-error',
  ],
  [
    'time alone makes the late fall',
    'domain/agent.ts',
    'at(Math.max(facts.lastBeat.atMs, facts.watchedSinceMs) + periodMs + graceMs)',
    'at(Number.POSITIVE_INFINITY)',
    'missed',
  ],
  [
    'a death is over when it beats again',
    'watches/roster.ts',
    "if (open) amended({ ...open, closedMs: Math.max(effect.atMs, open.openedMs), endNoticedMs: nowMs }, 'closed')",
    'if (open) continue',
    'false-death',
  ],
  [
    'nobody is judged by what his host said before',
    'watches/roster.ts',
    'const judgedMs = isPosted(agent) ? nowMs : answeredMs.get(agent.host)',
    'const judgedMs = nowMs',
    'false-death',
  ],
  [
    'what the ledger could not take is tried again',
    'watches/journal.ts',
    'waiting = [...batch, ...waiting]',
    'waiting = [...waiting]',
    'lost-alert',
  ],
  [
    'a problem is told once',
    'domain/notice.ts',
    'if (!incident.told && !waiting.has(key)',
    'if (incident.closedMs === undefined && !waiting.has(key)',
    'duplicate-alert',
  ],
  [
    'a watch that was away says so',
    'watches/sweep.ts',
    'engine.roster.blind(Math.max(lastMs, heardMs))',
    'engine.roster.freshBeats()',
    'false-death',
  ],
  [
    'whoever comes right after a sleep finds out first',
    'watches/sweep.ts',
    'if (isLate || Math.abs(wallStep()) > wallStepMs) notice()',
    'if (isLate && wallStep() > wallStepMs) notice()',
    'false-death',
  ],
]

describe('broken on purpose', () => {
  it('is nothing in the sources as they are', async () => {
    expect(await findings('anything')).toEqual({})
  })

  it.each(mutants)('%s: noticed', async (_, name, text, instead, kind) => {
    const file = join(copy, 'src', name)
    const source = readFileSync(file, 'utf8')
    // Rewritten since? Then this list has to follow.
    expect(source.split(text).length - 1).toBe(1)
    writeFileSync(
      file,
      source.replace(text, () => instead),
    )
    expect(await findings(kind)).toHaveProperty(kind)
  })
})
