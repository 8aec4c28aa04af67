/**
 * What one look at an agent's host says of its heartbeats: from the files that were seen to a beat, to what stands against
 * it, and to faults with their remedies. Pure; whoever looks keeps the answer and gives it back at the next look.
 *
 * Freshness goes by the age of a file on its own host's clock, taken from the watch's clock when it was first seen so. The
 * time that stands in a file is a label; where the two disagree, that is a fault and nothing more: an agent whose clock is
 * wrong is not dead.
 */
import { posix } from 'node:path'
import type { AgentConfig, HostConfig } from '../config/config.ts'
import type { Beat } from '../domain/agent.ts'
import { sayDuration } from '../domain/duration.ts'
import { type HeartbeatContent, type HeartbeatForm, type HeartbeatFormat, readHeartbeat } from '../domain/heartbeat.ts'
import { type HeartbeatFault, heartbeatFault } from '../domain/heartbeat-fault.ts'
import type { AgentDeclaration, AgentSighting, FileSighting, HostDeclaration, Unreadable } from '../ports/host.ts'

/** Clocks of one machine and of its file server differ by so much without anything being wrong. */
const futureMs = 5_000
/** Hermes writes both of its ticker files once a minute. */
const hermesTickerMs = 60_000
/** No zone is further from UTC: a time without a zone may be off by so much and be right. */
const zoneMs = 14 * 3_600_000
/** An answer may be so late on its way that what it says seems to be younger by that. */
const jitterMs = 15_000
const jobsNamed = 3

/** One heartbeat file, as last seen. */
interface FileLook {
  /** By the clock of its host; -1 before anything was read. */
  mtimeMs: number
  /** The last beat that it proves: when, by the watch's clock, and the modification time that told of it. */
  beat?: { atMs: number; mtimeMs: number }
  /** Of the last beat. */
  content: HeartbeatContent
  form?: HeartbeatForm
  /** What it was recognised as, and why. */
  because?: string
  faults: HeartbeatFault[]
  /** What stands in it at this modification time could not be read. */
  isBroken: boolean
  /** What stands in it seems to be older than the last beat. It may turn out not to be: once the watch knows how long it slept. */
  refused?: Reading
}

interface Reading {
  mtimeMs: number
  content: HeartbeatContent
  form: HeartbeatForm
  because: string
  faults: HeartbeatFault[]
}

/** All heartbeat files of one agent, as last seen. */
export interface HeartbeatsLook {
  files: ReadonlyMap<string, FileLook>
  /** The newest proof of life; its process is not known here. Another `id` is another beat. */
  beat?: { atMs: number; content: HeartbeatContent; id: string }
  /** What stands against the agent while it beats: a reason, `null` for nothing, absent where this look can't tell. */
  condition?: string | null
  /** A person's marker: `null` where there is none, absent where this look can't tell. */
  marker?: { path: string; reason: string } | null
  faults: { path: string; fault: HeartbeatFault }[]
}

/** What the gate of a host is told. */
export function hostDeclarationOf(host: HostConfig, agents: readonly AgentConfig[]): HostDeclaration {
  return { agents: agents.map(declarationOf), services: [...host.services], sockets: [...host.sockets] }
}

/** What the gate is to look at for this agent. */
function declarationOf(agent: AgentConfig): AgentDeclaration {
  const common = {
    id: agent.id,
    body: agent.body,
    stopGraceMs: agent.stopGraceMs,
    configs: [...agent.configs],
    ...(agent.log !== undefined && { log: agent.log }),
  }
  const { heartbeat } = agent
  switch (heartbeat.kind) {
    case 'file': {
      const markers = [`${heartbeat.file}.paused`, posix.join(posix.dirname(heartbeat.file), '.paused')]
      return { ...common, heartbeatFiles: [heartbeat.file], markers }
    }
    case 'jobs':
      return { ...common, heartbeatFiles: [], jobs: heartbeat.directory, markers: [posix.join(heartbeat.directory, '.paused')] }
    case 'hermes': {
      const { gateway, ticker, success } = hermesFiles(heartbeat.home)
      return {
        ...common,
        heartbeatFiles: [gateway, ticker, success],
        markers: [posix.join(heartbeat.home, '.paused'), `${gateway}.paused`],
      }
    }
    case 'push':
      return { ...common, heartbeatFiles: [], markers: [] }
  }
}

