/** A real sshd of the test's own: loopback, a free port, its own host key, login by key as the user who runs the test. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { descendants, killHard } from './processes.ts'
import { programPath } from './programs.ts'
import { until } from './until.ts'

const run = promisify(execFile)

export interface Sshd {
  address: string
  port: number
  user: string
  /** Private key that may log in. */
  identity: string
  /** The host's key is pinned here. */
  knownHosts: string
  pid: number
  /** What sshd logged so far. */
  log(): string
  /** Cuts every session as the death of its process would. */
  killSessions(): void
  stop(): Promise<void>
}

export interface SshdOptions {
  /** A folder of the test's own, which the caller removes. */
  folder: string
  /** Loopback address to listen on. */
  address?: string
  /** Environment of the sessions. */
  env?: Record<string, string>
  /** Run instead of what the client asks for, which is in SSH_ORIGINAL_COMMAND. */
  forceCommand?: string
  /** A port that one was started on before: to be the same host again. */
  port?: number
  /** More lines of sshd_config. They come first, and of a keyword sshd takes the first. */
  settings?: string[]
}

/** Keys that are in the folder already are kept: who is started there again is the same host. */
export async function startSshd({
  folder,
  address = '127.0.0.1',
  env = {},
  forceCommand,
  port: wanted,
  settings: more = [],
}: SshdOptions): Promise<Sshd> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const user = userInfo()
  // The privilege separation folder is made by the service's unit, which a test does not go through.
  if (user.uid === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 })
  const path = (name: string) => join(folder, name)
  await Promise.all([path('host_key'), path('identity')].filter((key) => !existsSync(key)).map(makeKey))
  await writeFile(path('authorized_keys'), await readFile(`${path('identity')}.pub`))
  const port = wanted ?? (await freePort(address))
  const settings = [
    ...more,
    `ListenAddress ${address}:${port}`,
    `HostKey ${path('host_key')}`,
    `AuthorizedKeysFile ${path('authorized_keys')}`,
    'PidFile none',
    'UsePAM no',
    'StrictModes no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'MaxStartups 100',
    'LogLevel VERBOSE',
    ...(Object.keys(env).length === 0
      ? []
      : [
          `SetEnv ${Object.entries(env)
            .map(([name, value]) => `"${name}=${value}"`)
            .join(' ')}`,
        ]),
    ...(forceCommand === undefined ? [] : [`ForceCommand ${forceCommand}`]),
  ]
  await writeFile(path('sshd_config'), settings.map((line) => `${line}\n`).join(''))
  await writeFile(path('known_hosts'), '')
  await pin(path('known_hosts'), address, port, `${path('host_key')}.pub`)

  const child = spawn(programPath('sshd'), ['-D', '-e', '-f', path('sshd_config')], { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString('utf8')
  })
  await until(
    () => {
      if (child.exitCode !== null) throw new Error(`sshd ended with status ${child.exitCode}: ${log}`)
      return log.includes('Server listening on')
    },
    { withinMs: 10_000, what: 'sshd listens' },
  )
  const { pid } = child
  if (pid === undefined) throw new Error('sshd has no pid')
  const killSessions = () => {
    for (const session of descendants(pid, ({ name }) => name.startsWith('sshd'))) killHard(session.pid)
  }
  return {
    address,
    port,
    user: user.username,
    identity: path('identity'),
    knownHosts: path('known_hosts'),
    pid,
    log: () => log,
    killSessions,
    stop: async () => {
      killSessions()
      await end(child)
    },
  }
}

export async function makeKey(path: string): Promise<void> {
  await run(programPath('ssh-keygen'), ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', path])
}

/** Adds a host key to a known_hosts file. */
export async function pin(knownHosts: string, address: string, port: number, publicKey: string): Promise<void> {
  const [type, key] = (await readFile(publicKey, 'utf8')).split(' ')
  await appendFile(knownHosts, `[${address}]:${port} ${type} ${key}\n`)
}

/** A port that was free a moment ago. */
export async function freePort(address = '127.0.0.1'): Promise<number> {
  const server = createServer()
  server.listen(0, address)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  await gone
}
