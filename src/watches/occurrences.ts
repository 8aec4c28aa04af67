/** The maintenance windows that fleet.yaml declares, in the watch's own time. */
import type { Config } from '../config/config.ts'
import { openZone } from '../domain/local-time.ts'
import { windowsAround } from '../domain/maintenance.ts'
import type { Clock } from '../ports/clock.ts'
import type { Occurrence } from './mutes.ts'

/** More of one window within one call than any person would declare. */
const most = 100

/** Those that hold at some moment from … to (the watch's own time). What is declared goes by the wall, so that is asked each time. */
export function occurrencesOf(config: Pick<Config, 'maintenance' | 'timeZone'>, clock: Clock, fromMs: number, toMs: number): Occurrence[] {
  if (config.maintenance.length === 0) return []
  const zone = openZone(config.timeZone)
  const aheadMs = clock.wall() - clock.now()
  return config.maintenance.flatMap((window) => {
    const found: Occurrence[] = []
    let wallMs = fromMs + aheadMs
    while (found.length < most) {
      const times = windowsAround(window, wallMs, zone)
      if (!times || times.fromMs > toMs + aheadMs) break
      found.push({
        // The same window at the same local time is the same, whatever else changes in fleet.yaml.
        key: `${JSON.stringify(window)} ${new Date(times.fromMs).toISOString()}`,
        subjects: window.subjects,
        reason: window.reason,
        fromMs: times.fromMs - aheadMs,
        toMs: times.toMs - aheadMs,
      })
      wallMs = times.toMs
    }
    return found
  })
}
