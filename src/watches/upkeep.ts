/**
 * The ledger's daily upkeep, in the small hours. node-cron alone would leave it out on the day the clock jumps over its
 * hour, and after an outage; so it only asks, every ten minutes, whether today's was done: once per local date, and later
 * the same day where the watch was off at the hour.
 */
import cron from 'node-cron'
import type { Clock } from '../ports/clock.ts'
import { type Ledger, LedgerError } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'

const fromHour = 4

export function startUpkeep(ports: { ledger: Ledger; clock: Clock; log: Log; keepMs: number }): { stop(): Promise<void>; check(): void } {
  const { ledger, clock, log, keepMs } = ports

  function check(): void {
    const now = new Date(clock.now())
    const today = localDate(now)
    try {
      if (now.getHours() < fromHour || ledger.note('upkeep') === today) return
      const rows = ledger.upkeep(clock.now() - keepMs)
      ledger.setNote('upkeep', today)
      log.info({ rows }, 'the daily upkeep of the ledger is done')
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
      log.error({ err: error.message }, 'the daily upkeep of the ledger failed, it is tried again in ten minutes')
    }
  }

  const task = cron.schedule('*/10 * * * *', check, { name: 'ledger upkeep', noOverlap: true, suppressMissedWarning: true })
  return { check, stop: async () => void (await task.destroy()) }
}

function localDate(date: Date): string {
  const two = (n: number) => String(n).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}
