import { createHash } from 'node:crypto'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'

/** A Unix socket's path may have 107 bytes on Linux and 103 on macOS. */
const maxBytes = 100

/** Where the watch of this state folder listens; in a folder deep down, a short path of the user's own instead. */
export function socketPath(stateDir: string): string {
  const wanted = join(stateDir, 'towerwatch.sock')
  if (Buffer.byteLength(wanted) <= maxBytes) return wanted
  const hash = createHash('sha256').update(stateDir).digest('hex').slice(0, 16)
  return join(tmpdir(), `towerwatch-${userInfo().uid}`, `${hash}.sock`)
}
