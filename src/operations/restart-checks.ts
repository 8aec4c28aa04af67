/** What keeps an agent from being started, before its host is asked at all. */
import { sayCause } from '../domain/alert.ts'
import { sayDuration } from '../domain/duration.ts'
import type { OperationContext, Outcome } from './operation.ts'
import type { RestartFailure } from './restart-failure.ts'

/** What somebody has paused or works on is not the watch's to start; a person may, for he knows. */
export function mayBeStarted(id: string, context: OperationContext): Outcome | undefined {
  const away = context.actor.kind === 'watch' ? awayOnPurpose(id, context) : undefined
  return away === undefined ? undefined : { status: 'refused', lines: [`${id} was not restarted: it is ${away}.`], passes: true }
}

function awayOnPurpose(id: string, context: OperationContext): string | undefined {
  if (context.agent(id)?.facts.paused) return 'paused'
  return context.mutes.inMaintenance({ kind: 'agent', id }, context.clock.now()) ? 'in maintenance' : undefined
}

export function unreachable(id: string, host: string, context: OperationContext): Outcome {
  const status = context.host(host)?.status
  const since = status
    ? ` (${status.state === 'unreachable' ? sayCause(status.cause ?? 'unreachable') : status.state} for ${sayDuration(context.clock.now() - status.sinceMs)})`
    : ''
  const failure: RestartFailure = { step: 'reach', kind: 'host' }
  return {
    status: 'failed',
    lines: [`${id} was not restarted: its host ${host} can't be reached${since}. Nothing was done there.`],
    data: { agent: id, failure },
    passes: true,
  }
}
