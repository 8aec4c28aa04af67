import { userInfo } from 'node:os'
import { askWatch, NotRunningError } from '../adapters/control/client.ts'
import { socketPath } from '../adapters/control/socket-path.ts'
import type { OutcomeStatus } from '../operations/operation.ts'
import { exitCode, readConfig, type Shell, ShellError } from './shell.ts'

const codes: Record<OutcomeStatus, number> = {
  ok: exitCode.ok,
  failed: exitCode.failed,
  timeout: exitCode.failed,
  refused: exitCode.refused,
}

/** Asks the running watch for an operation; progress goes to stderr, the answer to stdout. Resolves with the exit code. */
export async function ask(
  shell: Shell,
  operation: string,
  args: Record<string, string>,
  options: { config?: string; json?: boolean },
): Promise<number> {
  const config = readConfig(shell, options.config)
  const { uid, username } = userInfo()
  const request = { operation, arguments: args, user: { id: String(uid), name: username } }
  try {
    const outcome = await askWatch(socketPath(config.stateDir), request, shell.err, shell.signal)
    if (options.json)
      shell.out(JSON.stringify({ status: outcome.status, lines: outcome.lines, ...(isObject(outcome.data) && outcome.data) }))
    else for (const line of outcome.lines) (outcome.status === 'ok' ? shell.out : shell.err)(line)
    return codes[outcome.status]
  } catch (error) {
    if (error instanceof NotRunningError) {
      throw new ShellError(`${error.message} Start it with "towerwatch run", or the demo with "npm start".`, exitCode.notRunning)
    }
    throw error
  }
}

function isObject(value: unknown): value is object {
  return value !== null && typeof value === 'object'
}
