/** Starts one agent on its host and sees to it that it lives. */
import type { AgentConfig } from '../config/config.ts'
import type { Beat } from '../domain/agent.ts'
import { sayDuration } from '../domain/duration.ts'
import { redact } from '../domain/redact.ts'
import { HostError, type HostLink } from '../ports/host.ts'
import { type Life, listenForNewLife } from './new-life.ts'
import type { ActContext } from './operation.ts'
import { type Failed, failedOnHost, lastWords } from './restart-failure.ts'
import { rememberRefused } from './settings.ts'

export type BroughtBack = { kind: 'back'; beat: Beat; tookMs: number } | Failed

export async function bringBack(
  agent: AgentConfig,
  hands: HostLink,
  mode: 'stop-first' | 'only-dead',
  context: ActContext,
): Promise<BroughtBack> {
  const { id, startGraceMs } = agent
  if (context.cancelled.aborted) {
    const lines = [`${id} was not restarted: it was called off.`]
    return { kind: 'failed', status: 'refused', lines, failure: { step: 'check', kind: 'cancelled' } }
  }
  const begunMs = context.clock.now()
  const newLife = listenForNewLife(id, context, mode)
  const order = { attempt: context.attempt, isDryRun: false }
  try {
    // The command that a pane was started with may hold a key.
    await hands.restart(id, mode, order, ({ step, text }) => context.progress(`${step}: ${redact(text)}`))
  } catch (error) {
    newLife.stop()
    if (!(error instanceof HostError)) throw error
    const failed = failedOnHost(`${id} was not restarted`, error)
    if (error.because === 'settings') await rememberRefused(agent, hands, context)
    return error.kind === 'failed' && error.step === 'start'
      ? { ...failed, lines: [...failed.lines, ...(await lastWords(id, hands))] }
      : failed
  }
  const life = await newLife.verify(startGraceMs)
  if (life.kind === 'alive') return { kind: 'back', beat: life.beat, tookMs: Math.round(context.clock.now() - begunMs) }
  const line = sayNone(id, life.why, startGraceMs)
  const words = life.why === 'stopping' || life.why === 'cancelled' ? [] : await lastWords(id, hands)
  return { kind: 'failed', status: 'failed', lines: [line, ...words], failure: { step: 'verify', kind: life.why } }
}

function sayNone(id: string, why: Extract<Life, { kind: 'none' }>['why'], limitMs: number): string {
  if (why === 'stopping') return `${id} was started; the watch was stopped before a beat of its new life could be seen.`
  if (why === 'cancelled') return `${id} was started; whether it came to life was not waited for: it was called off.`
  const what = {
    'no-beat': 'no beat of a new life came',
    'no-progress': 'it beat again, but its progress did not move',
    nameless: 'it beats, but neither its heartbeat nor its process says which life that is: let the file hold "pid" or "epoch"',
  }
  return `${id} was started, but failed at the step "verify": within ${sayDuration(limitMs)} ${what[why]}.`
}
