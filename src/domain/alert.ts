/** The sentences that are said aloud. Each begins with who it is about, then the word that people listen for. */
import { sayDuration } from './duration.ts'
import type { Policy } from './remedy.ts'

export interface AgentProblem {
  id: string
  cause: string
  /** Age of the last beat when it was noticed; undefined where none was ever seen. */
  beatAgeMs: number | undefined
  policy: Policy
}

export function agentDownSentence(problem: AgentProblem): string {
  const beat = problem.beatAgeMs === undefined ? 'no beat was ever seen' : `last beat ${sayDuration(problem.beatAgeMs)} ago`
  return `${problem.id} is down: ${sayCause(problem.cause)} (${beat}). ${whatNow(problem)}`
}

function whatNow({ id, policy, cause }: AgentProblem): string {
  // The watch by itself starts only what is dead; one that is merely silent may still be at work.
  if (policy === 'auto' && cause !== 'silent') return 'I am restarting it.'
  if (policy === 'ask') return `Shall it come back? Type: restart ${id}`
  return `To bring it back, type: restart ${id}`
}

export function agentUpSentence(id: string, downMs: number): string {
  return `${id} is back up after ${sayDuration(downMs)}.`
}

export function hostLostSentence(id: string, cause: string, agents: readonly string[]): string {
  const whom = agents.length === 0 ? '' : ` Its agents can't be seen (${agents.join(', ')}); nothing is restarted there.`
  return `host ${id} is unreachable: ${sayCause(cause)}.${whom}`
}

export function hostBackSentence(id: string, downMs: number): string {
  return `host ${id} is reachable again after ${sayDuration(downMs)}.`
}

/** `rule`: the flapping rule that held. */
export function flappingSentence(id: string, changes: number, rule: { withinMs: number; stableMs: number }): string {
  return `${id} is flapping: ${changes} changes between up and down within ${sayDuration(rule.withinMs)}. I say when it has stayed up for ${sayDuration(rule.stableMs)}.`
}

const causes: Record<string, string> = {
  silent: 'no heartbeat',
  'process-gone': 'its process is gone',
  'pane-dead': 'its pane is dead',
  hung: 'it beats but makes no progress',
  failing: 'it says that it fails',
  unreachable: 'no connection',
  timeout: 'no answer',
  auth: 'it refused our key',
  'host-key': 'its host key is not the pinned one, so nothing was run there',
  gate: 'the gate there answered something else than its protocol',
  refused: 'the gate there refused',
  failed: 'the gate there failed',
  closed: 'the connection was closed',
  'host-unreachable': 'its host is unreachable',
  'not-looking': 'the watch was not looking',
}

export function sayCause(cause: string): string {
  return Object.hasOwn(causes, cause) ? (causes[cause] ?? cause) : cause
}
