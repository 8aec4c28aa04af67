/**
 * What is known of one agent, and what follows from it.
 *
 * Facts are kept, the status is derived: `decide` puts an event into the facts, derives the status that holds at `nowMs`
 * and says, as data, what changed. Nobody stores "late" or "down" apart from the last status told, so there is no flag to
 * repair after a crash. `dueMs` says when time alone will change something next.
 */
import { assertNever } from './assert-never.ts'
import { type Flapping, steadiness, steadyAgainMs, type Unsteady } from './flapping.ts'

/**
 * new: no beat was ever seen. up: last beat within its period. late: past the period, inside the grace. down: see
 * DownCause. unreachable: its host can't be seen. paused: a person said so. unknown: the watch itself wasn't looking.
 */
export type AgentState = 'new' | 'up' | 'late' | 'down' | 'unreachable' | 'paused' | 'unknown'

/**
 * Why an agent is down. silent: no beat for period + grace. process-gone, pane-dead: its host says so. hung: it beats and is
 * busy, but its progress doesn't move, or neither that nor its pane. failing: it says so itself.
 */
type DownCause = 'silent' | 'process-gone' | 'pane-dead' | 'hung' | 'failing'

/** One proof of life. */
export interface Beat {
  /** When the watch takes it to have happened: its own receive time less the file's age by the host's clock. */
  atMs: number
  /** Which life of the agent it comes from: the file's own word, else `bootId:startTime`; empty where neither is known. */
  epoch: string
  pid?: number
  /** Counts the beats of one life. */
  seq?: number
  /** Moves, in any direction, whenever the agent gets on with its work. */
  progress?: number
  busy?: boolean
  doing?: string
  model?: string
  /** It lives, and says of itself that it fails: why. */
  failing?: string
  /** The interval that the beat itself declares; it goes before the configured period, and the grace is as long. */
  intervalMs?: number
}

/** How an agent is judged. */
export interface Timing {
  /** A beat is due this often. */
  periodMs: number
  /** It may be late for so long. */
  graceMs: number
  /** Busy without progress for so long is hung; absent: never judged. */
  hungMs?: number
  /** Not idle, and neither progress nor a word in its pane for so long is hung; absent: never judged. */
  quietMs?: number
  /** How many beats in a row must say `failing` before it is down (soft, then hard). Default 1. */
  failures?: number
  /** How many good beats in a row make it up again. Default 1. */
  successes?: number
  /** Absent: never said to flap. */
  flapping?: Flapping
}

/** Who paused an agent: its declaration, a marker file beside its heartbeat, or somebody by an operation. */
type PausedBy = 'config' | 'marker' | 'person'

interface AgentFacts {
  lastBeat?: Beat
  /** Silence counts from here at the earliest: the watch has looked without a break since. */
  watchedSinceMs: number
  /** Its process seems to be gone. Held until its host has answered once more: a host that goes down ends its processes first. */
  suspected?: { atMs: number; cause: 'process-gone' | 'pane-dead' }
  /** Its process was seen to be gone, and no beat of another life has come since. */
  gone?: { atMs: number; cause: 'process-gone' | 'pane-dead' }
  /** It says that it fails: `count` times in a row, the last `atMs`. */
  failing?: { atMs: number; count: number; text: string }
  /** A standing condition found by who looks (an overdue job): failing until it is gone. */
  condition?: { atMs: number; text: string }
  /** When its progress last moved, or it was last idle. */
  progress?: { value: number; atMs: number }
  /** When something was last written in its pane, or it was last idle; absent where it lives in none, or nobody judges by it. */
  heard?: { atMs: number }
  /** Good beats in a row, since it was last down. */
  good: { count: number; sinceMs: number }
  hostLost?: { sinceMs: number }
  paused?: { sinceMs: number; by: Partial<Record<PausedBy, { reason: string; untilMs?: number }>> }
  /** The watch has not looked since then. */
  blind?: { sinceMs: number; wasDown?: true }
  /** The watch didn't look in that time, and no beat has come since that could tell whether the agent lived through it. */
  unproved?: { fromMs: number; toMs: number }
}

