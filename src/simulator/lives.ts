/** The agents of a simulated fleet as they truly live: they beat, work, rest, hang, die and come back. */
import type { AgentConfig } from '../config/config.ts'
import type { Beat } from '../domain/agent.ts'
import type { History } from './history.ts'
import { type Random, seededRandom } from './random.ts'
import type { Stage } from './stage.ts'

export interface Life {
  readonly id: string
  readonly host: string
  readonly periodMs: number
  readonly isPosted: boolean
  /** A person said so: whatever becomes of it is nobody's problem. */
  readonly isPaused: boolean
  /** Its host can say whether its process is there. */
  readonly hasProcess: boolean
  readonly random: Random
  readonly history: History
  isAlive: boolean
  /** Its heartbeat stands still. */
  isSilent: boolean
  /** Its work stands still. */
  isStuck: boolean
  /** A fault is upon it until then: another one has to wait. */
  troubledUntilMs: number
  /** Changes with everything that ends what was planned for it. */
  turn: number
  /** The newest beat, as its file has it. */
  written?: SimulatedBeat
  /** The watch has that beat. */
  isShown: boolean
  /** The newest that the watch has. */
  shown?: SimulatedBeat
  /** The watch does not see it: its host is lost, or nobody looked since the watch came back. */
  isHidden: boolean
  /** When a look showed for the first time that its process is gone; until a second look was answered. */
  suspectedMs?: number
  isBusy: boolean
  epochs: number
  seq: number
  progress: number
}

export interface SimulatedBeat extends Beat {
  seq: number
  progress: number
}

export interface Jitter {
  /** The share of beats that come late. */
  lateShare: number
  /** By how much: at most `graceShare` of the grace, or, where `meanMs` is given, by any time around that mean. */
  lateBy: { kind: 'within-grace'; graceShare: number } | { kind: 'exponential'; meanMs: number }
}

/** What a well-made agent does: rarely late, never beyond its grace. */
export const tameJitter: Jitter = { lateShare: 1 / 3_000, lateBy: { kind: 'within-grace', graceShare: 0.7 } }

export function newLife(config: AgentConfig, index: number, seed: number): Life {
  const random = seededRandom(seed, 1_000 + index)
  const { timing, body } = config
  const isPosted = config.heartbeat.kind === 'push'
  return {
    id: config.id,
    host: config.host,
    periodMs: timing.periodMs,
    isPosted,
    isPaused: config.paused !== undefined,
    hasProcess: !isPosted && (body.kind !== 'command' || body.pidFile !== undefined),
    random,
    history: {
      id: config.id,
      periodMs: timing.periodMs,
      graceMs: timing.graceMs,
      hungMs: timing.hungMs,
      isPosted,
      moments: [],
      troubles: [],
    },
    isAlive: true,
    isSilent: false,
    isStuck: false,
    troubledUntilMs: 0,
    turn: 0,
    isShown: true,
    isHidden: false,
    isBusy: true,
    epochs: 1,
    seq: 0,
    progress: 0,
  }
}

/** The next beat. A file is read up to a second after it was written, but never over a sweep: that one looked, too. */
function nextBeat(life: Life, nowMs: number, sweptMs: number): SimulatedBeat {
  const { random } = life
  if (!life.isStuck) {
    // Some ten minutes of work, then some of rest.
    if (random.chance(life.periodMs / (10 * 60_000))) life.isBusy = !life.isBusy
    if (life.isBusy) life.progress++
  }
  life.seq++
  const ageMs = life.isPosted ? 0 : Math.max(0, Math.min(random.whole(0, 999), nowMs - sweptMs - 1))
  return { atMs: nowMs - ageMs, epoch: `${life.id}-${life.epochs}`, seq: life.seq, progress: life.progress, busy: life.isBusy }
}

/** How long until the next beat: a tenth before the period ends, more or less, and rarely late. */
function untilNextBeat(life: Life, jitter: Jitter): number {
  const { random, periodMs, history } = life
  const usualMs = periodMs * (0.87 + 0.06 * random.next())
  if (!random.chance(jitter.lateShare)) return Math.round(usualMs)
  const { lateBy } = jitter
  if (lateBy.kind === 'exponential') return Math.round(usualMs - lateBy.meanMs * Math.log(1 - random.next()))
  return Math.round(periodMs + random.next() * lateBy.graceShare * history.graceMs)
}

/** Lives on, from its first beat. `beaten` is called at each beat. */
export function startBeating(life: Life, stage: Stage, jitter: Jitter, firstMs: number, beaten: (life: Life) => void): void {
  const { turn } = life
  const { clock } = stage
  const beat = () => {
    if (life.turn !== turn || !life.isAlive || life.isSilent) return
    life.written = nextBeat(life, clock.now(), stage.lastSweepMs())
    life.isShown = false
    beaten(life)
    clock.at(clock.now() + untilNextBeat(life, jitter), beat)
  }
  clock.at(firstMs, beat)
}
