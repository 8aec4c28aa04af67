/** What every shell command shares: where text goes, which fleet is meant, and what the exit codes mean. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Documented in `towerwatch --help`. */
export const exitCode = { ok: 0, failed: 1, wrongInput: 2, notRunning: 3, refused: 4 } as const

export interface Shell {
  /** Answers: with --json pure JSON. */
  out(text: string): void
  /** Progress and faults. */
  err(text: string): void
  env: Record<string, string | undefined>
  cwd: string
  /** How wide the terminal is that answers are read on; undefined where it is none. */
  columns?: number | undefined
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
