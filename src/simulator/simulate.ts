/** A fleet under faults, through the engine that the daemon runs, and what is to be thought of it. */
import { openLedger } from '../adapters/ledger/sqlite.ts'
import type { Config } from '../config/config.ts'
import type { Incident } from '../domain/incident.ts'
import { stretches } from '../domain/uptime.ts'
import { openAccounts } from '../operations/accounts.ts'
import type { AlertRecord, LedgerFact } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import { type FaultChoice, planFaults } from './faults.ts'
import { judge, type Verdict } from './judge.ts'
import type { Jitter } from './lives.ts'
import { seededRandom } from './random.ts'
import { openStage } from './stage.ts'
import { simulatedTower } from './tower.ts'
import { openWorld, type Strike } from './world.ts'

export interface Simulation {
  config: Config
  seed: number
  days: number
  faults: FaultChoice
  jitter: Jitter
}

export interface Outcome {
  verdict: Verdict
  strikes: readonly Strike[]
  startMs: number
  endMs: number
  /** Written down at the time, for a look at what went wrong. */
  facts: { atMs: number; fact: LedgerFact }[]
}

const dayMs = 86_400_000
/** Any moment would do; always the same, so that a seed gives the same simulation at any time. */
export const simulationStartMs = Date.UTC(2026, 0, 1)

export async function simulate(simulation: Simulation, ports: { log: Log; signal?: AbortSignal }): Promise<Outcome> {
  const { config, seed } = simulation
  const startMs = simulationStartMs
  const endMs = startMs + Math.round(simulation.days * dayMs)
  const ledger = openLedger(':memory:')
  const facts: Outcome['facts'] = []
  const incidents = new Map<number, Incident>()
  const alerts: AlertRecord[] = []
  const stage = openStage({
    config,
    ledger,
    startMs,
    log: ports.log,
    onFact: (fact) => {
      if (fact.kind === 'incident') incidents.set(fact.incident.number, fact.incident)
      else if (fact.kind === 'alert') alerts.push(fact.alert)
      if (fact.kind === 'incident' || fact.kind === 'alert' || fact.kind === 'transition') facts.push({ atMs: stage.clock.now(), fact })
    },
    beforeSweep: () => world.sight.beforeSweep(),
    onBlind: () => world.sight.onBlind(),
    onAlert: () => tower.alertsWaiting(),
  })
  const tower = simulatedTower(stage)
  const faults = planFaults(
    simulation.faults,
    { agents: config.agents.size, hosts: config.hosts.size, fromMs: startMs, toMs: endMs },
    seededRandom(seed, 0),
  )
  const lastFaultMs = Math.max(startMs, ...faults.map(({ atMs }) => atMs))
  const world = openWorld({ config, seed, stage, tower, ledger, faults, jitter: simulation.jitter, lastFaultMs })
  world.start()
  await stage.run(endMs, ports.signal)
  const accounts = openAccounts(ledger, startMs)
  const uptime = (id: string) => {
    const { timeline, grounds } = accounts.agent({ id, host: config.agents.get(id)?.host ?? '' })
    return [...stretches(timeline, startMs, endMs, grounds)]
  }
  const records = { incidents: [...incidents.values()], alerts, uptime, mutes: ledger.mutes(startMs) }
  const verdict = judge(world, tower, records, startMs, endMs)
  stage.kill()
  await ledger.close()
  return { verdict, strikes: world.strikes, startMs, endMs, facts }
}
