/**
 * `simulation`: a million agent-hours under faults through the real engine. What it finds wrong makes the run fail; how soon
 * deaths were noticed, by kind of fault, and how fast simulated time goes, are its figures.
 */
import { faultKinds } from '../src/simulator/faults.ts'
import { generatedFleet } from '../src/simulator/fleet.ts'
import { tameJitter } from '../src/simulator/lives.ts'
import { simulate } from '../src/simulator/simulate.ts'
import { keptLog } from '../test/support/log.ts'
import type { Benchmark, BenchmarkContext, Figure, Outcome } from './benchmark.ts'
import { percentile } from './statistics.ts'

const size = { days: 30, agents: 200, hosts: 20 }
const agentHoursEach = size.days * 24 * size.agents
const agentHours = 1_000_000

export const simulation: Benchmark = {
  name: 'simulation',
  about: 'a million simulated agent-hours under faults: nothing missed, invented, lost or told twice',
  withinMs: 1_800_000,
  run: runSimulations,
}

async function runSimulations({ say, signal }: BenchmarkContext): Promise<Outcome> {
  const delays = new Map<string, number[]>()
  let faults = 0
  let incidents = 0
  let worstErrorMs = 0
  const began = performance.now()
  const rounds = Math.ceil(agentHours / agentHoursEach)
  for (let seed = 1; seed <= rounds; seed++) {
    const config = generatedFleet({ seed, agents: size.agents, hosts: size.hosts })
    const choice = { config, seed, days: size.days, faults: { kinds: faultKinds }, jitter: tameJitter }
    const { verdict, strikes } = await simulate(choice, { log: keptLog(), signal })
    signal.throwIfAborted()
    const [wrong] = verdict.findings
    if (wrong) throw new Error(`seed ${seed}: ${verdict.findings.length} findings, the first: ${wrong.kind} ${wrong.subject} ${wrong.text}`)
    faults += strikes.length
    incidents += verdict.incidents
    worstErrorMs = Math.max(worstErrorMs, verdict.ledgerErrorMs)
    for (const [kind, some] of verdict.delaysMs) delays.set(kind, [...(delays.get(kind) ?? []), ...some])
    say(`seed ${seed}: ${strikes.length} faults, ${verdict.incidents} incidents, nothing missed, invented, lost or told twice`)
  }
  const tookS = (performance.now() - began) / 1000
  const ms = (value: number, means: string): Figure => ({ value, unit: 'ms', better: 'lower', whose: 'ours', means })
  const figures: Record<string, Figure> = {
    simulated_agent_hours_per_s: {
      value: (rounds * agentHoursEach) / tookS,
      unit: '1/s',
      better: 'higher',
      whose: 'ours',
      means: `agent-hours a second, over ${rounds * agentHoursEach} of them with ${faults} faults and ${incidents} incidents`,
    },
    simulated_ledger_error_ms: ms(worstErrorMs, 'the largest difference between the ledger and the oracle in one bucket of one agent'),
  }
  for (const [kind, some] of [...delays].sort()) {
    const key = kind.replaceAll('-', '_')
    for (const [name, share] of [
      ['p50', 50],
      ['p99', 99],
    ] as const)
      figures[`simulated_${key}_${name}_ms`] = ms(
        percentile(some, share),
        `from a fault of the kind ${kind} to its noticing, ${some.length} times`,
      )
  }
  return { figures, comparisons: {}, leftOut: [] }
}
