/** The fleet as the watch uses it: checked, with defaults, paths absolute, secrets read. */
import type { Timing } from '../domain/agent.ts'
import type { HeartbeatFormat } from '../domain/heartbeat.ts'
import type { Policy } from '../domain/remedy.ts'
import type { Body } from '../ports/host.ts'

export interface Config {
  /** The file it was read from, absolute. */
  file: string
  fleet: string
  stateDir: string
  pollMs: number
  keepMs: number
  /** `bundled`: the Tower that came with Towerwatch. */
  tower: { kind: 'bundled' } | TowerConfig
  hosts: ReadonlyMap<string, HostConfig>
  agents: ReadonlyMap<string, AgentConfig>
}

export interface TowerConfig {
  kind: 'given'
  transport: 'websocket' | 'telnet'
  url: string
  account: string
  password: Secret
}

export type HostConfig =
  | { kind: 'local'; id: string; name: string }
  | { kind: 'ssh'; id: string; name: string; address: string; port?: number; user?: string; identity?: string; knownHosts?: string }

export interface AgentConfig {
  id: string
  name: string
  host: string
  heartbeat: { file: string; format: HeartbeatFormat }
  timing: Timing
  policy: Policy
  body: Body
  stopGraceMs: number
  startGraceMs: number
  paused?: string
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