export interface AgentStatus {
  state: AgentState
  sinceMs: number
  cause?: string
}

export interface AgentRecord extends Unsteady {
  facts: AgentFacts
  /** The status as last recorded: what the next transition starts from. */
  status: AgentStatus
  /** An incident is open: it went down. `upMs`: up again since, but still too unsteady to call it over. */
  problem?: { sinceMs: number; cause: DownCause; upMs?: number }
}

export type AgentEvent =
  /**
   * The host was asked and answered. `beat` only where a new one was found, `gone` where its process was not there and the
   * host has been asked twice, `condition` where the look tells whether one stands (`null`: none does), `quietMs` where it
   * lives in a pane: since when nothing was written there.
   */
  | { kind: 'sighted'; beat?: Beat; gone?: 'process-gone' | 'pane-dead'; condition?: string | null; quietMs?: number }
  /** A beat came by itself, whatever can be seen of the host. */
  | { kind: 'beat'; beat: Beat }
  /** Its process was not there at one look. */
  | { kind: 'suspected'; cause: 'process-gone' | 'pane-dead' }
  /** Time has passed. */
  | { kind: 'tick' }
  | { kind: 'host-lost'; sinceMs: number }
  /** Its host can be seen again; nothing is known of the agent yet. */
  | { kind: 'host-back' }
  /** The watch wasn't looking from `sinceMs` until now: asleep, stopped, or stalled. */
  | { kind: 'blind'; sinceMs: number }
  /** The watch looks again; nothing is known of the agent yet. */
  | { kind: 'looking' }
  | { kind: 'paused'; by: PausedBy; reason: string; untilMs?: number }
  | { kind: 'resumed'; by: PausedBy }

export type AgentEffect =
  /** One change of state: when it happened, and when it was noticed. */
  | { kind: 'transition'; from: AgentState; to: AgentState; atMs: number; noticedMs: number; cause?: string; lastBeatMs?: number }
  | { kind: 'problem'; cause: DownCause; detail?: string; atMs: number; lastBeatMs?: number }
  | { kind: 'recovery'; cause: DownCause; atMs: number; downMs: number }
  /** Its incident stays open from here on until it has been stable for a while. */
  | { kind: 'flapping'; changes: number; atMs: number }
  /** It lived through a time in which the watch didn't look: epoch and sequence prove it. */
  | { kind: 'proof'; fromMs: number; toMs: number }

/** A death that only one look has shown counts when the host hasn't been found lost for so long. */
export const confirmMs = 5_000

export function newAgent(nowMs: number): AgentRecord {
  return { facts: { watchedSinceMs: nowMs, good: { count: 0, sinceMs: nowMs } }, status: { state: 'new', sinceMs: nowMs } }
}

export function decide(
  agent: AgentRecord,
  event: AgentEvent,
  nowMs: number,
  timing: Timing,
): { agent: AgentRecord; effects: AgentEffect[] } {
  const effects: AgentEffect[] = []
  const facts = factsAfter(agent, event, nowMs, timing, effects)
  const status = deriveStatus(facts, nowMs, timing, agent)
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
  return { agent: judge(agent, facts, status, nowMs, timing, effects), effects }
}

