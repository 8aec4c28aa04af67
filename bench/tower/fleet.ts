/** Fleets as a watch would mirror them, with all that an agent may have. */
import type { HistoryPart } from '../../src/ports/tower.ts'
import type { AgentHistory, AgentView, HostView, WatchMessage } from '../../src/protocol/messages.ts'

export interface Fleet {
  hosts: HostView[]
  agents: AgentView[]
}

export const fleetSize = 1_000
/** Room for a look at so many at once. */
export const agentsPerHost = 200

/** `doing` tells one round from the other. */
export function fleetOf(size: number, doing: string): Fleet {
  const racks = Math.ceil(size / agentsPerHost)
  return {
    hosts: Array.from({ length: racks }, (_, index) => ({
      id: rackOf(index * agentsPerHost),
      name: `Rack ${index}`,
      state: 'up' as const,
      forMs: 86_400_000,
    })),
    agents: Array.from({ length: size }, (_, index) => agentOf(index, doing)),
  }
}

export function agentOf(index: number, doing: string): AgentView {
  return {
    id: `bench-${index}`,
    name: `Bench ${index}`,
    host: rackOf(index),
    state: 'up',
    forMs: 86_400_000 + index,
    beatAgeMs: 700 + index,
    periodMs: 30_000,
    graceMs: 60_000,
    doing: `${doing}: rebasing the-nexus#${index}`,
    busy: index % 3 !== 0,
    model: 'hermes-4-70b',
    place: `pane fleet:bench-${index}`,
    policy: 'auto',
    incident: { number: index + 1, cause: 'no heartbeat', openedAt: 1_795_000_000_000, durationMs: 42_000 },
  }
}

export function rackOf(index: number): string {
  return `rack-${Math.floor(index / agentsPerHost)}`
}

export function stateFrame(boot: string, seq: number, agents: AgentView[]): WatchMessage {
  return { name: 'tower_state', data: { v: 1, boot, seq, hosts: [], agents } }
}

const days = 31
const dayS = 86_400
const agentsPerPart = 200

/** 30 days and today of everybody, in the parts in which a watch sends them. */
export function historyOf({ agents }: Fleet): HistoryPart[] {
  const parts = Math.max(1, Math.ceil(agents.length / agentsPerPart))
  const today = Date.UTC(2026, 10, 23)
  const shares = Array.from({ length: days }, (_, day) => 0.9 + (day % 10) / 100)
  const budget = { totalS: 129_600, usedS: 40_000 }
  return Array.from({ length: parts }, (_, part) => ({
    part: part + 1,
    parts,
    at: today,
    days: shares.map((_share, day) => new Date(today - (days - 1 - day) * dayS * 1_000).toISOString().slice(0, 10)),
    target: 0.95,
    fleet: {
      up: shares,
      busy: shares.map((share) => share / 2),
      budget: { totalS: budget.totalS * agents.length, usedS: budget.usedS * agents.length },
      requirements: [
        { name: 'uptime_30d_percent', value: 94.97, target: 95, met: false },
        { name: 'days_at_95_percent', value: 3, target: 30, met: false },
        { name: 'capacity_utilization_percent', value: 61, target: 60, met: true },
      ],
      ready: false,
    },
    agents: agents.slice(part * agentsPerPart, (part + 1) * agentsPerPart).map(({ id }, index) => agentHistory(id, index)),
    incidents:
      part > 0
        ? []
        : Array.from({ length: 200 }, (_, index) => ({
            number: 1_000 - index,
            subject: { kind: index % 10 === 0 ? ('host' as const) : ('agent' as const), id: `bench-${index}` },
            cause: 'no heartbeat',
            openedAt: today - index * 10_000_000,
            durationMs: 42_000 + index,
          })),
  }))
}

/** Most days are good, and no two agents are the same: so no page is smaller than a real one. */
function agentHistory(id: string, index: number): AgentHistory {
  const downS = Array.from({ length: days }, (_, day) => ((day * 7 + index) % 5 === 0 ? ((day * 7_919 + index * 104_729) % 900) * 48 : 0))
  const unknownS = downS.map((_, day) => ((day + index) % 17 === 0 ? 3_600 : 0))
  return {
    id,
    upS: downS.map((seconds, day) => dayS - seconds - (unknownS[day] ?? 0)),
    downS,
    unknownS,
    excludedS: downS.map(() => 0),
    budget: { totalS: 129_600, usedS: downS.reduce((sum, seconds) => sum + seconds, 0) },
  }
}
