/** From the checked file to the fleet as the watch uses it. Tells what the schema can't say. */
import { bareHost } from '../domain/bare-host.ts'
import { sayDuration } from '../domain/duration.ts'
import { type Levels, type Thresholds, usualThresholds } from '../domain/health.ts'
import { parseLocal } from '../domain/local-time.ts'
import type { MaintenanceWindow } from '../domain/maintenance.ts'
import { nearest } from '../domain/nearest.ts'
import type { RemedyLimits } from '../domain/remedy.ts'
import { parseCron } from '../domain/schedule.ts'
import type { ServiceDeclaration } from '../ports/host.ts'
import {
  type AgentConfig,
  type Config,
  type DeadmanConfig,
  type HeartbeatConfig,
  type HostConfig,
  Secret,
  type SinkConfig,
  type TowerConfig,
} from './config.ts'
import type { Tell } from './issues.ts'
import { localPathFrom } from './local-files.ts'
import type { FleetFile } from './schema.ts'

/** Reads a secret that stands at `where` in the file; tells a fault where it can't be read. */
export type SecretReader = (source: { env: string } | { file: string }, where: readonly PropertyKey[]) => Secret

export function toConfig(data: FleetFile, file: string, tower: TowerConfig | undefined, read: SecretReader, fault: Tell): Config {
  const path = localPathFrom(file)
  const hosts = new Map(Object.entries(data.hosts).map(([id, host]) => [id, toHost(id, host, data.health, path, fault)]))
  const rule = data.alerts.flapping
  const flapping = rule === 'off' ? undefined : { changes: rule.changes, withinMs: rule.within, stableMs: rule.stable }
  const agents = new Map<string, AgentConfig>()
  for (const [id, agent] of Object.entries(data.agents)) {
    agents.set(id, {
      id,
      name: agent.name ?? id,
      host: agent.host,
      heartbeat: toHeartbeat(agent.heartbeat, ['agents', id, 'heartbeat'], read),
      timing: {
        periodMs: agent.period,
        graceMs: agent.grace,
        failures: agent.failures,
        successes: agent.successes,
        ...(agent.hung !== undefined && { hungMs: agent.hung }),
        ...(agent.quiet !== undefined && { quietMs: agent.quiet }),
        ...(flapping && { flapping }),
      },
      policy: agent.policy,
      body: asBody(agent.restart),
      stopGraceMs: agent.stopGrace,
      startGraceMs: agent.startGrace ?? Math.max(30_000, agent.period + agent.grace),
      ...(agent.log !== undefined && { log: agent.log }),
      configs: agent.configs ?? (agent.restart.kind === 'hermes' ? [`${agent.restart.home}/config.yaml`] : []),
      rollBack: agent.rollBack,
      ...(agent.paused !== undefined && { paused: agent.paused }),
      ...(agent.slowBecause !== undefined && { slowBecause: agent.slowBecause }),
    })
    tellSlow(id, agent, fault)
    if (agent.quiet !== undefined && agent.restart.kind !== 'pane')
      fault(['agents', id, 'quiet'], 'it lives in no tmux pane that could be quiet: use "hung", which goes by its progress alone')
    if ('push' in agent.heartbeat && !data.push)
      fault(['agents', id, 'heartbeat', 'push'], 'nothing listens for its beats: say where with push: { listen: 127.0.0.1:8787 }')
  }
  const timeZone = data.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone
  if (!isTimeZone(timeZone)) fault(['timezone'], `there is no time zone "${timeZone}": expected an IANA name such as "Europe/Berlin"`)
  return {
    file,
    fleet: data.fleet,
    stateDir: path(data.state),
    pollMs: data.poll,
    keepMs: data.keep,
    timeZone,
    target: data.target / 100,
    alerts: {
      groupWaitMs: data.alerts.groupWait,
      groupIntervalMs: data.alerts.groupInterval,
      ...(data.alerts.remind !== 'off' && { remindMs: data.alerts.remind }),
    },
    ...(flapping && { flapping }),
    sinks: new Map(Object.entries(data.sinks).map(([id, sink]) => [id, toSink(id, sink, read)])),
    maintenance: toWindows(data, [...hosts.keys(), ...agents.keys()], fault),
    deadman: toDeadman(data.deadman, read),
    ...(data.push && { push: toListen(data.push.listen, fault) }),
    tower: tower ?? { kind: 'bundled' },
    healthEveryMs: data.health.every,
    remedies: toRemedies(data.remedies),
    authority: {
      confirm: data.authority.confirm,
      withinMs: data.authority.within,
      changes: data.authority.changes,
      perMs: data.authority.per,
    },
    hosts,
    agents,
  }
}

