/** fleet.yaml → Config. Every fault is found and told at once, each with its file, its line and what was expected. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Document, isMap, isPair, isScalar, LineCounter, type Node, parseDocument } from 'yaml'
import type { z } from 'zod'
import { sayDuration } from '../domain/duration.ts'
import { parseLocal } from '../domain/local-time.ts'
import type { MaintenanceWindow } from '../domain/maintenance.ts'
import { nearest } from '../domain/nearest.ts'
import { parseCron } from '../domain/schedule.ts'
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
import { knownKeys } from './known-keys.ts'
import { localPathFrom, readSecret } from './local-files.ts'
import { type FleetFile, fleetFile } from './schema.ts'

export interface ConfigFault {
  file: string
  /** 1-based; absent where the file itself can't be read. */
  line?: number
  /** Where in the file: "agents.bezalel.period"; empty for the file as a whole. */
  path: string
  message: string
}

/** All that is wrong with one fleet.yaml. `message` holds a line per fault. */
export class ConfigError extends Error {
  override name = 'ConfigError'
  readonly faults: readonly ConfigFault[]
  constructor(faults: readonly ConfigFault[]) {
    super(faults.map(sayFault).join('\n'))
    this.faults = faults
  }
}

export function sayFault(fault: ConfigFault): string {
  const place = fault.line === undefined ? fault.file : `${fault.file}:${fault.line}`
  return fault.path === '' ? `${place}: ${fault.message}` : `${place}: ${fault.path}: ${fault.message}`
}

/** Where secrets named by `{ env: NAME }` come from; `left-out`: nobody is talked to, so none has to be there. */
type Secrets = Record<string, string | undefined> | 'left-out'

/** Throws ConfigError. */
export function loadConfig(file: string, secrets: Secrets): Config {
  const absolute = resolve(file)
  let text: string
  try {
    text = readFileSync(absolute, 'utf8')
  } catch (error) {
    const why =
      error instanceof Error && 'code' in error && error.code === 'ENOENT'
        ? 'there is no such file: copy fleet.example.yaml to begin'
        : String(error)
    throw new ConfigError([{ file: absolute, path: '', message: why }])
  }
  return parseConfig(text, absolute, secrets)
}

/** The same from text: `file` is only its name (relative paths in it are relative to its folder). Throws ConfigError. */
export function parseConfig(text: string, file: string, secrets: Secrets): Config {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const faults: ConfigFault[] = document.errors.map((error) => ({
    file,
    line: lines.linePos(error.pos[0]).line,
    path: '',
    message: `not YAML: ${error.message}`,
  }))
  if (faults.length > 0) throw new ConfigError(faults)
  const at = (path: readonly PropertyKey[]) => lineOf(document, lines, path)
  const fault = (path: readonly PropertyKey[], message: string) =>
    faults.push({ file, ...lineField(at(path)), path: path.join('.'), message })

  let raw: unknown
  try {
    raw = document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    // An alias that stands for nothing, or aliases of aliases that would fill the memory.
    throw new ConfigError([{ file, path: '', message: `not YAML: ${error instanceof Error ? error.message : String(error)}` }])
  }
  const parsed = fleetFile.safeParse(raw)
  if (!parsed.success) for (const issue of parsed.error.issues) tellIssue(issue, document, fault)
  // What the schema can't say is looked for in a file that it refused, too: people want to see all faults in one go.
  tellLostHosts(raw, fault)
  const tower = fleetFile.shape.tower.safeParse(part(raw, 'tower'))
  const read: SecretReader = (source, where) => {
    if (secrets === 'left-out') return new Secret('left out')
    const found = readSecret(source, localPathFrom(file), secrets)
    if ('fault' in found) fault([...where, found.key], found.fault)
    return new Secret('value' in found ? found.value : '')
  }
  const towerConfig = tower.success && tower.data ? toTower(tower.data, read, fault) : undefined
  const config = parsed.success ? toConfig(parsed.data, file, towerConfig, read, fault) : undefined
  if (!config || faults.length > 0) throw new ConfigError(faults.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)))
  return config
}

