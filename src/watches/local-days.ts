import { dayMs, firstMoment, localMs, openZone } from '../domain/local-time.ts'
import type { Span } from '../domain/uptime.ts'

/**
 * Complete local days before `nowMs`, the newest first. Their length is the calendar's: 23, 24 or 25 hours. `aheadMs`: how far
 * the clock on the wall, which says what day it is, is ahead of the watch's own.
 */
export function daysBefore(nowMs: number, count: number, { timeZone, aheadMs }: { timeZone: string; aheadMs: number }): Span[] {
  const zone = openZone(timeZone)
  const today = Math.floor(localMs(zone, nowMs + aheadMs) / dayMs) * dayMs
  const midnightMs = (daysAgo: number) => firstMoment(zone, today - daysAgo * dayMs) - aheadMs
  return Array.from({ length: count }, (_, index) => ({ fromMs: midnightMs(index + 1), toMs: midnightMs(index) }))
}
