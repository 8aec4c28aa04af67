/** Runs a shell text on a host, over the user's own ssh: by his keys and his config, not by those of the watch. */
import { spawn } from 'node:child_process'
import { plainSentence } from '../adapters/hosts/gate-protocol.ts'
import { explainEnd, sshArguments } from '../adapters/hosts/ssh.ts'
import { HostError } from '../ports/host.ts'
import { saidStep } from './host-script.ts'
import type { SshHost } from './host-wanted.ts'
import { exitCode, type Shell, ShellError } from './shell.ts'

export interface Login {
  host: SshHost
  /** Whom to log in as: root, or who may use sudo without a password. */
  as: string
  /** A private key; left out: what the user's ssh does. */
  key?: string
}

const limitMs = 180_000
const limitBytes = 8 * 1_048_576

/** `owner`: who has the rights that are needed; anybody else gets them by sudo. */
export function loginArgv({ host, as, key }: Login, owner: string): string[] {
  const { address, port, knownHosts } = host
  try {
    return [
      ...sshArguments(host.id, {
        address,
        user: as,
        ...(port !== undefined && { port }),
        ...(knownHosts !== undefined && { knownHosts }),
        ...(key !== undefined && { identity: key }),
      }),
      as === owner ? '/bin/sh -s' : 'sudo -n /bin/sh -s',
    ]
  } catch (error) {
    throw error instanceof HostError ? new ShellError(error.message, exitCode.wrongInput) : error
  }
}

/** Resolves with what it printed. Calls back with each thing that the text says it is about to do. Throws ShellError. */
export async function runThere(shell: Shell, login: Login, argv: string[], text: string, onStep?: (step: string) => void): Promise<string> {
  const child = spawn('ssh', argv, { stdio: 'pipe', env: shell.env, signal: shell.signal })
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const timer = setTimeout(() => {
    reject(new ShellError(`${login.host.id} did not get it done within ${limitMs / 1000} s; it may still be at it.`, exitCode.failed))
    child.kill()
  }, limitMs)
  let said = ''
  let told = 0
  let step = ''
  let complaint = ''
  child.stdout.setEncoding('utf8')
  child.stdout.on('data', (chunk: string) => {
    said += chunk
    if (said.length > limitBytes) {
      reject(new ShellError(`${login.host.id} says far too much.`, exitCode.failed))
      child.kill()
      return
    }
    for (let end = said.indexOf('\n', told); onStep && end >= 0; end = said.indexOf('\n', told)) {
      const next = saidStep(said.slice(told, end))
      told = end + 1
      if (next === undefined) continue
      step = plainSentence(next)
      onStep(step)
    }
  })
  child.stderr.setEncoding('utf8')
  child.stderr.on('data', (chunk: string) => {
    complaint = (complaint + chunk).slice(-4_096)
  })
  // Its end tells more than that it does not read any more.
  child.stdin.on('error', () => child.stdin.destroy())
  child.stdin.end(text)
  child.once('error', (spawnError) => reject(asShellError(login, { code: null, signal: null, stderr: '', spawnError }, step)))
  child.once('close', (code, signal) => {
    if (code === 0) resolve(said)
    else reject(asShellError(login, { code, signal, stderr: complaint }, step))
  })
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}

interface SshEnd {
  code: number | null
  signal: NodeJS.Signals | null
  stderr: string
  spawnError?: Error
}

const sshFailed = 255

function asShellError({ host, as }: Login, end: SshEnd, step: string): ShellError {
  if (end.code !== sshFailed && !end.spawnError) {
    const last = plainSentence(end.stderr.trim().split('\n').at(-1) ?? '')
    const how = end.signal === null ? `status ${end.code}` : `${end.signal}`
    const when = step === '' ? `The shell of ${as}` : `"${step}"`
    return new ShellError(`${when} on ${host.id} ended with ${how}${last && `: ${last}`}`, exitCode.failed)
  }
  const { kind, message } = explainEnd(host.id, 'ssh', { ...end, greeted: false })
  return new ShellError(`${message}${advice(kind, host, as)}`, exitCode.failed)
}

function advice(kind: HostError['kind'], { address, port, knownHosts }: SshHost, as: string): string {
  const scan = `ssh-keyscan${port === undefined ? '' : ` -p ${port}`} ${address}`
  switch (kind) {
    case 'host-key':
      return `
To look at its key, type:             ${scan} | ssh-keygen -lf -
It has to be what the host itself says, on its own console:
                                      ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub
Where it is, and only then, type:     ${scan} >> ${knownHosts ?? '~/.ssh/known_hosts'}`
    case 'auth':
      return `
It was ${as} who was refused. Who else may prepare the host, with sudo and without a password, is named by
--as NAME; a key that your ssh does not offer by itself, by --key FILE.`
    default:
      return ''
  }
}
