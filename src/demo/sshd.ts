/** One SSH host of the demo: a real sshd with a host key of its own, on loopback, that lets in one key only. */
import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { hasCode, messageOf } from '../domain/failure.ts'
import { DemoError } from './error.ts'
import { pause } from './pause.ts'
import type { ProcessIdentity } from './processes.ts'
import { descendants, end, identify, isAlive } from './processes.ts'
import type { Programs } from './programs.ts'
import { plainEnvironment, run } from './programs.ts'

export interface SshHostPlan {
  id: string
  /** Where it should be, if this machine lets it: not every system has more loopback addresses than 127.0.0.1. */
  wantedAddress: string
  /** Holds its host key, its configuration and its log. */
  dir: string
  authorizedKeys: string
  identity: string
  /** The loss of it is noticed at once and it is started again after so long. */
  returnMs: number
  told(event: SshHostEvent): void
}

export type SshHostEvent =
  /** There is a process; whether it will answer is not known yet. */
  | { kind: 'started'; process: ProcessIdentity }
  | { kind: 'lost'; returnMs: number }
  | { kind: 'returned'; process: ProcessIdentity }
  | { kind: 'failed'; reason: string; returnMs: number }

export interface SshHost {
  id: string
  address: string
  port: number
  process(): ProcessIdentity
  /** Its line in known_hosts. */
  knownHost: string
  stop(): Promise<void>
}

/** Resolves once a login with the demo's key has succeeded. */
export async function startSshHost(plan: SshHostPlan, programs: Programs): Promise<SshHost> {
  mkdirSync(plan.dir, { recursive: true, mode: 0o700 })
  const hostKey = await keyPair(join(plan.dir, 'host_key'), `towerwatch demo host ${plan.id}`, programs)
  // sshd started by root wants this folder, which otherwise only the system's own sshd makes.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  const address = (await isBindable(plan.wantedAddress)) ? plan.wantedAddress : '127.0.0.1'
  let trouble: unknown
  // Without PAM a locked root account is refused even with a key; where PAM is there it lets him in.
  for (const pam of process.getuid?.() === 0 ? [false, true] : [false]) {
    const started = await startSomewhere(plan, programs, address, hostKey.file, pam)
    const knownHost = knownHostLine(address, started.port, hostKey.publicKey)
    try {
      await tryLogin(plan, programs, { address, port: started.port, knownHost })
      return keepUp(plan, programs, { address, knownHost, ...started })
    } catch (error) {
      trouble = error
      await end([started.process], 2_000)
    }
  }
  throw trouble
}

/** Writes the key pair unless it is there already. */
export async function keyPair(file: string, comment: string, programs: Programs): Promise<{ file: string; publicKey: string }> {
  if (!existsSync(file) || !existsSync(`${file}.pub`)) {
    // One half of a pair, left by an interrupted start, would make ssh-keygen ask.
    for (const half of [file, `${file}.pub`]) rmSync(half, { force: true })
    await run([programs.sshKeygen, '-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', file])
  }
  return { file, publicKey: readFileSync(`${file}.pub`, 'utf8').trim() }
}

export function knownHostLine(address: string, port: number, publicKey: string): string {
  const [type, key] = publicKey.split(' ')
  return `${port === 22 ? address : `[${address}]:${port}`} ${type} ${key}`
}

export function sshdConfig(options: {
  address: string
  port: number
  hostKey: string
  authorizedKeys: string
  path: string
  pam: boolean
}): string {
  const quoted = (text: string) => `"${text}"`
  return [
    `ListenAddress ${options.address}:${options.port}`,
    `HostKey ${quoted(options.hostKey)}`,
    // A % would begin one of sshd's own tokens.
    `AuthorizedKeysFile ${quoted(options.authorizedKeys.replaceAll('%', '%%'))}`,
    'PidFile none',
    `UsePAM ${options.pam ? 'yes' : 'no'}`,
    // The files lie in a folder of the project, whose parents may belong to a group.
    'StrictModes no',
    'PermitRootLogin prohibit-password',
    'PubkeyAuthentication yes',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'UseDNS no',
    'PrintMotd no',
    'PrintLastLog no',
    'PermitUserRC no',
    'DisableForwarding yes',
    // What the agents' tools need may be in folders that a login does not get by itself.
    `SetEnv ${quoted(`PATH=${options.path}`)}`,
    '',
  ].join('\n')
}

/** Ports are chosen free and may be taken by the time sshd asks for them: then another. */
async function startSomewhere(plan: SshHostPlan, programs: Programs, address: string, hostKey: string, pam: boolean) {
  const config = join(plan.dir, 'sshd_config')
  const path = plainEnvironment(process.env)['PATH'] ?? '/usr/bin:/bin'
  for (let attempt = 1; ; attempt++) {
    const port = await freePort(address)
    const text = sshdConfig({ address, port, hostKey, authorizedKeys: plan.authorizedKeys, path, pam })
    // From 9.8 on sshd shuts out an address whose connections break off, which in a demo of dying hosts they do; an
    // older one does not know the word and would not start.
    writeFileSync(config, `${text}PerSourcePenalties no\n`)
    if (!(await accepts(programs, config))) writeFileSync(config, text)
    try {
      return { port, ...(await launch(plan, programs, address, port)) }
    } catch (error) {
      if (attempt === 3) throw error
    }
  }
}

