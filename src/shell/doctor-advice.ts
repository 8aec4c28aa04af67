/** What `towerwatch doctor` advises: nothing of it is wrong, and all of it is worth knowing before a night. */
import type { AgentConfig } from '../config/config.ts'
import { sayDuration } from '../domain/duration.ts'
import { readHeartbeat } from '../domain/heartbeat.ts'
import type { AgentSighting } from '../ports/host.ts'
import type { HeartbeatsLook } from '../watches/heartbeats.ts'

/** How an agent's files changed while they were watched. */
export interface Rhythm {
  /** Modification times by path, by the clock of the host, as they followed one another. */
  mtimesMs: Map<string, number[]>
  /** What stood in its first file. */
  bytes?: Uint8Array
}

export function adviceFor(agent: AgentConfig, sighting: AgentSighting, look: HeartbeatsLook, rhythm: Rhythm): string[] {
  return [
    ...rhythmAdvice(agent, look, rhythm),
    ...lifeAdvice(agent, sighting, look),
    ...formatAdvice(agent, rhythm),
    ...hungAdvice(agent, look),
  ]
}

/** The longest time between two beats that followed one another; undefined where fewer than two were seen. */
function rhythmOf(path: string, { mtimesMs }: Rhythm): number | undefined {
  const times = mtimesMs.get(path) ?? []
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? time))
  return gaps.length === 0 ? undefined : Math.max(...gaps)
}

function rhythmAdvice(agent: AgentConfig, look: HeartbeatsLook, rhythm: Rhythm): string[] {
  const path = [...look.files.keys()][0]
  const { periodMs } = agent.timing
  if (path === undefined || agent.heartbeat.kind === 'jobs' || look.beat?.content.intervalMs !== undefined) return []
  const seenMs = rhythmOf(path, rhythm)
  if (seenMs === undefined || seenMs <= periodMs) return []
  return [
    `It beats each ${sayDuration(seenMs)}, as seen, and its period is ${sayDuration(periodMs)}: it will be late again and again. Make the period longer than ${sayDuration(seenMs)}.`,
  ]
}

/** A restart is done when a beat of another life came: something has to tell one life from the next. */
function lifeAdvice({ heartbeat }: AgentConfig, { process }: AgentSighting, { beat }: HeartbeatsLook): string[] {
  if (heartbeat.kind === 'push' || heartbeat.kind === 'jobs' || !beat) return []
  if (beat.content.epoch !== undefined || process.kind !== 'unknown') return []
  return [
    'Nothing tells one life of it from the next, so no restart of it can be verified. Let it write an "epoch" or its "pid" into the heartbeat, or give its restart a pidFile.',
  ]
}

function formatAdvice({ heartbeat }: AgentConfig, { bytes }: Rhythm): string[] {
  if (heartbeat.kind !== 'file' || heartbeat.format !== 'mtime' || !bytes) return []
  const reading = readHeartbeat(bytes, false, { format: 'auto' })
  if (reading.kind === 'fault' || (reading.form !== 'json' && reading.form !== 'hermes')) return []
  return [`It holds more than its modification time tells (${reading.because}): say "format: json" to have that read, too.`]
}

function hungAdvice({ timing, heartbeat }: AgentConfig, { beat }: HeartbeatsLook): string[] {
  if (timing.hungMs === undefined || heartbeat.kind === 'push' || !beat || beat.content.progress !== undefined) return []
  return ['fleet.yaml says after what time without progress it is hung, and its heartbeat tells no "progress": it is never found to be.']
}
