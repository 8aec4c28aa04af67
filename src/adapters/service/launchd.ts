/**
 * launchd as the one who starts things. Written after launchd.plist(5) and launchctl(1); tried against a stand-in only,
 * never on a Mac.
 */
import { join } from 'node:path'
import type { Job, JobStatus, ServiceManager, Step } from '../../ports/service.ts'
import type { Commands } from './command.ts'
import { foreign, readIfThere, refuseControl } from './steps.ts'

export interface LaunchdOptions {
  scope: 'system' | 'user'
  /** Where its plists are: ~/Library/LaunchAgents or /Library/LaunchDaemons. */
  folder: string
  uid: number
  commands: Commands
}

const mark = '<!-- Written by towerwatch; what is changed here is lost when it is written again. -->'

export function plistFolder(scope: 'system' | 'user', home: string): string {
  return scope === 'system' ? '/Library/LaunchDaemons' : join(home, 'Library', 'LaunchAgents')
}

export function launchd(options: LaunchdOptions): ServiceManager {
  const { commands, folder } = options
  const domain = options.scope === 'system' ? 'system' : `gui/${options.uid}`
  const target = (name: string) => `${domain}/${label(name)}`
  const fileOf = (job: Job) => join(folder, `${label(job.name)}.plist`)

  async function status(job: Job): Promise<JobStatus> {
    const path = fileOf(job)
    const text = readIfThere(path)
    const printed = await commands.run(['launchctl', 'print', target(job.name)])
    const isLoaded = printed.code === 0
    const file =
      text === undefined
        ? 'missing'
        : !text.includes(mark) || !text.includes(fleetKey(job))
          ? 'foreign'
          : text === plist(job)
            ? 'as it would be written'
            : 'differs'
    return {
      file,
      path,
      isEnabled: isLoaded,
      // A job that runs now and then is waiting most of the time.
      isActive: isLoaded && (job.runs === 'every-minute' || /^\s*state = running$/m.test(printed.stdout)),
      hints: options.scope === 'user' ? ['It runs only while you are logged in: launchd ends agents of a user with his session.'] : [],
    }
  }

  return {
    kind: 'launchd',
    status,
    // -k ends the one that runs, also where it hangs.
    restartStep: (name) => ({ kind: 'run', argv: ['launchctl', 'kickstart', '-k', target(name)] }),
    installSteps: async (job) => {
      const { file, path, isEnabled, isActive } = await status(job)
      if (file === 'foreign') throw foreign(path)
      const isNew = file !== 'as it would be written'
      const steps: Step[] = []
      if (isNew) steps.push({ kind: 'write', path, text: plist(job) })
      if (isNew && isEnabled) steps.push({ kind: 'run', argv: ['launchctl', 'bootout', target(job.name)], tolerated: true })
      if (isNew || !isEnabled) steps.push({ kind: 'run', argv: ['launchctl', 'bootstrap', domain, path] })
      else if (!isActive) steps.push({ kind: 'run', argv: ['launchctl', 'kickstart', target(job.name)] })
      return steps
    },
    removeSteps: async (job) => {
      const { file, path, isEnabled } = await status(job)
      if (file === 'foreign') throw foreign(path)
      return [
        ...(isEnabled && file !== 'missing' ? [{ kind: 'run', argv: ['launchctl', 'bootout', target(job.name)] } as const] : []),
        ...(file === 'missing' ? [] : [{ kind: 'remove', path } as const]),
      ]
    },
  }
}

/** deadman.unit is named as systemd names things. */
function label(name: string): string {
  return name.replace(/\.service$/, '')
}

export function plist(job: Job): string {
  refuseControl([...job.argv, job.path, job.log, job.fleetFile, job.user ?? ''])
  const keep =
    job.runs === 'always'
      ? `  <key>KeepAlive</key>
  <true/>
  <!-- Agents that the watch started are in its process group: only the watch is ended with it, never they. -->
  <key>AbandonProcessGroup</key>
  <true/>
  <key>ExitTimeOut</key>
  <integer>20</integer>
`
      : `  <key>StartInterval</key>
  <integer>60</integer>
`
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
${mark}
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${escaped(label(job.name))}</string>
  <key>ProgramArguments</key>
  <array>
${job.argv.map((word) => `    <string>${escaped(word)}</string>\n`).join('')}  </array>
  <key>EnvironmentVariables</key>
  <dict>
    <key>PATH</key>
    <string>${escaped(job.path)}</string>
${fleetKey(job)}  </dict>
${job.user === undefined ? '' : `  <key>UserName</key>\n  <string>${escaped(job.user)}</string>\n`}  <key>RunAtLoad</key>
  <true/>
${keep}  <key>StandardOutPath</key>
  <string>${escaped(job.log)}</string>
  <key>StandardErrorPath</key>
  <string>${escaped(job.log)}</string>
</dict>
</plist>
`
}

/** Whose it is: a comment in XML could not hold every path. */
function fleetKey(job: Job): string {
  return `    <key>TOWERWATCH_CONFIG</key>\n    <string>${escaped(job.fleetFile)}</string>\n`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
