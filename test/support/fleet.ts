/** A small fleet, as config, for tests. */
import type { AgentConfig, Config } from '../../src/config/config.ts'

const quick = { periodMs: 2_000, graceMs: 4_000 }

export function agentConfig(id: string, more: Partial<AgentConfig> = {}): AgentConfig {
  return {
    id,
    name: id,
    host: 'local',
    heartbeat: { kind: 'file', file: `/beats/${id}`, format: 'json' },
    timing: quick,
    policy: 'off',
    body: { kind: 'process', start: ['/bin/agent'], pidFile: `/run/${id}.pid`, log: `/log/${id}` },
    stopGraceMs: 1_000,
    startGraceMs: 30_000,
    configs: [],
    rollBack: 'off',
    ...more,
  }
}

/** Hosts are those that the agents name; `local` is always there. */
export function fleetConfig(agents: AgentConfig[], more: Partial<Config> = {}): Config {
  const hosts = new Set(['local', ...agents.map(({ host }) => host)])
  return {
    file: '/fleet/fleet.yaml',
    fleet: 'test',
    stateDir: '/fleet/var',
    pollMs: 1_000,
    keepMs: 400 * 86_400_000,
    timeZone: 'Europe/Berlin',
    target: 0.95,
    alerts: { groupWaitMs: 0, groupIntervalMs: 0 },
    sinks: new Map(),
    maintenance: [],
    deadman: { everyMs: 60_000, staleMs: 60_000, unit: 'towerwatch.service', scope: 'user', windowMs: 900_000 },
    tower: { kind: 'bundled' },
    healthEveryMs: 60_000,
    remedies: { perMs: 3_600_000, atOnce: 100 },
    authority: { confirm: [], withinMs: 120_000, changes: 10_000, perMs: 60_000 },
    hosts: new Map([...hosts].map((id) => [id, { kind: 'local', id, name: id, services: [], thresholds: {}, sockets: [] }])),
    agents: new Map(agents.map((agent) => [agent.id, agent])),
    ...more,
  }
}
