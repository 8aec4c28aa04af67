/** What the shell commands share: where text goes, which fleet is meant, and what the exit codes mean. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import { ConfigError, loadConfig } from '../config/load.ts'

/** Documented in `towerwatch --help`. */
export const exitCode = { ok: 0, failed: 1, wrongInput: 2, notRunning: 3, refused: 4 } as const

export interface Shell {
  /** Answers: with --json pure JSON. */
  out(text: string): void
  /** Progress and faults. */
  err(text: string): void
  env: Record<string, string | undefined>
  cwd: string
  /** Fires with SIGINT or SIGTERM. */
  signal: AbortSignal
  /** Calls back at each SIGHUP. */
  onReload(callback: () => void): void
}

/** Ends the command with a text for the user and an exit code. */
export class ShellError extends Error {
  override name = 'ShellError'
  readonly code: number
  constructor(message: string, code: number) {
    super(message)
    this.code = code
  }
}

/**
 * The fleet that is meant: --config, else TOWERWATCH_CONFIG, else fleet.yaml in this folder, else that of a demo that was
 * started here. Undefined where there is none of them.
 */
export function findConfigFile(shell: Shell, given: string | undefined): string | undefined {
  const named = given ?? shell.env['TOWERWATCH_CONFIG']
  if (named !== undefined && named !== '') return named
  return [join(shell.cwd, 'fleet.yaml'), join(shell.cwd, 'var', 'demo', 'fleet.yaml')].find((file) => existsSync(file))
}

/** Throws ShellError (exit 2) with every fault. */
export function readConfig(shell: Shell, given: string | undefined): Config {
  const file = findConfigFile(shell, given)
  if (file === undefined) {
    throw new ShellError(
      'There is no fleet.yaml here. Copy fleet.example.yaml to fleet.yaml, name one with --config FILE, or try "towerwatch demo".',
      exitCode.wrongInput,
    )
  }
  try {
    return loadConfig(file, shell.env)
  } catch (error) {
    if (error instanceof ConfigError) throw new ShellError(error.message, exitCode.wrongInput)
    throw error
  }
}
