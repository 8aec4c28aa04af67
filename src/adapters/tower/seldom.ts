/**
 * A log for what a peer can cause as often as it likes. The same sentence comes at most `LINES` times in `WINDOW_MS`; the next
 * one that is let through says how many were left out. Of a game that misbehaves for a night, the log keeps a few hundred lines.
 */
import type { Log } from '../../ports/log.ts'

const LINES = 20
const WINDOW_MS = 600_000

interface Said {
  sinceMs: number
  lines: number
  leftOut: number
}

/** Sentences are the messages as they stand in the code: what differs from case to case is in the fields. */
export function seldom(log: Log, now: () => number): Log {
  const said = new Map<string, Said>()
  const bounded =
    (level: keyof Log): Log[typeof level] =>
    (fields, message) => {
      const nowMs = now()
      const before = said.get(message)
      const entry = before !== undefined && nowMs - before.sinceMs < WINDOW_MS ? before : { sinceMs: nowMs, lines: 0, leftOut: 0 }
      said.set(message, entry)
      if (entry.lines >= LINES) {
        entry.leftOut += 1
        return
      }
      entry.lines += 1
      const leftOut = before === entry ? 0 : (before?.leftOut ?? 0)
      log[level](leftOut === 0 ? fields : { ...fields, leftOut }, message)
    }
  return { debug: bounded('debug'), info: bounded('info'), warn: bounded('warn'), error: bounded('error') }
}