function toHost(
  id: string,
  host: FleetFile['hosts'][string],
  health: FleetFile['health'],
  path: (written: string) => string,
  fault: Tell,
): HostConfig {
  const common = {
    id,
    name: host.name ?? id,
    services: Object.entries(host.services).map(([service, declared]) => toService(service, declared)),
    thresholds: toThresholds({ ...health, ...host.health }, host.health ? ['hosts', id, 'health'] : ['health'], fault),
    sockets: host.sockets,
  }
  if (host.kind === 'local') return { ...common, kind: 'local' }
  return {
    ...common,
    kind: 'ssh',
    address: host.address,
    ...(host.port !== undefined && { port: host.port }),
    ...(host.user !== undefined && { user: host.user }),
    ...(host.identity !== undefined && { identity: path(host.identity) }),
    ...(host.actIdentity !== undefined && { actIdentity: path(host.actIdentity) }),
    ...(host.knownHosts !== undefined && { knownHosts: path(host.knownHosts) }),
    gate: host.gate,
  }
}

function toService(id: string, declared: FleetFile['hosts'][string]['services'][string]): ServiceDeclaration {
  if (declared.kind !== 'http') return { ...declared, id }
  return { kind: 'http', id, url: declared.url, ...(declared.status !== undefined && { status: declared.status }) }
}

type LevelsGiven = 'off' | { warn: number; critical: number } | undefined

function toThresholds(given: Omit<FleetFile['health'], 'every'>, where: readonly PropertyKey[], fault: Tell): Thresholds {
  const levels = (key: 'disk' | 'inodes' | 'memory' | 'swap' | 'load' | 'clock', usual: Levels): Levels | undefined => {
    const value: LevelsGiven = given[key]
    if (value === 'off') return undefined
    if (value && value.warn > value.critical) fault([...where, key], '"warn" comes before "critical": make it the smaller one')
    return value ?? usual
  }
  const disk = levels('disk', usualThresholds.disk)
  const inodes = levels('inodes', usualThresholds.inodes)
  const memory = levels('memory', usualThresholds.memory)
  const swap = levels('swap', usualThresholds.swap)
  const load = levels('load', usualThresholds.load)
  const clockMs = levels('clock', usualThresholds.clockMs)
  const fullWithinMs = given.fullWithin === 'off' ? undefined : (given.fullWithin ?? usualThresholds.fullWithinMs)
  return {
    ...(disk && { disk }),
    ...(inodes && { inodes }),
    ...(memory && { memory }),
    ...(swap && { swap }),
    ...(load && { load }),
    ...(clockMs && { clockMs }),
    ...(fullWithinMs !== undefined && { fullWithinMs }),
  }
}

function toRemedies({ budget, agentBudget, per, atOnce, crashLoop }: FleetFile['remedies']): RemedyLimits {
  return {
    ...(budget !== 'off' && { budget }),
    ...(agentBudget !== 'off' && { agentBudget }),
    perMs: per,
    atOnce,
    ...(crashLoop !== 'off' && { crashLoop: { starts: crashLoop.starts, withinMs: crashLoop.within, retryMs: crashLoop.retry } }),
  }
}

/** The deadman bound: a dead agent is noticed within five minutes, unless its declaration says in words why not. */
const boundMs = 300_000
const sweepMs = 5_000

function tellSlow(id: string, agent: FleetFile['agents'][string], fault: Tell): void {
  // Jobs bring an interval of their own.
  if ('jobs' in agent.heartbeat || agent.slowBecause !== undefined) return
  const worstMs = agent.period + agent.grace + sweepMs
  if (worstMs <= boundMs) return
  fault(
    ['agents', id],
    `a silent death would be noticed after ${sayDuration(worstMs)}, later than the deadman bound of 5 m (period + grace + 5 s): make them shorter, or say why with slowBecause: "…"`,
  )
}

function toHeartbeat(
  heartbeat: FleetFile['agents'][string]['heartbeat'],
  where: readonly PropertyKey[],
  read: SecretReader,
): HeartbeatConfig {
  if ('jobs' in heartbeat) return { kind: 'jobs', directory: heartbeat.jobs }
  if ('hermes' in heartbeat) return { kind: 'hermes', home: heartbeat.hermes }
  if ('push' in heartbeat) return { kind: 'push', token: read(heartbeat.push.token, [...where, 'push', 'token']) }
  const { file, format, timeField } = heartbeat
  return { kind: 'file', file, format, ...(timeField !== undefined && { timeField }) }
}

