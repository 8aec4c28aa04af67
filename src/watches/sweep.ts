/**
 * The deadman sweep: every five seconds whoever says nothing is looked for, agents that their host's answers leave out as
 * well as hosts whose watch is stuck, and the ledger is told that the watch is looking. A sweep that comes much too late says that the watch itself was stopped:
 * what it could not see in that time is unknown.
 */
import cron from 'node-cron'
import type { Clock } from '../ports/clock.ts'
import { type Ledger, LedgerError } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import type { Roster } from './roster.ts'

export const sweepEveryMs = 5_000
const tooLateMs = 20_000

export function startSweep(ports: { roster: Roster; ledger: Ledger; clock: Clock; log: Log }): { stop(): Promise<void>; sweep(): void } {
  const { roster, ledger, clock, log } = ports
  let lastMs = clock.now()

  function sweep(): void {
    const nowMs = clock.now()
    if (nowMs - lastMs > tooLateMs) {
      log.warn({ gapMs: Math.round(nowMs - lastMs) }, 'the watch itself was stopped: what it could not see is unknown')
      roster.blind(lastMs)
    }
    lastMs = nowMs
    roster.tick()
    try {
      ledger.alive(nowMs)
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
      log.error({ err: error.message }, 'the ledger could not be told that the watch is looking')
    }
  }

  const task = cron.schedule('*/5 * * * * *', sweep, { name: 'deadman sweep', noOverlap: true, suppressMissedWarning: true })
  return { sweep, stop: async () => void (await task.destroy()) }
}
