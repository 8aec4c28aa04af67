/**
 * Restarts what is dead, by policy and within limits: `auto` agents only, only what its host confirms to be dead, never on a
 * host that can't be seen, with a growing wait between attempts, and with a bound on how many. It asks for the same operation
 * as a person would, so that the audit and the verification are the same.
 *
 * What was tried stands in the ledger, as operations of the watch; the next life of the watch goes on from there.
 */
import type { Config } from '../config/config.ts'
import type { Desk } from '../desk/desk.ts'
import { backoff, decideRemedy, lastStableMs, type Remedy, type Start, startsSince, waitBeforeAttemptMs } from '../domain/remedy.ts'
import type { Outcome } from '../operations/operation.ts'
import type { Clock } from '../ports/clock.ts'
import { type Ledger, LedgerError } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import type { HeldSettings } from './held-settings.ts'
import type { RemedyNews } from './remedy-news.ts'
import type { Roster } from './roster.ts'

/** While somebody is at work there, or the ledger can't be read: how often to look whether that is over. */
const recheckMs = 60_000
/** Where the reason to refuse will pass by itself: how long to let it at first. */
const passingMs = 10_000
/** How far back what was tried matters, where no limit asks for more. */
const lookBackMs = 86_400_000
const mostStarts = 10_000

const watchItself = { kind: 'watch', id: 'watch', name: 'the watch' } as const

export interface RemedyPorts {
  roster: Pick<Roster, 'agent' | 'on' | 'lastIncident'>
  desk: Pick<Desk, 'request'>
  news: RemedyNews
  ledger: Pick<Ledger, 'operations' | 'timeline'>
  clock: Clock
  log: Log
  /** Who is not asked for again, because it would be refused for the same settings. */
  held: HeldSettings
  /** In [0, 1). */
  random: () => number
  /** Somebody works on the agent or on its host at this moment: nothing is restarted behind his back. */
  inMaintenance: (agent: string) => boolean
}

/** Somebody who is dead and may be restarted. */
interface Patient {
  stableMs: number | undefined
  earliestMs: number
  isUnderWay: boolean
  /** So many times in a row nothing was done. */
  inVain: number
}

