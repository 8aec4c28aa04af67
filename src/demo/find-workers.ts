/** Knows a worker of this demo by its command line, whoever started it: the demo, tmux or the gate. */
import type { Role } from './cast.ts'
import { CAST } from './cast.ts'
import type { Layout } from './layout.ts'
import { heartbeatFile, ownPidFile } from './layout.ts'
import type { ProcessIdentity } from './processes.ts'
import { allPids, commandLine, identify } from './processes.ts'

/** Both of its files have to be named: somebody may be reading one of them with `tail`. */
export function isWorker(pid: number, layout: Layout, role: Role): boolean {
  const line = commandLine(pid)
  return line.includes(heartbeatFile(layout, role)) && line.includes(ownPidFile(layout, role))
}

export function findWorkers(layout: Layout): ProcessIdentity[] {
  return allPids()
    .filter((pid) => CAST.some((role) => isWorker(pid, layout, role)))
    .flatMap((pid) => identify(pid) ?? [])
}