/** When time alone changes something next, if nothing else is heard of the agent; infinite where it never does. */
export function dueMs(agent: AgentRecord, timing: Timing): number {
  const { facts, status } = agent
  let due = Number.POSITIVE_INFINITY
  const at = (ms: number) => {
    if (ms < due) due = ms
  }
  for (const pause of Object.values(facts.paused?.by ?? {})) if (pause.untilMs !== undefined) at(pause.untilMs)
  if (facts.suspected && !facts.hostLost) at(facts.suspected.atMs + confirmMs)
  at(steadyAgainMs(agent, timing.flapping))
  if (facts.paused || facts.blind || !facts.lastBeat) return due
  const { periodMs, graceMs } = effective(timing, facts.lastBeat)
  switch (status.state) {
    case 'up':
      at(Math.max(facts.lastBeat.atMs + periodMs, facts.watchedSinceMs))
      at(hungSince(facts, timing))
      break
    case 'late':
      at(Math.max(facts.lastBeat.atMs, facts.watchedSinceMs) + periodMs + graceMs)
      at(hungSince(facts, timing))
      break
    default:
  }
  return due
}

/** The problem, its end, and whether it flaps. */
function judge(
  agent: AgentRecord,
  facts: AgentFacts,
  status: AgentStatus,
  nowMs: number,
  timing: Timing,
  effects: AgentEffect[],
): AgentRecord {
  let { problem } = agent
  let changedMs: number | undefined
  const isDown = status.state === 'down'
  const isUp = status.state === 'up' || status.state === 'late'
  if (isDown && !problem) {
    const cause = (status.cause ?? 'silent') as DownCause
    problem = { sinceMs: status.sinceMs, cause }
    changedMs = status.sinceMs
    const detail = cause === 'failing' ? (facts.condition?.text ?? facts.failing?.text) : undefined
    const lastBeatMs = facts.lastBeat?.atMs
    effects.push({
      kind: 'problem',
      cause,
      ...(detail !== undefined && detail !== '' && { detail }),
      atMs: status.sinceMs,
      ...(lastBeatMs !== undefined && { lastBeatMs }),
    })
  } else if (isDown && problem?.upMs !== undefined) {
    const { upMs: _, ...open } = problem
    problem = open
    changedMs = status.sinceMs
  } else if (isUp && problem && problem.upMs === undefined) {
    // A person hears how long it was gone: until the beat that proves it back, not until the watch got round to reading it.
    const upMs = Math.max(facts.good.count > 0 ? facts.good.sinceMs : nowMs, problem.sinceMs)
    problem = { ...problem, upMs }
    changedMs = upMs
  }
  const { after: steady, began } = steadiness(agent, changedMs, nowMs, timing.flapping)
  if (began !== undefined) effects.push({ kind: 'flapping', changes: began, atMs: nowMs })
  if (problem?.upMs !== undefined && isUp && !steady.flapping) {
    effects.push({ kind: 'recovery', cause: problem.cause, atMs: problem.upMs, downMs: problem.upMs - problem.sinceMs })
    problem = undefined
  }
  // Good beats are counted from the fall on, and not while something speaks against them: those say nothing of its recovery.
  const isReset = isDown && (agent.status.state !== 'down' || isEvident(facts, nowMs, timing))
  // To be found down again after a time out of sight is no other fall: a beat of that time ends it.
  const isSameFall = agent.problem !== undefined && agent.problem.upMs === undefined && facts.good.count === 0
  const fallMs = isSameFall ? facts.good.sinceMs : status.sinceMs
  const kept = isReset ? { ...facts, good: { count: 0, sinceMs: fallMs } } : facts
  return { facts: kept, status, ...(problem && { problem }), ...steady }
}