/**
 * `known`: the last beat that is known of the agent from before this watch of its host began, so that neither an old file nor
 * one from the future counts as news after a restart of the watch.
 */
export function lookAtHeartbeats(
  agent: AgentConfig,
  sighting: AgentSighting,
  before: HeartbeatsLook | undefined,
  nowMs: number,
  known: Beat | undefined,
): HeartbeatsLook {
  const { heartbeat, timing } = agent
  if (heartbeat.kind === 'push') return { files: new Map(), condition: null, marker: null, faults: [] }
  const files = new Map<string, FileLook>()
  const isListed = sighting.jobs === undefined || sighting.jobs.kind === 'listed'
  // Jobs that were taken away are forgotten, but not while their folder can't be read.
  if (!isListed) for (const [path, look] of before?.files ?? []) files.set(path, look)
  for (const file of sighting.files) {
    const last = before?.files.get(file.path)
    // A beat known from the future is of a time when the watch's clock was another one.
    const isItsOwn = heartbeat.kind !== 'jobs' && file === sighting.files[0] && known !== undefined && known.atMs <= nowMs
    files.set(
      file.path,
      afterFile(last, file, nowMs, {
        format: formatOf(heartbeat, file.path),
        ...(heartbeat.kind === 'file' && { timeField: heartbeat.timeField }),
        ...(isItsOwn && { knownMs: known.atMs }),
        toleranceMs: timing.periodMs + timing.graceMs,
        jitterMs: Math.max(jitterMs, timing.periodMs),
      }),
    )
  }
  const faults = [...files].flatMap(([path, look]) => look.faults.map((fault) => ({ path, fault })))
  const marker = markerOf(sighting)
  switch (heartbeat.kind) {
    case 'file':
      return { files, ...beatOf(files.get(heartbeat.file)), condition: null, ...marker, faults }
    case 'jobs': {
      const paused = new Set(sighting.markers.map(({ path }) => path))
      const condition = isListed ? { condition: jobsCondition(files, paused, nowMs) } : {}
      return { files, ...newestJob(files), ...condition, ...marker, faults: [...folderFaults(heartbeat.directory, sighting), ...faults] }
    }
    case 'hermes': {
      const { gateway, ticker, success } = hermesFiles(heartbeat.home)
      // A gateway without cron has no ticker.
      const relevant = faults.filter(({ path, fault }) => path === gateway || fault.kind !== 'missing')
      const condition = hermesCondition(files.get(ticker), files.get(success), nowMs)
      return { files, ...beatOf(files.get(gateway)), ...condition, ...marker, faults: relevant }
    }
  }
}

/** One sentence for people about all that is wrong; undefined where nothing is. */
export function sayFaults(look: HeartbeatsLook | undefined): string | undefined {
  if (!look || look.faults.length === 0) return undefined
  const named = look.faults.slice(0, jobsNamed).map(({ path, fault }) => `${path} ${fault.text}: ${fault.remedy}`)
  const more = look.faults.length - named.length
  return more > 0 ? `${named.join('. ')}. And ${more} more` : named.join('. ')
}

interface FileRules {
  format: HeartbeatFormat
  timeField?: string | undefined
  /** The last beat that is known of this file from before. */
  knownMs?: number
  /** How far the file's own time may be off its modification time. */
  toleranceMs: number
  /** By how much the time of one and the same beat may differ from look to look. */
  jitterMs: number
}