async function accepts(programs: Programs, config: string): Promise<boolean> {
  try {
    await run([programs.sshd, '-t', '-f', config])
    return true
  } catch (error) {
    if (error instanceof DemoError) return false
    throw error
  }
}

/** Starts the sshd that the configuration in its folder describes; resolves when it answers. */
async function launch(
  plan: SshHostPlan,
  programs: Programs,
  address: string,
  port: number,
  signal?: AbortSignal,
): Promise<{ process: ProcessIdentity; ended: Promise<void> }> {
  const log = openSync(join(plan.dir, 'sshd.log'), 'a', 0o600)
  // A session of its own: a Ctrl-C in the terminal goes to the demo alone, which then stops all things in their order.
  const child = spawn(programs.sshd, ['-D', '-e', '-f', join(plan.dir, 'sshd_config')], {
    stdio: ['ignore', 'ignore', log],
    detached: true,
    env: plainEnvironment(process.env),
  })
  closeSync(log)
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const itself = child.pid === undefined ? undefined : identify(child.pid)
  if (itself) plan.told({ kind: 'started', process: itself })
  const deadline = performance.now() + 10_000
  while (itself !== undefined && isAlive(itself) && performance.now() < deadline && !signal?.aborted) {
    if (await answers(address, port)) return { process: itself, ended }
    await wait(50)
  }
  if (itself !== undefined) await end([itself], 1_000)
  const lines = readFileSync(join(plan.dir, 'sshd.log'), 'utf8').trim().split('\n').slice(-5).join('\n')
  throw new DemoError(`The sshd of the demo host ${plan.id} did not come up on ${address}:${port}. Its last words:\n${lines}`)
}

/** True once somebody there greets as an SSH server does. */
function answers(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port })
    const done = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(2_000, () => done(false))
    socket.once('error', () => done(false))
    socket.once('data', (bytes) => done(bytes.toString('latin1').startsWith('SSH-')))
  })
}

/** A real login: the only proof that the watch will get in. */
async function tryLogin(plan: SshHostPlan, programs: Programs, at: { address: string; port: number; knownHost: string }): Promise<void> {
  const knownHosts = join(plan.dir, 'known_host')
  writeFileSync(knownHosts, `${at.knownHost}\n`, { mode: 0o600 })
  const user = userInfo().username
  const options = [
    'StrictHostKeyChecking=yes',
    `UserKnownHostsFile="${knownHosts}"`,
    'GlobalKnownHostsFile=/dev/null',
    'BatchMode=yes',
    'IdentitiesOnly=yes',
  ]
  const flags = options.flatMap((option) => ['-o', option])
  try {
    await run(
      [programs.ssh, '-F', 'none', '-T', '-i', plan.identity, ...flags, '-p', String(at.port), '-l', user, '--', at.address, 'true'],
      {
        env: plainEnvironment(process.env),
      },
    )
  } catch (error) {
    const reason = messageOf(error)
    throw new DemoError(
      `The demo host ${plan.id} (sshd on ${at.address}:${at.port}) would not let ${user} in with the demo's key; ${join(plan.dir, 'sshd.log')} says why. ${reason}`,
      { cause: error },
    )
  }
}

/** From here on a lost sshd is started again, in the same place, as a host comes back after an outage. */
function keepUp(
  plan: SshHostPlan,
  programs: Programs,
  first: { address: string; port: number; process: ProcessIdentity; ended: Promise<void>; knownHost: string },
): SshHost {
  const { address, port, knownHost } = first
  let current = first.process
  const stopping = new AbortController()
  const keeping = (async () => {
    for (let ended = first.ended; ; ) {
      await ended
      if (stopping.signal.aborted) return
      plan.told({ kind: 'lost', returnMs: plan.returnMs })
      for (;;) {
        await pause(plan.returnMs, stopping.signal)
        if (stopping.signal.aborted) return
        try {
          const next = await launch(plan, programs, address, port, stopping.signal)
          current = next.process
          ended = next.ended
          plan.told({ kind: 'returned', process: current })
          break
        } catch (error) {
          if (stopping.signal.aborted) return
          plan.told({ kind: 'failed', reason: messageOf(error), returnMs: plan.returnMs })
        }
      }
    }
  })()
  return {
    id: plan.id,
    address,
    port,
    knownHost,
    process: () => current,
    async stop() {
      stopping.abort()
      // A listener that ends leaves its sessions running.
      const sessions = descendants(current.pid)
      await end([current, ...sessions], 1_500)
      await keeping
      // It may just have been on its way back up.
      if (isAlive(current)) await end([current, ...descendants(current.pid)], 1_500)
    },
  }
}

async function isBindable(address: string): Promise<boolean> {
  try {
    await freePort(address)
    return true
  } catch (error) {
    if (hasCode(error, 'EADDRNOTAVAIL', 'EACCES', 'EINVAL')) return false
    throw error
  }
}

function freePort(address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host: address, port: 0, exclusive: true }, () => {
      const at = server.address()
      server.close(() => (at !== null && typeof at === 'object' ? resolve(at.port) : reject(new Error('no port'))))
    })
  })
}
