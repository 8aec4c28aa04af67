/** What is known of one host. A lost host is one problem, never one per agent on it. */
export type HostState = 'new' | 'up' | 'unreachable' | 'unknown'

export interface HostRecord {
  status: { state: HostState; sinceMs: number; cause?: string }
  /** Set while an incident is open. */
  problem?: { sinceMs: number; cause: string }
}

export type HostEvent =
  | { kind: 'answered' }
  /** It does not answer, and a new connection does not come about either. `cause`: unreachable, auth, host-key, gate, timeout. */
  | { kind: 'lost'; sinceMs: number; cause: string }
  | { kind: 'blind'; sinceMs: number }

export type HostEffect =
  | { kind: 'transition'; from: HostState; to: HostState; atMs: number; noticedMs: number; cause?: string }
  | { kind: 'problem'; cause: string; atMs: number }
  | { kind: 'recovery'; cause: string; atMs: number; downMs: number }

export function newHost(nowMs: number): HostRecord {
  return { status: { state: 'new', sinceMs: nowMs } }
}

export function decideHost(host: HostRecord, event: HostEvent, nowMs: number): { host: HostRecord; effects: HostEffect[] } {
  const next = statusAfter(host, event, nowMs)
  if (next.state === host.status.state && next.cause === host.status.cause) return { host, effects: [] }
  const effects: HostEffect[] = []
  if (next.state !== host.status.state) {
    const transition = { kind: 'transition' as const, from: host.status.state, to: next.state, atMs: next.sinceMs, noticedMs: nowMs }
    effects.push(next.cause === undefined ? transition : { ...transition, cause: next.cause })
  }
  let problem = host.problem
  if (next.state === 'unreachable' && !problem) {
    problem = { sinceMs: next.sinceMs, cause: next.cause ?? 'unreachable' }
    effects.push({ kind: 'problem', cause: problem.cause, atMs: problem.sinceMs })
  } else if (next.state === 'up' && problem) {
    effects.push({ kind: 'recovery', cause: problem.cause, atMs: nowMs, downMs: Math.max(0, nowMs - problem.sinceMs) })
    problem = undefined
  }
  return { host: { status: next, ...(problem && { problem }) }, effects }
}

function statusAfter(host: HostRecord, event: HostEvent, nowMs: number): HostRecord['status'] {
  const { status } = host
  switch (event.kind) {
    case 'answered':
      return status.state === 'up' ? status : { state: 'up', sinceMs: nowMs }
    case 'lost':
      if (status.state === 'unreachable') return { ...status, cause: event.cause }
      return { state: 'unreachable', sinceMs: Math.max(event.sinceMs, status.sinceMs), cause: event.cause }
    case 'blind':
      return status.state === 'unknown' ? status : { state: 'unknown', sinceMs: Math.max(event.sinceMs, status.sinceMs) }
  }
}
