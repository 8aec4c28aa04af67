import { relative } from 'node:path'
import { ConfigError, loadConfig, sayFault } from '../config/load.ts'
import { exitCode, findConfigFile, type Shell, ShellError } from './shell.ts'

/** `towerwatch check`: is fleet.yaml right? Every fault at once; exit 0 or 2. */
export function check(shell: Shell, options: { config?: string; json?: boolean }): number {
  const file = findConfigFile(shell, options.config)
  if (file === undefined)
    throw new ShellError(
      'There is no fleet.yaml here. Copy fleet.example.yaml to fleet.yaml, or name one with --config FILE.',
      exitCode.wrongInput,
    )
  try {
    const config = loadConfig(file, shell.env)
    if (options.json)
      shell.out(
        JSON.stringify({ ok: true, file: config.file, agents: [...config.agents.keys()], hosts: [...config.hosts.keys()], faults: [] }),
      )
    else
      shell.out(
        `${relative(shell.cwd, config.file) || config.file} is fine: ${count(config.agents.size, 'agent')} on ${count(config.hosts.size, 'host')}.`,
      )
    return exitCode.ok
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    if (options.json) shell.out(JSON.stringify({ ok: false, file, faults: error.faults }))
    else {
      for (const fault of error.faults) shell.err(sayFault(fault))
      shell.err(`${count(error.faults.length, 'fault')}. fleet.example.yaml shows every key.`)
    }
    return exitCode.wrongInput
  }
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}
