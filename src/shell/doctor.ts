/**
 * `towerwatch doctor [agent]`: looks at the heartbeats as the watch would, and says what it recognised, why, and what is
 * wrong with it. Needs no running watch, and changes nothing on any host.
 */
import { systemClock } from '../adapters/clock.ts'
import type { AgentConfig, Config, HostConfig } from '../config/config.ts'
import { sayNames } from '../domain/did-you-mean.ts'
import { parseDuration } from '../domain/duration.ts'
import { messageOf } from '../domain/failure.ts'
import { nearest } from '../domain/nearest.ts'
import { type Clock, pauseOn } from '../ports/clock.ts'
import { type AgentSighting, type Host, HostError, type HostErrorKind } from '../ports/host.ts'
import { type HeartbeatsLook, hostDeclarationOf, lookAtHeartbeats } from '../watches/heartbeats.ts'
import { adviceFor, type Rhythm } from './doctor-advice.ts'
import { type AgentReport, type HostReport, reportOf, sayAgent, sayHost } from './doctor-report.ts'
import { hostOf } from './hosts.ts'
import { exitCode, readConfig, type Shell, ShellError } from './shell.ts'

export interface DoctorOptions {
  config?: string
  json?: boolean
  /** Only hosts that need no connection. */
  local?: boolean
  /** For how long the rhythm of the heartbeats is watched, as a duration. */
  for?: string
}

export interface DoctorPorts {
  host: (id: string, config: Config) => Host
  clock: Clock
}

const everyMs = 1_000

/** Exit 1 where anything is wrong. Throws ShellError for wrong input. */
export async function doctor(
  shell: Shell,
  agent: string | undefined,
  options: DoctorOptions,
  ports: DoctorPorts = { host: hostOf, clock: systemClock },
): Promise<number> {
  const config = readConfig(shell, options.config)
  const forMs = parseDuration(options.for ?? '2s')
  if (forMs === undefined || forMs > 3_600_000)
    throw new ShellError('--for takes a duration of at most 1h, such as "10s".', exitCode.wrongInput)
  const hosts = chosenHosts(config, agent, options.local === true)
  const found = await Promise.all(
    hosts.map((host) => examine(host, agentsOn(config, host, agent), { config, forMs, signal: shell.signal, ports })),
  )
  const reports = { hosts: found.map(({ host }) => host), agents: found.flatMap(({ agents }) => agents) }
  const faults = [...reports.hosts, ...reports.agents].reduce((sum, { faults: own }) => sum + own.length, 0)
  if (options.json) shell.out(JSON.stringify({ ok: faults === 0, ...reports }))
  else for (const line of sayAll(reports, faults)) shell.out(line)
  return faults === 0 ? exitCode.ok : exitCode.failed
}

function chosenHosts(config: Config, agent: string | undefined, isLocalOnly: boolean): HostConfig[] {
  const hosts = [...config.hosts.values()].filter(({ kind }) => kind === 'local' || !isLocalOnly)
  if (agent === undefined) return hosts
  const declared = config.agents.get(agent)
  if (!declared) {
    const known = [...config.agents.keys()]
    const meant = nearest(agent, known)
    const more = meant === undefined ? `There are: ${sayNames(known)}.` : `Did you mean "${meant}"?`
    throw new ShellError(`There is no agent "${agent}". ${more}`, exitCode.wrongInput)
  }
  const chosen = hosts.filter(({ id }) => id === declared.host)
  if (chosen.length === 0)
    throw new ShellError(`${agent} lives on ${declared.host}, which is not local: leave out --local.`, exitCode.wrongInput)
  return chosen
}

function agentsOn(config: Config, host: HostConfig, agent: string | undefined): AgentConfig[] {
  return [...config.agents.values()].filter((one) => one.host === host.id && (agent === undefined || one.id === agent))
}

interface Examination {
  config: Config
  forMs: number
  signal: AbortSignal
  ports: DoctorPorts
}

interface Watched {
  look?: HeartbeatsLook
  sighting?: AgentSighting
  rhythm: Rhythm
}

