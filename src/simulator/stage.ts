/**
 * The real engine and the real sweep on virtual time: opened, stopped, killed and opened again on one ledger. Sweeps that
 * would find nothing are left out, and between two moments at which something happens nothing is run: a month passes in
 * half a minute.
 */
import type { Config } from '../config/config.ts'
import { type Engine, openEngine } from '../engine.ts'
import type { WatchClock } from '../ports/clock.ts'
import { type Ledger, LedgerError, type LedgerFact } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import { type Sweep, startSweep } from '../watches/sweep.ts'
import { type SimulatedClock, simulatedClock } from './clock.ts'

export interface StagePorts {
  config: Config
  /** Lives longer than any engine on it. Its writes must be done when they return: ':memory:'. */
  ledger: Ledger
  startMs: number
  log: Log
  /** A fact is in the ledger. */
  onFact: (fact: LedgerFact) => void
  /** Right before each sweep that judges: whoever looks at hosts looks now. */
  beforeSweep: () => void
  /** The engine has found out that it was not looking: everybody has to be seen anew. */
  onBlind: () => void
  /** There is a new alert in the outbox. */
  onAlert: () => void
}

export interface Stage {
  readonly clock: SimulatedClock
  /** The engine while the daemon runs, also while it is stalled or asleep. */
  engine(): Engine | undefined
  /** The time by the watch's own clock: in sleep it stands still, until the sweep finds out. */
  watchMs(): number
  /** To be called before anything that was seen is given to the engine, as everybody in the daemon does. */
  heed(): void
  /** When the last sweep came, also one that found nothing; when it was opened, where none has come yet. */
  lastSweepMs(): number
  /** Starts the daemon. Throws LedgerError. */
  open(): void
  /** Stops it in order. */
  stop(): Promise<void>
  /** Ends it as kill -9 would: what is under way is lost. */
  kill(): void
  /** Ends it at its next write, right before or right after that is durable; then says so. */
  killAtWrite(when: 'before' | 'after', killed: () => void): void
  /** Its event loop stands still, or its machine sleeps, until `goOn`: nothing of it is run. */
  pause(how: 'stall' | 'sleep'): void
  goOn(): void
  isPaused(): boolean
  /** Somebody sets the clock on the wall. */
  stepWall(ms: number): void
  setWritable(isWritable: boolean): void
  /** Until then every sweep leaves its mark in the ledger, as each does in the daemon. */
  watchClosely(untilMs: number): void
  /** Goes on to this moment, or until the signal fires. */
  run(untilMs: number, signal?: AbortSignal): Promise<void>
}

interface Life {
  engine: Engine
  sweep: Sweep
  end: () => void
}

