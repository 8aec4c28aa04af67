import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import type { Job, JobStatus } from '../ports/service.ts'
import { absolutePath, asShellErrors, type Program, refuseEnvironmentSecrets, serviceManager, take, watchName } from './jobs.ts'
import { exitCode, readConfig, type Shell, ShellError } from './shell.ts'

export interface ServiceOptions {
  config?: string
  via?: 'systemd' | 'launchd'
  dryRun?: boolean
  json?: boolean
  /** Whom a unit of the machine runs as. */
  as?: string
}

/** `towerwatch service install|remove|status`: the unit that runs the watch. Exit 0, or 1 where it is not as it should be. */
export function service(shell: Shell, verb: 'install' | 'remove' | 'status', options: ServiceOptions, program: Program): Promise<number> {
  const config = readConfig(shell, options.config)
  const job = watchJob(shell, config, program, options.as)
  const manager = serviceManager(shell, config, options.via)
  const dryRun = options.dryRun === true
  return asShellErrors(async () => {
    if (verb === 'status') return tellStatus(shell, manager.kind, job, await manager.status(job), options.json === true)
    if (verb === 'install') refuseEnvironmentSecrets(shell, config)
    const steps = verb === 'install' ? await manager.installSteps(job) : await manager.removeSteps(job)
    await take(shell, steps, dryRun)
    shell.out(ending(verb, job, steps.length, dryRun))
    return exitCode.ok
  })
}

function watchJob(shell: Shell, config: Config, program: Program, as: string | undefined): Job {
  const user = as ?? shell.env['SUDO_USER'] ?? userInfo().username
  if (!/^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/.test(user)) throw new ShellError(`"${user}" is no user name.`, exitCode.wrongInput)
  if (as !== undefined && config.deadman.scope === 'user')
    throw new ShellError('--as is for units of the whole machine: set "scope: system" under "deadman" in fleet.yaml.', exitCode.wrongInput)
  return {
    name: watchName(config),
    description: `Towerwatch: the watch of the fleet ${config.fleet}`,
    fleetFile: config.file,
    runs: 'always',
    argv: [program.node, program.cli, 'run', '--config', config.file],
    path: absolutePath(shell),
    log: join(config.stateDir, 'watch.log'),
    ...(config.deadman.scope === 'system' && { user }),
  }
}

function ending(verb: 'install' | 'remove', job: Job, steps: number, dryRun: boolean): string {
  if (steps === 0)
    return verb === 'install' ? `${job.name} is installed and runs: nothing to do.` : `${job.name} is not installed: nothing to do.`
  if (dryRun) return 'Nothing was done: that was a dry run.'
  if (verb === 'remove') return `${job.name} is removed. The ledger and fleet.yaml stay.`
  return `${job.name} is installed and runs. Next, have it watched, too: towerwatch deadman --install`
}

function tellStatus(shell: Shell, kind: string, job: Job, status: JobStatus, asJson: boolean): number {
  const isRight = status.file === 'as it would be written' && status.isEnabled && status.isActive
  if (asJson) shell.out(JSON.stringify({ name: job.name, manager: kind, ...status, ok: isRight }))
  else {
    const files = {
      missing: `not installed (there is no ${status.path})`,
      foreign: `${status.path} is there, but was not written by Towerwatch for this fleet`,
      differs: `${status.path} differs from what would be written now`,
      'as it would be written': `${status.path} is as it would be written now`,
    }
    shell.out(`${job.name} (${kind}): ${files[status.file]}`)
    shell.out(`  starts with the machine: ${status.isEnabled ? 'yes' : 'no'}; runs now: ${status.isActive ? 'yes' : 'no'}`)
    for (const hint of status.hints) shell.out(`  ${hint}`)
    if (!isRight && status.file !== 'foreign') shell.out('  To put that right, type: towerwatch service install')
  }
  return isRight ? exitCode.ok : exitCode.failed
}
