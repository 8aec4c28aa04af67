/** One act on an agent at a time, and only so many at all. Who asks for the same meanwhile follows the one that is under way. */
import type { Actor } from '../domain/operation.ts'
import type { Outcome } from '../operations/operation.ts'
import type { Audit } from './audit.ts'
import { chainOf, type DeskContext, type Job, refusal, sayJob } from './job.ts'
import type { OpenRequest } from './requests.ts'
import { openTurns } from './turns.ts'

/** An act that is under way, which a second one on the same agent waits for instead of doing it twice. */
interface Act {
  by: Actor
  outcome: Promise<Outcome>
  listeners: Set<(line: string) => void>
  open: OpenRequest
}

export interface Alone {
  perform(job: Job): Promise<Outcome>
  isActedOn(agent: string): boolean
}

export function openAlone(context: Pick<DeskContext, 'config' | 'stopping'>, audit: Audit, act: (job: Job) => Promise<Outcome>): Alone {
  const acts = new Map<string, Act>()
  const turns = openTurns(() => context.config().remedies.atOnce)

  function perform(job: Job): Promise<Outcome> {
    const { operation, args, asked, progress, by } = job
    const agent = args['agent'] ?? ''
    const running = acts.get(agent)
    const above = running ? chainOf(by).filter((one) => one.args['agent'] === agent) : []
    // It would wait for itself.
    if (above.some((one) => one.operation === operation.name)) {
      return Promise.resolve(refusal(`${operation.name} of ${agent} is a part of itself: not done.`))
    }
    // Another act that is a part of the one under way.
    if (above.length > 0) return act(job)
    if (running) return follow(running, job)
    const listeners = new Set([progress])
    const tell = (line: string) => {
      for (const listener of listeners) listener(line)
    }
    const outcome = inTurn({ ...job, progress: tell }).finally(() => acts.delete(agent))
    acts.set(agent, { by: asked.actor, outcome, listeners, open: job.open })
    return outcome
  }

  async function follow(running: Act, job: Job): Promise<Outcome> {
    const { asked, progress } = job
    progress(`${running.by.name} is already at it; I follow that one.`)
    running.listeners.add(progress)
    const endStep = job.open.step(job, 'waits')
    const outcome = await orCalledOff(running.outcome, job).finally(endStep)
    if (outcome === undefined) {
      running.listeners.delete(progress)
      return calledOff(job, `${job.operation.name} of ${job.args['agent'] ?? ''} by ${running.by.name} goes on, and you follow it no more.`)
    }
    // He who asked first did so in vain; this one was not called off.
    if (running.open.signal.aborted && outcome.passes) return perform(job)
    // The watch may only start what is dead; that this one lives is no answer to a person who wants it stopped first.
    const isOnlyTheWatchs = running.by.kind === 'watch' && asked.actor.kind !== 'watch' && outcome.status === 'refused'
    if (isOnlyTheWatchs && !outcome.passes) return perform(job)
    // The watch asked for nothing that was not under way: it is in no audit twice, and counts as no attempt of its own.
    if (asked.actor.kind !== 'watch') {
      const lines = [`followed ${running.by.name}: ${outcome.status}`]
      if (job.waited) await audit.end(job.waited, { status: 'followed', lines })
      else await audit.note({ ...asked, operation: job.operation.name, arguments: job.args }, { status: 'followed', lines })
    }
    return outcome
  }

  /** The audit is written when its turn has come: what waits has not begun. */
  async function inTurn(job: Job): Promise<Outcome> {
    const { asked, progress, by } = job
    // What is asked for by one that has a turn belongs to that turn: both waiting for the other would be for ever.
    if (by?.hasTurn) return act(job)
    const waiting = (underWay: number) => progress(`waiting: ${underWay} ${underWay === 1 ? 'restart is' : 'restarts are'} under way`)
    const endStep = job.open.step(job, 'waits')
    const given = AbortSignal.any([context.stopping, job.open.signal])
    const giveBack = await turns.take(asked.actor.kind === 'watch' ? 'watch' : 'person', waiting, given).finally(endStep)
    if (!giveBack && job.open.signal.aborted) return calledOff(job, `${sayJob(job)} was called off before it began: nothing was done.`)
    if (!giveBack) return { ...refusal('The watch stops: nothing was done.'), passes: true }
    try {
      return await act(job)
    } finally {
      giveBack()
    }
  }

  /** It is in the audit with who asked for it; who called it off stands in the audit as well, with what that was. */
  async function calledOff(job: Job, line: string): Promise<Outcome> {
    const outcome: Outcome = { ...refusal(line), passes: true }
    if (job.waited) await audit.end(job.waited, outcome)
    else await audit.note({ ...job.asked, operation: job.operation.name, arguments: job.args }, outcome)
    return outcome
  }

  return { perform, isActedOn: (agent) => acts.has(agent) }
}

/** Undefined where it is called off first. */
async function orCalledOff(outcome: Promise<Outcome>, { open: { signal } }: Job): Promise<Outcome | undefined> {
  const off = Promise.withResolvers<undefined>()
  const onAbort = () => off.resolve(undefined)
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    return await Promise.race([outcome, off.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
