import { sayDuration } from '../domain/duration.ts'
import { HostError } from '../ports/host.ts'
import type { ActContext, CheckedArguments, Operation, Outcome } from './operation.ts'
import { findPane, type PaneFound, shownName, tenantOf } from './pane-names.ts'

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
  const proof = how === 'do' ? proofOfLife(found, context) : undefined
  try {
    const order = { attempt: context.attempt, isDryRun: how === 'plan' }
    const { text } = await hands.respawn(found, order, ({ step, text: told }) => context.progress(`${step}: ${told}`))
    const lines = text.split('\n')
    if (!proof) return { status: 'ok', lines, data: { host: found.host, pane: found.name } }
    for (const line of lines) context.progress(`start: ${line}`)
    return await proof.wait()
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    const would = how === 'plan' ? 'would not be' : 'was not'
    const status = error.kind === 'timeout' || error.kind === 'refused' ? error.kind : 'failed'
    return { status, lines: [`${shown} ${would} respawned: ${error.message}`] }
  } finally {
    proof?.stop()
  }
}

/** A pane that is alive is no agent that is: listens for a beat of another life, from before the start on. */
function proofOfLife(found: PaneFound, context: ActContext) {
  const agent = tenantOf(found.host, found, context)
  if (!agent) return undefined
  const { id, startGraceMs } = agent
  const giveUp = new AbortController()
  const lastEpoch = context.agent(id)?.facts.lastBeat?.epoch ?? ''
  const beat = context.nextBeat(id, ({ epoch }) => epoch !== '' && epoch !== lastEpoch, AbortSignal.any([giveUp.signal, context.stopping]))
  return {
    stop: () => giveUp.abort(),
    wait: async (): Promise<Outcome> => {
      context.progress(`verify: waiting for a beat of its new life, at most ${sayDuration(startGraceMs)}`)
      const deadline = context.clock.after(startGraceMs, () => giveUp.abort())
      const seen = await beat
      deadline.cancel()
      if (seen) return { status: 'ok', lines: [`${id} is back: a beat of its new life came.`], data: { agent: id, epoch: seen.epoch } }
      const why = context.stopping.aborted ? 'the watch was stopped before a beat of its new life came' : 'no beat of a new life came'
      return { status: 'failed', lines: [`The pane of ${id} was respawned, but it failed at the step "verify": ${why}.`] }
    },
  }
}
