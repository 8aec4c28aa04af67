/** What the shell's commands have in common that have something run on this machine: the watch itself, and its deadman. */
import { homedir, userInfo } from 'node:os'
import { type Commands, systemCommands } from '../adapters/service/command.ts'
import { launchd, plistFolder } from '../adapters/service/launchd.ts'
import { performStep, sayStep } from '../adapters/service/steps.ts'
import { systemd, unitFolder } from '../adapters/service/systemd.ts'
import type { Config } from '../config/config.ts'
import { ConfigError, loadConfig, sayFault } from '../config/load.ts'
import { ServiceError, type ServiceManager, type Step } from '../ports/service.ts'
import { exitCode, type Shell, ShellError } from './shell.ts'

/** The program as it runs now: its Node and its command line interface, both absolute. */
export interface Program {
  node: string
  cli: string
}

export function commandsOf(shell: Shell): Commands {
  return systemCommands(shell.env)
}

/** Of a user: his units. Of the machine: units that need root to write. */
export function serviceManager(shell: Shell, config: Config, via?: 'systemd' | 'launchd'): ServiceManager {
  const { scope } = config.deadman
  const commands = commandsOf(shell)
  const { uid, username } = userInfo()
  const home = shell.env['HOME'] ?? homedir()
  const kind = via ?? (process.platform === 'darwin' ? 'launchd' : 'systemd')
  if (kind === 'launchd') return launchd({ scope, folder: plistFolder(scope, home), uid, commands })
  return systemd({ scope, folder: unitFolder(scope, shell.env, home), userName: username, commands })
}

/** The name of the watch's unit, without the ending. */
export function watchName(config: Config): string {
  return config.deadman.unit.replace(/\.service$/, '')
}

/** Folders that programs are looked for in; a relative one would mean another folder to a service. */
export function absolutePath(shell: Shell): string {
  const given = (shell.env['PATH'] ?? '').split(':').filter((folder) => folder.startsWith('/') && !/[\p{Cc}:]/u.test(folder))
  return [...new Set([...given, '/usr/local/bin', '/usr/bin', '/bin'])].join(':')
}

/**
 * A service has none of this shell's variables, so no secret may come from one. Throws ShellError (exit 2) where one does.
 */
export function refuseEnvironmentSecrets(shell: Shell, config: Config): void {
  const { HOME, PATH } = shell.env
  try {
    loadConfig(config.file, { HOME, PATH })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const faults = error.faults.map((fault) => `${sayFault(fault)} for a service`)
    throw new ShellError(
      `${faults.join('\n')}\nWhat runs by itself has none of your shell's variables. Put each of these secrets into a file (chmod 600), and write { file: path } instead of { env: NAME }.`,
      exitCode.wrongInput,
    )
  }
}

/** Prints the steps, or does them one by one and says each. */
export async function take(shell: Shell, steps: readonly Step[], isDryRun: boolean): Promise<void> {
  for (const step of steps) {
    if (isDryRun) {
      shell.out(sayStep(step))
      continue
    }
    shell.err(step.kind === 'run' ? `$ ${step.argv.join(' ')}` : `${step.kind === 'write' ? 'Writing' : 'Removing'} ${step.path}`)
    const trouble = await performStep(step, commandsOf(shell))
    if (trouble !== undefined) shell.err(`  that failed: ${trouble}`)
  }
}

/** ServiceError is the user's to read; with a word about sudo where that is what is missing. */
export async function asShellErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
    const hint = /EACCES|EPERM|[Aa]ccess denied|permission/.test(error.message)
      ? ' A unit of the whole machine needs root: use sudo, or "scope: user" in fleet.yaml.'
      : ''
    throw new ShellError(`${error.message}${hint}`, exitCode.failed)
  }
}
