/**
 * The deadman sweep: every five seconds whoever says nothing is looked for, agents that their host's answers leave out as
 * well as hosts whose watch is stuck, and the ledger is told that the watch is looking. A sweep that comes late tells of the
 * watch itself: its event loop stood still, or its machine slept, and what it could not see meanwhile is nobody's death.
 *
 * It goes by the watch's own clock, not by node-cron: that one counts on the wall clock, says nothing for an hour when it is
 * set back by an hour, and goes through every missed five seconds one by one when it is set forward, years included.
 */
import type { WatchClock } from '../ports/clock.ts'
import { type Ledger, LedgerError } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import type { Roster } from './roster.ts'

export const sweepEveryMs = 5_000
/** The loop stood still: what came in meanwhile is read before anybody is judged. */
const stalledMs = 2_000
/** Later than this, agents may have beaten without being heard. */
const blindMs = 10_000
/** Long enough for the loop to come round a few times and read what waits. */
const drainMs = 250
const wallStepMs = 1_000

export interface SweepPorts {
  engine: { sweep(): void; roster: Pick<Roster, 'blind' | 'freshBeats'>; journal: { isBroken(): boolean } }
  ledger: Pick<Ledger, 'write'>
  clock: WatchClock
  log: Log
}

export interface Sweep {
  /** When the last one came, by the watch's clock. */
  lastMs(): number
  /**
   * To be called before anything that was seen is taken in: what comes right after a sleep or a long stall, and before the next
   * sweep, would else be given times of before it.
   */
  heed(): void
  /** Resolves when the ledger has been told until when the watch looked, or could not be. */
  stop(): Promise<void>
}

export function startSweep({ engine, ledger, clock, log }: SweepPorts): Sweep {
  let lastMs = clock.now()
  /** When anything was last taken in: until then the watch was there, although no sweep has come since. */
  let heardMs = lastMs
  let aheadMs = clock.wall() - lastMs
  let marking: Promise<void> | undefined
  let isMarkLost = false
  let next = clock.after(sweepEveryMs, sweep)
  let draining: { cancel(): void } | undefined

  function sweep(): void {
    next = clock.after(sweepEveryMs, sweep)
    const lateMs = notice()
    lastMs = clock.now()
    noticeWallStep()
    draining?.cancel()
    if (lateMs > stalledMs) draining = clock.after(drainMs, engine.sweep)
    else engine.sweep()
    marking ??= mark().finally(() => {
      marking = undefined
    })
  }

  /** Time jumps here and nowhere else, in the turn in which the roster hears that nobody was looking. */
  function notice(): number {
    const sleptMs = clock.wake()
    const nowMs = clock.now()
    const lateMs = nowMs - lastMs - sweepEveryMs
    if (lateMs > blindMs) {
      log.warn({ gapMs: nowMs - lastMs, sleptMs }, 'the watch itself was stopped: what it could not see is unknown')
      engine.roster.blind(Math.max(lastMs, heardMs))
      lastMs = nowMs
    }
    return lateMs
  }

  /** How long the machine slept is asked of the machine; that it may have slept, the clock on the wall shows at once. */
  function heed(): void {
    const isLate = clock.now() - lastMs - sweepEveryMs > blindMs
    if (isLate || Math.abs(wallStep()) > wallStepMs) notice()
    heardMs = clock.now()
  }

  const wallStep = () => clock.wall() - clock.now() - aheadMs

  function noticeWallStep(): void {
    const steppedMs = wallStep()
    if (Math.abs(steppedMs) <= wallStepMs) return
    aheadMs += steppedMs
    log.warn({ steppedMs }, 'somebody set the wall clock: what the watch measures goes on as before, only the times it shows change')
  }

  async function mark(): Promise<void> {
    // The ledger must not be told that the watch looked until now while what it saw can't be written.
    if (engine.journal.isBroken()) return
    try {
      await ledger.write([{ kind: 'looking', mark: clock.mark() }, ...engine.roster.freshBeats()])
      isMarkLost = false
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
      if (!isMarkLost) log.error({ err: error.message }, 'the ledger could not be told that the watch is looking')
      isMarkLost = true
    }
  }

  return {
    lastMs: () => lastMs,
    heed,
    stop: async () => {
      next.cancel()
      draining?.cancel()
      await marking
      await mark()
    },
  }
}
