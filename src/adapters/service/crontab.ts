/** A line in this user's crontab, under a comment that names it. All other lines stay as they are, byte for byte. */
import { createHash } from 'node:crypto'
import { type Installer, type Job, type JobStatus, ServiceError } from '../../ports/service.ts'
import { type Commands, sayEnd } from './command.ts'
import { refuseControl } from './steps.ts'

/** The shortest bound there is (Debian, macOS): a longer command is cut off without a word. */
const maxCommandBytes = 990

export function crontab(commands: Commands): Installer {
  /** One character per byte; undefined where this user has none. */
  async function read(): Promise<string | undefined> {
    const end = await commands.run(['crontab', '-l'])
    if (end.code === 0) return end.stdout
    if (/no crontab for|can't open|no such file/i.test(end.stderr)) return undefined
    throw new ServiceError(sayEnd(['crontab', '-l'], end))
  }

  async function status(job: Job): Promise<JobStatus> {
    const text = (await read()) ?? ''
    const mine = ownLines(text, job)
    const isThere = mine.length > 0
    const isSame = mine.join('') === bytesOf(entry(job))
    return {
      file: !isThere ? 'missing' : isSame ? 'as it would be written' : 'differs',
      path: 'crontab',
      isEnabled: isThere,
      isActive: isThere,
      hints: [],
    }
  }

  return {
    kind: 'cron',
    status,
    installSteps: async (job) => {
      const old = (await read()) ?? ''
      const { file } = await status(job)
      if (file === 'as it would be written') return []
      const others = withoutOwn(old, job)
      // Only a crontab that was put there by hand can lack the last newline, and then cron ignores that line.
      const ended = others === '' || others.endsWith('\n') ? others : `${others}\n`
      return [{ kind: 'run', argv: ['crontab', '-'], input: `${ended}${bytesOf(entry(job))}` }]
    },
    removeSteps: async (job) => {
      const old = await read()
      if (old === undefined || ownLines(old, job).length === 0) return []
      const others = withoutOwn(old, job)
      return [others === '' ? { kind: 'run', argv: ['crontab', '-r'] } : { kind: 'run', argv: ['crontab', '-'], input: others }]
    },
  }
}

/** The comment and the command. Throws ServiceError where cron can't take it. */
export function entry(job: Job): string {
  refuseControl([...job.argv, job.description])
  const bad = job.argv.find((word) => word.includes('\\'))
  if (bad !== undefined)
    throw new ServiceError(`"${bad}" holds a backslash, which crons read in different ways: use --via systemd, or rename it.`)
  const command = `${job.argv.map(shellWord).join(' ')} # ${tag(job)}`
  if (Buffer.byteLength(command) > maxCommandBytes)
    throw new ServiceError(`The command is longer than the ${maxCommandBytes} bytes that cron takes: use --via systemd, or a shorter path.`)
  return `# ${tag(job)}: ${job.description}. "towerwatch deadman --uninstall" removes this and the next line.\n* * * * * ${command}\n`
}

/** In single quotes; a percent sign stands outside of them behind a backslash, which cron and the shell both understand. */
function shellWord(word: string): string {
  if (/^[A-Za-z0-9_@+=:,./-]+$/.test(word)) return word
  return `'${word.replaceAll("'", `'"'"'`).replaceAll('%', `'\\%'`)}'`
}

/** Several fleets on one machine have a deadman each. */
function tag(job: Job): string {
  return `${job.name}-${createHash('sha256').update(job.fleetFile).digest('hex').slice(0, 8)}`
}

function isOwn(line: string, job: Job): boolean {
  return line.startsWith(`# ${tag(job)}: `) || line.trimEnd().endsWith(` # ${tag(job)}`)
}

const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? []
const ownLines = (text: string, job: Job): string[] => linesOf(text).filter((line) => isOwn(line, job))
const withoutOwn = (text: string, job: Job): string =>
  linesOf(text)
    .filter((line) => !isOwn(line, job))
    .join('')
const bytesOf = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')
