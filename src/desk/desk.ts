/**
 * The one way in for whatever is asked: a player's command, a shell user's command and the watch's own decision all pass
 * the same checks and the same audit here. What changes something is in the audit before it happens, or does not happen.
 */
import { sayDuration } from '../domain/duration.ts'
import { nearest } from '../domain/nearest.ts'
import type { Actor } from '../domain/operation.ts'
import { wrapAll } from '../operations/layout.ts'
import type { ActContext, CheckedArguments, Operation, OperationContext, Outcome } from '../operations/operation.ts'
import { LedgerError, type OperationRecord } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import { openAlone } from './alone.ts'
import { checkArguments, type Fault } from './arguments.ts'
import { openAudit } from './audit.ts'
import { cancellationsOf } from './cancel.ts'
import { openFloods } from './floods.ts'
import { type Asker, chainOf, type DeskContext, type DeskRequest, type Job, refusal } from './job.ts'
import { type OpenRequest, openRequests } from './requests.ts'
import { openSecond } from './second.ts'

export interface Desk {
  /** Never rejects: whatever goes wrong is an outcome, with a sentence for the one who asked. */
  request(request: DeskRequest, progress: (line: string) => void): Promise<Outcome>
  /** Somebody was refused by the Tower's locks: for the audit. Never rejects. */
  refusedElsewhere(request: DeskRequest, reason: string): Promise<void>
  /** An agent is being restarted at this moment. */
  isActedOn(agent: string): boolean
}

/** So many operations may ask for one another in a row: a circle must come to an end. */
const longestChain = 3

