/** The phase report as data: four resources, three requirements, one trigger. */
import type { AgentState } from './agent.ts'
import { addTallies, availability, coverage, type Grounds, type Span, type Tally, type Timeline, tally } from './uptime.ts'

/** The keys are those of the fleet's own snapshot files. */
export interface PhaseSnapshot {
  fleet_operational: boolean
  uptime_30d_percent: number
  days_at_95_percent: number
  capacity_utilization_percent: number
}

export interface Requirement {
  name: 'uptime_30d_percent' | 'days_at_95_percent' | 'capacity_utilization_percent'
  value: number
  target: number
  met: boolean
}

export interface PhaseReport extends PhaseSnapshot {
  requirements: Requirement[]
  phase_2_ready: boolean
}

export const windowDays = 30
export const dayMs = 86_400_000

/** With neither a snapshot nor a ledger: the state of a fleet that nobody has measured yet. */
export const unmeasured: PhaseSnapshot = {
  fleet_operational: true,
  uptime_30d_percent: 0,
  days_at_95_percent: 0,
  capacity_utilization_percent: 0,
}

export function phaseReport(snapshot: PhaseSnapshot): PhaseReport {
  const { uptime_30d_percent: uptime, days_at_95_percent: days, capacity_utilization_percent: capacity } = snapshot
  const requirements: Requirement[] = [
    { name: 'uptime_30d_percent', value: uptime, target: 95, met: uptime >= 95 },
    { name: 'days_at_95_percent', value: days, target: 30, met: days >= 30 },
    // Strictly more than 60 %: the seed says "> 60%", not ">=".
    { name: 'capacity_utilization_percent', value: capacity, target: 60, met: capacity > 60 },
  ]
  return {
    fleet_operational: snapshot.fleet_operational,
    uptime_30d_percent: uptime,
    days_at_95_percent: days,
    capacity_utilization_percent: capacity,
    requirements,
    phase_2_ready: requirements.every((requirement) => requirement.met),
  }
}

export interface PhaseMoment {
  nowMs: number
  /** Complete local days, the newest first: [start, end). Their length is the calendar's: 23 to 25 hours. */
  days: readonly Span[]
}

export interface AgentHistory {
  state: AgentState
  timeline: Timeline
  grounds?: Grounds
  busy: readonly Span[]
}

/** What one agent brings into the phase of its fleet. */
interface AgentPhase {
  isOperational: boolean
  window: Tally
  days: Tally[]
  busyMs: number
}

export function measureAgent({ state, timeline, grounds, busy }: AgentHistory, { nowMs, days }: PhaseMoment): AgentPhase {
  const fromMs = nowMs - windowDays * dayMs
  const sum = (span: Span) => tally(timeline, span.fromMs, span.toMs, grounds)
  return {
    isOperational: state === 'up' || state === 'late',
    window: sum({ fromMs, toMs: nowMs }),
    days: days.map(sum),
    busyMs: busy.reduce((total, span) => total + overlapMs(span, fromMs, nowMs), 0),
  }
}

/**
 * operational: at least one agent up or late. uptime: Σ up / Σ (up + down) over the agents and 30 days. For days see
 * `daysInARow`. capacity: Σ busy / Σ seen over the same 30 days.
 */
export function measurePhase(agents: readonly AgentPhase[], { days }: PhaseMoment): PhaseSnapshot {
  const window = addTallies(agents.map((agent) => agent.window))
  const daySums = days.map((_, index) => addTallies(agents.flatMap((agent) => agent.days[index] ?? [])))
  const seenMs = window.upMs + window.downMs
  const busyMs = agents.reduce((total, agent) => total + agent.busyMs, 0)
  return {
    fleet_operational: agents.some(({ isOperational }) => isOperational),
    uptime_30d_percent: (availability(window) ?? 0) * 100,
    days_at_95_percent: daysInARow(daySums),
    capacity_utilization_percent: seenMs > 0 ? Math.min(100, (busyMs / seenMs) * 100) : 0,
  }
}

/**
 * Days in a row, of sums by day with the newest first. A day counts when it was up at least 95 % of what was seen, with at
 * least 90 % of it seen; the first that does not ends the row.
 */
export function daysInARow(daySums: readonly Tally[]): number {
  const end = daySums.findIndex((sum) => (availability(sum) ?? 0) < 0.95 || coverage(sum) < 0.9)
  return end < 0 ? daySums.length : end
}

/** How much of a span lies in [fromMs, toMs). */
export function overlapMs(span: Span, fromMs: number, toMs: number): number {
  return Math.max(0, Math.min(span.toMs, toMs) - Math.max(span.fromMs, fromMs))
}
