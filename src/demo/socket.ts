/** The tmux server's socket: its path has to be short, and that of `var` may not be. */
import { mkdtempSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { hasCode } from '../domain/failure.ts'
import { DemoError } from './error.ts'
import { LONGEST_SOCKET_PATH } from './layout.ts'

const PREFIX = 'towerwatch-'

/** `wanted`, or a path in a new folder of its own (nobody else may enter) where that is too long for a socket. */
export function chooseSocket(wanted: string): string {
  if (Buffer.byteLength(wanted) <= LONGEST_SOCKET_PATH) return wanted
  for (const root of [tmpdir(), '/tmp']) {
    const length = Buffer.byteLength(join(root, `${PREFIX}xxxxxx`, basename(wanted)))
    if (length <= LONGEST_SOCKET_PATH) return join(mkdtempSync(join(root, PREFIX)), basename(wanted))
  }
  throw new DemoError(
    `There is no path short enough for tmux's socket: ${wanted} and ${tmpdir()} are both too long. Set TMPDIR to a short folder.`,
  )
}

/** Removes the socket, and its folder where chooseSocket made that. */
export function removeSocket(socket: string): void {
  rmSync(socket, { force: true })
  const dir = dirname(socket)
  if (!basename(dir).startsWith(PREFIX)) return
  try {
    rmdirSync(dir)
  } catch (error) {
    // Somebody put something of his own in there, or it went already: then it stays as it is.
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT')) throw error
  }
}
