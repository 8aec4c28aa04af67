/** `towerwatch deadman --install`, `--uninstall` and `--status`: what has the deadman run once a minute. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { crontab } from '../adapters/service/crontab.ts'
import { otherDeadmen, usualPlaces } from '../adapters/service/other-deadmen.ts'
import type { Config } from '../config/config.ts'
import type { Installer, Job } from '../ports/service.ts'
import { absolutePath, asShellErrors, commandsOf, type Program, refuseEnvironmentSecrets, serviceManager, take, watchName } from './jobs.ts'
import { exitCode, type Shell, ShellError } from './shell.ts'

export type Via = Installer['kind']

export interface DeadmanJobOptions {
  via?: Via
  dryRun?: boolean
}

export async function deadmanJob(
  shell: Shell,
  verb: 'install' | 'uninstall' | 'status',
  config: Config,
  options: DeadmanJobOptions,
  program: Program,
): Promise<number> {
  const job = jobOf(shell, config, program)
  const there = installers(shell, config)
  return asShellErrors(async () => {
    if (verb === 'status') return status(shell, job, there)
    const code = await (verb === 'install' ? install : uninstall)(shell, config, job, there, options)
    await tellOthers(shell, job)
    return code
  })
}

function jobOf(shell: Shell, config: Config, program: Program): Job {
  return {
    name: `${watchName(config)}-deadman`,
    description: `Towerwatch: the deadman of the watch of the fleet ${config.fleet}`,
    fleetFile: config.file,
    runs: 'every-minute',
    argv: [program.node, program.cli, 'deadman', '--quiet', '--config', config.file],
    path: absolutePath(shell),
    log: join(config.stateDir, 'deadman.log'),
  }
}

/** Those that this machine has, the best first: cron goes on where the manager that runs the watch has died. */
function installers(shell: Shell, config: Config): Installer[] {
  const commands = commandsOf(shell)
  const cron = commands.has('crontab') ? [crontab(commands)] : []
  const launch = commands.has('launchctl') ? [serviceManager(shell, config, 'launchd')] : []
  const system = commands.has('systemctl') ? [serviceManager(shell, config, 'systemd')] : []
  return process.platform === 'darwin' ? [...launch, ...cron] : [...cron, ...system, ...launch]
}

async function install(shell: Shell, config: Config, job: Job, there: Installer[], options: DeadmanJobOptions): Promise<number> {
  refuseEnvironmentSecrets(shell, config)
  const chosen = options.via === undefined ? there[0] : there.find(({ kind }) => kind === options.via)
  if (!chosen) {
    const what = options.via ?? 'cron, systemd or launchd'
    throw new ShellError(`There is no ${what} on this machine. Have this run once a minute: ${job.argv.join(' ')}`, exitCode.failed)
  }
  for (const other of there) {
    if (other.kind === chosen.kind) continue
    const { file } = await other.status(job)
    if (file === 'as it would be written' || file === 'differs')
      throw new ShellError(
        `The deadman is installed already, by ${other.kind}, and one is enough. Type: towerwatch deadman --uninstall, then install it again.`,
        exitCode.failed,
      )
  }
  const steps = await chosen.installSteps(job)
  await take(shell, steps, options.dryRun === true)
  if (steps.length === 0) shell.out(`The deadman is installed already, by ${chosen.kind}: nothing to do.`)
  else if (options.dryRun) shell.out('Nothing was done: that was a dry run.')
  else shell.out(`The deadman is installed: ${chosen.kind} runs it once a minute. To see what it finds, type: towerwatch deadman`)
  // What a dry run would do may be just what the hint asks for.
  if (!options.dryRun) for (const hint of (await chosen.status(job)).hints) shell.out(hint)
  return exitCode.ok
}

/** From wherever it is, unless --via names one place. */
async function uninstall(shell: Shell, _config: Config, job: Job, there: Installer[], options: DeadmanJobOptions): Promise<number> {
  let count = 0
  for (const installer of there) {
    if (options.via !== undefined && installer.kind !== options.via) continue
    // Somebody's own job of that name stays.
    if ((await installer.status(job)).file === 'foreign') continue
    const steps = await installer.removeSteps(job)
    count += steps.length
    await take(shell, steps, options.dryRun === true)
  }
  if (count === 0) shell.out('The deadman is not installed: nothing to do.')
  else shell.out(options.dryRun ? 'Nothing was done: that was a dry run.' : 'The deadman is removed: nobody watches the watch now.')
  return exitCode.ok
}

async function status(shell: Shell, job: Job, there: Installer[]): Promise<number> {
  let isInstalled = false
  for (const installer of there) {
    const found = await installer.status(job)
    if (found.file === 'missing' || found.file === 'foreign') continue
    isInstalled ||= found.isEnabled && found.isActive
    const words = found.isEnabled && found.isActive ? 'once a minute' : 'but it is not switched on: towerwatch deadman --install'
    shell.out(
      `${installer.kind} runs the deadman, ${words}${found.file === 'differs' ? '; it differs from what would be written now' : ''}`,
    )
    for (const hint of found.hints) shell.out(hint)
  }
  if (!isInstalled) shell.out('Nobody watches the watch. To have it watched, type: towerwatch deadman --install')
  await tellOthers(shell, job)
  return isInstalled ? exitCode.ok : exitCode.failed
}

/** One implementation only: others are reported, never touched. */
async function tellOthers(shell: Shell, job: Job): Promise<void> {
  const places = usualPlaces(commandsOf(shell), shell.env['HOME'] ?? homedir(), [job.name])
  const { found, unread } = await otherDeadmen(places)
  for (const { where, what, look } of found) shell.out(`Another deadman? ${where}: ${what}\n  To look at it: ${look}`)
  if (found.length > 0)
    shell.out(
      'Two that restart the same thing get in each other’s way. Keep one: switch the others off yourself, Towerwatch does not touch them.',
    )
  for (const trouble of unread) shell.err(`Not looked through for other deadmen: ${trouble}`)
}
