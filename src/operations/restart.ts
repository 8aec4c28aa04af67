import { sayDuration } from '../domain/duration.ts'
import { redact, redactLines } from '../domain/redact.ts'
import { HostError } from '../ports/host.ts'
import { bringBack } from './bring-back.ts'
import type { ActContext, ActingOperation, CheckedArguments, Outcome } from './operation.ts'
import { reach, reachToStart } from './restart-checks.ts'
import { type Failed, failedOnHost, type RestartFailure } from './restart-failure.ts'
import { restartMany } from './restart-many.ts'
import { canBeRolledBack, lookAtSettings, rememberHeld, type Settings } from './settings.ts'

export const restart: ActingOperation = {
  name: 'restart',
  aliases: [],
  summary: 'Bring an agent back, or those of a host, or all',
  help: 'Stops the agent if it is alive, starts it, and waits for a heartbeat of its new life, and for progress where it tells of that. Says each step as it happens, and at which one it failed, with the last of what the agent wrote. Settings with which it does not come up are put aside for the last good ones, where fleet.yaml says so.',
  arguments: [{ name: 'agent', kind: 'subject', required: true, help: 'the agent to restart, a host, or "all"' }],
  examples: ['restart host ezra', 'restart all', 'restart bezalel'],
  effect: 'acts',
  role: 'operate',
  roleForMany: 'admin',
  answeredBy: 'watch',
  deadlineMs: 300_000,
  oneAtATime: 'agent',

  async plan(args, context) {
    const id = args['agent'] ?? ''
    if (isMany(id)) return restartMany(id, context)
    const reached = reach(id, `${id} would not be restarted`, context)
    if ('refusal' in reached) return reached.refusal
    const { agent, hands } = reached
    try {
      const settings = await lookAtSettings(agent, hands, context)
      const { text } = await hands.restart(id, modeOf(context), { attempt: context.attempt, isDryRun: true }, ({ step, text: told }) =>
        context.progress(`${step}: ${redact(told)}`),
      )
      return { status: 'ok', lines: [...planOfSettings(id, settings, context), ...redactLines(text.split('\n'))], data: { agent: id } }
    } catch (error) {
      if (!(error instanceof HostError)) throw error
      const { status, lines } = failedOnHost(`${id} would not be restarted`, error)
      return { status, lines }
    }
  },

  run: (args, context) => (isMany(args['agent'] ?? '') ? restartMany(args['agent'] ?? '', context) : restartOne(args, context)),
}

async function restartOne(args: CheckedArguments, context: ActContext): Promise<Outcome> {
  const id = args['agent'] ?? ''
  const reached = reachToStart(id, `${id} was not restarted`, context)
  if ('refusal' in reached) return reached.refusal
  const { agent, hands } = reached
  const settings = await lookAtSettings(agent, hands, context)
  if (settings.kind === 'doubtful') {
    context.progress(`check: ${settings.said}`)
    if (canBeRolledBack(agent, settings)) return context.request('roll-back', { agent: id })
    // A person may know better; the watch does not start what would come up without its settings.
    if (context.actor.kind === 'watch') return heldBack(id, settings, context)
  }
  const brought = await bringBack(agent, hands, modeOf(context), context)
  if (brought.kind === 'back') {
    const { beat, tookMs } = brought
    const line = `${id} is back: a beat of its new life came after ${sayDuration(tookMs)}.`
    return { status: 'ok', lines: [line], data: { agent: id, epoch: beat.epoch, tookMs } }
  }
  const { status, lines, failure } = brought
  if (!mayBeTheSettings(brought)) return { status, lines, data: { agent: id, failure } }
  const now = await lookAtSettings(agent, hands, context)
  if (!canBeRolledBack(agent, now)) return { status, lines, data: { agent: id, failure } }
  for (const line of lines) context.progress(line)
  context.progress(`settings: those of ${id} are not its last good ones; they are put aside, and it is started with those`)
  const rolled = await context.request('roll-back', { agent: id, alive: 'alive' })
  return { ...rolled, lines: [lines[0] ?? '', ...rolled.lines] }
}

const modeOf = ({ actor }: ActContext): 'stop-first' | 'only-dead' => (actor.kind === 'watch' ? 'only-dead' : 'stop-first')

const isMany = (subject: string): boolean => subject === 'all' || subject.startsWith('host:')

/** It was stopped, if it lived, and its start was tried: what it read then may be why it did not come up. */
function mayBeTheSettings({ failure }: Failed): boolean {
  if (failure.kind === 'stopping' || failure.kind === 'cancelled' || failure.kind === 'nameless') return false
  return failure.step === 'start' || failure.step === 'verify' || failure.kind === 'settings'
}

/** Told once in an incident for each change of its settings, however often the watch comes back to it. */
async function heldBack(id: string, { files, said }: Exclude<Settings, { kind: 'unknown' }>, context: ActContext): Promise<Outcome> {
  const line = `${id} was not restarted: ${said}. Mend them, or type: restart ${id}`
  const incident = context.lastIncident({ kind: 'agent', id })?.number ?? 0
  if (await rememberHeld(id, incident, files, context.ledger)) context.notice(id, line)
  const failure: RestartFailure = { step: 'check', kind: 'settings' }
  return { status: 'refused', lines: [line], data: { agent: id, failure } }
}

function planOfSettings(id: string, settings: Settings, context: ActContext): string[] {
  const agent = context.config.agents.get(id)
  if (settings.kind !== 'doubtful' || !agent) return []
  if (canBeRolledBack(agent, settings)) return [`${settings.said}: its last good settings would be put back first`]
  return [context.actor.kind === 'watch' ? `${settings.said}: it would not be restarted` : settings.said]
}
