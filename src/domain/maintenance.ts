/** Maintenance windows as people declare them: times in which what happens was meant to, so nobody is alarmed about it. */
import { firstMoment, lastMoment, parseLocal, type Zone } from './local-time.ts'
import { type Due, lastDue, nextDue, parseCron } from './schedule.ts'

/** `subjects`: ids of agents or hosts, or `all`. `from`, `to`: "2026-12-24 22:00" in the fleet's time zone. */
export type MaintenanceWindow = { subjects: readonly string[]; reason: string } & (
  | { kind: 'fixed'; from: string; to: string }
  | { kind: 'cron'; cron: string; forMs: number }
)

/** From one moment to another by the wall clock: [fromMs, toMs). */
export interface WindowTimes {
  fromMs: number
  toMs: number
}

/**
 * The window in force at this moment of the wall clock, else the next one; undefined where none is to come, or where what is
 * declared is no time (the config's check has refused that).
 *
 * A fixed window never ends up shorter than declared because clocks change: a beginning that comes twice is the first, an
 * end that comes twice the second; one that is skipped is the moment after the gap. A window by cron begins as a job would
 * run (once, where its time comes twice) and lasts `forMs` of real time.
 */
export function windowsAround(window: MaintenanceWindow, nowWallMs: number, zone: Zone): WindowTimes | undefined {
  if (window.kind === 'fixed') {
    const from = parseLocal(window.from)
    const to = parseLocal(window.to)
    if (from === undefined || to === undefined) return undefined
    const times = { fromMs: firstMoment(zone, from), toMs: lastMoment(zone, to) }
    return times.toMs > nowWallMs && times.fromMs < times.toMs ? times : undefined
  }
  const parsed = parseCron(window.cron)
  if (parsed.kind === 'fault') return undefined
  const times = (due: Due | undefined) => due && { fromMs: due.atMs, toMs: due.atMs + window.forMs }
  const begun = times(lastDue(parsed.cron, zone, nowWallMs))
  return begun && begun.toMs > nowWallMs ? begun : times(nextDue(parsed.cron, zone, nowWallMs))
}
