/** A generated fleet, as config: agents with periods of their own on a number of hosts. */
import { type AgentConfig, type Config, type HostConfig, Secret } from '../config/config.ts'
import { seededRandom } from './random.ts'

/** Enough for every agent of the fleet to be one of a kind, and always the same for a seed. */
export function generatedFleet(size: { seed: number; agents: number; hosts: number }): Config {
  const random = seededRandom(size.seed, 1)
  const hosts = new Map<string, HostConfig>()
  for (let index = 1; index <= size.hosts; index++)
    hosts.set(`h${index}`, { kind: 'local', id: `h${index}`, name: `h${index}`, services: [], thresholds: {}, sockets: [] })
  const agents = new Map<string, AgentConfig>()
  for (let index = 1; index <= size.agents; index++) {
    const id = `a${index}`
    const periodMs = random.whole(30, 120) * 1000
    // Never later than the deadman bound: period + grace + sweep within five minutes.
    const graceMs = Math.min(Math.round(periodMs * (1 + random.next() * 1.5)), 295_000 - periodMs)
    const isPosted = random.chance(0.25)
    agents.set(id, {
      id,
      name: id,
      host: `h${((index - 1) % size.hosts) + 1}`,
      heartbeat: isPosted ? { kind: 'push', token: new Secret('simulated') } : { kind: 'file', file: `/beats/${id}`, format: 'json' },
      timing: {
        periodMs,
        graceMs,
        failures: 1,
        successes: 1,
        flapping: { changes: 6, withinMs: 30 * 60_000, stableMs: 10 * 60_000 },
        ...(random.chance(0.6) && { hungMs: random.whole(5, 30) * 60_000 }),
      },
      policy: 'off',
      // Of a command without a pid file nobody can say whether its process is there: such an agent only falls silent.
      body: random.chance(0.7)
        ? { kind: 'process', start: ['/bin/agent'], pidFile: `/run/${id}.pid`, log: `/log/${id}` }
        : { kind: 'command', start: ['/bin/agent'] },
      stopGraceMs: 10_000,
      startGraceMs: 300_000,
      configs: [],
      rollBack: 'off',
    })
  }
  return {
    file: 'generated',
    fleet: 'simulated',
    stateDir: '/nowhere',
    pollMs: 1_000,
    keepMs: 4_000 * 86_400_000,
    timeZone: 'Etc/UTC',
    target: 0.95,
    alerts: { groupWaitMs: 300, groupIntervalMs: 5_000, remindMs: 4 * 3_600_000 },
    sinks: new Map(),
    maintenance: [],
    deadman: { everyMs: 60_000, staleMs: 60_000, unit: 'towerwatch.service', scope: 'user', windowMs: 15 * 60_000 },
    tower: { kind: 'bundled' },
    healthEveryMs: 60_000,
    remedies: { perMs: 3_600_000, atOnce: 1 },
    authority: { confirm: [], withinMs: 120_000, changes: 1_000, perMs: 60_000 },
    hosts,
    agents,
  }
}
