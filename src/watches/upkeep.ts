/** The ledger's daily upkeep, in the small hours of the fleet. */
import type { Clock } from '../ports/clock.ts'
import type { Ledger } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import { type Schedule, startSchedule } from './schedule.ts'

export interface UpkeepConfig {
  /** What is older is forgotten. */
  keepMs: number
  timeZone: string
}

export function startUpkeep({ keepMs, timeZone }: UpkeepConfig, ports: { ledger: Ledger; clock: Clock; log: Log }): Schedule {
  const { ledger, clock, log } = ports
  const run = async () => {
    const rows = await ledger.upkeep(clock.now() - keepMs)
    return `the daily upkeep of the ledger is done: ${rows} rows were old enough to be forgotten`
  }
  return startSchedule({ name: 'upkeep', cron: '0 4 * * *', run }, { ledger, clock, log, timeZone })
}
