/** What `towerwatch doctor` found, for programs and in words. */
import type { AgentConfig } from '../config/config.ts'
import { sayDuration } from '../domain/duration.ts'
import type { HeartbeatContent } from '../domain/heartbeat.ts'
import type { AgentSighting } from '../ports/host.ts'
import type { HeartbeatsLook } from '../watches/heartbeats.ts'

interface Fault {
  kind: string
  text: string
  remedy: string
}

export interface HostReport {
  id: string
  /** That it can't be asked, if so. */
  faults: Fault[]
}

interface FileReport {
  path: string
  /** Absent where it can't be read, or its content couldn't. */
  recognised?: string
  /** Since it was written, by the clock of its host. */
  ageMs?: number
  /** What it says; the time in it is ISO 8601, with its zone where that is known. */
  says?: Omit<HeartbeatContent, 'saidAt'> & { time?: string }
  /** A person paused this job: why. */
  paused?: string
}

export interface AgentReport {
  id: string
  host: string
  source: AgentConfig['heartbeat']['kind']
  files: FileReport[]
  process: AgentSighting['process']
  pane?: AgentSighting['pane']
  /** What tells this life of it from the next one, and who says so. */
  life?: { epoch: string; by: 'heartbeat' | 'process' }
  paused?: { by: 'fleet.yaml' | 'marker'; reason: string; path?: string }
  /** Why it is down as it stands, if so. */
  down?: string
  faults: (Fault & { path?: string })[]
  advice: string[]
}

export function reportOf(
  agent: AgentConfig,
  sighting: AgentSighting,
  look: HeartbeatsLook,
  advice: string[],
  { canPost, nowMs }: { canPost: boolean; nowMs: number },
): AgentReport {
  const epoch = look.beat?.content.epoch
  const { process, pane } = sighting
  const faults: AgentReport['faults'] = look.faults.map(({ path, fault }) => ({ path, ...fault }))
  if (pane?.kind === 'missing' && agent.body.kind === 'pane') {
    const text = `there is no pane ${agent.body.target} on the tmux server at ${agent.body.socket}`
    faults.push({
      kind: 'no-pane',
      text,
      remedy: 'open it, or put right the target in fleet.yaml: without it the agent can not be restarted',
    })
  }
  if (agent.heartbeat.kind === 'push' && !canPost)
    faults.push({
      kind: 'no-push',
      text: 'it posts its beats, and the watch listens nowhere',
      remedy: 'say push: { listen: "127.0.0.1:8787" } in fleet.yaml',
    })
  return {
    id: agent.id,
    host: agent.host,
    source: agent.heartbeat.kind,
    files: sighting.files.map((file) => {
      const marker = agent.heartbeat.kind === 'jobs' ? sighting.markers.find(({ path }) => path === `${file.path}.paused`) : undefined
      return { ...fileReport(file, look), ...(marker && { paused: marker.reason }) }
    }),
    process,
    ...(pane && { pane }),
    ...(epoch !== undefined
      ? { life: { epoch, by: 'heartbeat' } }
      : process.kind === 'alive'
        ? { life: { epoch: process.epoch, by: 'process' } }
        : {}),
    ...pausedBy(agent, look),
    ...downBy(agent, sighting, look, nowMs),
    faults,
    advice,
  }
}

/** The heartbeat may be without a fault and its agent dead all the same. */
function downBy(agent: AgentConfig, { process, pane }: AgentSighting, look: HeartbeatsLook, nowMs: number): Pick<AgentReport, 'down'> {
  if (typeof look.condition === 'string') return { down: look.condition }
  if (pane?.kind === 'dead') return { down: 'its pane is dead' }
  if (process.kind === 'gone') return { down: 'its process is gone' }
  if (!look.beat) return {}
  const { intervalMs } = look.beat.content
  const { periodMs, graceMs } = intervalMs === undefined ? agent.timing : { periodMs: intervalMs, graceMs: intervalMs }
  const silentMs = nowMs - look.beat.atMs
  if (silentMs < periodMs + graceMs) return {}
  return {
    down: `it has not beaten for ${sayDuration(silentMs)}: due every ${sayDuration(periodMs)}, down after ${sayDuration(periodMs + graceMs)}`,
  }
}

