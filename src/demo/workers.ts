/** The six agents: how they are started, who of them lives, and how they are ended. */
import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs'
import type { Role } from './cast.ts'
import { CAST } from './cast.ts'
import { DemoError } from './error.ts'
import { readIfThere, replaceFile } from './files.ts'
import { findWorkers, isWorker } from './find-workers.ts'
import type { Layout } from './layout.ts'
import { agentDir, bodyLog, bodyPidFile, heartbeatFile, ownPidFile, workerCommand } from './layout.ts'
import type { PaneServer } from './panes.ts'
import { startPanes } from './panes.ts'
import { pause } from './pause.ts'
import type { ProcessIdentity } from './processes.ts'
import { end, identify } from './processes.ts'
import { plainEnvironment } from './programs.ts'

export interface Workers {
  panes: PaneServer
  /** The process of an agent; of a dead one, undefined. */
  process(role: Role): ProcessIdentity | undefined
  stop(): Promise<void>
}

/** Resolves when all six have beaten once. `started` hears of each process as soon as it is there. */
export async function startWorkers(
  layout: Layout,
  socket: string,
  tmux: string,
  started: (name: string, process: ProcessIdentity) => void,
  signal: AbortSignal,
): Promise<Workers> {
  for (const role of CAST) {
    mkdirSync(agentDir(layout, role.id), { recursive: true, mode: 0o700 })
    // A beat of an earlier demo must not speak for a worker that has not begun, nor what the gate noted beside its pid.
    const body = bodyPidFile(layout, role)
    for (const file of [heartbeatFile(layout, role), ownPidFile(layout, role), body, `${body}.epoch`]) rmSync(file, { force: true })
  }
  const panes = await startPanes(
    layout,
    socket,
    tmux,
    CAST.filter((role) => role.kind === 'pane'),
  )
  started('tmux', panes.server)
  for (const role of CAST) if (role.kind === 'process') startProcess(layout, role)

  const workers: Workers = {
    panes,
    process: (role) => workerProcess(layout, role),
    async stop() {
      await end(findWorkers(layout), 2_000)
      await end([panes.server], 1_000)
      // The watch may have had a start under way that was done only now.
      await end(findWorkers(layout), 500)
    },
  }
  const deadline = performance.now() + 10_000
  for (const role of CAST) {
    while (workers.process(role) === undefined || readIfThere(heartbeatFile(layout, role)) === undefined) {
      if (signal.aborted || performance.now() > deadline) {
        await workers.stop()
        throw new DemoError(
          role.kind === 'pane'
            ? `The agent ${role.id} did not begin to work in its pane. Start again with a new folder: remove ${layout.dir} first.`
            : `The agent ${role.id} did not begin to work; ${bodyLog(layout, role)} may say why.`,
        )
      }
      await pause(50, signal)
    }
    const process = workers.process(role)
    if (process) started(`worker ${role.id}`, process)
  }
  return workers
}

/** A plain process, started as the gate will start it again: detached, output to its log, pid in its file. */
function startProcess(layout: Layout, role: Role): void {
  const [program, ...args] = workerCommand(layout, role)
  if (program === undefined) throw new DemoError(`There is no command to start ${role.id} with.`)
  const log = openSync(bodyLog(layout, role), 'a', 0o600)
  const child = spawn(program, args, {
    cwd: agentDir(layout, role.id),
    env: plainEnvironment(process.env),
    stdio: ['ignore', log, log],
    detached: true,
  })
  closeSync(log)
  // What went wrong shows in that it never beats.
  child.once('error', () => {})
  child.unref()
  if (child.pid !== undefined) replaceFile(bodyPidFile(layout, role), `${child.pid}\n`, 0o600)
}

/** By the pid that the worker wrote down itself, if that is still the worker. */
function workerProcess(layout: Layout, role: Role): ProcessIdentity | undefined {
  const pid = Number(readIfThere(ownPidFile(layout, role)))
  if (!Number.isInteger(pid) || pid < 2 || !isWorker(pid, layout, role)) return undefined
  return identify(pid)
}
