/**
 * The one way in for whatever is asked: a player's command, a shell user's command and the watch's own decision all pass
 * the same checks and the same audit here. What changes something is in the audit before it happens, or does not happen.
 */
import { nearest } from '../domain/nearest.ts'
import type { Actor } from '../domain/operation.ts'
import { LedgerError, type OperationRecord } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import { checkArguments } from './desk-arguments.ts'
import type { ActContext, ActingOperation, CheckedArguments, Operation, OperationContext, Outcome } from './operation.ts'
import { openTurns } from './turns.ts'

export interface DeskRequest {
  operation: string
  arguments: Readonly<Record<string, unknown>>
  actor: Actor
  /** Where it came from. */
  via: 'tower' | 'shell' | 'watch'
  /** Why, where no argument says it: for what the watch does by itself, the incident. For the audit. */
  why?: string
}

export interface Desk {
  /** Never rejects: whatever goes wrong is an outcome, with a sentence for the one who asked. */
  request(request: DeskRequest, progress: (line: string) => void): Promise<Outcome>
  /** Somebody was refused by the Tower's locks: for the audit. Never rejects. */
  refusedElsewhere(request: DeskRequest, reason: string): Promise<void>
  /** An agent is being restarted at this moment. */
  isActedOn(agent: string): boolean
}

/** Everything that an operation sees, but what depends on who asks. */
export type DeskContext = Omit<OperationContext, 'actor' | 'progress' | 'config'> & {
  config: () => OperationContext['config']
  /** By which hosts know the orders of this ledger; it resolves when that is durable. */
  watchId: string | Promise<string>
}

/** An act that is under way, which a second one on the same agent waits for instead of doing it twice. */
interface Act {
  by: Actor
  outcome: Promise<Outcome>
  listeners: Set<(line: string) => void>
}

/** An operation that asks for another one. */
interface Asker {
  number: number
  operation: string
  args: CheckedArguments
  isDryRun: boolean
  /** It is one of the so many that may be under way at once. */
  hasTurn: boolean
  by?: Asker
}

/** So many operations may ask for one another in a row: a circle must come to an end. */
const longestChain = 3

