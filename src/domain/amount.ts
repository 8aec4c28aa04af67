/** Amounts as people read them. */

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** "512 B", "1.5 KiB", "100 GiB". */
export function sayBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  // What would be rounded to 1024 is one of the next unit.
  while (value >= 1023.5 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${value >= 99.95 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

/** A share of 0 to 1: "96 %". What is not all is never rounded up to it, what is something never down to nothing. */
export function sayShare(share: number): string {
  const percent = Math.min(100, Math.max(0, share * 100))
  if (percent > 0 && percent < 1) return 'under 1 %'
  return `${percent < 100 ? Math.min(99, Math.round(percent)) : 100} %`
}
