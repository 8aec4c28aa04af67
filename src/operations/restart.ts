import { sayCause } from '../domain/alert.ts'
import { sayDuration } from '../domain/duration.ts'
import { HostError } from '../ports/host.ts'
import type { Operation, OperationContext, Outcome } from './operation.ts'

export const restart: Operation = {
  name: 'restart',
  aliases: [],
  summary: 'Bring an agent back',
  help: 'Stops the agent if it is alive, starts it, and waits for a heartbeat of its new life. Says each step as it happens, and at which one it failed.',
  arguments: [{ name: 'agent', kind: 'agent', required: true, help: 'the agent to restart' }],
  examples: ['restart bezalel'],
  effect: 'acts',
  role: 'operate',
  answeredBy: 'watch',
  deadlineMs: 300_000,
  oneAtATime: 'agent',

  async plan(args, context) {
    const id = args['agent'] ?? ''
    const agent = context.config.agents.get(id)
    if (!agent) return { status: 'refused', lines: [`There is no agent ${id}.`] }
    const hands = context.hands(agent.host)
    if (!hands) return unreachable(id, agent.host, context)
    try {
      const { text } = await hands.restart(id, 'stop-first', { attempt: context.attempt, isDryRun: true }, ({ step, text: told }) =>
        context.progress(`${step}: ${told}`),
      )
      return { status: 'ok', lines: [text], data: { agent: id } }
    } catch (error) {
      if (!(error instanceof HostError)) throw error
      return { status: outcomeOf(error), lines: [`${id} would not be restarted: ${error.message}`] }
    }
  },

  async run(args, context) {
    const id = args['agent'] ?? ''
    const agent = context.config.agents.get(id)
    if (!agent) return { status: 'refused', lines: [`There is no agent ${id}.`] }
    const away = context.actor.kind === 'watch' ? awayOnPurpose(id, context) : undefined
    if (away !== undefined) return { status: 'refused', lines: [`${id} was not restarted: it is ${away}.`], passes: true }
    const hands = context.hands(agent.host)
    if (!hands) return unreachable(id, agent.host, context)

    // A person may stop what lives; the watch by itself starts only what is dead.
    const mode = context.actor.kind === 'watch' ? 'only-dead' : 'stop-first'
    const begunMs = context.clock.now()
    // Listening begins before the start: a quick agent beats before the gate has answered. One that was dead when this was
    // begun beats in no old life any more.
    const newLife = listenForNewLife(id, context, mode === 'only-dead' ? begunMs : Number.POSITIVE_INFINITY)
    try {
      await hands.restart(id, mode, { attempt: context.attempt, isDryRun: false }, ({ step, text }) => context.progress(`${step}: ${text}`))
    } catch (error) {
      newLife.stop()
      if (!(error instanceof HostError)) throw error
      const step = error.step ? ` at the step "${error.step}"` : ''
      return { status: outcomeOf(error), lines: [`${id} was not restarted${step}: ${error.message}`] }
    }
    newLife.started()
    context.progress(`verify: waiting for a beat of its new life, at most ${sayDuration(agent.startGraceMs)}`)
    const deadline = context.clock.after(agent.startGraceMs, newLife.stop)
    context.stopping.addEventListener('abort', newLife.stop, { once: true })
    if (context.stopping.aborted) newLife.stop()
    const beat = await newLife.beat
    deadline.cancel()
    context.stopping.removeEventListener('abort', newLife.stop)
    if (!beat && context.stopping.aborted) {
      return { status: 'failed', lines: [`${id} was started; the watch was stopped before a beat of its new life could be seen.`] }
    }
    if (!beat) {
      const why = newLife.isNameless()
        ? 'it beats, but neither its heartbeat nor its process says which life that is: let the file hold "pid" or "epoch"'
        : 'no beat of a new life came'
      return {
        status: 'failed',
        lines: [`${id} was started, but failed at the step "verify": within ${sayDuration(agent.startGraceMs)} ${why}.`],
      }
    }
    const tookMs = Math.round(context.clock.now() - begunMs)
    return {
      status: 'ok',
      lines: [`${id} is back: a beat of its new life came after ${sayDuration(tookMs)}.`],
      data: { agent: id, epoch: beat.epoch, tookMs },
    }
  },
}

/** What somebody has paused or works on is not the watch's to start; a person may, for he knows. */
function awayOnPurpose(id: string, context: OperationContext): string | undefined {
  if (context.agent(id)?.facts.paused) return 'paused'
  return context.mutes.inMaintenance({ kind: 'agent', id }, context.clock.now()) ? 'in maintenance' : undefined
}

function unreachable(id: string, host: string, context: OperationContext): Outcome {
  const status = context.host(host)?.status
  const since = status
    ? ` (${status.state === 'unreachable' ? sayCause(status.cause ?? 'unreachable') : status.state} for ${sayDuration(context.clock.now() - status.sinceMs)})`
    : ''
  return {
    status: 'failed',
    lines: [`${id} was not restarted: its host ${host} can't be reached${since}. Nothing was done there.`],
    passes: true,
  }
}

function outcomeOf(error: HostError): Outcome['status'] {
  if (error.kind === 'timeout') return 'timeout'
  return error.kind === 'refused' ? 'refused' : 'failed'
}

/**
 * Waits for a beat whose epoch is not the last one known. Where none was known, only a beat that was written after the
 * start counts: before it, the old life may still have been beating.
 */
function listenForNewLife(id: string, context: OperationContext, knownDeadMs: number) {
  const lastEpoch = context.agent(id)?.facts.lastBeat?.epoch ?? ''
  const giveUp = new AbortController()
  let startedMs = knownDeadMs
  let sawEpoch = false
  let sawNameless = false
  const beat = context.nextBeat(
    id,
    ({ epoch, atMs }) => {
      if (epoch === '') sawNameless = true
      else sawEpoch = true
      if (epoch === '' || epoch === lastEpoch) return false
      return lastEpoch !== '' || atMs >= startedMs
    },
    giveUp.signal,
  )
  return {
    beat,
    started: () => {
      startedMs = Math.min(startedMs, context.clock.now())
    },
    stop: () => giveUp.abort(),
    /** It beats, but nothing tells its lives apart. */
    isNameless: () => sawNameless && !sawEpoch,
  }
}
