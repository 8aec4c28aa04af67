import { redact, redactLines } from '../domain/redact.ts'
import { HostError } from '../ports/host.ts'
import { listenForNewLife } from './new-life.ts'
import type { ActContext, CheckedArguments, Operation, Outcome } from './operation.ts'
import { findPane, shownName, tenantOf } from './pane-names.ts'
import { failedOnHost, lastWords } from './restart-failure.ts'

export const respawn: Operation = {
  name: 'respawn',
  aliases: [],
  summary: 'Run again what ran in a dead pane',
  help: 'Saves what stands in the pane on its host, then runs its original command again in its original folder. A pane that is alive is refused. Where an agent lives in it, a heartbeat of its new life is waited for.',
  arguments: [{ name: 'pane', kind: 'pane', required: true, help: 'a pane as "panes" shows it, or an agent that lives in one' }],
  examples: ['respawn ezra:wizards:logs', 'respawn bezalel'],
  effect: 'acts',
  role: 'operate',
  answeredBy: 'watch',
  deadlineMs: 300_000,
  plan: (args, context) => act(args, context, 'plan'),
  run: (args, context) => act(args, context, 'do'),
}

async function act(args: CheckedArguments, context: ActContext, how: 'plan' | 'do'): Promise<Outcome> {
  const found = await findPane(args['pane'] ?? '', context)
  if ('refusal' in found) return { status: 'refused', lines: found.refusal }
  const shown = shownName(found.name)
  const hands = context.hands(found.host)
  if (!hands) return { status: 'failed', lines: [`${shown} was not respawned: its host ${found.host} can't be reached.`] }
  const agent = how === 'do' ? tenantOf(found.host, found, context) : undefined
  // Listening begins before the start: a quick agent beats before the gate has answered.
  const newLife = agent && listenForNewLife(agent.id, context, 'only-dead')
  try {
    const order = { attempt: context.attempt, isDryRun: how === 'plan' }
    // The command that it was started with may hold a key.
    const { text } = await hands.respawn(found, order, ({ step, text: told }) => context.progress(`${step}: ${redact(told)}`))
    const lines = redactLines(text.split('\n'))
    if (!agent || !newLife) return { status: 'ok', lines, data: { host: found.host, pane: found.name } }
    for (const line of lines) context.progress(`start: ${line}`)
    const life = await newLife.verify(agent.startGraceMs)
    if (life.kind === 'alive')
      return { status: 'ok', lines: [`${agent.id} is back: a beat of its new life came.`], data: { agent: agent.id } }
    // A pane that is alive is no agent that is.
    const failed = `The pane of ${agent.id} was respawned, but it failed at the step "verify": ${whatIsMissing[life.why]}.`
    return { status: 'failed', lines: [failed, ...(await lastWords(agent.id, hands))] }
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    const { status, lines } = failedOnHost(`${shown} ${how === 'plan' ? 'would not be' : 'was not'} respawned`, error)
    return { status, lines }
  } finally {
    newLife?.stop()
  }
}

const whatIsMissing = {
  'no-beat': 'no beat of a new life came',
  'no-progress': 'it beats again, but does not get on with its work',
  nameless: 'it beats, but nothing tells its lives apart: let its heartbeat hold "pid" or "epoch"',
  cancelled: 'it was called off before a beat of its new life came',
  stopping: 'the watch was stopped before a beat of its new life came',
} as const
