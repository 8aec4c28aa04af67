/**
 * The one way in for whatever is asked: a player's command, a shell user's command and the watch's own decision all pass
 * the same checks and the same audit here. What changes something is in the audit before it happens, or does not happen.
 */
import { resolve } from '../domain/arguments.ts'
import { nearest } from '../domain/nearest.ts'
import type { Actor, ArgumentDeclaration } from '../domain/operation.ts'
import { LedgerError, type OperationRecord } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import type { ActingOperation, CheckedArguments, Operation, OperationContext, Outcome } from './operation.ts'

export interface DeskRequest {
  operation: string
  arguments: Readonly<Record<string, unknown>>
  actor: Actor
  /** Where it came from. */
  via: 'tower' | 'shell' | 'watch'
}

export interface Desk {
  /** Never rejects: whatever goes wrong is an outcome, with a sentence for the one who asked. */
  request(request: DeskRequest, progress: (line: string) => void): Promise<Outcome>
  /** Somebody was refused by the Tower's locks: for the audit. Never rejects. */
  refusedElsewhere(request: DeskRequest, reason: string): Promise<void>
  /** An agent is being restarted at this moment. */
  isActedOn(agent: string): boolean
}

/** An act that is under way, which a second one on the same agent waits for instead of doing it twice. */
interface Act {
  by: Actor
  outcome: Promise<Outcome>
  listeners: Set<(line: string) => void>
}

