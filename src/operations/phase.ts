import { dayMs, type FleetHistory, measurePhase, phaseReport, windowDays } from '../domain/phase.ts'
import type { Operation, OperationContext } from './operation.ts'
import { summarizePhase } from './phase-report.ts'

export const phase: Operation = {
  name: 'phase',
  aliases: [],
  summary: 'How far the fleet is from Phase 2',
  help: 'Uptime over 30 days, days in a row at 95 % and more, capacity, and what is still missing.',
  arguments: [],
  examples: ['phase'],
  effect: 'sees',
  answeredBy: 'watch',
  deadlineMs: 10_000,

  async run(_args, context) {
    const report = phaseReport(measurePhase(history(context)))
    return { status: 'ok', lines: summarizePhase(report), data: report }
  },
}

type HistorySource = Pick<OperationContext, 'ledger' | 'daysBefore' | 'agent'> & { agents: Iterable<string>; nowMs: number }

function history(context: OperationContext): FleetHistory {
  return fleetHistory({ ...context, agents: context.config.agents.keys(), nowMs: context.clock.now() })
}

/** What the ledger knows of these agents, as the phase is worked out from it. */
export function fleetHistory({ ledger, daysBefore, agent, agents, nowMs }: HistorySource): FleetHistory {
  const fromMs = nowMs - (windowDays + 2) * dayMs
  return {
    nowMs,
    days: daysBefore(nowMs, windowDays),
    agents: [...agents].map((id) => ({
      state: agent(id)?.status.state ?? 'new',
      timeline: ledger.timeline({ kind: 'agent', id }, fromMs),
      busy: ledger.busySpans(id, fromMs),
    })),
  }
}
