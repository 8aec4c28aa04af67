/** A program that is given all of its input at once, and what came of it. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'

export interface Ended {
  status: number | null
  /** Byte for byte, as Latin-1. */
  out: string
  err: string
}

/** Rejects when the program can't be started. */
export async function fed(child: ChildProcessWithoutNullStreams, input: string | Buffer): Promise<Ended> {
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString('latin1')))
  child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString('latin1')))
  // It may have ended before it read everything.
  child.stdin.on('error', () => child.stdin.destroy())
  child.stdin.end(input)
  const [status] = await once(child, 'close')
  return { status: status as number | null, ...said }
}
