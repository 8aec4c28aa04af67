/** The fleet that a shell command is about, and what all of them share. */
import type { Config } from '../config/config.ts'
import { ConfigError, loadConfig } from '../config/load.ts'
import { exitCode, findConfigFile, type Shell, ShellError } from './basics.ts'

export { exitCode, findConfigFile, type Shell, ShellError } from './basics.ts'

/** Throws ShellError (exit 2) with every fault. `secrets` are left out by who talks to nobody. */
export function readConfig(shell: Shell, given: string | undefined, secrets: 'read' | 'left-out' = 'read'): Config {
  const file = findConfigFile(shell, given)
  if (file === undefined) {
    throw new ShellError(
      'There is no fleet.yaml here. Copy fleet.example.yaml to fleet.yaml, name one with --config FILE, or try "towerwatch demo".',
      exitCode.wrongInput,
    )
  }
  try {
    return loadConfig(file, secrets === 'read' ? shell.env : secrets)
  } catch (error) {
    if (error instanceof ConfigError) throw new ShellError(error.message, exitCode.wrongInput)
    throw error
  }
}
