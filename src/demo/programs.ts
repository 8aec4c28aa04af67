/** The programs of the system that the demo is made of. */
import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { DemoError } from './error.ts'

export interface Programs {
  tmux: string
  sshd: string
  ssh: string
  sshKeygen: string
}

/** An ordinary user's PATH often leaves out the folders that sshd is in. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/sbin', '/opt/homebrew/sbin']

/** Their absolute paths: sshd refuses to be called by any other. Throws DemoError that names every missing one. */
export function findPrograms(path: string): Programs {
  const folders = [...path.split(delimiter).filter((folder) => folder.startsWith('/')), ...SYSTEM_FOLDERS]
  const find = (name: string) => folders.map((folder) => join(folder, name)).find(isExecutable)
  const [tmux, sshd, ssh, sshKeygen] = ['tmux', 'sshd', 'ssh', 'ssh-keygen'].map(find)
  if (tmux && sshd && ssh && sshKeygen) return { tmux, sshd, ssh, sshKeygen }
  const missing = [!tmux && 'tmux', !sshd && 'sshd', !ssh && 'ssh', !sshKeygen && 'ssh-keygen'].filter((name) => name !== false)
  throw new DemoError(`The demo needs ${missing.join(', ')}. On Debian or Ubuntu: sudo apt-get install tmux openssh-server openssh-client`)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/**
 * Runs a program to its end and returns what it printed. Throws DemoError with its first words of complaint where it
 * fails or takes longer than `withinMs`.
 */
export async function run(argv: [string, ...string[]], options: { env?: NodeJS.ProcessEnv; withinMs?: number } = {}): Promise<string> {
  const [program, ...args] = argv
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: options.env ?? process.env,
    // SIGKILL, because who hangs may also not hear a TERM.
    timeout: options.withinMs ?? 10_000,
    killSignal: 'SIGKILL',
  })
  let out = ''
  let complaint = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(0, 4_000)
  })
  const status = await new Promise<string | number>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'))
  })
  if (status !== 0) throw new DemoError(`${[program, ...args].join(' ')} failed (${status}): ${complaint.trim() || 'it said nothing'}`)
  return out
}

/** What the demo's children get of the environment: enough to work, and nothing that could be a secret of its user. */
export function plainEnvironment(from: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TMPDIR', 'TZ']
  const env: NodeJS.ProcessEnv = { TERM: 'xterm-256color' }
  for (const name of kept) {
    const value = from[name]
    if (value !== undefined) env[name] = value
  }
  return env
}
