/** `restart all`, `restart host ezra`: each agent by a restart of its own, with its own record in the audit. */
import type { ActContext, Outcome } from './operation.ts'

/** `subject`: `all` or `host:ID`. The desk lets only so many restarts go on at once; the rest wait for their turn. */
export async function restartMany(subject: string, context: ActContext): Promise<Outcome> {
  const host = subject.startsWith('host:') ? subject.slice('host:'.length) : undefined
  const agents = [...context.config.agents.values()].filter((agent) => host === undefined || agent.host === host)
  // Somebody said of those that they are to be left alone.
  const paused = agents.filter(({ id }) => context.agent(id)?.facts.paused !== undefined).map(({ id }) => id)
  const asked = agents.map(({ id }) => id).filter((id) => !paused.includes(id))
  const left = paused.length === 0 ? [] : [`Left alone, because paused: ${paused.join(', ')}.`]
  if (asked.length === 0) return { status: 'refused', lines: ['There is nobody to restart.', ...left] }
  const outcomes = await Promise.all(
    asked.map(async (id) => {
      const outcome = await context.request('restart', { agent: id }, (line) => context.progress(`${id}: ${line}`))
      context.progress(`${id}: ${outcome.status}`)
      return { id, outcome }
    }),
  )
  const failed = outcomes.filter(({ outcome }) => outcome.status !== 'ok')
  const good = outcomes.length - failed.length
  return {
    status: failed.length === 0 ? 'ok' : 'failed',
    lines: [
      `${good} of ${outcomes.length} ${outcomes.length === 1 ? 'restart' : 'restarts'} ended well${failed.length === 0 ? '.' : `; not so: ${failed.map(({ id }) => id).join(', ')}.`}`,
      ...left,
      ...failed.map(({ outcome }) => outcome.lines[0] ?? ''),
    ],
    data: {
      agents: outcomes.map(({ id, outcome: { status, data } }) => ({ agent: id, status, ...(data !== undefined && { data }) })),
      left: paused,
    },
  }
}
