/**
 * The one way in for whatever is asked: a player's command, a shell user's command and the watch's own decision all pass
 * the same checks and the same audit here. What changes something is in the audit before it happens, or does not happen.
 */
import { nearest } from '../domain/nearest.ts'
import type { Actor } from '../domain/operation.ts'
import { LedgerError } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import type { CheckedArguments, Operation, OperationContext, Outcome } from './operation.ts'

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
  /** Somebody was refused by the Tower's locks: for the audit. */
  refusedElsewhere(request: DeskRequest, reason: string): void
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
  context: Omit<OperationContext, 'actor' | 'progress' | 'config'> & { config: () => OperationContext['config'] },
  log: Log,
): Desk {
  const acts = new Map<string, Act>()

  async function request(asked: DeskRequest, progress: (line: string) => void): Promise<Outcome> {
    const operation = operations.find(({ name, aliases }) => name === asked.operation || aliases.includes(asked.operation))
    if (!operation || operation.answeredBy === 'shell') return refusal(unknownOperation(operations, asked.operation))
    const checked = checkArguments(operation, asked.arguments, context.config())
    if ('fault' in checked) return refusal(checked.fault)
    if (operation.effect === 'sees') return run(operation, checked.args, asked, progress)
    return act(operation, checked.args, asked, progress)
  }

  function act(operation: Operation, args: CheckedArguments, asked: DeskRequest, progress: (line: string) => void): Promise<Outcome> {
    const agent = args['agent'] ?? ''
    const running = acts.get(agent)
    if (running) {
      progress(`${running.by.name} is already at it; I follow that one.`)
      running.listeners.add(progress)
      return running.outcome.then((outcome) => {
        // The watch may only start what is dead; that this one lives is no answer to a person who wants it stopped first.
        const isOnlyTheWatchs = running.by.kind === 'watch' && asked.actor.kind !== 'watch' && outcome.status === 'refused'
        return isOnlyTheWatchs && !outcome.passes ? act(operation, args, asked, progress) : outcome
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
    operation: Operation,
    args: CheckedArguments,
    asked: DeskRequest,
    progress: (line: string) => void,
  ): Promise<Outcome> {
    let number: number
    try {
      number = context.ledger.beginOperation({
        operation: operation.name,
        arguments: args,
        actor: asked.actor,
        via: asked.via,
        requestedMs: context.clock.now(),
      })
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
      log.error({ err: error.message, operation: operation.name }, 'refused, because the audit could not be written')
      return { ...refusal('The audit could not be written, so nothing was done. The log of the watch says why.'), passes: true }
    }
    log.info({ operation: operation.name, arguments: args, actor: asked.actor, via: asked.via, number }, 'operation begins')
    const outcome = await run(operation, args, asked, progress)
    log.info({ operation: operation.name, number, status: outcome.status }, 'operation ended')
    try {
      context.ledger.endOperation(number, outcome.status, outcome.lines, context.clock.now())
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
      log.error({ err: error.message, number }, 'the end of an operation could not be written to the audit')
    }
    return outcome
  }

  async function run(operation: Operation, args: CheckedArguments, asked: DeskRequest, progress: (line: string) => void): Promise<Outcome> {
    try {
      const { config, ...rest } = context
      return await operation.run(args, { ...rest, config: config(), actor: asked.actor, progress })
    } catch (error) {
      // A fault of ours or of the disk: the one who asked gets a plain sentence, the operator's log gets the cause.
      log.error(
        { operation: operation.name, err: error instanceof Error ? (error.stack ?? error.message) : String(error) },
        'an operation broke',
      )
      return { status: 'failed', lines: [`${operation.name} broke inside the watch; its log says how.`] }
    }
  }

  return {
    request,
    refusedElsewhere: (asked, reason) => {
      try {
        context.ledger.refusedOperation(
          { operation: asked.operation, arguments: asked.arguments, actor: asked.actor, via: asked.via, requestedMs: context.clock.now() },
          reason,
        )
      } catch (error) {
        if (!(error instanceof LedgerError)) throw error
        log.error(
          { err: error.message, operation: asked.operation, actor: asked.actor, reason },
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

function checkArguments(
  operation: Operation,
  given: Readonly<Record<string, unknown>>,
  config: OperationContext['config'],
): { args: CheckedArguments } | { fault: string } {
  const args: Record<string, string> = {}
  for (const key of Object.keys(given)) {
    if (!operation.arguments.some(({ name }) => name === key))
      return { fault: `${operation.name} takes no such argument. ${usage(operation)}` }
  }
  for (const { name, kind, required } of operation.arguments) {
    const value = given[name]
    if (value === undefined || value === '') {
      if (required) return { fault: `Which ${name}? ${usage(operation)}` }
      continue
    }
    if (typeof value !== 'string') return { fault: `The ${name} must be a name. ${usage(operation)}` }
    const word = value.trim().toLowerCase()
    const names = [...(kind === 'host' ? [] : config.agents.keys()), ...(kind === 'agent' ? [] : config.hosts.keys())]
    if (!names.includes(word)) {
      const meant = nearest(word.slice(0, 64), names)
      const what = kind === 'agent-or-host' ? 'agent or host' : kind
      return {
        fault: `There is no such ${what}. ${meant === undefined ? `Known: ${[...new Set(names)].join(', ')}.` : `Did you mean ${meant}?`}`,
      }
    }
    args[name] = word
  }
  return { args }
}

function usage(operation: Operation): string {
  return `For example: ${operation.examples.at(-1) ?? operation.name}`
}
