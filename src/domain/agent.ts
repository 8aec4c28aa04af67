/**
 * What is known of one agent, and what follows from it.
 *
 * Facts are kept, the status is derived: `decide` puts an event into the facts, derives the status that holds at `nowMs`
 * and says, as data, what changed. Nobody stores "late" or "down" apart from the last status told, so there is no flag to
 * repair after a crash.
 */
import { assertNever } from './assert-never.ts'

/**
 * new: no beat was ever seen. up: last beat within its period. late: past the period, inside the grace. down: past the
 * grace, or its process is seen to be gone. unreachable: its host can't be seen. paused: a person said so.
 * unknown: the watch itself wasn't looking.
 */
export type AgentState = 'new' | 'up' | 'late' | 'down' | 'unreachable' | 'paused' | 'unknown'

/** Why an agent is down. `silent`: no beat for period + grace. */
type DownCause = 'silent' | 'process-gone' | 'pane-dead'

/** One proof of life. */
export interface Beat {
  /** When the watch takes it to have happened: its own receive time less the file's age by the host's clock. */
  atMs: number
  /** Which life of the agent it comes from: the file's own word, else `bootId:startTime`; empty where neither is known. */
  epoch: string
  pid?: number
  seq?: number
  busy?: boolean
  doing?: string
  model?: string
}

/** How long a beat is good for. */
export interface Timing {
  periodMs: number
  graceMs: number
}

interface AgentFacts {
  lastBeat?: Beat
  /** Its process was seen to be gone, and no beat of another life has come since. */
  gone?: { atMs: number; cause: 'process-gone' | 'pane-dead' }
  hostLost?: { sinceMs: number }
  paused?: { sinceMs: number; reason: string }
  /** The watch has not looked since then. */
  blind?: { sinceMs: number }
}

interface AgentStatus {
  state: AgentState
  sinceMs: number
  cause?: string
}

export interface AgentRecord {
  facts: AgentFacts
  /** The status as last recorded: what the next transition starts from. */
  status: AgentStatus
  /** An incident is open: it went down and has not been seen alive since. */
  problem?: { sinceMs: number; cause: DownCause }
}

export type AgentEvent =
  /** The host was asked and answered. `beat` only where a new one was found. `gone` where its process was not there. */
  | { kind: 'sighted'; beat?: Beat; gone?: 'process-gone' | 'pane-dead' }
  /** Time has passed. */
  | { kind: 'tick' }
  | { kind: 'host-lost'; sinceMs: number }
  /** The watch wasn't looking from `sinceMs` until now: asleep, stopped, or stalled. */
  | { kind: 'blind'; sinceMs: number }
  | { kind: 'paused'; reason: string }
  | { kind: 'resumed' }

export type AgentEffect =
  /** One change of state: when it happened, and when it was noticed. */
  | { kind: 'transition'; from: AgentState; to: AgentState; atMs: number; noticedMs: number; cause?: string; lastBeatMs?: number }
  | { kind: 'problem'; cause: DownCause; atMs: number; lastBeatMs?: number }
  | { kind: 'recovery'; cause: DownCause; atMs: number; downMs: number }

export function newAgent(nowMs: number): AgentRecord {
  return { facts: {}, status: { state: 'new', sinceMs: nowMs } }
}

export function decide(
  agent: AgentRecord,
  event: AgentEvent,
  nowMs: number,
  timing: Timing,
): { agent: AgentRecord; effects: AgentEffect[] } {
  const facts = factsAfter(agent.facts, event, nowMs)
  const status = deriveStatus(facts, nowMs, timing, agent.status)
  const effects: AgentEffect[] = []
  const lastBeatMs = facts.lastBeat?.atMs
  let from = agent.status
  for (const to of stepsBetween(from, status, facts, timing)) {
    effects.push({
      kind: 'transition',
      from: from.state,
      to: to.state,
      atMs: to.sinceMs,
      noticedMs: nowMs,
      ...(to.cause !== undefined && { cause: to.cause }),
      ...(lastBeatMs !== undefined && { lastBeatMs }),
    })
    from = to
  }
  let problem = agent.problem
  if (status.state === 'down' && problem === undefined) {
    const cause = facts.gone?.cause ?? 'silent'
    problem = { sinceMs: status.sinceMs, cause }
    effects.push({ kind: 'problem', cause, atMs: status.sinceMs, ...(lastBeatMs !== undefined && { lastBeatMs }) })
  } else if ((status.state === 'up' || status.state === 'late') && problem !== undefined) {
    // A person hears how long it was gone: until the beat that proves it back, not until the watch got round to reading it.
    const backMs = Math.max(facts.lastBeat?.atMs ?? nowMs, problem.sinceMs)
    effects.push({ kind: 'recovery', cause: problem.cause, atMs: backMs, downMs: backMs - problem.sinceMs })
    problem = undefined
  }
  return { agent: { facts, status, ...(problem && { problem }) }, effects }
}