/** Connects, looks once a second for as long as was asked for, and closes. Never rejects for what a host does. */
async function examine(
  host: HostConfig,
  agents: AgentConfig[],
  { config, forMs, signal, ports }: Examination,
): Promise<{ host: HostReport; agents: AgentReport[] }> {
  const { clock } = ports
  const link = ports.host(host.id, config).link()
  const watched = new Map<string, Watched>(agents.map(({ id }) => [id, { rhythm: { mtimesMs: new Map() } }]))
  try {
    await link.open(hostDeclarationOf(host, agents), signal)
    const endMs = clock.now() + forMs
    for (;;) {
      const pids = new Map(
        [...watched].flatMap(([id, { look }]) => (look?.beat?.content.pid === undefined ? [] : [[id, look.beat.content.pid]])),
      )
      const { agents: sightings } = await link.beats(pids)
      for (const agent of agents) {
        const sighting = sightings.find(({ id }) => id === agent.id)
        const before = watched.get(agent.id)
        if (sighting && before) watched.set(agent.id, afterLook(before, agent, sighting, clock.now()))
      }
      if (signal.aborted || clock.now() >= endMs) break
      await pauseOn(clock, Math.min(everyMs, endMs - clock.now()), signal)
    }
  } catch (error) {
    const reason = error instanceof HostError ? error : new HostError('failed', messageOf(error))
    return { host: { id: host.id, faults: [{ kind: reason.kind, text: reason.message, remedy: remedyOf(host, reason.kind) }] }, agents: [] }
  } finally {
    await link.close()
  }
  const reports = agents.flatMap((agent) => {
    const { look, sighting, rhythm } = watched.get(agent.id) ?? {}
    if (!look || !sighting || !rhythm) return []
    return [
      reportOf(agent, sighting, look, adviceFor(agent, sighting, look, rhythm), { canPost: config.push !== undefined, nowMs: clock.now() }),
    ]
  })
  return { host: { id: host.id, faults: [] }, agents: reports }
}

function afterLook(before: Watched, agent: AgentConfig, sighting: AgentSighting, nowMs: number): Watched {
  const { mtimesMs } = before.rhythm
  for (const file of sighting.files) {
    if (file.kind !== 'content' && file.kind !== 'unchanged') continue
    const known = mtimesMs.get(file.path) ?? []
    if (known.at(-1) !== file.mtimeMs) mtimesMs.set(file.path, [...known, file.mtimeMs])
  }
  const first = sighting.files[0]
  const bytes = first?.kind === 'content' && !first.truncated ? first.bytes : before.rhythm.bytes
  return {
    look: lookAtHeartbeats(agent, sighting, before.look, nowMs, undefined),
    sighting,
    rhythm: { mtimesMs, ...(bytes && { bytes }) },
  }
}

function remedyOf(host: HostConfig, kind: HostErrorKind): string {
  if (kind === 'gate' && host.kind === 'ssh' && host.gate === 'installed') return `type: towerwatch host show ${host.id}`
  return hostRemedies[kind]
}

const hostRemedies: Record<HostErrorKind, string> = {
  unreachable: 'look whether the host is on, and try ssh to it by hand',
  auth: 'let the host know the key that Towerwatch logs in with',
  'host-key': 'find out why the key of the host changed before you trust the new one in known_hosts',
  gate: 'let the login shell of that user print nothing, and have /bin/sh on the host',
  refused: 'put right what it names in fleet.yaml',
  timeout: 'look what keeps the host so busy, or which of its file systems hangs',
  failed: 'try it again; TOWERWATCH_LOG=debug tells more',
  closed: 'try it again',
}

function sayAll({ hosts, agents }: { hosts: HostReport[]; agents: AgentReport[] }, faults: number): string[] {
  const lines = [...hosts.flatMap(sayHost), ...agents.flatMap((agent) => ['', ...sayAgent(agent)])]
  const count = (n: number, noun: string) => `${n} ${noun}${n === 1 ? '' : 's'}`
  const down = agents.flatMap((agent) => (agent.down === undefined ? [] : [agent.id]))
  return [
    ...lines,
    '',
    `${count(agents.length, 'agent')} looked at on ${count(hosts.length, 'host')}: ${faults === 0 ? 'no faults' : count(faults, 'fault')}${down.length === 0 ? '' : `; down: ${down.join(', ')}`}.`,
  ]
}
