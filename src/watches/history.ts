/**
 * The last 30 days as a Tower shows them: from the ledger, in pieces, because a thousand agents take half a second and the
 * watch has beats to read meanwhile.
 */
import type { Config } from '../config/config.ts'
import { sayCause } from '../domain/alert.ts'
import { budgetOf, runsOutMs } from '../domain/budget.ts'
import type { Incident } from '../domain/incident.ts'
import { dayMs, localMs, openZone, sayLocal } from '../domain/local-time.ts'
import { daysInARow, overlapMs, phaseReport, windowDays } from '../domain/phase.ts'
import { addTallies, availability, type Span, type Tally, tally } from '../domain/uptime.ts'
import { openAccounts } from '../operations/accounts.ts'
import { inPieces } from '../operations/in-pieces.ts'
import type { WatchClock } from '../ports/clock.ts'
import type { Ledger } from '../ports/ledger.ts'
import type { HistoryPart } from '../ports/tower.ts'
import type { AgentHistory } from '../protocol/messages.ts'
import { daysBefore } from './local-days.ts'
import type { Roster } from './roster.ts'

export interface HistoryPorts {
  roster: Pick<Roster, 'agent' | 'incidents'>
  ledger: Pick<Ledger, 'timeline' | 'proofs' | 'mutes' | 'busySpans' | 'incidents'>
  clock: Pick<WatchClock, 'now' | 'wall'>
}

const windowMs = windowDays * dayMs
const agentsPerPart = 200
const mostIncidents = 200

/** What is known of one agent, by day and over the window. */
interface Account {
  history: AgentHistory
  days: Tally[]
  window: Tally
  busyByDayMs: number[]
  busyMs: number
}

/** Rejects with LedgerError. There is always at least one part. */
export async function historyParts(config: Config, ports: HistoryPorts): Promise<HistoryPart[]> {
  const { ledger, clock, roster } = ports
  const nowMs = clock.now()
  const aheadMs = clock.wall() - nowMs
  const label = (atMs: number) => Math.max(0, Math.round(atMs + aheadMs))
  const complete = daysBefore(nowMs, windowDays, { timeZone: config.timeZone, aheadMs })
  const days = [...complete.toReversed(), { fromMs: complete[0]?.toMs ?? nowMs, toMs: nowMs }]
  const accountOf = accountant(config, ledger, { nowMs, days, label })

  const accounts = await inPieces(config.agents.values(), accountOf)
  const window = addTallies(accounts.map((account) => account.window))
  const byDay = days.map((_, index) => addTallies(accounts.flatMap((account) => account.days[index] ?? [])))
  const busyByDayMs = days.map((_, index) => accounts.reduce((sum, account) => sum + (account.busyByDayMs[index] ?? 0), 0))
  const busyMs = accounts.reduce((sum, account) => sum + account.busyMs, 0)
  const report = phaseReport({
    fleet_operational: [...config.agents.keys()].some((id) => ['up', 'late'].includes(roster.agent(id)?.status.state ?? 'new')),
    uptime_30d_percent: (availability(window) ?? 0) * 100,
    days_at_95_percent: daysInARow(byDay.slice(0, -1).toReversed()),
    capacity_utilization_percent: Math.max(0, busyShare(busyMs, window)) * 100,
  })
  const zone = openZone(config.timeZone)
  const common = {
    at: label(nowMs),
    days: days.map((day) => sayLocal(localMs(zone, day.fromMs + aheadMs)).slice(0, 10)),
    target: config.target,
    fleet: {
      up: byDay.map((sum) => availability(sum) ?? -1),
      busy: byDay.map((sum, index) => busyShare(busyByDayMs[index] ?? 0, sum)),
      budget: sayBudget(window, config.target, windowMs * accounts.length),
      requirements: report.requirements,
      ready: report.phase_2_ready,
    },
  }
  const parts = Math.max(1, Math.ceil(accounts.length / agentsPerPart))
  return Array.from({ length: parts }, (_, index) => ({
    ...common,
    part: index + 1,
    parts,
    agents: accounts.slice(index * agentsPerPart, (index + 1) * agentsPerPart).map(({ history }) => history),
    incidents: index === 0 ? lastIncidents(ports, label) : [],
  }))
}

interface Moment {
  nowMs: number
  /** The oldest first; the last one ends now. */
  days: readonly Span[]
  /** What the clock on the wall shows at a moment of the watch's own time. */
  label: (atMs: number) => number
}

function accountant(config: Config, ledger: HistoryPorts['ledger'], { nowMs, days, label }: Moment) {
  const fromMs = Math.min(nowMs - windowMs, days[0]?.fromMs ?? nowMs)
  const accounts = openAccounts(ledger, fromMs)
  return (agent: { id: string; host: string }): Account => {
    const { timeline, grounds } = accounts.agent(agent)
    const sums = days.map((day) => tally(timeline, day.fromMs, day.toMs, grounds))
    const window = tally(timeline, nowMs - windowMs, nowMs, grounds)
    const busy = ledger.busySpans(agent.id, fromMs)
    const busyIn = (from: number, to: number) => busy.reduce((sum, span) => sum + overlapMs(span, from, to), 0)
    const goneMs = runsOutMs(timeline, grounds, nowMs, config.target, windowMs)
    return {
      history: {
        id: agent.id,
        upS: sums.map((sum) => inSeconds(sum.upMs)),
        downS: sums.map((sum) => inSeconds(sum.downMs)),
        unknownS: sums.map((sum) => inSeconds(sum.unknownMs)),
        excludedS: sums.map((sum) => inSeconds(sum.excludedMs)),
        budget: { ...sayBudget(window, config.target, windowMs), ...(goneMs !== undefined && { goneAt: label(goneMs) }) },
      },
      days: sums,
      window,
      busyByDayMs: days.map((day) => busyIn(day.fromMs, day.toMs)),
      busyMs: busyIn(nowMs - windowMs, nowMs),
    }
  }
}

const inSeconds = (ms: number): number => Math.round(ms / 1_000)

function sayBudget(sum: Tally, target: number, totalMs: number): { totalS: number; usedS: number } {
  const budget = budgetOf(sum, target, totalMs)
  return { totalS: inSeconds(budget.totalMs), usedS: inSeconds(budget.usedMs) }
}

/** -1: nothing was seen. */
function busyShare(busyMs: number, sum: Tally): number {
  const seenMs = sum.upMs + sum.downMs
  return seenMs > 0 ? Math.min(1, busyMs / seenMs) : -1
}

/** What memory knows goes before what the ledger holds: there it may be written only later. */
function lastIncidents({ ledger, roster }: HistoryPorts, label: Moment['label']): HistoryPart['incidents'] {
  const known = new Map<number, Incident>(ledger.incidents({ limit: mostIncidents }).map((incident) => [incident.number, incident]))
  for (const incident of roster.incidents()) known.set(incident.number, incident)
  return [...known.values()]
    .sort((a, b) => b.number - a.number)
    .slice(0, mostIncidents)
    .map((incident) => ({
      number: incident.number,
      subject: { kind: incident.subject.kind, id: incident.subject.id },
      cause: sayCause(incident.cause).slice(0, 60),
      openedAt: label(incident.openedMs),
      ...(incident.closedMs !== undefined && { durationMs: Math.max(0, Math.round(incident.closedMs - incident.openedMs)) }),
      ...(incident.ack && { acknowledgedBy: incident.ack.by.name.slice(0, 80) }),
    }))
}