function factsAfter(agent: AgentRecord, event: AgentEvent, nowMs: number, timing: Timing, effects: AgentEffect[]): AgentFacts {
  const facts = withoutExpired(agent.facts, nowMs)
  switch (event.kind) {
    case 'tick':
      if (facts.suspected && !facts.hostLost && nowMs - facts.suspected.atMs >= confirmMs) return dead(facts, facts.suspected)
      return facts
    case 'host-lost': {
      // Whoever finds a host lost is looking: what can't be seen is the host, not everything. And what seemed to be a death
      // was the host going down.
      const { suspected: _, ...rest } = seen(facts, nowMs)
      return { ...rest, hostLost: facts.hostLost ?? { sinceMs: event.sinceMs } }
    }
    case 'host-back':
      return reached(seen(facts, nowMs), nowMs)
    case 'blind': {
      if (facts.blind) return facts
      const { suspected: _, ...rest } = facts
      const wasDown = agent.problem !== undefined && agent.problem.upMs === undefined
      return { ...rest, blind: { sinceMs: event.sinceMs, ...(wasDown && { wasDown }) } }
    }
    case 'looking':
      return seen(facts, nowMs)
    case 'paused':
      return {
        ...facts,
        paused: {
          sinceMs: facts.paused?.sinceMs ?? nowMs,
          by: { ...facts.paused?.by, [event.by]: { reason: event.reason, ...(event.untilMs !== undefined && { untilMs: event.untilMs }) } },
        },
      }
    case 'resumed':
      return unpaused(facts, (by) => by === event.by, nowMs)
    case 'suspected':
      return facts.gone || facts.suspected ? facts : { ...facts, suspected: { atMs: nowMs, cause: event.cause } }
    case 'beat': {
      const next = afterBeat(seen(facts, nowMs), event.beat, timing, effects, agent.problem)
      // Somebody else goes on posting in the name of a process that its host says is gone: a child that it has left behind.
      // Only what the host sees can take back what the host has said, unless it is another life, or nobody looks there.
      const { gone, hostLost, blind } = facts
      return gone && !hostLost && !blind && !isOtherLife(facts.lastBeat, event.beat) ? { ...next, gone } : next
    }
    case 'sighted': {
      // Whoever was sighted is neither on a lost host nor out of the watch's sight.
      let next = reached(seen(facts, nowMs), nowMs)
      if (event.beat) next = afterBeat(next, event.beat, timing, effects, agent.problem)
      if (event.quietMs !== undefined) next = afterWord(next, nowMs - event.quietMs, nowMs, timing, agent.problem)
      // The first word that it is gone counts: later sightings must not move the time of death.
      if (event.gone) {
        if (!next.gone) next = dead(next, { atMs: next.suspected?.atMs ?? nowMs, cause: event.gone })
      } else {
        const { suspected: _, gone, ...rest } = next
        // The host doesn't say so any more, and it was heard of since.
        const isBack = gone !== undefined && next.lastBeat !== undefined && next.lastBeat.atMs > gone.atMs
        next = gone && !isBack ? { ...rest, gone } : rest
      }
      if (event.condition !== undefined) next = withCondition(next, event.condition, nowMs)
      return next
    }
    default:
      return assertNever(event)
  }
}

