/** Where the one who types sits: a label for the audit, which proves nothing. */
import { readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** "pts/3 on vps1, ssh from 203.0.113.9", "vps1" where there is no terminal. At most 80 characters. */
export function whereItSits(env: Readonly<Record<string, string | undefined>>): string {
  const terminal = terminalOf()
  const address = /^[0-9a-fA-F:.]{1,45}(?= )/.exec(env['SSH_CONNECTION'] ?? '')?.[0]
  const place = [...(terminal === undefined ? [] : [`${terminal} on`]), hostname()].join(' ')
  const from = address === undefined ? '' : `, ssh from ${address}`
  return place.slice(0, 80 - from.length) + from
}

/** `pts/3`, as Linux tells it; undefined elsewhere, or where nothing is typed. */
function terminalOf(): string | undefined {
  for (const handle of [0, 1, 2]) {
    try {
      const path = readlinkSync(`/proc/self/fd/${handle}`)
      if (/^\/dev\/(pts\/\d{1,6}|tty\w{1,10})$/.test(path)) return path.slice('/dev/'.length)
    } catch (error) {
      // No /proc here, or that handle is shut.
      if (!(error instanceof Error && 'code' in error)) throw error
    }
  }
  return undefined
}
