/**
 * The phase report as text, under the headings that the fleet's own documents have always had: a test of the fleet's
 * asserts them, and a hand-written version without them broke it once.
 */

import type { Screen } from '../domain/operation.ts'
import type { PhaseReport, Requirement } from '../domain/phase.ts'
import { asIs, type Column, lay } from './layout.ts'

export function renderPhase(report: PhaseReport): string[] {
  const [uptime, days, capacity] = report.requirements as [Requirement, Requirement, Requirement]
  const missing = report.requirements.filter(({ met }) => !met)
  const ready = report.phase_2_ready ? 'READY' : 'NOT READY'
  return [
    '# [PHASE-1] Survival - Keep the Lights On',
    '',
    '## Phase Definition',
    '',
    'Phase 1 is the manual-clicker stage of the fleet. The machines exist. The services exist. The human is still the',
    'automation loop.',
    '',
    '## Current Buildings',
    '',
    '- Agents, each with a heartbeat that is read',
    '- Hosts, each with a gate that is asked',
    '- The Tower, where the fleet is seen and commanded',
    '',
    '## Current Resource Snapshot',
    '',
    '| Resource | Value | Target | Status |',
    '|---|---|---|---|',
    `| Fleet operational | ${operationalWord(report.fleet_operational)} | Yes | ${status(report.fleet_operational)} |`,
    `| Uptime (30d average) | ${percent(uptime)} | >= 95% | ${status(uptime.met)} |`,
    `| Days at 95%+ uptime | ${days.value} | 30 | ${status(days.met)} |`,
    `| Capacity utilization | ${percent(capacity)} | > 60% | ${status(capacity.met)} |`,
    '',
    `- Fleet operational: ${operationalWord(report.fleet_operational).toLowerCase()}`,
    `- Uptime baseline: ${percent(uptime)}`,
    `- Days at or above 95% uptime: ${days.value}`,
    `- Capacity utilization: ${percent(capacity)}`,
    '',
    '## Next Phase Trigger',
    '',
    'To unlock Phase 2 (Automation), the fleet must hold both conditions at once:',
    '',
    '- Uptime >= 95% for 30 consecutive days',
    '- Capacity utilization > 60%',
    `- Current trigger state: ${ready}`,
    '',
    `Phase 2 trigger: ${ready}`,
    '',
    '## Missing Requirements',
    '',
    ...(missing.length === 0 ? ['- None'] : missing.map(missingLine)),
    '',
    '## Manual Clicker Interpretation',
    '',
    'Paperclips analogy: Phase 1 = Manual clicker. You ARE the automation. Every restart, every SSH, every check is a',
    'manual click. The goal of Phase 1 is not to automate. It is to name what needs automating.',
    '',
    '## Manual Clicks Still Required',
    '',
    ...manualClicks.map((click) => `- ${click}`),
    '',
    '## Notes',
    '',
    '- Uptime is up / (up + down); what the watch did not see counts as neither.',
    '- A day counts when at least 95% of what was seen was up, and at least 90% of it was seen.',
  ]
}

/**
 * The same for somebody who stands in the Tower, in a few lines. In words where the report has `>`: the
 * Tower replaces that sign, with which markup is made.
 */
export function summarizePhase(report: PhaseReport, screen?: Screen): string[] {
  const [uptime, days, capacity] = report.requirements as [Requirement, Requirement, Requirement]
  const rows = [
    ['uptime over 30 days', percent(uptime), '95% or more', status(uptime.met)],
    ['days at 95%+ uptime', String(days.value), '30 or more', status(days.met)],
    ['capacity', percent(capacity), 'over 60%', status(capacity.met)],
  ]
  const missing = report.requirements.flatMap(({ met }, index) => (met ? [] : (rows[index]?.[0] ?? [])))
  return [
    ...lay(
      columns,
      [['fleet operational', operationalWord(report.fleet_operational), 'Yes', status(report.fleet_operational)], ...rows],
      screen,
    ),
    `Phase 2 trigger: ${report.phase_2_ready ? 'READY' : 'NOT READY'}`,
    ...(missing.length === 0 ? [] : [`Missing: ${missing.join(', ')}`]),
  ]
}

const columns: Column[] = [
  { name: 'resource', place: 'title' },
  { name: 'value', say: asIs },
  { name: 'target', say: (target) => `wanted: ${target}` },
  { name: 'status', place: 'title' },
]

/** The seed's eight, less what this version takes over: restarts of dead agents and panes, and health checks. */
const manualClicks = [
  'Provider failover -- a provider goes down, agents stop, a human reconfigures',
  'PR triage -- what cannot be merged automatically needs human review',
  'Backlog management -- burn loops help but need supervision',
  'Nightly retro -- run and pushed by hand',
  'Config drift -- an agent runs on the wrong model, a human discovers it later',
  'Hung agents -- alive but silent, a human says when to stop one',
]

function missingLine(requirement: Requirement): string {
  switch (requirement.name) {
    case 'uptime_30d_percent':
      return `- Uptime ${percent(requirement)} / 95.0%`
    case 'days_at_95_percent':
      return `- Days at or above 95% uptime: ${requirement.value}/30`
    case 'capacity_utilization_percent':
      return `- Capacity utilization ${percent(requirement)} / >60.0%`
  }
}

function operationalWord(operational: boolean): string {
  return operational ? 'Yes' : 'No'
}

function status(met: boolean): string {
  return met ? 'MET' : 'NOT MET'
}

/** One decimal, or as many more as it takes not to look met when it isn't, or the other way round: 94.97, not 95.0. */
function percent({ value, target, met, name }: Requirement): string {
  for (let digits = 1; digits <= 6; digits++) {
    const text = value.toFixed(digits)
    const looksMet = name === 'capacity_utilization_percent' ? Number(text) > target : Number(text) >= target
    if (looksMet === met) return `${text}%`
  }
  return `${value}%`
}
