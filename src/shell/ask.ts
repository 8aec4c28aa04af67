import { userInfo } from 'node:os'
import { askWatch, NotRunningError } from '../adapters/control/client.ts'
import { socketPath } from '../adapters/control/socket-path.ts'
import { resolve, takeApart, usageOfArgument } from '../domain/arguments.ts'
import { flagWord } from '../domain/flags.ts'
import { type ArgumentDeclaration, type OperationDeclaration, type Screen, screenLimits } from '../domain/operation.ts'
import type { OutcomeStatus } from '../operations/operation.ts'
import { exitCode, readConfig, type Shell, ShellError } from './shell.ts'
import { whereItSits } from './where-it-sits.ts'

const codes: Record<OutcomeStatus, number> = {
  ok: exitCode.ok,
  failed: exitCode.failed,
  timeout: exitCode.failed,
  refused: exitCode.refused,
  waiting: exitCode.ok,
}

export interface AskOptions {
  config?: string
  json?: boolean
}

/**
 * Asks the running watch for an operation; progress goes to stderr, the answer to stdout. Resolves with the exit code. What is
 * shown as it comes is the answer itself, and Ctrl-C is the usual end of it.
 *
 * @param typed what stands behind the operation's name
 * @param flags arguments that were given as options: `--sticky`
 */
export async function ask(
  shell: Shell,
  operation: OperationDeclaration,
  typed: string,
  flags: Readonly<Record<string, string>>,
  options: AskOptions,
): Promise<number> {
  const config = readConfig(shell, options.config)
  const { uid, username } = userInfo()
  const args = { ...toArguments(operation, typed, config), ...flags }
  const request = {
    operation: operation.name,
    arguments: args,
    user: { id: String(uid), name: username, from: whereItSits(shell.env) },
    ...screenOf(shell, options),
  }
  const isShownAsItComes = operation.name === 'watch'
  try {
    const outcome = await askWatch(socketPath(config.stateDir), request, isShownAsItComes ? shell.out : shell.err, shell.signal)
    if (options.json)
      shell.out(JSON.stringify({ status: outcome.status, lines: outcome.lines, ...(isObject(outcome.data) && outcome.data) }))
    else for (const line of outcome.lines) (outcome.status === 'ok' ? shell.out : shell.err)(line)
    return outcome.isWrongInput ? exitCode.wrongInput : codes[outcome.status]
  } catch (error) {
    if (error instanceof NotRunningError) {
      throw new ShellError(`${error.message} Start it with "towerwatch run", or the demo with "npm start".`, exitCode.notRunning)
    }
    if (isShownAsItComes && shell.signal?.aborted) return exitCode.ok
    throw error
  }
}

function screenOf({ columns }: Shell, { json }: AskOptions): { screen?: Screen } {
  // A terminal that says nothing of its width says 0.
  if (!columns || json) return {}
  return { screen: { columns: Math.max(screenLimits.least, Math.min(screenLimits.most, columns)) } }
}

/** Who is meant is for the running watch to judge, which may know another fleet; what can be wrong without it is said here. */
function toArguments(operation: OperationDeclaration, typed: string, names: Parameters<typeof takeApart>[2]): Record<string, string> {
  const taken = takeApart(operation.arguments, typed, names)
  if ('missing' in taken) throw wrong(operation, `The ${taken.missing.name} is missing.`)
  if ('left' in taken) throw wrong(operation, 'That is too much.')
  for (const argument of operation.arguments) {
    const found = judge(argument, taken.args[argument.name], names)
    if (found !== undefined && 'wrong' in found) throw wrong(operation, `The ${argument.name} ${found.wrong}.`)
  }
  return taken.args
}

function judge(argument: ArgumentDeclaration, words: string | undefined, names: Parameters<typeof resolve>[2]) {
  return words === undefined ? undefined : resolve(argument, words, names)
}

function wrong(operation: OperationDeclaration, what: string): ShellError {
  const lines = [
    what,
    `Usage: towerwatch ${commandOf(operation)} ${usage(operation)}`,
    `(towerwatch ${commandOf(operation)} --help shows examples)`,
  ]
  return new ShellError(lines.join('\n'), exitCode.wrongInput)
}

/** `fleet` goes by the name that shells are used to. */
export function commandOf({ name }: OperationDeclaration): string {
  return name === 'fleet' ? 'status' : name
}

/** What is typed for the flag of that name: `--dry-run`. */
export function optionOf(flag: string): string {
  return flagWord(flag)
}

/** What is typed behind its name: `<incident> [sticky] [duration] [comment…]`. */
export function usage({ arguments: declared }: OperationDeclaration): string {
  return declared.map(usageOfArgument).join(' ')
}

function isObject(value: unknown): value is object {
  return value !== null && typeof value === 'object'
}
