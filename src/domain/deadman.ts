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

/** restless: it starts, perhaps again and again, but does not come up. */
export type DeathCause = 'no-beat' | 'damaged' | 'gone' | 'hung' | 'restless'

export type Verdict =
  | { kind: 'well'; beat: OwnBeat }
  /** Not well, but not for long enough. */
  | { kind: 'fading'; why: 'gone' | 'stopped' | 'damaged' | 'starting'; id: string }
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

/** One that falls over soon after each start leaves fresh beats, too. */
function isUp(beat: OwnBeat): boolean {
  return beat.ledger !== 'starting' && beat.seq >= upFromBeat
}
const upFromBeat = 2
/** The bundled Tower may have to be made first. */
const startingMs = 5 * 60_000

/** The same verdict, or that the watch is dead because it has been about to come up, or to go, for too long. */
export function withPatience(verdict: Verdict, memory: DeadmanMemory, now: Moment): Verdict {
  if (verdict.kind !== 'fading' || verdict.why === 'stopped') return verdict
  const forMs = now.bootMs - unwellNow(memory, now).bootMs
  return forMs < startingMs ? verdict : { kind: 'dead', id: verdict.id, cause: 'restless', forMs }
}

export function judgeWatch(reading: Reading, staleMs: number): Verdict {
  if (reading.kind === 'none') return { kind: 'dead', id: reading.id, cause: 'no-beat', forMs: undefined }
  const { id, ageMs } = reading
  const isFresh = ageMs < staleMs
  if (reading.kind === 'damaged')
    return isFresh ? { kind: 'fading', why: 'damaged', id } : { kind: 'dead', id, cause: 'damaged', forMs: ageMs }
  const { beat, process, proof } = reading
  if (beat.stoppedAt !== undefined) return isFresh ? { kind: 'fading', why: 'stopped', id } : { kind: 'stopped', id, forMs: ageMs }
  if (isFresh && process === 'gone') return { kind: 'fading', why: 'gone', id }
  if (isFresh || proof === 'moved') return isUp(beat) ? { kind: 'well', beat } : { kind: 'fading', why: 'starting', id }
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
  /** Since `bootMs` it was seen neither well nor dead nor stopped, at `seenMs` last: both since the same boot. */
  unwell?: BootInstant & { seenMs: number }
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
  const { unwell: _, ...rest } = memory
  const mayLogIn = memory.refused === undefined || elapsedMs(memory.refused, now) >= refusedRestMs
  switch (verdict.kind) {
    case 'unsure':
    case 'mute':
      return { acts: [], memory }
    case 'fading':
      return { acts: [], memory: verdict.why === 'stopped' ? rest : { ...rest, unwell: unwellNow(memory, now) } }
    case 'well':
      return welcomeBack(verdict.beat, rest, mayLogIn)
    case 'stopped': {
      const outage = openOutage(verdict, memory, now)
      return { acts: outage.isTold || !mayLogIn ? [] : ['tell-outage'], memory: { ...rest, outage } }
    }
    case 'dead': {
      const known = verdict.cause === 'restless' ? { ...rest, unwell: unwellNow(memory, now) } : rest
      const outage = openOutage(verdict, memory, now)
      const acts: Act[] = []
      if (!outage.isTold && mayLogIn) acts.push('tell-outage')
      if (!outage.isCalled && policy.hasOutside) acts.push('call-outside')
      if (memory.lastRestart !== undefined && elapsedMs(memory.lastRestart, now) < policy.windowMs)
        return { acts, memory: { ...known, outage } }
      return { acts: [...acts, 'restart'], memory: { ...known, outage, lastRestart: { boot: now.boot, bootMs: now.bootMs } } }
    }
  }
}

/** At least so long ago: across a boot all that is sure is the time since the boot. */
function elapsedMs(then: BootInstant, now: Moment): number {
  return then.boot === now.boot ? now.bootMs - then.bootMs : now.bootMs
}

/** Counted only while the deadman looks on: it sleeps with the machine, and a watch that woke up with it gets its time. */
function unwellNow(memory: DeadmanMemory, now: Moment): BootInstant & { seenMs: number } {
  const known = memory.unwell
  const isSame = known !== undefined && known.boot === now.boot && now.bootMs >= known.seenMs && now.bootMs - known.seenMs <= lookGapMs
  return { boot: now.boot, bootMs: isSame ? known.bootMs : now.bootMs, seenMs: now.bootMs }
}
const lookGapMs = 3 * 60_000

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
