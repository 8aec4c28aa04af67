/** The machine that the watch itself runs on: the same gate, as a child without ssh. */
import { spawn } from 'node:child_process'
import { type Host, HostError } from '../../ports/host.ts'
import type { GateEnd, Transport } from './channel.ts'
import { plainSentence } from './gate-protocol.ts'
import { createLink, type LinkOptions } from './link.ts'

export interface LocalHostOptions extends LinkOptions {
  /** The POSIX shell that runs the gate, by argv. */
  shell?: [string, ...string[]]
  /** The gate's environment, and that of what it starts. */
  env?: Record<string, string>
  openTimeoutMs?: number
}

/**
 * What a login over ssh would have, too. The rest of the watch's environment may hold secrets, which the agents that
 * the gate starts must not inherit.
 */
const handedOn =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|XDG_RUNTIME_DIR|XDG_STATE_HOME|DBUS_SESSION_BUS_ADDRESS)$/

export function createLocalHost(id: string, options: LocalHostOptions = {}): Host {
  const [shell, ...shellArguments] = options.shell ?? ['/bin/sh']
  const transport: Transport = {
    name: id,
    gate: 'sent',
    openTimeoutMs: options.openTimeoutMs ?? 10_000,
    // Detached: a Ctrl-C at the watch's terminal must not cut an act in two. The gate ends with its stdin.
    spawn: (nonce) =>
      spawn(shell, [...shellArguments, '-s', nonce], { stdio: 'pipe', detached: true, env: options.env ?? loginEnvironment() }),
    explain: (end) => explainEnd(id, shell, end),
  }
  return { id, link: () => createLink(transport, options) }
}

function loginEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => handedOn.test(name)))
}

function explainEnd(id: string, shell: string, end: GateEnd): HostError {
  if (end.spawnError) return new HostError('unreachable', `${id}: ${shell} could not be started: ${plainSentence(end.spawnError.message)}`)
  const how = end.signal ? `by ${end.signal}` : `with status ${end.code}`
  const said = plainSentence(end.stderr.trim().split('\n').at(-1) ?? '')
  return new HostError(end.greeted ? 'unreachable' : 'gate', `the gate of ${id} ended ${how}${said && `: ${said}`}`)
}
