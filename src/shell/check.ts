import { relative } from 'node:path'
import { isLoopback, plainWarning } from '../adapters/push/server.ts'
import type { Config } from '../config/config.ts'
import { ConfigError, loadConfig, sayFault } from '../config/load.ts'
import { exitCode, findConfigFile, type Shell, ShellError } from './shell.ts'
import { plainTowerWarning } from './tower-transport.ts'

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
    const warning = plainTowerWarning(config)
    if (options.json)
      shell.out(
        JSON.stringify({
          ok: true,
          file: config.file,
          agents: [...config.agents.keys()],
          hosts: [...config.hosts.keys()],
          ...(config.push && { push: config.push }),
          ...(warning !== undefined && { warnings: [warning] }),
          faults: [],
        }),
      )
    else {
      shell.out(
        `${relative(shell.cwd, config.file) || config.file} is fine: ${count(config.agents.size, 'agent')} on ${count(config.hosts.size, 'host')}.`,
      )
      for (const line of aboutPush(config)) shell.out(line)
      if (warning !== undefined) shell.out(`Mind: ${warning}.`)
    }
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

/** Where agents may post their beats. */
function aboutPush({ push, agents }: Config): string[] {
  if (!push) return []
  const { host, port } = push
  const posters = [...agents.values()].filter(({ heartbeat }) => heartbeat.kind === 'push').map(({ id }) => id)
  const lines = [
    `Beats may be posted to http://${host.includes(':') ? `[${host}]` : host}:${port}/beat/<agent>, by ${posters.length === 0 ? 'no agent yet' : posters.join(', ')}.`,
  ]
  if (!isLoopback(host)) lines.push(`Mind: ${plainWarning}.`)
  return lines
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}