/** Reads a secret that stands at `where` in the file; tells a fault where it can't be read. */
type SecretReader = (source: { env: string } | { file: string }, where: readonly PropertyKey[]) => Secret

type Tell = (path: readonly PropertyKey[], message: string) => void

function tellIssue(issue: z.core.$ZodIssue, document: Document, tell: Tell): void {
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = knownKeys(fleetFile, issue.path, document.toJS())
      for (const key of issue.keys) {
        // It is a key of another form of this map.
        if (known.includes(key)) {
          tell([...issue.path, key], `"${key}" does not go with the other keys here`)
          continue
        }
        const meant = nearest(key, known)
        const hint = meant === undefined ? `known here: ${known.join(', ')}` : `did you mean "${meant}"?`
        tell([...issue.path, key], `unknown key "${key}": ${hint}`)
      }
      return
    }
    case 'invalid_key':
      tell(issue.path, issue.issues[0]?.message ?? issue.message)
      return
    case 'invalid_union': {
      // A union over `kind`: name the kinds. Any other union carries its own sentence.
      if ('discriminator' in issue && issue.discriminator === 'kind') {
        tell([...issue.path], `expected a kind, one of: ${kindsAt(issue.path).join(', ')}`)
        return
      }
      const closest = closestOption(issue.errors)
      if (closest) for (const inner of closest) tellIssue({ ...inner, path: [...issue.path, ...inner.path] }, document, tell)
      else tell(issue.path, issue.message)
      return
    }
    case 'invalid_value':
      tell(issue.path, issue.message.startsWith('expected') ? issue.message : `expected one of: ${issue.values.map(String).join(', ')}`)
      return
    case 'invalid_type':
      tell(
        issue.path,
        issue.message.startsWith('expected')
          ? issue.message
          : `${issue.input === undefined && issue.message.endsWith('undefined') ? 'missing: ' : ''}expected ${sayType(issue.expected)}`,
      )
      return
    case 'too_small':
    case 'too_big':
      tell(issue.path, issue.message.startsWith('expected') ? issue.message : `expected ${saySize(issue)}`)
      return
    default:
      tell(issue.path, issue.message)
  }
}

/** Of the forms that a value may have, the one that it all but has: there a typo is told as what it is. */
function closestOption(options: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | undefined {
  // A union of other forms than maps (text or number, text or a file's name) has a sentence of its own.
  if (options.some((issues) => issues.some(({ code, path }) => code === 'invalid_type' && path.length === 0))) return undefined
  // Keys of another form speak against a form more than a wrong value does.
  const strangers = (issues: readonly z.core.$ZodIssue[]) =>
    issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 0), 0)
  const distance = (a: readonly z.core.$ZodIssue[], b: readonly z.core.$ZodIssue[]) => strangers(a) - strangers(b) || a.length - b.length
  const [best, second] = [...options].sort(distance)
  return best && second && distance(best, second) < 0 ? best : undefined
}

function kindsAt(path: readonly PropertyKey[]): string[] {
  if (path[0] === 'sinks') return ['webhook', 'command']
  return path[0] === 'hosts' ? ['local', 'ssh'] : ['pane', 'process', 'command', 'service']
}

function sayType(expected: string): string {
  return (
    (
      { record: 'a map of names', object: 'a map of keys', string: 'text', array: 'a list', int: 'a whole number' } as Record<
        string,
        string
      >
    )[expected] ?? `a ${expected}`
  )
}

/** "at least 2", "at most 200 characters", "some text", "less than 100". */
function saySize(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  const isLow = issue.code === 'too_small'
  const limit = Number(isLow ? issue.minimum : issue.maximum)
  if (issue.origin === 'string') {
    if (isLow && limit <= 1) return 'some text, not nothing'
    return `at ${isLow ? 'least' : 'most'} ${limit} characters`
  }
  if (issue.origin === 'array') return `at ${isLow ? 'least' : 'most'} ${limit === 1 ? 'one of them' : `${limit} of them`}`
  if (issue.inclusive === false) return `${isLow ? 'more' : 'less'} than ${limit}`
  return `${isLow ? 'at least' : 'at most'} ${limit}`
}

