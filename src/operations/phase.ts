import { type AgentHistory, dayMs, measureAgent, measurePhase, type PhaseMoment, phaseReport, windowDays } from '../domain/phase.ts'
import { openAccounts } from './accounts.ts'
import { inPieces } from './in-pieces.ts'
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
    const { moment, agent } = phaseSource(context, context.clock.now())
    const agents = await inPieces(context.config.agents.values(), (one) => measureAgent(agent(one), moment))
    const report = phaseReport(measurePhase(agents, moment))
    return { status: 'ok', lines: summarizePhase(report, context.screen), data: report }
  },
}

/** What the ledger knows of each agent, as the phase is worked out from it. Throws LedgerError where it can't be read. */
export function phaseSource(
  { ledger, daysBefore, agent }: Pick<OperationContext, 'ledger' | 'daysBefore' | 'agent'>,
  nowMs: number,
): { moment: PhaseMoment; agent(one: { id: string; host: string }): AgentHistory } {
  const fromMs = nowMs - (windowDays + 2) * dayMs
  const accounts = openAccounts(ledger, fromMs)
  return {
    moment: { nowMs, days: daysBefore(nowMs, windowDays) },
    agent: (one) => ({
      state: agent(one.id)?.status.state ?? 'new',
      ...accounts.agent(one),
      busy: ledger.busySpans(one.id, fromMs),
    }),
  }
}