function pausedBy(agent: AgentConfig, { marker }: HeartbeatsLook): Pick<AgentReport, 'paused'> {
  if (marker) return { paused: { by: 'marker', ...marker } }
  return agent.paused === undefined ? {} : { paused: { by: 'fleet.yaml', reason: agent.paused } }
}

function fileReport(file: AgentSighting['files'][number], { files }: HeartbeatsLook): FileReport {
  const look = files.get(file.path)
  if (file.kind === 'missing' || file.kind === 'unreadable') return { path: file.path }
  const ageMs = Math.round(file.ageMs)
  if (!look || look.isBroken || look.because === undefined) return { path: file.path, ageMs }
  const { saidAt, ...says } = look.content
  const iso = saidAt && new Date(saidAt.ms).toISOString()
  // What names no zone gets none.
  const time = saidAt?.zone === 'local' ? iso?.replace('Z', '') : iso
  return { path: file.path, recognised: look.because, ageMs, says: { ...(time !== undefined && { time }), ...says } }
}

export function sayHost({ id, faults }: HostReport): string[] {
  if (faults.length === 0) return [`host ${id}: answers`]
  return [`host ${id}: can't be asked`, ...faults.flatMap(sayFault)]
}

export function sayAgent(report: AgentReport): string[] {
  const { id, host, source, files, process, pane, life, paused, down, faults, advice } = report
  return [
    `${id} on ${host}`,
    ...(source === 'push' ? [line('heartbeat', 'it posts its beats itself: its host is asked for its process only')] : []),
    ...files.flatMap(sayFile),
    line(
      'process',
      process.kind === 'unknown'
        ? "can't be told on its host"
        : `${process.kind}${process.pid === undefined ? '' : `, pid ${process.pid}`}`,
    ),
    ...(pane ? [line('pane', pane.kind === 'missing' ? 'missing' : `${pane.kind}, ${pane.id}`)] : []),
    ...(life
      ? [line('life', `${life.epoch} (${life.by === 'heartbeat' ? 'the word of its heartbeat' : 'boot and start of its process'})`)]
      : []),
    ...(paused ? [line('paused', `${paused.reason} (${paused.path ?? paused.by})`)] : []),
    ...(down === undefined ? [] : [line('down', down)]),
    ...faults.flatMap(sayFault),
    ...advice.map((text) => line('advice', text)),
    ...(faults.length === 0 ? [line('', 'no faults')] : []),
  ]
}

function sayFile({ path, recognised, ageMs, says, paused }: FileReport): string[] {
  const { time, ...rest } = says ?? {}
  const age = ageMs === undefined ? undefined : ageMs < 0 ? `${sayDuration(-ageMs)} in the future` : `${sayDuration(ageMs)} ago`
  return [
    line('file', path),
    ...(recognised === undefined ? [] : [line('recognised', recognised)]),
    ...(age === undefined
      ? []
      : [line('written', `${age} by the clock of its host${time === undefined ? '' : `; its own time is ${time}`}`)]),
    ...(Object.keys(rest).length === 0 ? [] : [line('says', sayContent(rest))]),
    ...(paused === undefined ? [] : [line('paused', `${paused} (${path}.paused)`.trim())]),
  ]
}

function sayContent({ intervalMs, ...content }: Omit<HeartbeatContent, 'saidAt'>): string {
  const words = Object.entries(content).map(([name, value]) => `${name} ${value === true ? 'yes' : value === false ? 'no' : value}`)
  return [...words, ...(intervalMs === undefined ? [] : [`due every ${sayDuration(intervalMs)}`])].join(', ')
}

function sayFault({ text, remedy, path }: Fault & { path?: string }): string[] {
  return [line('FAULT', path === undefined ? text : `${path} ${text}`), line('remedy', remedy)]
}

function line(label: string, text: string): string {
  return `  ${label.padEnd(11)}${text}`
}
