import { dayMs, type FleetHistory, measurePhase, phaseReport, windowDays } from '../domain/phase.ts'
import { openAccounts } from './accounts.ts'
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
  role: 'see',
  answeredBy: 'watch',
  deadlineMs: 10_000,

  async run(_args, context) {
    const report = phaseReport(measurePhase(history(context)))
    return { status: 'ok', lines: summarizePhase(report, context.screen), data: report }
  },
}

type HistorySource = Pick<OperationContext, 'ledger' | 'daysBefore' | 'agent'> & {
  agents: Iterable<{ id: string; host: string }>
  nowMs: number
}

function history(context: OperationContext): FleetHistory {
  return fleetHistory({ ...context, agents: context.config.agents.values(), nowMs: context.clock.now() })
}

/** What the ledger knows of these agents, as the phase is worked out from it. */
export function fleetHistory({ ledger, daysBefore, agent, agents, nowMs }: HistorySource): FleetHistory {
  const fromMs = nowMs - (windowDays + 2) * dayMs
  const accounts = openAccounts(ledger, fromMs)
  return {
    nowMs,
    days: daysBefore(nowMs, windowDays),
    agents: [...agents].map((one) => ({
      state: agent(one.id)?.status.state ?? 'new',
      ...accounts.agent(one),
      busy: ledger.busySpans(one.id, fromMs),
    })),
  }
}