/** `config` answers with the declaration as it is at that moment. Throws LedgerError where the ledger can't be read. */
export function startRemedies(config: () => Config, ports: RemedyPorts): { stop(): void } {
  const { roster, desk, news, held, ledger, clock, log } = ports
  /** Who has waited longest comes first. */
  const patients = new Map<string, Patient>()
  let underWay = 0
  let isStopped = false
  let next: { atMs: number; timer: { cancel(): void } } | undefined

  const isAuto = (agent: string) => config().agents.get(agent)?.policy === 'auto'
  const isDown = (agent: string) => roster.agent(agent)?.status.state === 'down'
  const isGone = (agent: string) => roster.agent(agent)?.facts.gone !== undefined
  const sinceMs = () => {
    const { perMs, crashLoop } = config().remedies
    return clock.now() - Math.max(lookBackMs, perMs, crashLoop?.withinMs ?? 0, crashLoop?.retryMs ?? 0)
  }

  let starts = startsInLedger()

  /** One whose host said that it lives was none: nothing was begun. */
  function startsInLedger(): Start[] {
    const tried = ledger.operations({ operation: 'restart', actorKind: 'watch', sinceMs: sinceMs(), limit: mostStarts })
    return tried.flatMap(({ status, arguments: args, requestedMs }) => {
      const agent = args['agent']
      return status === 'refused' || typeof agent !== 'string' ? [] : [{ agent: agent.replace(/^agent:/, ''), atMs: requestedMs }]
    })
  }

  function admit(agent: string): void {
    if (isStopped || patients.has(agent) || !isAuto(agent)) return
    const stableMs = stableBefore(agent)
    patients.set(agent, { stableMs, earliestMs: clock.now() + waitMs(agent, stableMs), isUnderWay: false, inVain: 0 })
    lookAt(clock.now())
  }

  function stableBefore(agent: string): number | undefined {
    try {
      return lastStableMs(ledger.timeline({ kind: 'agent', id: agent }, sinceMs()), clock.now())
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
      // Then it counts as one that has failed all along: it is tried later, and not too often.
      log.error({ agent, err: error.message }, 'since when it was stable could not be read from the ledger')
      return undefined
    }
  }

  function waitMs(agent: string, stableMs: number | undefined): number {
    const drawnMs = waitBeforeAttemptMs(startsSince(starts, agent, stableMs).length, ports.random())
    if (drawnMs > 0) log.info({ agent, waitMs: drawnMs }, 'waiting before the next automatic restart')
    return drawnMs
  }

  function lookAt(atMs: number): void {
    if (isStopped || atMs === Number.POSITIVE_INFINITY || (next && next.atMs <= atMs)) return
    next?.timer.cancel()
    next = { atMs, timer: clock.after(Math.max(0, atMs - clock.now()), look) }
  }

  function look(): void {
    next = undefined
    const nowMs = clock.now()
    starts = starts.filter(({ atMs }) => atMs >= sinceMs())
    const waiting = { agent: [] as string[], fleet: [] as string[] }
    const waitingMs = { agent: Number.POSITIVE_INFINITY, fleet: Number.POSITIVE_INFINITY }
    for (const [agent, patient] of patients) {
      if (patient.isUnderWay) continue
      const remedy = remedyFor(agent, patient, nowMs)
      switch (remedy.kind) {
        case 'none':
          patients.delete(agent)
          held.forget(agent)
          break
        case 'attempt':
          // Whose turn has not come is looked at again when one of the others has ended.
          if (held.isInDoubt(agent)) void lookAgain(agent, patient)
          else if (underWay < config().remedies.atOnce) void attempt(agent, patient)
          break
        case 'given-up':
          news.giveUp(agent, remedy.sinceMs)
          lookAt(remedy.untilMs)
          break
        case 'held':
          waiting[remedy.by].push(agent)
          waitingMs[remedy.by] = Math.min(waitingMs[remedy.by], remedy.untilMs)
          lookAt(remedy.untilMs)
          break
        case 'wait':
          lookAt(remedy.untilMs)
      }
    }
    for (const by of ['agent', 'fleet'] as const) lookAt(news.held(by, waiting[by], waitingMs[by]))
    for (const [agent, givenUpMs] of news.givenUp()) seeWhetherStable(agent, givenUpMs)
    if (news.givenUp().size > 0) lookAt(nowMs + recheckMs)
  }

  function remedyFor(agent: string, patient: Patient, nowMs: number): Remedy | { kind: 'none' } {
    if (!isAuto(agent) || !isDown(agent)) return { kind: 'none' }
    if (ports.inMaintenance(agent)) return { kind: 'wait', untilMs: nowMs + recheckMs }
    const { stableMs, earliestMs } = patient
    return decideRemedy({ agent, starts, stableMs, givenUpMs: news.givenUp().get(agent), earliestMs }, config().remedies, nowMs)
  }

  function seeWhetherStable(agent: string, givenUpMs: number): void {
    if (!isAuto(agent) || !config().remedies.crashLoop) news.forget(agent)
    else if (!isDown(agent) && (stableBefore(agent) ?? 0) > givenUpMs) news.recovered(agent)
  }

  /** Looks whether what it was refused for has changed: only then is it worth asking. */
  async function lookAgain(agent: string, patient: Patient): Promise<void> {
    patient.isUnderWay = true
    const isHeld = await held.isHeld(agent)
    patient.isUnderWay = false
    if (isHeld) patient.earliestMs = clock.now() + recheckMs
    lookAt(clock.now())
  }

  async function attempt(agent: string, patient: Patient): Promise<void> {
    const wasGone = isGone(agent)
    const start: Start = { agent, atMs: clock.now() }
    const incident = roster.lastIncident({ kind: 'agent', id: agent })
    starts.push(start)
    patient.isUnderWay = true
    underWay++
    const outcome = await desk.request(
      {
        operation: 'restart',
        // By its kind, too: there may be a host of that name, and somebody may have called an agent "all".
        arguments: { agent: `agent:${agent}` },
        actor: watchItself,
        via: 'watch',
        ...(incident && incident.closedMs === undefined && { why: `incident #${incident.number}` }),
      },
      () => {},
    )
    underWay--
    log.info({ agent, status: outcome.status, lines: outcome.lines }, 'automatic restart')
    held.asked(agent, outcome)
    if (isNothingDone(outcome)) starts = starts.filter((one) => one !== start)
    patients.delete(agent)
    // Refused for good: it lives after all, though it is silent. A person decides about that one, unless it dies indeed.
    const isLeft = outcome.status === 'refused' && !outcome.passes && !isGone(agent)
    if (isDown(agent) && isAuto(agent) && !isLeft) {
      const { stableMs } = patient
      // It was dead before, and still nothing was done: another act is under way there, or the like.
      const inVain = isNothingDone(outcome) && (wasGone || outcome.passes) ? patient.inVain + 1 : 0
      const leastMs = inVain === 0 ? 0 : Math.min(backoff.capMs, passingMs * 2 ** (inVain - 1))
      const earliestMs = clock.now() + Math.max(leastMs, waitMs(agent, stableMs))
      patients.set(agent, { stableMs, earliestMs, isUnderWay: false, inVain })
    }
    lookAt(clock.now())
  }

  const off = roster.on((event) => {
    if (event.kind === 'down') admit(event.agent)
    // Who came back by himself is held back no longer.
    if (event.kind === 'transition' && patients.has(event.subject.id)) lookAt(clock.now())
  })
  // What the last life of the watch has told may have an end by now.
  lookAt(clock.now() + recheckMs)
  return {
    stop: () => {
      isStopped = true
      off()
      next?.timer.cancel()
    },
  }
}

function isNothingDone({ status, passes }: Outcome): boolean {
  return status === 'refused' || passes === true
}