function factsAfter(facts: AgentFacts, event: AgentEvent, nowMs: number): AgentFacts {
  switch (event.kind) {
    case 'tick':
      return facts
    case 'host-lost': {
      // Whoever finds a host lost is looking: what can't be seen is the host, not everything.
      const { blind: _, ...rest } = facts
      return { ...rest, hostLost: facts.hostLost ?? { sinceMs: event.sinceMs } }
    }
    case 'blind':
      return facts.blind ? facts : { ...facts, blind: { sinceMs: event.sinceMs } }
    case 'paused':
      return facts.paused
        ? { ...facts, paused: { ...facts.paused, reason: event.reason } }
        : { ...facts, paused: { sinceMs: nowMs, reason: event.reason } }
    case 'resumed': {
      const { paused: _, ...rest } = facts
      return rest
    }
    case 'sighted': {
      // Whoever was sighted is neither on a lost host nor out of the watch's sight.
      const { hostLost: _h, blind: _b, ...rest } = facts
      const next: AgentFacts = { ...rest }
      if (event.beat) {
        // A beat written before the death and read after it is no sign of life; one of another life always is.
        const isOtherLife = event.beat.epoch !== '' && next.lastBeat !== undefined && event.beat.epoch !== next.lastBeat.epoch
        if (next.gone && (event.beat.atMs > next.gone.atMs || isOtherLife)) delete next.gone
        next.lastBeat = event.beat
      }
      // The first word that it is gone counts: later sightings must not move the time of death.
      if (event.gone && !next.gone) next.gone = { atMs: nowMs, cause: event.gone }
      return next
    }
    default:
      return assertNever(event)
  }
}

/** The status that follows from the facts at `nowMs`. `previous` says since when, and what must not be judged in hindsight. */
function deriveStatus(facts: AgentFacts, nowMs: number, timing: Timing, previous: AgentStatus): AgentStatus {
  const derived = freshStatus(facts, nowMs, timing)
  // The time of entering a state stays, except that a cause that got better known may be told anew.
  if (derived.state === previous.state) return { ...derived, sinceMs: previous.sinceMs }
  const sinceMs = isUnjudged(previous.state, derived.state) ? nowMs : derived.sinceMs
  return { ...derived, sinceMs: Math.max(sinceMs, previous.sinceMs) }
}

/**
 * What nobody saw stays what it was told to be: a stretch that was unreachable, unknown or paused ends at the moment of
 * looking again, and is never counted as up or down afterwards. Only from unreachable to unknown is a step back in time
 * allowed, since neither claims anything.
 */
function isUnjudged(from: AgentState, to: AgentState): boolean {
  return from === 'paused' || from === 'unknown' || (from === 'unreachable' && to !== 'unknown')
}

function freshStatus(facts: AgentFacts, nowMs: number, timing: Timing): AgentStatus {
  if (facts.paused) return { state: 'paused', sinceMs: facts.paused.sinceMs, cause: facts.paused.reason }
  if (facts.blind) return { state: 'unknown', sinceMs: facts.blind.sinceMs, cause: 'not-looking' }
  if (facts.hostLost) return { state: 'unreachable', sinceMs: facts.hostLost.sinceMs, cause: 'host-unreachable' }
  const beat = facts.lastBeat
  if (!beat) return { state: 'new', sinceMs: nowMs }
  if (facts.gone) return { state: 'down', sinceMs: facts.gone.atMs, cause: facts.gone.cause }
  const ageMs = nowMs - beat.atMs
  if (ageMs >= timing.periodMs + timing.graceMs) {
    return { state: 'down', sinceMs: beat.atMs + timing.periodMs + timing.graceMs, cause: 'silent' }
  }
  if (ageMs >= timing.periodMs) return { state: 'late', sinceMs: beat.atMs + timing.periodMs }
  return { state: 'up', sinceMs: beat.atMs }
}

/** An agent that fell silent was late before it was down, even if nobody looked at that moment: uptime reads this. */
function stepsBetween(from: AgentStatus, to: AgentStatus, facts: AgentFacts, timing: Timing): AgentStatus[] {
  if (from.state === to.state) return []
  if (from.state === 'up' && to.state === 'down' && to.cause === 'silent' && facts.lastBeat) {
    const lateMs = facts.lastBeat.atMs + timing.periodMs
    return [{ state: 'late', sinceMs: Math.max(lateMs, from.sinceMs) }, to]
  }
  return [to]
}