function afterBeat(facts: AgentFacts, beat: Beat, timing: Timing, effects: AgentEffect[], problem: AgentRecord['problem']): AgentFacts {
  const last = facts.lastBeat
  // The same beat once more, now that it is known which life it comes from: no second one.
  if (last && beat.atMs === last.atMs && last.epoch === '' && beat.seq === last.seq) return { ...facts, lastBeat: beat }
  // A file that is read anew, by a watch that starts again: its age is measured anew, too. It says nothing, nor takes anything back.
  if (last && isReread(last, beat)) return facts
  const isNewLife = isOtherLife(last, beat)
  // Posted beats may overtake each other: an older one of the same life says nothing new.
  if (last && !isNewLife && beat.atMs < last.atMs) return facts
  const { unproved, suspected, ...rest } = facts
  const next: AgentFacts = { ...rest, lastBeat: beat }
  if (unproved && last && provesLife(last, beat, timing)) {
    // From the last beat to this one and no further: it may have been born after the time began, or have died before it ended.
    const proof = { fromMs: Math.max(unproved.fromMs, last.atMs), toMs: Math.min(unproved.toMs, beat.atMs) }
    if (proof.fromMs < proof.toMs) effects.push({ kind: 'proof', ...proof })
    if (beat.atMs < unproved.toMs) next.unproved = { fromMs: beat.atMs, toMs: unproved.toMs }
  }
  // A beat written before the death and read after it is no sign of life; one of another life always is.
  if (next.gone && (beat.atMs > next.gone.atMs || isNewLife)) delete next.gone
  if (suspected && !isNewLife && beat.atMs <= suspected.atMs) next.suspected = suspected
  const hasMoved = beat.progress !== facts.progress?.value || isNewLife || beat.busy === false
  if (beat.failing !== undefined) {
    next.failing = { atMs: beat.atMs, count: (facts.failing?.count ?? 0) + 1, text: beat.failing }
    next.good = { count: 0, sinceMs: beat.atMs }
  } else {
    delete next.failing
    // One from before its fall says nothing of its recovery: a watch that starts again reads the old file anew. Nor does one
    // that shows no progress, where it was down for want of that: the watch may have been looking elsewhere meanwhile.
    const isNews = isNewLife || beat.atMs > facts.good.sinceMs
    if (facts.good.count > 0) next.good = { ...facts.good, count: facts.good.count + 1 }
    else if (isNews && (problem?.cause !== 'hung' || hasMoved)) next.good = { count: 1, sinceMs: beat.atMs }
  }
  if (beat.progress === undefined) delete next.progress
  else if (!facts.progress || hasMoved) next.progress = { value: beat.progress, atMs: beat.atMs }
  // Who was idle, or was only just born, need not have said anything.
  if (facts.heard && (beat.busy === false || isNewLife)) next.heard = { atMs: Math.max(facts.heard.atMs, beat.atMs) }
  return next
}

/** Something was last written in its pane at `atMs`. */
function afterWord(facts: AgentFacts, atMs: number, nowMs: number, timing: Timing, problem: AgentRecord['problem']): AgentFacts {
  if (facts.heard && atMs <= facts.heard.atMs) return facts
  const next: AgentFacts = { ...facts, heard: { atMs } }
  // Where it was down for want of a word, one is as good as progress; where its progress stands still, none is.
  const isNews = facts.good.count === 0 && atMs > facts.good.sinceMs && nowMs < stillSince(next, timing)
  return problem?.cause === 'hung' && isNews ? { ...next, good: { count: 1, sinceMs: atMs } } : next
}

function isOtherLife(last: Beat | undefined, beat: Beat): boolean {
  return beat.epoch !== '' && last !== undefined && beat.epoch !== last.epoch
}

function isReread(last: Beat, beat: Beat): boolean {
  return beat.seq !== undefined && beat.seq === last.seq && beat.epoch === last.epoch && Math.abs(beat.atMs - last.atMs) < 1_000
}

/** One life, and no fewer beats than it owed at its slowest. */
function provesLife(last: Beat, beat: Beat, timing: Timing): boolean {
  if (last.epoch === '' || last.epoch !== beat.epoch || last.seq === undefined || beat.seq === undefined) return false
  const { periodMs, graceMs } = effective(timing, last)
  return beat.seq > last.seq && (beat.seq - last.seq) * (periodMs + graceMs) >= beat.atMs - last.atMs
}

/** The watch is looking (again). */
function seen(facts: AgentFacts, nowMs: number): AgentFacts {
  if (!facts.blind) return facts
  const { blind, ...rest } = facts
  // Whatever beats it has to show later, at the beginning of that time it was down.
  if (blind.wasDown) return watchedFrom(nowMs, rest)
  return watchedFrom(nowMs, {
    ...rest,
    unproved: { fromMs: Math.min(blind.sinceMs, facts.unproved?.fromMs ?? blind.sinceMs), toMs: nowMs },
  })
}

/** Its host can be seen (again). */
function reached(facts: AgentFacts, nowMs: number): AgentFacts {
  if (!facts.hostLost) return facts
  const { hostLost: _, ...rest } = facts
  return watchedFrom(nowMs, rest)
}

