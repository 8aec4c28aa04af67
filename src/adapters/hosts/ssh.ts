/** A host over the system's own OpenSSH, so that the user's config, jumps, certificates and hardware keys hold. */
import { spawn } from 'node:child_process'
import { type Host, HostError } from '../../ports/host.ts'
import type { GateEnd, Transport } from './channel.ts'
import { plainSentence } from './gate-protocol.ts'
import { createLink, type LinkOptions } from './link.ts'

export interface SshHostOptions extends LinkOptions {
  /** Host name, IP address, or an alias of the user's ~/.ssh/config. */
  address: string
  port?: number
  user?: string
  /** Private key: an absolute path. Left out: what the user's config says. */
  identity?: string
  /** The key for acts, as `identity`. Left out: the same one. */
  actIdentity?: string
  /** Left out: sent. */
  gate?: 'sent' | 'installed'
  /** The file that the host's key is pinned in: an absolute path. Left out: what the user's config says. */
  knownHosts?: string
  connectTimeoutMs?: number
  /** From spawn to the gate's hello. */
  openTimeoutMs?: number
  /** The ssh client, by name or path. */
  client?: string
  /** A config file instead of the user's, as ssh -F takes it. */
  config?: string
}

const addressPattern = /^[A-Za-z0-9_:][A-Za-z0-9_.:-]{0,252}$/
const userPattern = /^[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,62}$/
// ssh itself reads quotes, `%` and `${}` in a path as something else than a path. `%` can be doubled, the rest is refused.
const pathPattern = /^\/[^"'\\$\p{C}]*$/u

/** Throws HostError `refused` for a name or path that must not get near a command line. */
export function createSshHost(id: string, options: SshHostOptions): Host {
  const { actIdentity } = options
  const transport = transportOf(id, options)
  if (actIdentity !== undefined) transport.acts = transportOf(id, { ...options, identity: actIdentity })
  return { id, link: () => createLink(transport, options) }
}

function transportOf(id: string, options: SshHostOptions): Transport {
  const client = options.client ?? 'ssh'
  const gate = options.gate ?? 'sent'
  const before = sshArguments(id, options)
  // Behind a key with a forced command the host runs that one, and gets this as SSH_ORIGINAL_COMMAND.
  const command = gate === 'sent' ? '/bin/sh -s' : 'towerwatch-gate'
  return {
    name: id,
    gate,
    openTimeoutMs: options.openTimeoutMs ?? (options.connectTimeoutMs ?? 10_000) + 10_000,
    spawn: (nonce) => spawn(client, [...before, `${command} ${nonce}`], { stdio: 'pipe', detached: true }),
    explain: (end) => explainEnd(id, client, end, gate),
  }
}

/** Everything of the command line but the command. The address comes after `--`, and cannot begin with `-` anyway. */
export function sshArguments(id: string, options: SshHostOptions): string[] {
  check(id, 'address', options.address, addressPattern)
  if (options.user !== undefined) check(id, 'user', options.user, userPattern)
  for (const field of ['identity', 'knownHosts', 'config'] as const) {
    const path = options[field]
    if (path !== undefined) check(id, field, path, pathPattern)
  }
  const { port } = options
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65_536)) {
    throw new HostError('refused', `host ${id}: ${port} is not a port`)
  }
  const settings = [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    'UpdateHostKeys=no',
    `ConnectTimeout=${Math.max(1, Math.ceil((options.connectTimeoutMs ?? 10_000) / 1_000))}`,
    // A host that says nothing is given up after six seconds: there is to be time for a second try within ten.
    'ServerAliveInterval=2',
    'ServerAliveCountMax=2',
    // A connection of somebody else's, checked by somebody else's rules, is not used.
    'ControlMaster=no',
    'ControlPath=none',
    'ClearAllForwardings=yes',
    'ForwardAgent=no',
    'ForwardX11=no',
    'PermitLocalCommand=no',
    'RemoteCommand=none',
    // A server's banner would come on stderr, where the reason of a failure is looked for.
    'LogLevel=ERROR',
    ...(options.knownHosts === undefined ? [] : [`UserKnownHostsFile=${quoted(options.knownHosts)}`, 'GlobalKnownHostsFile=none']),
    ...(options.identity === undefined ? [] : ['IdentitiesOnly=yes', `IdentityFile=${quoted(options.identity)}`]),
  ]
  return [
    '-T',
    ...(options.config === undefined ? [] : ['-F', options.config]),
    ...settings.flatMap((setting) => ['-o', setting]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...(options.user === undefined ? [] : ['-l', options.user]),
    '--',
    options.address,
  ]
}

function quoted(path: string): string {
  return `"${path.replaceAll('%', '%%')}"`
}

function check(id: string, field: string, value: string, pattern: RegExp): void {
  if (!pattern.test(value)) throw new HostError('refused', `host ${id}: ${field} ${JSON.stringify(plainSentence(value))} cannot be used`)
}

const sshFailed = 255

/** ssh ends with 255 for faults of its own and says which on stderr; any other status is the remote shell's. */
export function explainEnd(id: string, client: string, end: GateEnd, gate: 'sent' | 'installed' = 'sent'): HostError {
  if (end.spawnError) return new HostError('unreachable', `${id}: ${client} could not be started: ${plainSentence(end.spawnError.message)}`)
  const lines = end.stderr.split('\n').map(plainSentence).filter(Boolean)
  const last = lines.at(-1) ?? ''
  const said = last && `: ${last}`
  if (end.greeted) return new HostError('unreachable', `the connection to ${id} broke${said}`)
  if (end.code !== sshFailed) {
    const how = end.signal ? `ended by ${end.signal}` : `ended with status ${end.code}`
    if (gate === 'installed') return new HostError('gate', `${id} let us in, but its gate ${how}${said} (see: towerwatch host show ${id})`)
    return new HostError('gate', `${id} let us in, but the shell that should run the gate ${how}${said}`)
  }
  if (lines.some((line) => line === 'Host key verification failed.' || line.includes('REMOTE HOST IDENTIFICATION HAS CHANGED'))) {
    return new HostError('host-key', `the host key of ${id} is not the one in known_hosts; nothing was run there`)
  }
  if (lines.some((line) => /^\S+: Permission denied \(.*\)\.$|Too many authentication failures/.test(line))) {
    return new HostError('auth', `${id} refused the key${said}`)
  }
  return new HostError('unreachable', `${id} cannot be reached${said}`)
}
