/** Complete local days before `nowMs`, the newest first. Their length is the calendar's: 23, 24 or 25 hours. */
export function daysBefore(nowMs: number, count: number): { fromMs: number; toMs: number }[] {
  const now = new Date(nowMs)
  const midnight = (daysAgo: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() - daysAgo).getTime()
  return Array.from({ length: count }, (_, index) => ({ fromMs: midnight(index + 1), toMs: midnight(index) }))
}
