import { HostError } from '../ports/host.ts'
import type { ActContext, ActingOperation, CheckedArguments, Outcome } from './operation.ts'
import { reach } from './restart-checks.ts'
import { failedOnHost } from './restart-failure.ts'
import { lookAtSettings, shortHash } from './settings.ts'

export const keepSettings: ActingOperation = {
  name: 'keep-settings',
  aliases: [],
  summary: 'Keep the settings of an agent as its last good ones',
  help: 'Copies the files of its settings to a folder on its own host that only its account can read; they are put back when it does not come up with others. The watch does this by itself once an agent has lived with them for ten minutes.',
  arguments: [{ name: 'agent', kind: 'agent', required: true, help: 'the agent' }],
  examples: ['keep-settings ezra'],
  effect: 'acts',
  role: 'operate',
  answeredBy: 'watch',
  deadlineMs: 60_000,
  plan: (args, context) => act(args, context, 'plan'),
  run: (args, context) => act(args, context, 'do'),
}

async function act(args: CheckedArguments, context: ActContext, how: 'plan' | 'do'): Promise<Outcome> {
  const id = args['agent'] ?? ''
  const reached = reach(id, `The settings of ${id} were not kept`, context)
  if ('refusal' in reached) return reached.refusal
  const { agent, hands } = reached
  if (agent.configs.length === 0) return { status: 'refused', lines: [`fleet.yaml names no configs of ${id}: there is nothing to keep.`] }
  const settings = await lookAtSettings(agent, hands, context)
  if (settings.kind === 'unknown') return { status: 'failed', lines: [`The settings of ${id} could not be looked at: nothing was kept.`] }
  if (settings.kind === 'doubtful') return { status: 'refused', lines: [`Nothing was kept of ${id}: ${settings.said}.`] }
  const { files } = settings
  if (files.every(({ hash }) => hash === undefined))
    return { status: 'refused', lines: [`There are no settings of ${id} that can be read: nothing was kept.`] }
  try {
    await hands.keepConfigs(
      id,
      files.map(({ hash }) => hash),
      { attempt: context.attempt, isDryRun: how === 'plan' },
    )
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    const { status, lines } = failedOnHost(`The settings of ${id} were not kept`, error)
    return { status, lines }
  }
  const word = how === 'plan' ? 'would be kept' : 'kept'
  return {
    status: 'ok',
    lines: files.map(({ path, hash }) =>
      hash === undefined ? `${path}: not there, left out` : `${path}: ${shortHash(hash)} ${word} as good`,
    ),
    data: { agent: id, files: files.map(({ path, hash }) => ({ path, hash })) },
  }
}