export function openDesk(operations: readonly Operation[], context: DeskContext, log: Log): Desk {
  const audit = openAudit(context, log)
  const alone = openAlone(context, audit, act)
  const requests = openRequests()
  const second = openSecond(context, audit, requests, perform)
  const limit = () => ({ most: context.config().authority.changes, perMs: context.config().authority.perMs })
  const changes = openFloods(limit, context.clock, (actor, more) => audit.noteFlood(actor, viaOf(actor), more))
  const refusals = openFloods(limit, context.clock, (actor, more) => audit.noteFlood(actor, 'tower', more))

  async function request(asked: DeskRequest, progress: (line: string) => void, open: OpenRequest, by?: Asker): Promise<Outcome> {
    const operation = operations.find(({ name, aliases }) => name === asked.operation || aliases.includes(asked.operation))
    if (!operation || operation.answeredBy === 'shell') return refusal(unknownOperation(operations, asked.operation))
    const named = { ...asked, operation: operation.name }
    // What an operation asks for was asked for with it; and the watch's own limits are those of its remedies.
    const isFirstHand = by === undefined && asked.actor.kind !== 'watch'
    if (operation.effect === 'acts' && isFirstHand) {
      const allowed = changes.take(asked.actor)
      if (allowed.kind === 'flood') return tooOften(named, allowed)
    }
    const checked = checkArguments(operation, asked.arguments, seen(asked, progress, open))
    if (operation.effect === 'sees') {
      if ('fault' in checked) return refusalOf(checked)
      const endStep = open.step({ operation, args: checked.args }, 'sees')
      return guarded(operation, asked, progress, open, (rest) => operation.run(checked.args, rest)).finally(endStep)
    }
    if ('fault' in checked) {
      await audit.note(named, refusal(checked.fault))
      return refusalOf(checked)
    }
    const job: Job = { operation, args: checked.args, asked: named, progress, open, ...(by && { by }) }
    if (isDry(job) || !isFirstHand || !second.isNeeded(job)) return perform(job)
    try {
      return await second.ask(job)
    } catch (error) {
      return notAudited(error, operation)
    }
  }

  async function tooOften(asked: DeskRequest, { waitMs, isFirst }: { waitMs: number; isFirst: boolean }): Promise<Outcome> {
    const { changes: most, perMs } = context.config().authority
    const outcome: Outcome = {
      status: 'refused',
      lines: [`That is too much at once: ${most} changes in ${sayDuration(perMs)}. Wait ${sayDuration(waitMs)}. Nothing was done.`],
      passes: true,
    }
    if (isFirst) await audit.note(asked, outcome)
    return outcome
  }

  function perform(job: Job): Promise<Outcome> {
    return isAlone(job) ? alone.perform(job) : act(job)
  }

  /** In the audit first, then done, then its end in the audit. */
  async function act(job: Job): Promise<Outcome> {
    const { operation, args, asked, by } = job
    let record: OperationRecord
    try {
      const fresh = job.waited ?? audit.record({ ...asked, arguments: args }, by ? { partOf: by.number } : {})
      record = { ...fresh, status: 'begun', lines: [] }
      await audit.write(record)
    } catch (error) {
      return notAudited(error, operation)
    }
    const { number } = record
    log.info({ operation: operation.name, arguments: args, actor: asked.actor, via: asked.via, number }, 'operation begins')
    const endStep = job.open.step(job, 'acts')
    const done = await guarded(operation, asked, job.progress, job.open, async (rest) => {
      const full = await actContext(job, number, rest, endStep)
      const { dryRun: _, ...given } = args
      return isDry(job) ? operation.plan(given, full) : operation.run(given, full)
    }).finally(endStep)
    const outcome = isDry(job) ? { ...done, lines: [...done.lines, 'This was a dry run: nothing was changed.'] } : done
    log.info({ operation: operation.name, number, status: outcome.status }, 'operation ended')
    await audit.end(record, outcome)
    return outcome
  }

  async function actContext(job: Job, number: number, rest: OperationContext, endStep: () => void): Promise<ActContext> {
    const { operation, args, asked, progress, open, by } = job
    const hasTurn = by?.hasTurn === true || isAlone(job)
    const asker: Asker = { number, operation: operation.name, args, isDryRun: isDry(job), hasTurn, open, endStep, ...(by && { by }) }
    return {
      ...rest,
      // Durable before any host hears of it.
      attempt: { watch: await context.watchId, number },
      confirmations: second.confirmations(asked.actor, progress, open),
      cancellations: cancellationsOf(asked.actor, requests, second),
      request: (name, more, tell) => requestFor(asker, asked, name, more, tell ?? progress),
    }
  }

  /** What an operation asks for on behalf of the same person. A dry run asks for dry runs only. */
  async function requestFor(
    asker: Asker,
    asked: DeskRequest,
    operation: string,
    args: CheckedArguments,
    progress: (line: string) => void,
  ): Promise<Outcome> {
    if (chainOf(asker).length >= longestChain) return refusal(`${operation} was not asked for: operations ask for one another in a circle.`)
    if (asker.open.signal.aborted) return refusal(`${operation} was not asked for any more: it was called off.`)
    asker.endStep()
    const given = asker.isDryRun ? { ...args, dryRun: 'yes' } : args
    return request({ ...asked, operation, arguments: given }, progress, asker.open, asker)
  }

  function seen({ actor, away, screen }: DeskRequest, progress: (line: string) => void, open: OpenRequest): OperationContext {
    const { config, watchId: _, random: __, tell: ___, ...rest } = context
    return { ...rest, config: config(), actor, progress, cancelled: open.signal, ...(away && { away }), ...(screen && { screen }) }
  }

  async function guarded(
    operation: Operation,
    asked: DeskRequest,
    progress: (line: string) => void,
    open: OpenRequest,
    run: (rest: OperationContext) => Promise<Outcome>,
  ): Promise<Outcome> {
    try {
      return await run(seen(asked, progress, open))
    } catch (error) {
      // A fault of ours or of the disk: the one who asked gets a plain sentence, the operator's log gets the cause.
      log.error(
        { operation: operation.name, err: error instanceof Error ? (error.stack ?? error.message) : String(error) },
        'an operation broke',
      )
      if (error instanceof LedgerError) {
        const what = operation.effect === 'acts' ? 'written' : 'read'
        return { status: 'failed', lines: [`The ledger could not be ${what}; the log of the watch says why.`] }
      }
      return { status: 'failed', lines: [`${operation.name} broke inside the watch; its log says how.`] }
    }
  }

  function notAudited(error: unknown, operation: Operation): Outcome {
    if (!(error instanceof LedgerError)) throw error
    log.error({ err: error.message, operation: operation.name }, 'refused, because the audit could not be written')
    return { ...refusal('The audit could not be written, so nothing was done. The log of the watch says why.'), passes: true }
  }

  return {
    request: async (asked, progress) => {
      const { screen } = asked
      const open = requests.begin(asked.actor)
      const tell = (line: string) => {
        for (const part of wrapAll([line], screen)) progress(part)
      }
      const outcome = await request(asked, tell, open).finally(open.end)
      // Only here, on its way out: in the audit lines stand as they were said.
      return { ...outcome, lines: wrapAll(outcome.lines, screen) }
    },
    refusedElsewhere: async (asked, reason) => {
      const allowed = refusals.take(asked.actor)
      if (allowed.kind === 'allowed' || allowed.isFirst) await audit.note(asked, refusal(reason))
    },
    isActedOn: alone.isActedOn,
  }
}

const refusalOf = ({ fault, isWrongInput }: Fault): Outcome => ({ ...refusal(fault), ...(isWrongInput && { isWrongInput }) })

const isDry = ({ args }: Job): boolean => args['dryRun'] === 'yes'

/** What is about many takes no turn: each that it asks for takes its own. */
function isAlone(job: Job): boolean {
  const about = job.args['agent'] ?? ''
  return job.operation.oneAtATime !== undefined && !isDry(job) && about !== 'all' && !about.startsWith('host:')
}

function viaOf({ kind }: Actor): DeskRequest['via'] {
  return kind === 'account' || kind === 'object' ? 'tower' : kind
}

function unknownOperation(operations: readonly Operation[], word: string): string {
  const names = operations.filter(({ answeredBy }) => answeredBy !== 'shell').map(({ name }) => name)
  const meant = nearest(word.slice(0, 40), names)
  return meant === undefined
    ? `There is no such operation. There are: ${names.join(', ')}.`
    : `There is no such operation. Did you mean ${meant}?`
}
