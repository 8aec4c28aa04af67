/** What a simulation and a replay say to people. */
import type { Config } from '../config/config.ts'
import { sayCause } from '../domain/alert.ts'
import { sayDuration } from '../domain/duration.ts'
import { subjectKey } from '../domain/incident.ts'
import { table } from '../operations/table.ts'
import type { Finding, FindingKind, Verdict } from '../simulator/judge.ts'
import type { Replay } from '../simulator/replay.ts'
import type { Outcome } from '../simulator/simulate.ts'

/** The last line of `--json`: a contract with other programs. */
export interface Summary {
  seed: number
  days: number
  agents: number
  faults: number
  missed: number
  falseDeaths: number
  lostAlerts: number
  duplicateAlerts: number
  ledgerErrorMs: number
  wallS: number
}

export function summaryOf(outcome: Outcome, size: { seed: number; days: number; agents: number }, wallS: number): Summary {
  const count = (kind: FindingKind) => outcome.verdict.findings.filter((finding) => finding.kind === kind).length
  return {
    seed: size.seed,
    days: size.days,
    agents: size.agents,
    faults: outcome.strikes.length,
    missed: count('missed'),
    falseDeaths: count('false-death'),
    lostAlerts: count('lost-alert'),
    duplicateAlerts: count('duplicate-alert'),
    ledgerErrorMs: outcome.verdict.ledgerErrorMs,
    wallS: Math.round(wallS * 1000) / 1000,
  }
}

export function isFlawless({ missed, falseDeaths, lostAlerts, duplicateAlerts }: Summary): boolean {
  return missed + falseDeaths + lostAlerts + duplicateAlerts === 0
}

const examples = 5

export function simulationReport(outcome: Outcome, summary: Summary): string[] {
  const { verdict, strikes } = outcome
  const { said } = verdict
  return [
    `${summary.days} days of ${summary.agents} agents under ${strikes.length} faults (seed ${summary.seed}), in ${summary.wallS.toFixed(1)} s`,
    '',
    ...delayTable(outcome),
    'Noticed are those with an incident of their own; the others struck who was down or',
    'out of sight already, were over before anybody had to know, or strike the watch.',
    '',
    `${verdict.incidents} incidents; told in the Tower: ${said.problem} alerts of problems, ${said.recovery} of recoveries, ${said.reminder} reminders, ${said.other} notices`,
    `missed deaths      ${summary.missed}`,
    `false deaths       ${summary.falseDeaths}`,
    `lost alerts        ${summary.lostAlerts}`,
    `duplicate alerts   ${summary.duplicateAlerts}`,
    `ledger error       ${summary.ledgerErrorMs} ms${verdict.ledgerErrorOf ? ` (${verdict.ledgerErrorOf.agent}: ${verdict.ledgerErrorOf.text})` : ''}`,
    ...verdict.findings.slice(0, examples).flatMap((finding) => ['', ...findingLines(finding, outcome)]),
    ...(verdict.findings.length > examples ? ['', `… and ${verdict.findings.length - examples} more (--json prints them all)`] : []),
  ]
}

/** By kind of fault: how many struck, how many of them opened an incident, and how long that took from the moment they struck. */
function delayTable({ strikes, verdict }: Outcome): string[] {
  const kinds = [...new Set(strikes.map(({ kind }) => kind))].sort()
  const rows = kinds.map((kind) => {
    const delays = [...(verdict.delaysMs.get(kind) ?? [])].sort((a, b) => a - b)
    const struck = strikes.filter((strike) => strike.kind === kind).length
    const figures = delays.length === 0 ? ['', '', ''] : [0.5, 0.99, 1].map((share) => saySeconds(quantile(delays, share)))
    return [kind, String(struck), delays.length === 0 ? '' : String(delays.length), ...figures]
  })
  return table(['fault', 'struck', 'noticed', 'p50', 'p99', 'max'], rows)
}

/** One failure, and what the watch recorded around it, so that it can be looked into. */
function findingLines(finding: Finding, outcome: Outcome): string[] {
  const aroundMs = 15 * 60_000
  const lines = outcome.facts.flatMap(({ atMs, fact }) => {
    if (fact.kind !== 'transition' || subjectKey(fact.subject) !== finding.subject || Math.abs(atMs - finding.atMs) > aroundMs) return []
    const { from, to, cause, atMs: happenedMs, noticedMs } = fact.transition
    return [`  ${sayTime(noticedMs)}  ${from} -> ${to}${cause === undefined ? '' : ` (${cause})`}, since ${sayTime(happenedMs)}`]
  })
  return [`${finding.kind}: ${finding.subject}: ${finding.text}`, ...lines.slice(0, 12)]
}

/** "What would my thresholds have done?" */
export function thresholdReport(config: Config, verdict: Verdict, days: number): string[] {
  const rows = [...verdict.perAgent].map(([id, { deaths, falseDeaths, alerts, delaysMs }]) => {
    const timing = config.agents.get(id)?.timing
    const delays = [...delaysMs].sort((a, b) => a - b)
    return [
      id,
      timing ? sayDuration(timing.periodMs) : '',
      timing ? sayDuration(timing.graceMs) : '',
      String(deaths),
      delays.length === 0 ? '-' : saySeconds(quantile(delays, 0.5)),
      delays.length === 0 ? '-' : saySeconds(quantile(delays, 1)),
      String(falseDeaths),
      ((alerts * 30) / days).toFixed(1),
    ]
  })
  return table(['agent', 'period', 'grace', 'deaths', 'noticed p50', 'max', 'false deaths', 'alerts in 30 days'], rows)
}

/** A replayed life, for people: one line per change and per alert. */
export function timeline({ events, uptime }: Replay): string[] {
  const rows = events.map((event) => {
    if (event.kind === 'alert') return [sayOffset(event.alert.at), `told: ${event.alert.kind}`, event.alert.text]
    const { from, to, atMs, noticedMs, cause } = event.transition
    const since = noticedMs === atMs ? '' : ` since ${sayOffset(atMs)}`
    return [sayOffset(noticedMs), subjectKey(event.subject), `${from} -> ${to}${since}${cause === undefined ? '' : `: ${sayCause(cause)}`}`]
  })
  const shares = [...uptime].map(([id, { upMs, downMs, unknownMs, excludedMs }]) => [
    id,
    ...[upMs, downMs, unknownMs, excludedMs].map((ms) => saySeconds(ms)),
  ])
  return [...table(['at', 'who', 'what'], rows), '', ...table(['agent', 'up', 'down', 'unknown', 'excluded'], shares)]
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0
}

function saySeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

function sayTime(ms: number): string {
  return new Date(ms).toISOString().slice(0, 23).replace('T', ' ')
}

/** "1:02:03.5" from the beginning. */
function sayOffset(ms: number): string {
  const two = (n: number) => String(n).padStart(2, '0')
  const s = Math.floor(ms / 1000)
  const rest = ms % 1000
  return `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}${rest === 0 ? '' : `.${String(rest).padStart(3, '0')}`}`
}
