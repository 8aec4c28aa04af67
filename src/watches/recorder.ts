/**
 * Tells what the watch sees, as lines of a trace, while somebody listens. First everything as it stands, then what is new.
 *
 * A line is dated by when it happened, as far as the watch knows: it may come some seconds after lines of a later time.
 */
import type { Beat } from '../domain/agent.ts'
import type { TraceBeat, TraceLine } from '../domain/trace.ts'
import type { Clock } from '../ports/clock.ts'
import type { Roster, RosterEvent } from './roster.ts'

/** What was told of an agent last, of the things that no event is about. */
interface Told {
  gone: boolean
  condition: string | null
  paused: string | null
}

/** A file is looked at each second. */
const promptMs = 1_500

/** `fleet`: who is declared at this moment. */
export function startRecorder(
  fleet: () => { agents: Iterable<string>; hosts: Iterable<string> },
  ports: { roster: Pick<Roster, 'agent' | 'host' | 'on'>; clock: Pick<Clock, 'now'> },
  tell: (line: TraceLine) => void,
): { stop(): void } {
  const { roster, clock } = ports
  const startMs = clock.now()
  const told = new Map<string, Told>()
  const lost = new Set<string>()
  /** When the watch last found out that it had not been looking. */
  let blindMs = Number.NEGATIVE_INFINITY

  const seconds = (ms: number) => Math.max(0, Math.round(ms - startMs)) / 1000

  function begin(): void {
    const { agents, hosts } = fleet()
    for (const host of hosts) {
      const status = roster.host(host)?.status
      if (status?.state !== 'unreachable') continue
      lost.add(host)
      tell({ at: 0, host, reachable: false, ...(status.cause !== undefined && { cause: status.cause }) })
    }
    for (const id of agents) {
      const beat = roster.agent(id)?.facts.lastBeat
      if (beat) tellBeat(id, beat)
      tellFacts(id, startMs)
    }
  }

  function tellBeat(agent: string, beat: Beat): void {
    const nowMs = clock.now()
    const ageMs = nowMs - beat.atMs
    // One that was read late (its host was lost, the watch began) was no sign of life before that.
    if (ageMs > promptMs) tell({ at: seconds(nowMs), agent, beat: { ...beatOf(beat), ageS: Math.round(ageMs) / 1000 } })
    else tell({ at: seconds(beat.atMs), agent, beat: beatOf(beat) })
  }

  /** What is said of an agent beside its beats, where that is new. */
  function tellFacts(agent: string, nowMs: number): void {
    const facts = roster.agent(agent)?.facts
    if (!facts) return
    const before = told.get(agent) ?? { gone: false, condition: null, paused: null }
    const pauses = Object.entries(facts.paused?.by ?? {}).filter(([by]) => by !== 'config')
    const after = {
      gone: facts.gone !== undefined,
      condition: facts.condition?.text ?? null,
      paused: pauses.map(([, { reason }]) => reason).join('; ') || null,
    }
    told.set(agent, after)
    if (facts.gone && !before.gone) {
      const process = facts.gone.cause === 'process-gone' ? 'gone' : facts.gone.cause
      // When it was seen first, and when its host was asked again: the second line makes it sure for who replays it.
      tell({ at: seconds(facts.gone.atMs), agent, process })
      tell({ at: seconds(nowMs), agent, process })
    }
    if (after.condition !== before.condition) tell({ at: seconds(nowMs), agent, condition: after.condition })
    if (after.paused !== before.paused) tell({ at: seconds(nowMs), agent, paused: after.paused })
  }

  function hear(event: RosterEvent): void {
    const nowMs = clock.now()
    if (event.kind === 'beat') tellBeat(event.agent, event.beat)
    else if (event.kind === 'changed') for (const agent of event.agents) tellFacts(agent, nowMs)
    else if (event.kind === 'transition') {
      const { subject, transition } = event
      if (transition.to === 'unknown') noteBlind(transition.atMs, nowMs)
      else if (subject.kind === 'host') noteHost(subject.id, transition)
    }
  }

  /** The whole fleet is unknown at once: the watch itself was away. */
  function noteBlind(sinceMs: number, nowMs: number): void {
    if (nowMs === blindMs) return
    blindMs = nowMs
    tell({ at: seconds(sinceMs), watch: 'stop' })
    tell({ at: seconds(nowMs), watch: 'start' })
  }

  function noteHost(host: string, { to, atMs, cause }: { to: string; atMs: number; cause?: string }): void {
    if (to === 'unreachable') {
      lost.add(host)
      tell({ at: seconds(atMs), host, reachable: false, ...(cause !== undefined && { cause }) })
    } else if (lost.delete(host)) tell({ at: seconds(atMs), host, reachable: true })
  }

  begin()
  return { stop: roster.on(hear) }
}

function beatOf({ atMs: _, epoch, intervalMs, ...rest }: Beat): TraceBeat {
  return { ...(epoch !== '' && { epoch }), ...rest, ...(intervalMs !== undefined && { intervalS: intervalMs / 1000 }) }
}