function toSink(id: string, sink: FleetFile['sinks'][string], read: SecretReader): SinkConfig {
  const afterMs = sink.after ?? 0
  if (sink.kind === 'command') return { kind: 'command', id, run: sink.run, afterMs }
  return {
    kind: 'webhook',
    id,
    url: toUrl(sink.url, ['sinks', id, 'url'], read),
    ...(sink.token && { token: read(sink.token, ['sinks', id, 'token']) }),
    afterMs,
  }
}

function toUrl(source: string | { env: string } | { file: string }, where: readonly PropertyKey[], read: SecretReader): Secret {
  return typeof source === 'string' ? new Secret(source) : read(source, where)
}

function toDeadman(deadman: FleetFile['deadman'], read: SecretReader): DeadmanConfig {
  return {
    ...(deadman.ping !== undefined && { ping: toUrl(deadman.ping, ['deadman', 'ping'], read) }),
    everyMs: deadman.every,
    staleMs: deadman.stale,
    unit: deadman.unit,
    scope: deadman.scope,
    windowMs: deadman.window,
  }
}

function toWindows(data: FleetFile, known: readonly string[], fault: Tell): MaintenanceWindow[] {
  return data.maintenance.map((window, index) => {
    for (const [position, subject] of window.subjects.entries()) {
      if (subject === 'all' || known.includes(subject)) continue
      const meant = nearest(subject, [...known, 'all'])
      fault(
        ['maintenance', index, 'subjects', position],
        `there is no agent or host "${subject}": ${meant === undefined ? 'name one, or "all"' : `did you mean "${meant}"?`}`,
      )
    }
    const { subjects, reason } = window
    if ('cron' in window) {
      const parsed = parseCron(window.cron)
      if (parsed.kind === 'fault') fault(['maintenance', index, 'cron'], parsed.fault)
      return { kind: 'cron', subjects, reason, cron: window.cron, forMs: window.for }
    }
    for (const key of ['from', 'to'] as const)
      if (parseLocal(window[key]) === undefined) fault(['maintenance', index, key], `there is no such day or time: ${window[key]}`)
    if (window.from.replace('T', ' ') >= window.to.replace('T', ' ')) fault(['maintenance', index, 'to'], 'expected a time after "from"')
    return { kind: 'fixed', subjects, reason, from: window.from, to: window.to }
  })
}

function toListen(listen: string, fault: Tell): { host: string; port: number } {
  const colon = listen.lastIndexOf(':')
  const port = Number(listen.slice(colon + 1))
  if (port > 65535) fault(['push', 'listen'], 'expected a port of at most 65535')
  return { host: bareHost(listen.slice(0, colon)), port }
}

function isTimeZone(name: string): boolean {
  try {
    Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

/** zod's optional keys may hold `undefined`; the port's may only be absent. */
function asBody(restart: FleetFile['agents'][string]['restart']): AgentConfig['body'] {
  return Object.fromEntries(Object.entries(restart).filter(([, value]) => value !== undefined)) as AgentConfig['body']
}

/** Reads the authority that stands at `where` in the file; tells a fault where it can't be read. */
export type AuthorityReader = (file: string, where: readonly PropertyKey[]) => string

export function toTower(
  tower: NonNullable<FleetFile['tower']>,
  read: SecretReader,
  readAuthority: AuthorityReader,
  fault: Tell,
): TowerConfig {
  const scheme = tower.url.slice(0, tower.url.indexOf(':'))
  if ((tower.transport === 'telnet') !== (scheme === 'telnet')) {
    fault(
      ['tower', 'url'],
      `expected ${tower.transport === 'telnet' ? 'telnet://host:port' : 'ws:// or wss://'} for the transport "${tower.transport}"`,
    )
  }
  if (tower.ca !== undefined && scheme !== 'wss') fault(['tower', 'ca'], 'only a wss:// address has a certificate to check')
  return {
    kind: 'given',
    transport: tower.transport,
    url: tower.url,
    ...(tower.ca !== undefined && { ca: readAuthority(tower.ca, ['tower', 'ca']) }),
    account: tower.account,
    password: read(tower.password, ['tower', 'password']),
  }
}