/** What nobody saw is not held against it: silence counts from now on, and so does standing still. */
function watchedFrom(nowMs: number, facts: AgentFacts): AgentFacts {
  return { ...facts, watchedSinceMs: nowMs, ...(facts.progress && { progress: { ...facts.progress, atMs: nowMs } }) }
}

function dead(facts: AgentFacts, gone: NonNullable<AgentFacts['gone']>): AgentFacts {
  const { suspected: _, ...rest } = facts
  return { ...rest, gone: { atMs: gone.atMs, cause: gone.cause } }
}

function withCondition(facts: AgentFacts, condition: string | null, nowMs: number): AgentFacts {
  if (condition !== null) return { ...facts, condition: { atMs: facts.condition?.atMs ?? nowMs, text: condition } }
  if (!facts.condition) return facts
  const { condition: _, ...rest } = facts
  // That it stands no more is as good as a beat that says so.
  return { ...rest, good: { count: Number.MAX_SAFE_INTEGER, sinceMs: nowMs } }
}

function withoutExpired(facts: AgentFacts, nowMs: number): AgentFacts {
  return unpaused(facts, (by) => (facts.paused?.by[by]?.untilMs ?? Number.POSITIVE_INFINITY) <= nowMs, nowMs)
}

function unpaused(facts: AgentFacts, isOver: (by: PausedBy) => boolean, nowMs: number): AgentFacts {
  if (!facts.paused) return facts
  const left = Object.entries(facts.paused.by).filter(([by]) => !isOver(by as PausedBy))
  if (left.length === Object.keys(facts.paused.by).length) return facts
  const { paused, ...rest } = facts
  if (left.length > 0) return { ...facts, paused: { ...paused, by: Object.fromEntries(left) } }
  return watchedFrom(nowMs, rest)
}