export function openStage(ports: StagePorts): Stage {
  const { config, log } = ports
  const clock = simulatedClock(ports.startMs)
  let life: Life | undefined
  let paused: { sinceMs: number; how: 'stall' | 'sleep' } | undefined
  /** Callbacks that came due meanwhile. */
  let late: { dueMs: number; run: () => void }[] = []
  /** Slept, and not found out yet. */
  let asleepMs = 0
  let steppedMs = 0
  let isWritable = true
  let writes = 0
  let settledWrites = 0
  let alerts = 0
  let closelyUntilMs = Number.NEGATIVE_INFINITY
  let killPlan: { when: 'before' | 'after'; killed: () => void } | undefined

  const watchMs = () => clock.now() - asleepMs
  const isClose = () => killPlan !== undefined || clock.now() <= closelyUntilMs

  function open(): void {
    if (life) return
    const timers = openTimers()
    const ownClock: WatchClock = {
      now: watchMs,
      wall: () => clock.now() + steppedMs,
      after: timers.after,
      wake: () => {
        const sleptMs = asleepMs
        asleepMs = 0
        return sleptMs
      },
      mark: () => ({ atMs: watchMs(), boot: 'simulated', bootMs: clock.now() }),
    }
    const write: Ledger['write'] = async (facts) => {
      writes++
      if (timers.isOver()) return never()
      if (!isWritable) throw new LedgerError('The ledger could not be written: the simulated disk is full')
      if (isKilledAt('before', facts)) return never()
      await ports.ledger.write(facts)
      for (const fact of facts) ports.onFact(fact)
      if (isKilledAt('after', facts)) return never()
    }
    const engine = openEngine(config, { ledger: { ...ports.ledger, write }, clock: ownClock, log, newId: () => `alert-${++alerts}` })
    engine.notifier.on(ports.onAlert)
    const sweep = startSweep({
      engine: {
        journal: engine.journal,
        roster: {
          freshBeats: () => (isClose() ? engine.roster.freshBeats() : []),
          blind: (sinceMs) => {
            engine.roster.blind(sinceMs)
            ports.onBlind()
          },
        },
        sweep: () => {
          if (engine.dueMs() > watchMs()) return
          ports.beforeSweep()
          engine.sweep()
        },
      },
      // A mark is only read by the next life of the watch.
      ledger: { write: (facts) => (isClose() ? write(facts) : Promise.resolve()) },
      clock: ownClock,
      log,
    })
    life = { engine, sweep, end: timers.end }
  }

  /** The timers of one life of the daemon: they end with it, and are late where it was kept from running. */
  function openTimers(): { after: WatchClock['after']; isOver(): boolean; end(): void } {
    let isOver = false
    return {
      isOver: () => isOver,
      end: () => {
        isOver = true
      },
      after: (ms, callback) => {
        let isCancelled = false
        const dueMs = clock.now() + Math.max(0, ms)
        const run = () => {
          if (isOver || isCancelled) return
          if (paused) late.push({ dueMs, run })
          else callback()
        }
        const timer = clock.at(dueMs, run, 1)
        return {
          cancel: () => {
            isCancelled = true
            timer.cancel()
          },
        }
      },
    }
  }

  /** A mark that the watch is looking comes every five seconds: to be killed at those would never hit anything else. */
  function isKilledAt(when: 'before' | 'after', facts: readonly LedgerFact[]): boolean {
    if (killPlan?.when !== when || facts.every(({ kind }) => kind === 'looking')) return false
    const { killed } = killPlan
    killed()
    kill()
    return true
  }

  function kill(): void {
    killPlan = undefined
    life?.end()
    life = undefined
    late = []
    asleepMs = 0
    paused = undefined
  }

  /** Whatever follows from what was written happens now, as it would within the same millisecond. */
  async function settle(): Promise<void> {
    do {
      settledWrites = writes
      await new Promise((resolve) => setImmediate(resolve))
    } while (settledWrites !== writes)
  }

  return {
    clock,
    engine: () => life?.engine,
    watchMs,
    heed: () => life?.sweep.heed(),
    lastSweepMs: () => life?.sweep.lastMs() ?? ports.startMs,
    open,
    stop: async () => {
      if (!life) return
      const stopping = life
      closelyUntilMs = Math.max(closelyUntilMs, clock.now())
      await stopping.engine.stop()
      await stopping.sweep.stop()
      stopping.end()
      life = undefined
    },
    kill,
    killAtWrite: (when, killed) => {
      killPlan = { when, killed }
    },
    pause: (how) => {
      paused ??= { sinceMs: clock.now(), how }
    },
    goOn: () => {
      if (!paused) return
      const { sinceMs, how } = paused
      const due = late
      paused = undefined
      late = []
      // Timers don't count what the machine slept, and are due all at once where only the loop stood still.
      if (how === 'sleep') asleepMs += clock.now() - sinceMs
      for (const { dueMs, run } of due) clock.at(clock.now() + (how === 'sleep' ? dueMs - sinceMs : 0), run, 1)
    },
    isPaused: () => paused !== undefined,
    stepWall: (ms) => {
      steppedMs += ms
    },
    setWritable: (next) => {
      isWritable = next
    },
    watchClosely: (untilMs) => {
      closelyUntilMs = Math.max(closelyUntilMs, untilMs)
    },
    run: async (untilMs, signal) => {
      while (clock.nextMs() <= untilMs) {
        const rank = clock.runNext()
        if (settledWrites !== writes || isClose()) await settle()
        // What a timer of the engine put off until the end of its turn comes before anything else happens.
        else if (rank === 1) await undefined
        if (signal?.aborted) return
      }
      clock.moveTo(untilMs)
    },
  }
}

/** Whoever waits for a dead engine waits for ever. */
function never(): Promise<never> {
  return new Promise(() => {})
}
