import type { Log } from '../../src/ports/log.ts'

export interface KeptLog extends Log {
  readonly lines: { level: 'debug' | 'info' | 'warn' | 'error'; fields: object; message: string }[]
  messages(level?: string): string[]
}

/** A log that is kept to be looked at. */
export function keptLog(): KeptLog {
  const lines: KeptLog['lines'] = []
  const at = (level: 'debug' | 'info' | 'warn' | 'error') => (fields: object, message: string) =>
    void lines.push({ level, fields, message })
  return {
    lines,
    messages: (level) => lines.filter((line) => level === undefined || line.level === level).map(({ message }) => message),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
  }
}
