/**
 * Many hosts on one machine: each a loopback address of its own (127.0.1.x) that real sshds listen on, with two agents that
 * live (a process, its pid file, its heartbeat file). All hosts log in as the user who runs the benchmark, with HOME an empty
 * folder, so that nobody pays for what stands in a start-up file.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import type { SshHostOptions } from '../../src/adapters/hosts/ssh.ts'
import type { AgentDeclaration, Body } from '../../src/ports/host.ts'
import { descendants, isAlive, killHard } from '../../test/support/processes.ts'
import { programPath } from '../../test/support/programs.ts'
import { freePort, makeKey, pin } from '../../test/support/sshd.ts'
import { until } from '../../test/support/until.ts'

/** An sshd takes no more addresses than this. */
const addressesEach = 16
const agentsEach = ['one', 'two'] as const

export interface FarmHost {
  id: string
  address: string
  folder: string
  agents: AgentDeclaration[]
  /** By agent. */
  pids: Record<string, number>
}

export interface Farm {
  folder: string
  hosts: FarmHost[]
  /** Without the address. */
  ssh: Omit<SshHostOptions, 'address'>
  /** A config file for ssh in which each host stands under its id. */
  sshConfig: string
  /** A script, to be run on a host by its path, that finds out what a look of ours does. */
  probe: string
  /** Those of the sshds. */
  pids: number[]
  stop(): Promise<void>
}

export async function openFarm(count: number): Promise<Farm> {
  const folder = mkdtempSync(join(tmpdir(), 'tw-hands-'))
  const started: ChildProcess[] = []
  const stop = async () => {
    const all = started.flatMap(({ pid }) => (pid === undefined ? [] : [...descendants(pid).map((below) => below.pid), pid]))
    for (const pid of all) killHard(pid)
    await until(() => !all.some(isAlive), { withinMs: 20_000, what: 'the hosts to end' })
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const { username: user, uid } = userInfo()
    if (uid === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
    const path = (name: string) => join(folder, name)
    mkdirSync(path('home'), { mode: 0o700 })
    await Promise.all([makeKey(path('host_key')), makeKey(path('identity'))])
    writeFileSync(path('authorized_keys'), readFileSync(path('identity.pub')))
    writeFileSync(path('known_hosts'), '')
    const addresses = Array.from({ length: count }, (_, index) => `127.0.1.${index + 1}`)
    const port = await freePort(addresses[0])
    for (const address of addresses) await pin(path('known_hosts'), address, port, path('host_key.pub'))
    const ssh = { port, user, identity: path('identity'), knownHosts: path('known_hosts'), config: '/dev/null' }
    const pids: number[] = []
    for (let first = 0; first < count; first += addressesEach) {
      const child = startSshd(folder, `sshd-${first}`, port, addresses.slice(first, first + addressesEach))
      started.push(child.process)
      await child.listens
      if (child.process.pid !== undefined) pids.push(child.process.pid)
    }
    const hosts = addresses.map((address, index) => openHost(folder, `h${index + 1}`, address, started))
    writeFileSync(path('ssh_config'), hosts.map((host) => configOf(host, ssh)).join(''))
    writeFileSync(path('probe.sh'), probeText(folder), { mode: 0o755 })
    return { folder, hosts, ssh, sshConfig: path('ssh_config'), probe: path('probe.sh'), pids, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function startSshd(folder: string, name: string, port: number, addresses: string[]): { process: ChildProcess; listens: Promise<unknown> } {
  const settings = [
    ...addresses.map((address) => `ListenAddress ${address}:${port}`),
    `HostKey ${join(folder, 'host_key')}`,
    `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
    `SetEnv HOME=${join(folder, 'home')}`,
    'PidFile none',
    'UsePAM no',
    'StrictModes no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'MaxStartups 1000',
    'MaxSessions 100',
    'PrintMotd no',
  ]
  const file = join(folder, `${name}.conf`)
  writeFileSync(file, settings.map((line) => `${line}\n`).join(''))
  const child = spawn(programPath('sshd'), ['-D', '-e', '-f', file], { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-20_000)
  })
  const listens = until(
    () => {
      if (child.exitCode !== null) throw new Error(`sshd ended with status ${child.exitCode}: ${log}`)
      return log.split('Server listening on').length > addresses.length
    },
    { withinMs: 10_000, what: () => `sshd listens: ${log}` },
  )
  return { process: child, listens }
}

function openHost(folder: string, id: string, address: string, started: ChildProcess[]): FarmHost {
  const home = join(folder, address)
  const pids: Record<string, number> = {}
  const agents = agentsEach.map((name): AgentDeclaration => {
    const own = join(home, name)
    mkdirSync(own, { recursive: true })
    // Longer than the benchmark, and not for ever should it be cut off.
    const child = spawn('sleep', ['3600'], { stdio: 'ignore' })
    if (child.pid === undefined) throw new Error('sleep could not be started')
    started.push(child)
    pids[name] = child.pid
    writeFileSync(join(own, 'pid'), `${child.pid}\n`)
    writeBeat(join(own, 'beat'), child.pid, 0)
    const body: Body = { kind: 'process', start: ['true'], pidFile: join(own, 'pid'), log: join(own, 'log') }
    return { id: name, heartbeatFiles: [join(own, 'beat')], markers: [], configs: [], stopGraceMs: 1_000, body }
  })
  return { id, address, folder: home, agents, pids }
}

/** As an agent does it: a whole file in the place of the old one. */
export function writeBeat(file: string, pid: number, seq: number): void {
  writeFileSync(`${file}.new`, JSON.stringify({ at: Math.floor(Date.now() / 1_000), pid, seq, progress: seq }))
  renameSync(`${file}.new`, file)
}

function configOf({ id, address }: FarmHost, { port, user, identity, knownHosts }: Farm['ssh']): string {
  return `Host ${id}
  HostName ${address}
  Port ${port}
  User ${user}
  IdentityFile ${identity}
  IdentitiesOnly yes
  UserKnownHostsFile ${knownHosts}
  GlobalKnownHostsFile none
  StrictHostKeyChecking yes
  UpdateHostKeys no
  BatchMode yes
  LogLevel ERROR
`
}

/**
 * For both agents: age, size and content of the heartbeat, whether the process of the pid file lives and since when, and the
 * host's own time; whatever might hang is bounded. As lean as a shell can do it: two programs, and timeout around them.
 */
function probeText(folder: string): string {
  return `#!/bin/sh
set -- $SSH_CONNECTION
cd "${folder}/$3" || exit 2
read -r one <one/pid && read -r two <two/pid || exit 2
timeout 5 stat -c '%n %.9Y %s %i %f' one/beat two/beat one/pid two/pid /proc/self/. || exit 2
timeout 5 cat one/beat two/beat "/proc/$one/stat" "/proc/$two/stat" && echo 2 alive
`
}
