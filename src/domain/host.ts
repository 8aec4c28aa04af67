/** What is known of one host. A lost host is one problem, never one per agent on it. */
import { type Flapping, steadiness, steadyAgainMs, type Unsteady } from './flapping.ts'

export type HostState = 'new' | 'up' | 'unreachable' | 'unknown'

export interface HostRecord extends Unsteady {
  status: { state: HostState; sinceMs: number; cause?: string }
  /** Set while an incident is open. `upMs`: it answers again since, but still too unsteadily to call it over. */
  problem?: { sinceMs: number; cause: string; upMs?: number }
}

export type HostEvent =
  | { kind: 'answered' }
  /** It does not answer, and a new connection does not come about either. `cause`: unreachable, auth, host-key, gate, timeout. */
  | { kind: 'lost'; sinceMs: number; cause: string }
  | { kind: 'blind'; sinceMs: number }
  /** Time has passed. */
  | { kind: 'tick' }

export type HostEffect =
  | { kind: 'transition'; from: HostState; to: HostState; atMs: number; noticedMs: number; cause?: string }
  | { kind: 'problem'; cause: string; atMs: number }
  /** It is another problem than it was taken for, and one that a person has to know of: told once more, with this cause. */
  | { kind: 'turned-out'; cause: string; atMs: number }
  | { kind: 'recovery'; cause: string; atMs: number; downMs: number }
  /** It is lost and found so often that its incident stays open until it has answered for a while. */
  | { kind: 'flapping'; changes: number; atMs: number }

export function newHost(nowMs: number): HostRecord {
  return { status: { state: 'new', sinceMs: nowMs } }
}

/** When time alone changes something next; infinite where it never does. */
export function hostDueMs(host: HostRecord, rule: Flapping | undefined): number {
  return steadyAgainMs(host, rule)
}

/** `rule`: absent where hosts are never said to flap. */
export function decideHost(
  host: HostRecord,
  event: HostEvent,
  nowMs: number,
  rule?: Flapping,
): { host: HostRecord; effects: HostEffect[] } {
  const next = statusAfter(host, event, nowMs)
  if (next.state === host.status.state && next.cause === host.status.cause && !host.flapping) return { host, effects: [] }
  const effects: HostEffect[] = []
  if (next.state !== host.status.state) {
    const transition = { kind: 'transition' as const, from: host.status.state, to: next.state, atMs: next.sinceMs, noticedMs: nowMs }
    effects.push(next.cause === undefined ? transition : { ...transition, cause: next.cause })
  }
  let { problem } = host
  let changedMs: number | undefined
  if (next.state === 'unreachable' && (!problem || problem.upMs !== undefined)) {
    if (problem) problem = { sinceMs: problem.sinceMs, cause: problem.cause }
    else {
      problem = { sinceMs: next.sinceMs, cause: next.cause ?? 'unreachable' }
      effects.push({ kind: 'problem', cause: problem.cause, atMs: problem.sinceMs })
    }
    changedMs = nowMs
  } else if (next.state === 'unreachable' && problem && next.cause !== undefined && weight(next.cause) > weight(problem.cause)) {
    problem = { ...problem, cause: next.cause }
    effects.push({ kind: 'turned-out', cause: next.cause, atMs: nowMs })
  } else if (next.state === 'up' && problem && problem.upMs === undefined) {
    problem = { ...problem, upMs: nowMs }
    changedMs = nowMs
  }
  const { after: steady, began } = steadiness(host, changedMs, nowMs, rule)
  if (began !== undefined) effects.push({ kind: 'flapping', changes: began, atMs: nowMs })
  if (next.state === 'up' && problem?.upMs !== undefined && !steady.flapping) {
    effects.push({ kind: 'recovery', cause: problem.cause, atMs: problem.upMs, downMs: Math.max(0, problem.upMs - problem.sinceMs) })
    problem = undefined
  }
  return { host: { status: next, ...(problem && { problem }), ...steady }, effects }
}

/**
 * No answer may be anything. Who answers that he does not know us, or is somebody else, will do so until a person comes: a host
 * that went away and came back with another key must not pass for one that is still away.
 */
const weights: readonly string[] = ['gate', 'auth', 'host-key']
const weight = (cause: string) => weights.indexOf(cause)

function statusAfter(host: HostRecord, event: HostEvent, nowMs: number): HostRecord['status'] {
  const { status } = host
  switch (event.kind) {
    case 'answered':
      return status.state === 'up' ? status : { state: 'up', sinceMs: nowMs }
    case 'lost':
      if (status.state === 'unreachable') return { ...status, cause: event.cause }
      return { state: 'unreachable', sinceMs: Math.max(event.sinceMs, status.sinceMs), cause: event.cause }
    case 'tick':
      return status
    case 'blind':
      return status.state === 'unknown' ? status : { state: 'unknown', sinceMs: Math.max(event.sinceMs, status.sinceMs) }
  }
}