export function openDesk(
  operations: readonly Operation[],
  context: Omit<OperationContext, 'actor' | 'progress' | 'config'> & { config: () => OperationContext['config']; watchId: string },
  log: Log,
): Desk {
  const acts = new Map<string, Act>()

  async function request(asked: DeskRequest, progress: (line: string) => void): Promise<Outcome> {
    const operation = operations.find(({ name, aliases }) => name === asked.operation || aliases.includes(asked.operation))
    if (!operation || operation.answeredBy === 'shell') return refusal(unknownOperation(operations, asked.operation))
    const { config, watchId: _, ...rest } = context
    const checked = checkArguments(operation, asked.arguments, { ...rest, config: config() })
    if ('fault' in checked) return refusal(checked.fault)
    if (operation.effect === 'sees') return guarded(operation, asked, progress, (rest) => operation.run(checked.args, rest))
    if (operation.oneAtATime) return alone(operation, checked.args, asked, progress)
    return audited(operation, checked.args, asked, progress)
  }

  function alone(
    operation: ActingOperation,
    args: CheckedArguments,
    asked: DeskRequest,
    progress: (line: string) => void,
  ): Promise<Outcome> {
    const agent = args['agent'] ?? ''
    const running = acts.get(agent)
    if (running) {
      progress(`${running.by.name} is already at it; I follow that one.`)
      running.listeners.add(progress)
      return running.outcome.then((outcome) => {
        // The watch may only start what is dead; that this one lives is no answer to a person who wants it stopped first.
        const isOnlyTheWatchs = running.by.kind === 'watch' && asked.actor.kind !== 'watch' && outcome.status === 'refused'
        return isOnlyTheWatchs && !outcome.passes ? alone(operation, args, asked, progress) : outcome
      })
    }
    const listeners = new Set([progress])
    const tell = (line: string) => {
      for (const listener of listeners) listener(line)
    }
    const outcome = audited(operation, args, asked, tell).finally(() => acts.delete(agent))
    acts.set(agent, { by: asked.actor, outcome, listeners })
    return outcome
  }

  async function audited(
    operation: ActingOperation,
    args: CheckedArguments,
    asked: DeskRequest,
    progress: (line: string) => void,
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
    log.info({ operation: operation.name, arguments: args, actor: asked.actor, via: asked.via, number }, 'operation begins')
    const attempt = { watch: context.watchId, number }
    const outcome = await guarded(operation, asked, progress, (rest) => operation.run(args, { ...rest, attempt }))
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
    request,
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

type Looks = Pick<OperationContext, 'config' | 'incidents'>

/** Whatever asks: a game or a shell of another version may send anything. What was typed is never said again: it may be anything. */
function checkArguments(
  operation: Operation,
  given: Readonly<Record<string, unknown>>,
  context: Looks,
): { args: CheckedArguments } | { fault: string } {
  const args: Record<string, string> = {}
  for (const key of Object.keys(given)) {
    if (!operation.arguments.some(({ name }) => name === key))
      return { fault: `${operation.name} takes no such argument. ${example(operation)}` }
  }
  for (const argument of operation.arguments) {
    const value = given[argument.name]
    if (value === undefined || value === '') {
      if (argument.required) return { fault: `${questionFor(argument)} ${example(operation)}` }
      continue
    }
    const checked = checkArgument(operation, argument, value, context)
    if ('fault' in checked) return checked
    args[argument.name] = checked.value
  }
  return { args }
}

function checkArgument(
  operation: Operation,
  argument: ArgumentDeclaration,
  given: unknown,
  context: Looks,
): { value: string } | { fault: string } {
  const { name, kind } = argument
  const isNumber = (kind === 'incident' || kind === 'number') && Number.isSafeInteger(given)
  if (typeof given !== 'string' && !isNumber) return { fault: `The ${name} must be ${kindOf(kind)}. ${example(operation)}` }
  const found = resolve(argument, String(given), context.config)
  if ('wrong' in found) return { fault: `The ${name} ${found.wrong}. ${example(operation)}` }
  if ('ambiguous' in found) return { fault: `That is the beginning of several names: ${listOf(found.ambiguous)}. Type more of it.` }
  if ('unknown' in found) {
    const { near, known } = found.unknown
    return { fault: `There is no such ${thingOf(kind)}. ${near === undefined ? `Known: ${listOf(known)}.` : `Did you mean ${near}?`}` }
  }
  return kind === 'incident' ? openIncident(found.value, context) : found
}

/** An agent or host stands for its open incident. */
function openIncident(value: string, { config, incidents }: Looks): { value: string } | { fault: string } {
  const [kind, id = ''] = value.split(':')
  if (id === '') return { value }
  const openOf = (subject: string, name: string) =>
    incidents().find((incident) => incident.closedMs === undefined && incident.subject.kind === subject && incident.subject.id === name)
  // An agent and its host may bear the same name: then the one that has an incident is meant.
  const own = openOf(kind ?? '', id) ?? openOf(kind === 'agent' ? 'host' : 'agent', id)
  if (own) return { value: String(own.number) }
  const host = config.agents.get(id)?.host ?? ''
  const hosts = kind === 'agent' ? openOf('host', host) : undefined
  if (hosts) return { fault: `${id} has no open incident of its own, its host ${host} has #${hosts.number}: name that one.` }
  return { fault: `${id} has no open incident. To see the former ones, type: incidents ${id}` }
}

function questionFor({ kind, name }: ArgumentDeclaration): string {
  if (kind === 'duration') return 'For how long?'
  return kind === 'text' ? `Say the ${name}, too.` : `Which ${name}?`
}

function kindOf(kind: ArgumentDeclaration['kind']): string {
  if (kind === 'incident' || kind === 'number') return 'a number'
  return kind === 'duration' || kind === 'choice' || kind === 'text' ? 'text' : 'a name'
}

function thingOf(kind: ArgumentDeclaration['kind']): string {
  return kind === 'agent' || kind === 'host' ? kind : 'agent or host'
}

const mostListed = 20

function listOf(names: readonly string[]): string {
  const more = names.length > mostListed ? ` and ${names.length - mostListed} more` : ''
  return `${names.slice(0, mostListed).join(', ')}${more}`
}

function example(operation: Operation): string {
  return `For example: ${operation.examples.at(-1) ?? operation.name}`
}
