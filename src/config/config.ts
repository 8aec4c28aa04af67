/** The fleet as the watch uses it: checked, with defaults, paths absolute, secrets read. */
import type { Timing } from '../domain/agent.ts'
import type { AuthorityPolicy } from '../domain/authority.ts'
import type { Flapping } from '../domain/flapping.ts'
import type { Thresholds } from '../domain/health.ts'
import type { MaintenanceWindow } from '../domain/maintenance.ts'
import type { AlertPolicy } from '../domain/notice.ts'
import type { Policy, RemedyLimits } from '../domain/remedy.ts'
import type { Body, ServiceDeclaration } from '../ports/host.ts'

export interface Config {
  /** The file it was read from, absolute. */
  file: string
  fleet: string
  stateDir: string
  pollMs: number
  keepMs: number
  /** IANA name of the zone that schedules, windows and days are in. */
  timeZone: string
  /** The availability that is aimed at: 0.95. */
  target: number
  alerts: AlertPolicy
  /** Of hosts; agents have it in their timing. Absent: nobody is said to flap. */
  flapping?: Flapping
  sinks: ReadonlyMap<string, SinkConfig>
  maintenance: readonly MaintenanceWindow[]
  deadman: DeadmanConfig
  /** Where beats may be posted to; absent: nowhere. */
  push?: { host: string; port: number }
  /** `bundled`: the Tower that came with Towerwatch. */
  tower: { kind: 'bundled' } | TowerConfig
  /** How often each host is asked for its health. */
  healthEveryMs: number
  remedies: RemedyLimits
  authority: AuthorityPolicy
  hosts: ReadonlyMap<string, HostConfig>
  agents: ReadonlyMap<string, AgentConfig>
}

export interface TowerConfig {
  kind: 'given'
  transport: 'websocket' | 'telnet'
  url: string
  /** Of wss://: the authority that alone is trusted, as PEM; absent: those of this machine. */
  ca?: string
  account: string
  password: Secret
}

export type HostConfig = HostCommon & ({ kind: 'local' } | ({ kind: 'ssh' } & SshAccess))

interface HostCommon {
  id: string
  name: string
  services: readonly ServiceDeclaration[]
  thresholds: Thresholds
  /** Sockets of tmux servers whose panes are shown, beside those that agents live in. */
  sockets: readonly string[]
}

interface SshAccess {
  address: string
  port?: number
  user?: string
  identity?: string
  /** The key for what changes something; absent: the same one. */
  actIdentity?: string
  knownHosts?: string
  /** sent: the gate's text goes over the connection. installed: it is there, behind a forced command. */
  gate: 'sent' | 'installed'
}

export interface AgentConfig {
  id: string
  name: string
  host: string
  heartbeat: HeartbeatConfig
  timing: Timing
  policy: Policy
  body: Body
  stopGraceMs: number
  startGraceMs: number
  /** What it writes about itself. */
  log?: string
  /** The files of its settings. */
  configs: readonly string[]
  /** auto: settings with which it does not come up are put aside for the last good ones. */
  rollBack: 'auto' | 'off'
  paused?: string
  /** Why it may be noticed later than the deadman bound. */
  slowBecause?: string
}

/** Where proofs of life come from. Paths are on the agent's host. `format` says how the file is read. */
export type HeartbeatConfig =
  | { kind: 'file'; file: string; format: 'auto' | 'json' | 'mtime' | 'epoch' | 'job'; timeField?: string }
  | { kind: 'jobs'; directory: string }
  | { kind: 'hermes'; home: string }
  | { kind: 'push'; token: Secret }

/** Somewhere beside the Tower where alerts go. `afterMs`: only those that nobody has acknowledged for so long. */
export type SinkConfig =
  | { kind: 'webhook'; id: string; url: Secret; token?: Secret; afterMs: number }
  | { kind: 'command'; id: string; run: readonly string[]; afterMs: number }

export interface DeadmanConfig {
  ping?: Secret
  everyMs: number
  staleMs: number
  unit: string
  scope: 'system' | 'user'
  windowMs: number
}

/** A secret that does not print itself: neither in a log, nor in JSON, nor in a template. */
export class Secret {
  readonly #value: string
  constructor(value: string) {
    this.#value = value
  }
  reveal(): string {
    return this.#value
  }
  toString(): string {
    return '[secret]'
  }
  toJSON(): string {
    return '[secret]'
  }
}
