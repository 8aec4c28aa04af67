/** The log as people read it on a terminal: "02:14:05 warn  the host cannot be reached  host=ezra kind=timeout". */
const levels: Record<number, string> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' }

/** A destination for pino. */
export function logLines(out: (text: string) => void): { write(line: string): void } {
  return {
    write: (line) => {
      const { level, time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>
      const at = new Date(Number(time)).toTimeString().slice(0, 8)
      const rest = Object.entries(fields).map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
      out([`${at} ${(levels[Number(level)] ?? '').padEnd(5)} ${String(msg)}`, ...rest].join('  '))
    },
  }
}
