/**
 * The deadman of the watch itself: is it alive, and what is to be done where it is not. Pure. The times it compares are
 * milliseconds since the machine's boot; wall clocks, which anybody may set, only label what people read.
 */
import { sayDuration } from './duration.ts'
import type { OwnBeat } from './own-beat.ts'

/** This moment by the machine's clocks. `boot` names the boot that `bootMs` counts from; empty where the system tells none. */
export interface Moment {
  boot: string
  bootMs: number
  wallMs: number
}

/** What was found of the watch. `id` names the outage that this would be: the same for the same last beat. */
export type Reading =
  | { kind: 'none'; id: string }
  /** There is a file, but what is in it is no beat. */
  | { kind: 'damaged'; id: string; ageMs: number }
  | { kind: 'beat'; id: string; beat: OwnBeat; ageMs: number; process: 'alive' | 'gone' | 'unknown'; proof: Proof }

/**
 * A second look at a beat that is too old. moved: a newer one came. answers: the watch answers on its control socket, so
 * that only its beat can't be written. still: neither, over longer than two beats.
 */
export type Proof = 'unasked' | 'moved' | 'answers' | 'still'

export type DeathCause = 'no-beat' | 'damaged' | 'gone' | 'hung'

export type Verdict =
  | { kind: 'well'; beat: OwnBeat }
  /** Not well, but not for long enough. */
  | { kind: 'fading'; why: 'gone' | 'stopped' | 'damaged' }
  /** It answers, but its beat does not come. */
  | { kind: 'mute' }
  /** A second look is needed. */
  | { kind: 'unsure' }
  | { kind: 'stopped'; id: string; forMs: number }
  | { kind: 'dead'; id: string; cause: DeathCause; forMs: number | undefined }

/** How old the beat is. A beat of an earlier boot says nothing about this one: then it is as old as the boot. */
export function beatAgeMs(beat: { boot: string; bootMs: number }, mtimeMs: number, now: Moment): number {
  const byWall = Math.max(0, now.wallMs - mtimeMs)
  if (beat.boot === '' || now.boot === '') return byWall
  if (beat.boot !== now.boot) return now.bootMs
  const age = now.bootMs - beat.bootMs
  // A machine that was put back to an earlier moment counts its boot from there again.
  return age >= 0 ? age : byWall
}

export function judgeWatch(reading: Reading, staleMs: number): Verdict {
  if (reading.kind === 'none') return { kind: 'dead', id: reading.id, cause: 'no-beat', forMs: undefined }
  const { id, ageMs } = reading
  const isFresh = ageMs < staleMs
  if (reading.kind === 'damaged') return isFresh ? { kind: 'fading', why: 'damaged' } : { kind: 'dead', id, cause: 'damaged', forMs: ageMs }
  const { beat, process, proof } = reading
  if (beat.stoppedAt !== undefined) return isFresh ? { kind: 'fading', why: 'stopped' } : { kind: 'stopped', id, forMs: ageMs }
  if (isFresh) return process === 'gone' ? { kind: 'fading', why: 'gone' } : { kind: 'well', beat }
  if (proof === 'moved') return { kind: 'well', beat }
  if (process === 'gone') return { kind: 'dead', id, cause: 'gone', forMs: ageMs }
  if (proof === 'unasked') return { kind: 'unsure' }
  return proof === 'answers' ? { kind: 'mute' } : { kind: 'dead', id, cause: 'hung', forMs: ageMs }
}

/** One time without the watch, as the deadman keeps it from run to run. */
export interface Outage {
  id: string
  what: 'dead' | 'stopped'
  /** Epoch milliseconds, a label. */
  sinceMs: number
  /** The Tower was told. */
  isTold: boolean
  /** The outside dead man's switch was told. */
  isCalled: boolean
  /** The watch is back; what is missing is that somebody says so. */
  isOver: boolean
}

interface BootInstant {
  boot: string
  bootMs: number
}

export interface DeadmanMemory {
  outage?: Outage
  lastRestart?: BootInstant
  /** The Tower refused the login: five of these in five minutes lock every player of this address out. */
  refused?: BootInstant
}

export type Act = 'restart' | 'tell-outage' | 'tell-back' | 'call-outside'

const refusedRestMs = 10 * 60_000

/**
 * What is to be done, and what is to be remembered before any of it is done: a restart that was begun counts, whatever
 * becomes of it. The acts stand in the order to do them in.
 */
export function decideDeadman(
  verdict: Verdict,
  memory: DeadmanMemory,
  now: Moment,
  policy: { windowMs: number; hasOutside: boolean },
): { acts: Act[]; memory: DeadmanMemory } {
  const mayLogIn = memory.refused === undefined || elapsedMs(memory.refused, now) >= refusedRestMs
  switch (verdict.kind) {
    case 'unsure':
    case 'mute':
    case 'fading':
      return { acts: [], memory }
    case 'well':
      return welcomeBack(verdict.beat, memory, mayLogIn)
    case 'stopped': {
      const outage = openOutage(verdict, memory, now)
      return { acts: outage.isTold || !mayLogIn ? [] : ['tell-outage'], memory: { ...memory, outage } }
    }
    case 'dead': {
      const outage = openOutage(verdict, memory, now)
      const acts: Act[] = []
      if (!outage.isTold && mayLogIn) acts.push('tell-outage')
      if (!outage.isCalled && policy.hasOutside) acts.push('call-outside')
      if (memory.lastRestart !== undefined && elapsedMs(memory.lastRestart, now) < policy.windowMs)
        return { acts, memory: { ...memory, outage } }
      return { acts: [...acts, 'restart'], memory: { ...memory, outage, lastRestart: { boot: now.boot, bootMs: now.bootMs } } }
    }
  }
}

/** At least so long ago: across a boot all that is sure is the time since the boot. */
function elapsedMs(then: BootInstant, now: Moment): number {
  return then.boot === now.boot ? now.bootMs - then.bootMs : now.bootMs
}

/** A death that goes on, though a new life of the watch came and went in between, is one outage. */
function openOutage(verdict: Extract<Verdict, { kind: 'dead' | 'stopped' }>, memory: DeadmanMemory, now: Moment): Outage {
  const known = memory.outage
  if (known && !known.isOver && known.what === verdict.kind) return known
  const sinceMs = now.wallMs - (verdict.forMs ?? 0)
  return { id: verdict.id, what: verdict.kind, sinceMs, isTold: false, isCalled: false, isOver: false }
}

/**
 * Who tells that the watch is back? The watch itself, where it is connected to the Tower: a second login to its account
 * would throw it out. The deadman only where the watch is not.
 */
function welcomeBack(beat: OwnBeat, memory: DeadmanMemory, mayLogIn: boolean): { acts: Act[]; memory: DeadmanMemory } {
  const { outage, ...rest } = memory
  if (!outage) return { acts: [], memory }
  if (!outage.isTold || beat.tells === outage.id) return { acts: [], memory: rest }
  return { acts: beat.tower === 'not-connected' && mayLogIn ? ['tell-back'] : [], memory: { ...rest, outage: { ...outage, isOver: true } } }
}

/** Ids of what is said, the same however often it is sent: the Tower says each once. */
export const outageAlertId = (outage: { id: string }): string => `watch-dead.${outage.id}`
export const backAlertId = (outage: { id: string }): string => `watch-back.${outage.id}`

export function backSentence(outage: { sinceMs: number }, nowMs: number): string {
  return `The watch looks at the fleet again, after ${sayDuration(Math.max(0, nowMs - outage.sinceMs))}.`
}
