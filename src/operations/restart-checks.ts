/** What keeps anything from being done to an agent, before its host is asked at all. */
import type { AgentConfig } from '../config/config.ts'
import { sayCause } from '../domain/alert.ts'
import { sayDuration } from '../domain/duration.ts'
import type { HostLink } from '../ports/host.ts'
import type { OperationContext, Outcome } from './operation.ts'
import type { RestartFailure } from './restart-failure.ts'

interface Reached {
  agent: AgentConfig
  hands: HostLink
}

/** An agent and the hands on its host, or why there are none. `notDone`: "ezra was not restarted". */
export function reach(id: string, notDone: string, context: OperationContext): Reached | { refusal: Outcome } {
  const agent = context.config.agents.get(id)
  if (!agent) return { refusal: { status: 'refused', lines: [`There is no agent ${id}.`] } }
  const hands = context.hands(agent.host)
  return hands ? { agent, hands } : { refusal: unreachable(agent, notDone, context) }
}

/** For what starts it: what somebody has paused or works on is not the watch's to start; a person may, for he knows. */
export function reachToStart(id: string, notDone: string, context: OperationContext): Reached | { refusal: Outcome } {
  const away = context.actor.kind === 'watch' ? awayOnPurpose(id, context) : undefined
  if (away === undefined) return reach(id, notDone, context)
  return { refusal: { status: 'refused', lines: [`${notDone}: it is ${away}.`], passes: true } }
}

function awayOnPurpose(id: string, context: OperationContext): string | undefined {
  if (context.agent(id)?.facts.paused) return 'paused'
  return context.mutes.inMaintenance({ kind: 'agent', id }, context.clock.now()) ? 'in maintenance' : undefined
}

function unreachable({ id, host }: AgentConfig, notDone: string, context: OperationContext): Outcome {
  const status = context.host(host)?.status
  const since = status
    ? ` (${status.state === 'unreachable' ? sayCause(status.cause ?? 'unreachable') : status.state} for ${sayDuration(context.clock.now() - status.sinceMs)})`
    : ''
  const failure: RestartFailure = { step: 'reach', kind: 'host' }
  return {
    status: 'failed',
    lines: [`${notDone}: its host ${host} can't be reached${since}. Nothing was done there.`],
    data: { agent: id, failure },
    passes: true,
  }
}
