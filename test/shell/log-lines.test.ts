import { expect, it } from 'vitest'
import { logLines } from '../../src/shell/log-lines.ts'

it('writes a line of the log as people read it, with its fields behind it', () => {
  const lines: string[] = []
  const time = new Date(2026, 0, 1, 2, 14, 5).getTime()
  logLines((line) => void lines.push(line)).write(
    `${JSON.stringify({ level: 40, time, host: 'ezra', gapMs: 5, msg: 'the host cannot be reached' })}\n`,
  )
  expect(lines).toEqual(['02:14:05 warn  the host cannot be reached  host=ezra  gapMs=5'])
})