function afterFile(before: FileLook | undefined, file: { path: string } & FileSighting, nowMs: number, rules: FileRules): FileLook {
  const last = before ?? { mtimeMs: -1, content: {}, faults: [], isBroken: false }
  switch (file.kind) {
    case 'missing':
      return { ...last, faults: [heartbeatFault('missing')] }
    case 'unreadable':
      return { ...last, faults: [heartbeatFault(file.why === 'file' ? 'special' : file.why)] }
    case 'unchanged': {
      if (last.refused) return accept(last, last.refused, file.ageMs, nowMs, rules)
      // With time, a modification time in the future comes to pass.
      return { ...last, faults: last.faults.filter(({ kind }) => kind !== 'future' || file.ageMs < -futureMs) }
    }
    case 'content': {
      const options = {
        format: rules.format,
        name: posix.basename(file.path),
        ...(rules.timeField !== undefined && { timeField: rules.timeField }),
        ...(last.form && { before: last.form }),
      }
      const reading = readHeartbeat(file.bytes, file.truncated, options)
      if (reading.kind === 'fault') {
        const { refused: _, ...rest } = last
        return { ...rest, mtimeMs: file.mtimeMs, faults: [reading.fault], isBroken: true }
      }
      const { content, form, because, fault } = reading
      const faults = [...(fault ? [fault] : []), ...timeFaults(content, file, rules.toleranceMs)]
      const read = { mtimeMs: file.mtimeMs, content, form, because, faults }
      // The same time again, over a new connection: no new beat, unless it could not be read before.
      if (before?.mtimeMs === file.mtimeMs && !before.isBroken && !before.refused) return { ...last, ...read }
      // What lies in the future counts as of now, but only when it is seen to change: else each restart of the watch would
      // give a dead agent another life.
      if (file.ageMs < -futureMs && before === undefined && rules.knownMs !== undefined) return { ...read, isBroken: false }
      return accept(last, read, file.ageMs, nowMs, rules)
    }
  }
}

/** A beat, unless it is older than the last one: somebody copied an old file back, which says nothing of now. */
function accept(last: FileLook, read: Reading, ageMs: number, nowMs: number, rules: FileRules): FileLook {
  const { mtimeMs, form, because } = read
  const atMs = Math.round(nowMs - Math.max(0, ageMs))
  if (atMs >= Math.max(last.beat?.atMs ?? 0, rules.knownMs ?? 0) - rules.jitterMs)
    return { ...read, beat: { atMs, mtimeMs }, isBroken: false }
  return { form, because, ...last, mtimeMs, isBroken: false, refused: read, faults: [...read.faults, heartbeatFault('went-back')] }
}

function timeFaults(content: HeartbeatContent, file: { mtimeMs: number; ageMs: number }, toleranceMs: number): HeartbeatFault[] {
  const faults: HeartbeatFault[] = []
  if (file.ageMs < -futureMs) faults.push(heartbeatFault('future', sayDuration(-file.ageMs)))
  if (content.saidAt) {
    const offMs = Math.abs(content.saidAt.ms - file.mtimeMs)
    const allowedMs = Math.max(toleranceMs, 2 * (content.intervalMs ?? 0)) + (content.saidAt.zone === 'local' ? zoneMs : 0)
    if (offMs > allowedMs) faults.push(heartbeatFault('time-differs', sayDuration(offMs)))
  }
  return faults
}

function formatOf(heartbeat: AgentConfig['heartbeat'], path: string): HeartbeatFormat {
  switch (heartbeat.kind) {
    case 'file':
      return heartbeat.format
    case 'jobs':
      return 'job'
    case 'hermes':
      return path === hermesFiles(heartbeat.home).gateway ? 'json' : 'epoch'
    case 'push':
      return 'mtime'
  }
}

function hermesFiles(home: string): { gateway: string; ticker: string; success: string } {
  return {
    gateway: posix.join(home, 'state/gateway.heartbeat'),
    ticker: posix.join(home, 'cron/ticker_heartbeat'),
    success: posix.join(home, 'cron/ticker_last_success'),
  }
}

function beatOf(look: FileLook | undefined): Pick<HeartbeatsLook, 'beat'> {
  return look?.beat ? { beat: { atMs: look.beat.atMs, content: look.content, id: String(look.beat.mtimeMs) } } : {}
}