function part(value: unknown, key: string): unknown {
  return value !== null && typeof value === 'object' && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined
}

function entriesOf(value: unknown): [string, unknown][] {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? Object.entries(value) : []
}

function tellLostHosts(raw: unknown, fault: Tell): void {
  const hosts = entriesOf(part(raw, 'hosts')).map(([id]) => id)
  for (const [id, agent] of entriesOf(part(raw, 'agents'))) {
    const host = part(agent, 'host')
    if (typeof host !== 'string' || hosts.includes(host)) continue
    const meant = nearest(host, hosts)
    fault(
      ['agents', id, 'host'],
      `there is no host "${host}": ${meant === undefined ? `${hosts.length === 0 ? 'none is declared under "hosts"' : `known are ${hosts.join(', ')}`}` : `did you mean "${meant}"?`}`,
    )
  }
}

function toConfig(data: FleetFile, file: string, tower: TowerConfig | undefined, read: SecretReader, fault: Tell): Config {
  const path = localPathFrom(file)
  const hosts = new Map<string, HostConfig>()
  for (const [id, host] of Object.entries(data.hosts)) {
    if (host.kind === 'local') hosts.set(id, { kind: 'local', id, name: host.name ?? id })
    else {
      hosts.set(id, {
        kind: 'ssh',
        id,
        name: host.name ?? id,
        address: host.address,
        ...(host.port !== undefined && { port: host.port }),
        ...(host.user !== undefined && { user: host.user }),
        ...(host.identity !== undefined && { identity: path(host.identity) }),
        ...(host.knownHosts !== undefined && { knownHosts: path(host.knownHosts) }),
      })
    }
  }
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
        ...(flapping && { flapping }),
      },
      policy: agent.policy,
      body: asBody(agent.restart),
      stopGraceMs: agent.stopGrace,
      startGraceMs: agent.startGrace ?? Math.max(30_000, agent.period + agent.grace),
      ...(agent.paused !== undefined && { paused: agent.paused }),
      ...(agent.slowBecause !== undefined && { slowBecause: agent.slowBecause }),
    })
    tellSlow(id, agent, fault)
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
    hosts,
    agents,
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
  return { host: listen.slice(0, colon).replace(/^\[|\]$/g, ''), port }
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

function toTower(tower: NonNullable<FleetFile['tower']>, read: SecretReader, fault: Tell): TowerConfig {
  const scheme = tower.url.slice(0, tower.url.indexOf(':'))
  if ((tower.transport === 'telnet') !== (scheme === 'telnet')) {
    fault(
      ['tower', 'url'],
      `expected ${tower.transport === 'telnet' ? 'telnet://host:port' : 'ws:// or wss://'} for the transport "${tower.transport}"`,
    )
  }
  return {
    kind: 'given',
    transport: tower.transport,
    url: tower.url,
    account: tower.account,
    password: read(tower.password, ['tower', 'password']),
  }
}

/** The line of a key, or of the nearest thing above it that is in the file. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number | undefined {
  let node: unknown = document.contents
  let offset = isNode(node) ? node.range?.[0] : undefined
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(step))
      if (!pair) break
      if (isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset
      node = pair.value
    } else if (isNode(node) && 'items' in node && Array.isArray(node.items)) {
      node = node.items[Number(step)]
      if (isNode(node)) offset = node.range?.[0] ?? offset
    } else break
  }
  return offset === undefined ? undefined : lines.linePos(offset).line
}

function isNode(value: unknown): value is Node {
  return value !== null && typeof value === 'object' && 'range' in value
}

function lineField(line: number | undefined): { line?: number } {
  return line === undefined ? {} : { line }
}
