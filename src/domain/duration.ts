const units = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** "90s", "5m", "1h", "250ms", "2d": milliseconds; undefined where it is none of these. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|d)$/.exec(text.trim())
  if (!match) return undefined
  const [, amount = '', unit = 's'] = match
  return Math.round(Number(amount) * units[unit as keyof typeof units])
}

/** For people: the two largest units, "under 1 s", "3 s", "1 min 20 s", "2 h 5 min", "3 d 4 h". */
export function sayDuration(durationMs: number): string {
  if (durationMs < 1000) return 'under 1 s'
  const total = Math.max(0, Math.round(durationMs / 1000))
  const parts: [number, string][] = [
    [Math.floor(total / 86_400), 'd'],
    [Math.floor((total % 86_400) / 3600), 'h'],
    [Math.floor((total % 3600) / 60), 'min'],
    [total % 60, 's'],
  ]
  const first = parts.findIndex(([amount]) => amount > 0)
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount} ${unit}`)
    .join(' ')
}