/** What the look at each job tells of all of them: the newest is the proof of life, the longest interval the one it is held to. */
function newestJob(files: ReadonlyMap<string, FileLook>): Pick<HeartbeatsLook, 'beat'> {
  let newest: { atMs: number; id: string } | undefined
  let intervalMs = 0
  for (const [path, { beat, content }] of files) {
    if (beat && (!newest || beat.atMs > newest.atMs)) newest = { atMs: beat.atMs, id: `${path} ${beat.mtimeMs}` }
    intervalMs = Math.max(intervalMs, content.intervalMs ?? 0)
  }
  return newest ? { beat: { ...newest, content: intervalMs > 0 ? { intervalMs } : {} } } : {}
}

function jobsCondition(files: ReadonlyMap<string, FileLook>, paused: ReadonlySet<string>, nowMs: number): string | null {
  const against = [...files].flatMap(([path, { beat, content }]) => {
    if (!beat || paused.has(`${path}.paused`)) return []
    const job = posix.basename(path, '.last')
    if (content.failing !== undefined) return [`job ${job} failed: ${content.failing}`]
    const { intervalMs } = content
    if (intervalMs === undefined || nowMs - beat.atMs <= 2 * intervalMs) return []
    return [`job ${job} is overdue: last run ${sayDuration(nowMs - beat.atMs)} ago, due every ${sayDuration(intervalMs)}`]
  })
  if (against.length === 0) return null
  const more = against.length - jobsNamed
  return against.slice(0, jobsNamed).join('; ') + (more > 0 ? `; and ${more} more` : '')
}

function folderFaults(folder: string, { jobs, files }: AgentSighting): HeartbeatsLook['faults'] {
  const faults: HeartbeatFault[] = []
  if (jobs?.kind === 'missing') faults.push(heartbeatFault('missing'))
  if (jobs?.kind === 'unreadable') faults.push(unreadableFolder(jobs.why))
  if (jobs?.kind === 'listed') {
    if (jobs.isCut) faults.push(heartbeatFault('too-many-jobs'))
    if (jobs.odd > 0) faults.push(heartbeatFault('odd-names', String(jobs.odd)))
    if (files.length === 0) faults.push(heartbeatFault('no-jobs'))
  }
  return faults.map((fault) => ({ path: folder, fault }))
}

function unreadableFolder(why: Unreadable): HeartbeatFault {
  return heartbeatFault(why === 'denied' || why === 'no-answer' ? why : 'no-folder')
}

/** The ticker runs, and nothing that it starts succeeds. Without a word on success, nothing can be said. */
function hermesCondition(ticker: FileLook | undefined, success: FileLook | undefined, nowMs: number): Pick<HeartbeatsLook, 'condition'> {
  if (!ticker?.beat || !success?.beat) return { condition: null }
  const isTicking = nowMs - ticker.beat.atMs < 2 * hermesTickerMs
  const sinceMs = nowMs - success.beat.atMs
  if (!isTicking || sinceMs <= 3 * hermesTickerMs) return { condition: null }
  return { condition: `every cron job of Hermes fails: none has succeeded for ${sayDuration(sinceMs)}` }
}

function markerOf(sighting: AgentSighting): Pick<HeartbeatsLook, 'marker'> {
  const ofJobs = new Set(sighting.files.map(({ path }) => `${path}.paused`))
  const marker = sighting.markers.find(({ path }) => sighting.jobs === undefined || !ofJobs.has(path))
  if (marker) return { marker: { path: marker.path, reason: marker.reason === '' ? `${marker.path} is there` : marker.reason } }
  // A folder that can't be entered may hold one.
  const isHidden = [...sighting.files, ...(sighting.jobs ? [sighting.jobs] : [])].some(
    (one) => one.kind === 'unreadable' && (one.why === 'denied' || one.why === 'no-answer'),
  )
  return isHidden ? {} : { marker: null }
}
