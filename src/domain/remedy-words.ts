/** What is said of remedies: that one is given up, that the budget holds some back, and the end of both. */
import { maxText, nameSome, sayCount } from './alert.ts'
import { sayDuration } from './duration.ts'
import { backoff, type RemedyLimits } from './remedy.ts'

export function givenUpText(agent: string, { starts, withinMs, retryMs }: NonNullable<RemedyLimits['crashLoop']>): string {
  return cut(
    `${agent} is down again after ${sayCount(starts, 'restart')} within ${sayDuration(withinMs)}: given up, one try each ${sayDuration(retryMs)}. To try now, type: restart ${agent}`,
  )
}

export function notGivenUpText(agent: string): string {
  return cut(`${agent} has lived for ${sayDuration(backoff.stableMs)}: it is given up no longer.`)
}

/** `inMs`: until the next of them may be restarted. */
export function heldText(by: 'agent' | 'fleet', agents: readonly string[], limits: RemedyLimits, inMs: number): string {
  const who = agents.length === 1 ? `${agents[0]} waits to be restarted` : `${agents.length} agents wait to be restarted`
  const budget = by === 'fleet' ? limits.budget : limits.agentBudget
  const why = `the budget of ${sayCount(budget ?? 0, 'automatic restart')} ${by === 'fleet' ? 'in the fleet' : 'of one agent'} within ${sayDuration(limits.perMs)} is used up`
  const names = agents.length === 1 ? '' : ` (${nameSome(agents, 120)})`
  return cut(`${who}${names}: ${why}; the next one in ${sayDuration(inMs)}. Not to wait, type: restart ${agents[0] ?? ''}`)
}

export function notHeldText(by: 'agent' | 'fleet'): string {
  return by === 'fleet'
    ? 'The budget of automatic restarts in the fleet holds nobody back any more.'
    : 'The budget of automatic restarts of one agent holds nobody back any more.'
}

const cut = (text: string) => (text.length <= maxText ? text : `${text.slice(0, maxText - 1)}…`)
