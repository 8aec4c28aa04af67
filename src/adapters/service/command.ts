/** Runs one program to its end: by argv, never through a shell. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { ServiceError } from '../../ports/service.ts'

export interface CommandEnd {
  code: number
  /** Bytes, one per character (latin1): what is not ours is given back as it came. */
  stdout: string
  stderr: string
}

const maxBytes = 4 * 1024 * 1024
/** cron gives a PATH of two folders, and launchctl and the like are in others. */
const alsoIn = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin']

export interface Commands {
  /** Rejects with ServiceError where it can't be started, takes longer than a minute, or says far too much. */
  run(argv: readonly [string, ...string[]], input?: string): Promise<CommandEnd>
  has(program: string): boolean
}

export function systemCommands(env: Record<string, string | undefined>, timeoutMs = 60_000): Commands {
  const path = [...new Set([...(env['PATH'] ?? '').split(delimiter).filter((folder) => folder.startsWith('/')), ...alsoIn])]
  const find = (program: string) =>
    program.startsWith('/') ? program : path.map((folder) => join(folder, program)).find((file) => existsSync(file))
  const uid = process.getuid?.()
  const childEnv = {
    ...env,
    PATH: path.join(delimiter),
    // What is read back from them is English.
    LC_ALL: 'C',
    SYSTEMD_PAGER: '',
    // Without these two `systemctl --user` finds nobody to talk to, and cron sets neither.
    ...(uid !== undefined && env['XDG_RUNTIME_DIR'] === undefined && { XDG_RUNTIME_DIR: `/run/user/${uid}` }),
  }
  return {
    has: (program) => find(program) !== undefined,
    run: ([program, ...args], input = '') =>
      new Promise((resolve, reject) => {
        const file = find(program)
        if (file === undefined) return reject(new ServiceError(`There is no ${program} on this machine.`))
        const child = spawn(file, args, { env: childEnv, stdio: 'pipe' })
        const said = { out: [] as Buffer[], err: [] as Buffer[], bytes: 0 }
        const stop = (why: string) => {
          child.kill('SIGKILL')
          reject(new ServiceError(`${program} ${why}`))
        }
        const timer = setTimeout(() => stop(`did not end within ${timeoutMs / 1000} s`), timeoutMs)
        const keep = (where: Buffer[]) => (chunk: Buffer) => {
          said.bytes += chunk.length
          if (said.bytes > maxBytes) stop('says far too much')
          else where.push(chunk)
        }
        child.stdout.on('data', keep(said.out))
        child.stderr.on('data', keep(said.err))
        // One that ends without reading its input is no fault of ours: its exit status says what became of it.
        child.stdin.on('error', () => {})
        child.stdin.end(Buffer.from(input, 'latin1'))
        child.on('error', (error) => {
          clearTimeout(timer)
          reject(new ServiceError(`${program} can't be run: ${error.message}`))
        })
        child.on('close', (code, signal) => {
          clearTimeout(timer)
          if (code === null) reject(new ServiceError(`${program} was ended by ${signal}`))
          else resolve({ code, stdout: Buffer.concat(said.out).toString('latin1'), stderr: Buffer.concat(said.err).toString('latin1') })
        })
      }),
  }
}

/** What a program said of its failure, as one line. */
export function sayEnd(argv: readonly string[], end: CommandEnd): string {
  const words = `${end.stderr} ${end.stdout}`
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, 300)
  return `${argv.join(' ')}: ${words === '' ? `exit status ${end.code}` : words}`
}
