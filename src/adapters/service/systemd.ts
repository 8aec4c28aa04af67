/** systemd as the one who starts things, for this user or for the machine. */
import { join } from 'node:path'
import { type Job, type JobStatus, ServiceError, type ServiceManager, type Step } from '../../ports/service.ts'
import type { Commands } from './command.ts'
import { foreign, readIfThere, refuseControl } from './steps.ts'
import { minuteService, minuteTimer, unitMark, watchUnit } from './systemd-text.ts'

export interface SystemdOptions {
  scope: 'system' | 'user'
  /** Where units of this scope are written. */
  folder: string
  /** Whose units they are: for the words about lingering. */
  userName: string
  commands: Commands
}

/** Units of a user: where `systemctl --user` looks first. */
export function unitFolder(scope: 'system' | 'user', env: Record<string, string | undefined>, home: string): string {
  if (scope === 'system') return '/etc/systemd/system'
  const config = env['XDG_CONFIG_HOME']
  return join(config?.startsWith('/') ? config : join(home, '.config'), 'systemd', 'user')
}

export function systemd(options: SystemdOptions): ServiceManager {
  const { commands, folder, scope } = options
  const systemctl = (...args: string[]): [string, ...string[]] => ['systemctl', ...(scope === 'user' ? ['--user'] : []), ...args]

  /** The files of a job; the last one is the unit that is enabled and started. */
  function files(job: Job): [{ path: string; text: string; unit: string }, ...{ path: string; text: string; unit: string }[]] {
    refuseControl([...job.argv, job.path, job.description, job.fleetFile, job.user ?? ''])
    if (/["'\\]/.test(job.argv[0]))
      throw new ServiceError(`systemd runs no program with a quote or a backslash in its path: ${job.argv[0]}. Move it, or use cron.`)
    const file = (ending: string, text: string) => {
      const unit = `${job.name.replace(/\.service$/, '')}.${ending}`
      return { path: join(folder, unit), text, unit }
    }
    if (job.runs === 'always') return [file('service', watchUnit(job, scope))]
    return [file('timer', minuteTimer(job)), file('service', minuteService(job))]
  }

  async function status(job: Job): Promise<JobStatus> {
    const all = files(job)
    const [main] = all
    const texts = all.map(({ path }) => readIfThere(path))
    const isForeign = texts.some((text) => text !== undefined && !text.startsWith(`${unitMark(job)}\n`))
    const isMissing = texts.every((text) => text === undefined)
    const isSame = all.every(({ text }, index) => texts[index] === text)
    const says = async (verb: string) => (await commands.run(systemctl(verb, main.unit))).stdout.trim()
    return {
      file: isMissing ? 'missing' : isForeign ? 'foreign' : isSame ? 'as it would be written' : 'differs',
      path: main.path,
      isEnabled: /^enabled/.test(await says('is-enabled')),
      isActive: /^(active|activating|reloading)/.test(await says('is-active')),
      hints: await hints(),
    }
  }

  async function lingers(): Promise<boolean> {
    if (scope === 'system' || !commands.has('loginctl')) return true
    const end = await commands.run(['loginctl', 'show-user', options.userName, '--property=Linger', '--value'])
    // A user who is not logged in and does not linger is not known at all.
    return end.code === 0 && end.stdout.trim() === 'yes'
  }

  async function hints(): Promise<string[]> {
    if (await lingers()) return []
    return [`It runs only while ${options.userName} is logged in. To change that, type: loginctl enable-linger ${options.userName}`]
  }

  return {
    kind: 'systemd',
    status,
    restartStep: (name) => ({ kind: 'run', argv: systemctl('--no-block', 'restart', /\.[a-z]+$/.test(name) ? name : `${name}.service`) }),
    installSteps: async (job) => {
      const { file, path, isEnabled, isActive } = await status(job)
      if (file === 'foreign') throw foreign(path)
      const all = files(job)
      const isNew = file !== 'as it would be written'
      const steps: Step[] = []
      if (isNew) steps.push(...all.map(({ path, text }) => ({ kind: 'write', path, text }) as const), run('daemon-reload'))
      if (!isEnabled) steps.push(run('enable', all[0].unit))
      if (!isActive) steps.push(run('start', all[0].unit))
      else if (isNew) steps.push(run('restart', all[0].unit))
      if (!(await lingers())) steps.push({ kind: 'run', argv: ['loginctl', 'enable-linger', options.userName], tolerated: true })
      return steps
    },
    removeSteps: async (job) => {
      const { file, path } = await status(job)
      if (file === 'missing') return []
      if (file === 'foreign') throw foreign(path)
      const all = files(job)
      return [
        run('disable', '--now', all[0].unit),
        ...all.map(({ path }) => ({ kind: 'remove', path }) as const),
        run('daemon-reload'),
        // Or its failures are listed for ever.
        { kind: 'run', argv: systemctl('reset-failed', ...all.map(({ unit }) => unit)), tolerated: true },
      ]
    },
  }

  function run(...args: string[]): Step {
    return { kind: 'run', argv: systemctl(...args) }
  }
}

/** Names of the timers that systemd knows, of the machine and of this user. */
export async function timerNames(commands: Commands): Promise<string[]> {
  if (!commands.has('systemctl')) return []
  const lists = await Promise.all(
    [[], ['--user']].map((scope) =>
      commands.run(['systemctl', ...scope, 'list-unit-files', '--type=timer', '--no-legend', '--plain', '--no-pager']),
    ),
  )
  return lists.flatMap(({ code, stdout }) => (code === 0 ? stdout.split('\n').flatMap((line) => line.trim().split(/\s+/)[0] || []) : []))
}
