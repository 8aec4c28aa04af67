/**
 * What it costs to judge a whole fleet once: the engine's sweep, with the real ledger on a disk. `judged`: every agent's
 * state changes in that sweep (all have fallen silent at once), which is the worst there is. `quiet`: nobody's does.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLedger } from '../../src/adapters/ledger/sqlite.ts'
import { type Engine, openEngine } from '../../src/engine.ts'
import type { Clock } from '../../src/ports/clock.ts'
import { agentConfig, fleetConfig } from '../../test/support/fleet.ts'
import { keptLog } from '../../test/support/log.ts'
import type { BenchmarkContext, Figure, Outcome } from '../benchmark.ts'
import { median } from '../statistics.ts'

/** Keys `evaluate_1000_ms`, `evaluate_10000_ms`: the judged sweep. */
export async function measureEvaluations({ say }: BenchmarkContext): Promise<Outcome> {
  const figures: Record<string, Figure> = {}
  for (const count of [1_000, 10_000]) {
    const { judgedMs, quietMs } = await measureEvaluation(count)
    say(`judging ${count} agents: ${judgedMs.toFixed(2)} ms, a quiet sweep ${quietMs.toFixed(3)} ms`)
    const ms = (value: number, means: string): Figure => ({ value, unit: 'ms', better: 'lower', whose: 'ours', means })
    figures[`evaluate_${count}_ms`] = ms(
      judgedMs,
      `a sweep that finds all of ${count} agents late at once, until all is given to the ledger`,
    )
    figures[`evaluate_${count}_quiet_ms`] = ms(quietMs, `a sweep over ${count} agents that finds nothing new`)
  }
  return { figures, comparisons: {}, leftOut: [] }
}

interface Evaluation {
  judgedMs: number
  quietMs: number
}

const timing = { periodMs: 60_000, graceMs: 120_000 }
const rounds = 9
const quietSweeps = 500

async function measureEvaluation(count: number): Promise<Evaluation> {
  const folder = mkdtempSync(join(tmpdir(), 'towerwatch-evaluate-'))
  const ledger = openLedger(join(folder, 'ledger.sqlite'))
  const clock = steppedClock()
  const ids = Array.from({ length: count }, (_, index) => `agent-${index}`)
  const agents = ids.map((id, index) => agentConfig(id, { host: `host-${index % Math.ceil(count / 20)}`, timing }))
  const engine = openEngine(fleetConfig(agents), {
    ledger,
    clock,
    log: keptLog(),
    newId: () => `alert-${clock.now()}`,
  })
  try {
    const judged: number[] = []
    const quiet: number[] = []
    for (let round = 0; round < rounds; round++) {
      look(engine, ids, clock.now())
      await engine.stop()
      for (let sweep = 0; sweep < quietSweeps; sweep++) quiet.push(timed(() => engine.sweep()))
      clock.step(timing.periodMs)
      // Their hosts answer, their heartbeats have not moved: now time alone judges them.
      for (const host of new Set(agents.map(({ host: id }) => id))) engine.roster.observeHost(host, { kind: 'answered' })
      judged.push(timed(() => engine.sweep()))
      expectAll(engine, ids, 'late')
      await engine.stop()
    }
    return { judgedMs: median(judged), quietMs: median(quiet) }
  } finally {
    await engine.stop()
    await ledger.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

function look(engine: Engine, ids: readonly string[], atMs: number): void {
  for (const id of ids) engine.roster.observe(id, { kind: 'sighted', beat: { atMs, epoch: 'a' } })
  expectAll(engine, ids, 'up')
}

/** A benchmark of something that didn't happen would be the fastest of all. */
function expectAll(engine: Engine, ids: readonly string[], state: string): void {
  const other = ids.find((id) => engine.roster.agent(id)?.status.state !== state)
  if (other !== undefined) throw new Error(`${other} is ${engine.roster.agent(other)?.status.state}, not ${state}`)
}

function timed(work: () => void): number {
  const fromMs = performance.now()
  work()
  return performance.now() - fromMs
}

function steppedClock(): Clock & { step(ms: number): void } {
  let nowMs = 1_800_000_000_000
  return {
    now: () => nowMs,
    wall: () => nowMs,
    after: () => ({ cancel: () => {} }),
    step: (ms) => {
      nowMs += ms
    },
  }
}
