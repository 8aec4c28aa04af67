/** Knows a worker of this demo by its command line, whoever started it: the demo, tmux or the gate. */
import type { Role } from './cast.ts'
import { CAST } from './cast.ts'
import type { Layout } from './layout.ts'
import { workerCommand } from './layout.ts'
import type { ProcessIdentity } from './processes.ts'
import { allPids, commandLine, identify } from './processes.ts'

/**
 * The whole of it has to be the same: somebody may be reading one of its files with `tail`, and tmux, which was told to
 * start the worker, has all of these words in its own command line too.
 */
export function isWorker(pid: number, layout: Layout, role: Role): boolean {
  return commandLine(pid).join(' ') === workerCommand(layout, role).join(' ')
}

export function findWorkers(layout: Layout): ProcessIdentity[] {
  return allPids()
    .filter((pid) => CAST.some((role) => isWorker(pid, layout, role)))
    .flatMap((pid) => identify(pid) ?? [])
}