export function openDesk(operations: readonly Operation[], context: DeskContext, log: Log): Desk {
  const acts = new Map<string, Act>()
  const turns = openTurns(() => context.config().remedies.atOnce)

  async function request(asked: DeskRequest, progress: (line: string) => void, by?: Asker): Promise<Outcome> {
    const operation = operations.find(({ name, aliases }) => name === asked.operation || aliases.includes(asked.operation))
    if (!operation || operation.answeredBy === 'shell') return refusal(unknownOperation(operations, asked.operation))
    const { config, watchId: _, ...rest } = context
    const checked = checkArguments(operation, asked.arguments, { ...rest, config: config() })
    if ('fault' in checked) return refusal(checked.fault)
    if (operation.effect === 'sees') return guarded(operation, asked, progress, (rest) => operation.run(checked.args, rest))
    const isDryRun = checked.args['dryRun'] === 'yes'
    if (operation.oneAtATime && !isDryRun) return alone(operation, checked.args, asked, progress, by)
    return audited(operation, checked.args, asked, progress, by)
  }

  function alone(
    operation: ActingOperation,
    args: CheckedArguments,
    asked: DeskRequest,
    progress: (line: string) => void,
    by: Asker | undefined,
  ): Promise<Outcome> {
    const agent = args['agent'] ?? ''
    const running = acts.get(agent)
    // It would wait for itself.
    if (running && chainOf(by).some((one) => one.args['agent'] === agent)) {
      return Promise.resolve(refusal(`${operation.name} of ${agent} is a part of itself: not done.`))
    }
    if (running) {
      progress(`${running.by.name} is already at it; I follow that one.`)
      running.listeners.add(progress)
      return running.outcome.then((outcome) => {
        // The watch may only start what is dead; that this one lives is no answer to a person who wants it stopped first.
        const isOnlyTheWatchs = running.by.kind === 'watch' && asked.actor.kind !== 'watch' && outcome.status === 'refused'
        return isOnlyTheWatchs && !outcome.passes ? alone(operation, args, asked, progress, by) : outcome
      })
    }
    const listeners = new Set([progress])
    const tell = (line: string) => {
      for (const listener of listeners) listener(line)
    }
    const outcome = inTurn(operation, args, asked, tell, by).finally(() => acts.delete(agent))
    acts.set(agent, { by: asked.actor, outcome, listeners })
    return outcome
  }

  /** The audit is written when its turn has come: what waits has not begun. */
  async function inTurn(
    operation: ActingOperation,
    args: CheckedArguments,
    asked: DeskRequest,
    progress: (line: string) => void,
    by: Asker | undefined,
  ): Promise<Outcome> {
    // What is asked for by one that has a turn belongs to that turn: both waiting for the other would be for ever.
    if (by?.hasTurn) return audited(operation, args, asked, progress, by)
    const waiting = (underWay: number) => progress(`waiting: ${underWay} ${underWay === 1 ? 'restart is' : 'restarts are'} under way`)
    const giveBack = await turns.take(asked.actor.kind === 'watch' ? 'watch' : 'person', waiting, context.stopping)
    if (!giveBack) return { ...refusal('The watch stops: nothing was done.'), passes: true }
    try {
      return await audited(operation, args, asked, progress, by)
    } finally {
      giveBack()
    }
  }

  async function audited(
    operation: ActingOperation,
    args: CheckedArguments,
    asked: DeskRequest,
    progress: (line: string) => void,
    by: Asker | undefined,
  ): Promise<Outcome> {
    let begun: OperationRecord
    try {
      begun = { ...newRecord({ ...asked, operation: operation.name, arguments: args }), status: 'begun' }
      await context.ledger.write([{ kind: 'operation', operation: begun }])
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
      log.error({ err: error.message, operation: operation.name }, 'refused, because the audit could not be written')
      return { ...refusal('The audit could not be written, so nothing was done. The log of the watch says why.'), passes: true }
    }
    const { number } = begun
    // Durable, too, before any host hears of it.
    const watchId = await context.watchId
    log.info({ operation: operation.name, arguments: args, actor: asked.actor, via: asked.via, number }, 'operation begins')
    const { dryRun, ...given } = args
    const isDryRun = dryRun === 'yes'
    const hasTurn = by?.hasTurn === true || (operation.oneAtATime !== undefined && !isDryRun)
    const asker: Asker = { number, operation: operation.name, args, isDryRun, hasTurn, ...(by && { by }) }
    const act = (rest: OperationContext) => {
      const attempt = { watch: watchId, number }
      const full: ActContext = { ...rest, attempt, request: (name, more, tell) => requestFor(asker, asked, name, more, tell ?? progress) }
      return isDryRun ? operation.plan(given, full) : operation.run(given, full)
    }
    const done = await guarded(operation, asked, progress, act)
    const outcome = isDryRun ? { ...done, lines: [...done.lines, 'This was a dry run: nothing was changed.'] } : done
    log.info({ operation: operation.name, number, status: outcome.status }, 'operation ended')
    try {
      const ended = { ...begun, status: outcome.status, lines: outcome.lines, endedMs: context.clock.now() }
      await context.ledger.write([{ kind: 'operation', operation: ended }])
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
      log.error({ err: error.message, number }, 'the end of an operation could not be written to the audit')
    }
    return outcome
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
    const given = asker.isDryRun ? { ...args, dryRun: 'yes' } : args
    return request({ ...asked, operation, arguments: given }, progress, asker)
  }

  function newRecord(asked: DeskRequest): Omit<OperationRecord, 'status'> {
    return {
      number: context.ledger.nextNumber('operation'),
      operation: asked.operation,
      arguments: asked.arguments,
      actor: asked.actor,
      via: asked.via,
      requestedMs: context.clock.now(),
      lines: [],
    }
  }

  async function guarded(
    operation: Operation,
    asked: DeskRequest,
    progress: (line: string) => void,
    run: (rest: OperationContext) => Promise<Outcome>,
  ): Promise<Outcome> {
    try {
      const { config, watchId: _, ...rest } = context
      return await run({ ...rest, config: config(), actor: asked.actor, progress })
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

  return {
    request: (asked, progress) => request(asked, progress),
    refusedElsewhere: async (asked, reason) => {
      try {
        const refused: OperationRecord = { ...newRecord(asked), status: 'refused', lines: [reason] }
        await context.ledger.write([{ kind: 'operation', operation: { ...refused, endedMs: refused.requestedMs } }])
      } catch (error) {
        log.error(
          { err: error instanceof Error ? error.message : String(error), operation: asked.operation, actor: asked.actor, reason },
          'a refusal could not be written to the audit',
        )
      }
    },
    isActedOn: (agent) => acts.has(agent),
  }
}

/** The asker, who asked for that, and so on. */
function chainOf(asker: Asker | undefined): Asker[] {
  return asker ? [asker, ...chainOf(asker.by)] : []
}

function refusal(line: string): Outcome {
  return { status: 'refused', lines: [line] }
}

function unknownOperation(operations: readonly Operation[], word: string): string {
  const names = operations.filter(({ answeredBy }) => answeredBy !== 'shell').map(({ name }) => name)
  const meant = nearest(word.slice(0, 40), names)
  return meant === undefined
    ? `There is no such operation. There are: ${names.join(', ')}.`
    : `There is no such operation. Did you mean ${meant}?`
}
