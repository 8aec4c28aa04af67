/**
 * Arguments as they come in with a request, checked against their declarations. A game or a shell of another version may send
 * anything, so what was typed is never said again: it may be anything.
 */
import { resolve } from '../domain/arguments.ts'
import { sayUnresolved } from '../domain/did-you-mean.ts'
import type { ArgumentDeclaration } from '../domain/operation.ts'
import type { CheckedArguments, Operation, OperationContext } from '../operations/operation.ts'

export interface Fault {
  fault: string
  isWrongInput?: true
}

const wrong = (fault: string): Fault => ({ fault, isWrongInput: true })

type Looks = Pick<OperationContext, 'config' | 'incidents'>

/** `fault`: a sentence for the one who asked, which says what to type. `isWrongInput`: whatever the fleet does, it is nothing that can be asked. */
export function checkArguments(
  operation: Operation,
  given: Readonly<Record<string, unknown>>,
  context: Looks,
): { args: CheckedArguments } | Fault {
  const args: Record<string, string> = {}
  for (const key of Object.keys(given)) {
    if (!operation.arguments.some(({ name }) => name === key))
      return wrong(`${operation.name} takes no such argument. ${example(operation)}`)
  }
  for (const argument of operation.arguments) {
    const value = given[argument.name]
    if (value === undefined || value === '') {
      if (argument.required) return wrong(`${questionFor(argument)} ${example(operation)}`)
      continue
    }
    const checked = checkArgument(operation, argument, value, context)
    if ('fault' in checked) return checked
    args[argument.name] = operation.effect === 'acts' && operation.oneAtATime ? idAlone(checked.value) : checked.value
  }
  return { args }
}

/** An agent by its id; one that is called "all" stays told apart from everything, for which it takes another role. */
function idAlone(value: string): string {
  return value === 'agent:all' ? value : value.replace(/^agent:/, '')
}

function checkArgument(operation: Operation, argument: ArgumentDeclaration, given: unknown, context: Looks): { value: string } | Fault {
  const { name, kind } = argument
  const isNumber = (kind === 'incident' || kind === 'number') && Number.isSafeInteger(given)
  if (typeof given !== 'string' && !isNumber) return wrong(`The ${name} must be ${kindOf(kind)}. ${example(operation)}`)
  const found = resolve(argument, String(given), context.config)
  if ('wrong' in found) return wrong(`${sayUnresolved(argument, found)} ${example(operation)}`)
  if (!('value' in found)) return wrong(sayUnresolved(argument, found))
  return kind === 'incident' ? openIncident(found.value, context) : found
}

/** An agent or host stands for its open incident. */
function openIncident(value: string, { config, incidents }: Looks): { value: string } | Fault {
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

function example(operation: Operation): string {
  return `For example: ${operation.examples.at(-1) ?? operation.name}`
}