/** The status that follows from the facts at `nowMs`. The record before says since when, and what must not be judged in hindsight. */
function deriveStatus(facts: AgentFacts, nowMs: number, timing: Timing, before: AgentRecord): AgentStatus {
  const previous = before.status
  const derived = freshStatus(facts, nowMs, timing, before)
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

function freshStatus(facts: AgentFacts, nowMs: number, timing: Timing, before: AgentRecord): AgentStatus {
  if (facts.paused) {
    const reasons = Object.values(facts.paused.by).map(({ reason }) => reason)
    return { state: 'paused', sinceMs: facts.paused.sinceMs, cause: reasons.join('; ') }
  }
  if (facts.blind) return { state: 'unknown', sinceMs: facts.blind.sinceMs, cause: 'not-looking' }
  const judged = judgedStatus(facts, nowMs, timing, before)
  if (!facts.hostLost) return judged
  // One that posts its beats is seen whatever becomes of the way to its host; its death there can't be told from the host's.
  const isHeard = facts.lastBeat !== undefined && facts.lastBeat.atMs > facts.hostLost.sinceMs
  if (isHeard && (judged.state === 'up' || judged.state === 'late')) return judged
  return {
    state: 'unreachable',
    sinceMs: isHeard ? Math.max(judged.sinceMs, facts.hostLost.sinceMs) : facts.hostLost.sinceMs,
    cause: 'host-unreachable',
  }
}

/** Whether it is down whatever its beats say. */
function isEvident(facts: AgentFacts, nowMs: number, timing: Timing): boolean {
  const isOverdue = nowMs >= silentSince(facts, timing) || nowMs >= hungSince(facts, timing)
  return facts.gone !== undefined || facts.condition !== undefined || hardFailure(facts, timing) !== undefined || isOverdue
}

function judgedStatus(facts: AgentFacts, nowMs: number, timing: Timing, before: AgentRecord): AgentStatus {
  const beat = facts.lastBeat
  if (!beat) return { state: 'new', sinceMs: nowMs }
  if (facts.gone) return { state: 'down', sinceMs: facts.gone.atMs, cause: facts.gone.cause }
  if (facts.condition) return { state: 'down', sinceMs: facts.condition.atMs, cause: 'failing' }
  const failure = hardFailure(facts, timing)
  if (failure) return { state: 'down', sinceMs: failure.atMs, cause: 'failing' }
  const { periodMs } = effective(timing, beat)
  const silentMs = silentSince(facts, timing)
  // A death that waits to be confirmed happened before whatever time brings meanwhile: it is dated to when it was seen.
  const { suspected } = facts
  const isWaiting = suspected !== undefined && suspected.atMs < silentMs && nowMs - suspected.atMs < confirmMs
  if (isWaiting && (before.status.state === 'up' || before.status.state === 'late')) return before.status
  if (nowMs >= silentMs) return { state: 'down', sinceMs: silentMs, cause: 'silent' }
  const hungAtMs = hungSince(facts, timing)
  if (nowMs >= hungAtMs) return { state: 'down', sinceMs: hungAtMs, cause: 'hung' }
  // Down until enough good beats have come: neither a host that can be seen again nor a single beat ends it.
  const { problem, status } = before
  const isStillDown = problem !== undefined && problem.upMs === undefined && facts.good.count < (timing.successes ?? 1)
  if (isStillDown) return { state: 'down', sinceMs: status.state === 'down' ? status.sinceMs : nowMs, cause: problem.cause }
  const lateMs = Math.max(beat.atMs + periodMs, facts.watchedSinceMs)
  if (nowMs - beat.atMs >= periodMs) return { state: 'late', sinceMs: lateMs }
  return { state: 'up', sinceMs: status.state === 'down' ? facts.good.sinceMs : beat.atMs }
}

/** It has said that it fails often enough in a row. */
function hardFailure({ failing }: AgentFacts, timing: Timing): AgentFacts['failing'] {
  return failing && failing.count >= (timing.failures ?? 1) ? failing : undefined
}

function silentSince({ lastBeat, watchedSinceMs }: AgentFacts, timing: Timing): number {
  if (!lastBeat) return Number.POSITIVE_INFINITY
  const { periodMs, graceMs } = effective(timing, lastBeat)
  return Math.max(lastBeat.atMs, watchedSinceMs) + periodMs + graceMs
}

function hungSince(facts: AgentFacts, timing: Timing): number {
  return facts.lastBeat?.busy === false ? Number.POSITIVE_INFINITY : Math.min(stillSince(facts, timing), quietSince(facts, timing))
}

function stillSince({ progress, watchedSinceMs }: AgentFacts, { hungMs }: Timing): number {
  return hungMs === undefined || !progress ? Number.POSITIVE_INFINITY : Math.max(progress.atMs, watchedSinceMs) + hungMs
}

function quietSince({ heard, progress, watchedSinceMs }: AgentFacts, { quietMs }: Timing): number {
  if (quietMs === undefined || !heard) return Number.POSITIVE_INFINITY
  return Math.max(heard.atMs, progress?.atMs ?? heard.atMs, watchedSinceMs) + quietMs
}

function effective(timing: Timing, beat: Beat): { periodMs: number; graceMs: number } {
  return beat.intervalMs === undefined ? timing : { periodMs: beat.intervalMs, graceMs: beat.intervalMs }
}

/** An agent that fell silent was late before it was down, even if nobody looked at that moment: uptime reads this. */
function stepsBetween(from: AgentStatus, to: AgentStatus, facts: AgentFacts, timing: Timing): AgentStatus[] {
  if (from.state === to.state) return []
  if (from.state === 'up' && to.state === 'down' && to.cause === 'silent' && facts.lastBeat) {
    const lateMs = facts.lastBeat.atMs + effective(timing, facts.lastBeat).periodMs
    return [{ state: 'late', sinceMs: Math.max(lateMs, from.sinceMs) }, to]
  }
  return [to]
}
