/** Cleans up after a demo that was killed. */
import { existsSync, rmSync } from 'node:fs'
import { DemoError } from './error.ts'
import { findWorkers } from './find-workers.ts'
import type { Layout } from './layout.ts'
import type { ProcessIdentity } from './processes.ts'
import { descendants, end, isAlive } from './processes.ts'
import { run } from './programs.ts'
import { readRecords } from './records.ts'
import { removeSocket } from './socket.ts'

/**
 * Ends what an earlier demo left behind and removes its info.json. Returns how many processes that were.
 * Throws DemoError where that demo is still running.
 */
export async function clearLeftovers(layout: Layout, tmux: string, say: (line: string) => void): Promise<number> {
  const read = readRecords(layout.processes)
  if (read.kind === 'records' && isAlive(read.records.demo) && read.records.demo.pid !== process.pid) {
    throw new DemoError(
      `A demo is already running here (process ${read.records.demo.pid}). Use that one (${layout.info} says where it is), or stop it with Ctrl-C in its terminal, or with \`kill ${read.records.demo.pid}\`, and start again.`,
    )
  }
  rmSync(layout.info, { force: true })
  if (read.kind === 'unreadable') say(`${layout.processes} can't be understood and is put aside: ${read.reason}`)

  const recorded = read.kind === 'records' ? Object.entries(read.records.processes) : []
  const found = (prefix: string) => recorded.filter(([name, each]) => name.startsWith(prefix) && isAlive(each)).map(([, each]) => each)
  let ended = 0
  // The watch first, or it would bring back what is ended next; each with its children, which have no other name.
  const steps = [() => found('watch'), () => [...found('worker'), ...findWorkers(layout)], () => found('tmux'), () => found('sshd')]
  for (const step of steps) {
    const parents = step()
    const all = unique([...parents, ...parents.flatMap((each) => descendants(each.pid))])
    ended += all.length
    await end(all, 2_000)
  }
  for (const socket of read.kind === 'records' ? new Set([read.records.socket, layout.socket]) : [layout.socket]) {
    if (!existsSync(socket)) continue
    await endServer(tmux, socket)
    removeSocket(socket)
  }
  rmSync(layout.processes, { force: true })
  return ended
}

/** A server that was not yet on record when the demo was killed. Its socket is the demo's own, so is whoever answers there. */
async function endServer(tmux: string, socket: string): Promise<void> {
  try {
    await run([tmux, '-S', socket, 'kill-server'])
  } catch (error) {
    // As a rule nobody answers any more: the socket alone was left.
    if (!(error instanceof DemoError)) throw error
  }
}

function unique(processes: ProcessIdentity[]): ProcessIdentity[] {
  return [...new Map(processes.map((each) => [each.pid, each])).values()]
}
