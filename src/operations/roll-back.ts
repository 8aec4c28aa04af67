import type { AgentConfig } from '../config/config.ts'
import { redactLines } from '../domain/redact.ts'
import { HostError, type HostLink } from '../ports/host.ts'
import { bringBack } from './bring-back.ts'
import type { ActContext, ActingOperation, CheckedArguments, Outcome } from './operation.ts'
import { reachToStart } from './restart-checks.ts'
import { failedOnHost } from './restart-failure.ts'
import { differing, lookAtSettings, shortHash } from './settings.ts'

export const rollBack: ActingOperation = {
  name: 'roll-back',
  aliases: [],
  summary: 'Start an agent with the last settings it lived well with',
  help: 'Puts its last good settings back, which are kept on its host, keeps what stood there beside them, and restarts it. If it does not come up with those either, it was not the settings: the newer ones are put back.',
  arguments: [
    { name: 'agent', kind: 'agent', required: true, help: 'the agent' },
    {
      name: 'alive',
      kind: 'choice',
      words: ['alive'],
      required: false,
      help: 'stop it first where it lives',
    },
  ],
  examples: ['roll-back ezra'],
  effect: 'acts',
  role: 'operate',
  answeredBy: 'watch',
  deadlineMs: 300_000,
  oneAtATime: 'agent',

  async plan(args, context) {
    const found = await begin(args, context)
    if ('status' in found) return found
    const { agent, hands, files } = found
    try {
      const { text } = await hands.restart(agent.id, 'stop-first', { attempt: context.attempt, isDryRun: true }, () => {})
      const settings = files.map(({ path, hash, goodHash }) => `${path} (${shortHash(hash)}) would be put aside for ${shortHash(goodHash)}`)
      return { status: 'ok', lines: [...settings, ...redactLines(text.split('\n'))], data: { agent: agent.id } }
    } catch (error) {
      if (!(error instanceof HostError)) throw error
      const { status, lines } = failedOnHost(`${agent.id} would not be restarted`, error)
      return { status, lines }
    }
  },

  async run(args, context) {
    const found = await begin(args, context)
    if ('status' in found) return found
    const { agent, hands, files, all } = found
    const { id } = agent
    const changed = files.map(({ path, hash, goodHash }) => ({ path, from: hash, to: goodHash }))
    const order = { attempt: context.attempt, isDryRun: false }
    try {
      await hands.rollBackConfigs(id, order)
    } catch (error) {
      if (!(error instanceof HostError)) throw error
      const { status, lines, failure } = failedOnHost(`The settings of ${id} were not rolled back`, error)
      return { status, lines, data: { agent: id, failure } }
    }
    const told = files.map(({ path, hash, goodHash }) => sayRolledBack(path, hash, goodHash))
    for (const line of told) context.progress(`settings: ${line}`)
    const mode = context.actor.kind === 'watch' && args['alive'] === undefined ? 'only-dead' : 'stop-first'
    const brought = await bringBack(agent, hands, mode, context)
    if (brought.kind === 'back') {
      const line = `${id} is back with its last good settings: ${told.join('; ')}.`
      context.notice(id, line)
      return { status: 'ok', lines: [line], data: { agent: id, epoch: brought.beat.epoch, tookMs: brought.tookMs, rolledBack: changed } }
    }
    const { status, lines, failure } = brought
    // What is left in the middle is for the watch's next life, or for a person: the settings are no worse now than before.
    if (failure.kind === 'stopping' || failure.kind === 'cancelled')
      return { status, lines: [...lines, ...told], data: { agent: id, failure, rolledBack: changed } }
    const again = await putBack(
      id,
      hands,
      all.map(({ path, hash }) => (files.some((file) => file.path === path) ? hash : undefined)),
      context,
    )
    context.notice(
      id,
      `${id} does not come up with its last good settings either (${files.map(({ goodHash }) => shortHash(goodHash)).join(', ')}): ${again}`,
    )
    return {
      status,
      lines: [...lines, ...told, `It does not come up with its last good settings either: ${again}`],
      data: { agent: id, failure },
    }
  },
}

interface Begun {
  agent: AgentConfig
  hands: HostLink
  /** Those that would be put back, and all. */
  files: ReturnType<typeof differing>
  all: Parameters<typeof differing>[0]
}

async function begin(args: CheckedArguments, context: ActContext): Promise<Begun | Outcome> {
  const id = args['agent'] ?? ''
  const reached = reachToStart(id, `The settings of ${id} were not rolled back`, context)
  if ('refusal' in reached) return reached.refusal
  const { agent, hands } = reached
  if (agent.configs.length === 0) return { status: 'refused', lines: [`fleet.yaml names no configs of ${id}: nothing can be rolled back.`] }
  const settings = await lookAtSettings(agent, hands, context)
  if (settings.kind === 'unknown') return { status: 'failed', lines: [`The settings of ${id} could not be looked at: nothing was done.`] }
  const { files: all } = settings
  const files = differing(all)
  if (files.length > 0) return { agent, hands, files, all }
  const isKept = all.some(({ goodHash }) => goodHash !== undefined)
  const why = isKept
    ? `The settings of ${id} are its last good ones.`
    : `No good settings of ${id} are kept yet: nothing can be rolled back.`
  return { status: 'refused', lines: [why] }
}

/** Of a file that is not there any more nothing was put aside. */
async function putBack(id: string, hands: HostLink, hashes: (string | undefined)[], context: ActContext): Promise<string> {
  try {
    await hands.putBackConfigs(id, hashes, { attempt: context.attempt, isDryRun: false })
    return 'it was not the settings. The newer ones are back in their place.'
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    return `it was not the settings, but the newer ones could not be put back: ${error.message}`
  }
}

function sayRolledBack(path: string, hash: string | undefined, goodHash: string): string {
  const aside = hash === undefined ? 'was missing' : `${shortHash(hash)} was put aside`
  return `${path}: ${aside}, ${shortHash(goodHash)} is back`
}
