/** Puts the demo together and takes it apart again. What it does not make itself, the Tower and the watch, is put in. */
import { mkdirSync, rmSync } from 'node:fs'
import { userInfo } from 'node:os'
import { messageOf } from '../domain/failure.ts'
import { CAST } from './cast.ts'
import { DemoError } from './error.ts'
import { replaceFile } from './files.ts'
import { fleetFile } from './fleet-file.ts'
import type { DemoInfo } from './info.ts'
import type { Layout } from './layout.ts'
import { layoutIn } from './layout.ts'
import { clearLeftovers } from './leftovers.ts'
import type { Lookout } from './lookout.ts'
import { startLookout } from './lookout.ts'
import { pause } from './pause.ts'
import { identify } from './processes.ts'
import { findPrograms } from './programs.ts'
import { RecordKeeper } from './records.ts'
import { clock } from './screen.ts'
import { chooseSocket, removeSocket } from './socket.ts'
import { startSshHosts } from './ssh-hosts.ts'
import type { SshHost, SshHostEvent } from './sshd.ts'
import type { TowerPlace } from './tower-place.ts'
import type { WatchChild, WatchEvent } from './watch-child.ts'
import { startWatchChild } from './watch-child.ts'
import type { Workers } from './workers.ts'
import { startWorkers } from './workers.ts'

interface RunningTower {
  place: TowerPlace
  stop(): Promise<void>
}

export interface DemoParts {
  /** Rejects, with nothing left running, where it can't open or the signal fires. */
  startTower(signal: AbortSignal): Promise<RunningTower>
  /** argv of a watch for this fleet.yaml: it prints a JSON line with `msg: "ready"` when it is. */
  watchCommand(fleetFile: string): [string, ...string[]]
  watchReadyWithinMs: number
  /** A lost sshd comes back after so long. */
  hostReturnMs: number
  now(): Date
}

export interface DemoOptions {
  /** The project's folder. */
  root: string
  /** Where run-time state lives; absolute. */
  varDir: string
  /** Takes what the demo says, without a final newline. */
  print(text: string): void
  signal: AbortSignal
}

export interface RunningDemo {
  info(): DemoInfo
  /** Ends everything, in order; the same end however often it is called. */
  stop(): Promise<void>
}

/** What is running, in the order in which it is ended. */
interface Running {
  lookout?: Lookout
  watch?: WatchChild
  tower?: RunningTower
  workers?: Workers
  hosts?: SshHost[]
}

/** The whole stop has to be over in 15 s: a Tower that takes longer is left to itself, and that is said. */
const TOWER_STOP_WITHIN_MS = 9_000

/**
 * Resolves when everything is up and info.json is written; 'aborted' where the signal fired before that. Rejects with
 * DemoError where something would not start. In both of these cases nothing is left running.
 */
export async function startDemo(options: DemoOptions, parts: DemoParts): Promise<RunningDemo | 'aborted'> {
  const { print, signal } = options
  const layout = layoutIn(options.varDir)
  const programs = findPrograms(process.env['PATH'] ?? '')
  mkdirSync(layout.dir, { recursive: true, mode: 0o700 })
  const ended = await clearLeftovers(layout, programs.tmux, print)
  if (ended > 0) print(`An earlier demo was killed and left ${ended} ${ended === 1 ? 'process' : 'processes'} behind: ended.`)
  const itself = identify(process.pid)
  if (itself === undefined) throw new DemoError('This process is not found among those of the system. Is /proc mounted?')
  const socket = chooseSocket(layout.socket)
  const records = new RecordKeeper(layout.processes, itself, socket)
  records.write()

  const running: Running = {}
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= takeApart(running, layout, socket, print)
    return stopped
  }
  const say = (line: string) => print(`${clock(parts.now())}  ${line}`)

  const raiseFleet = async (aborted: AbortSignal) => {
    running.hosts = await startSshHosts(layout, programs, parts.hostReturnMs, (id, event) => {
      if (event.kind === 'started') records.set(`sshd ${id}`, event.process)
      else say(hostLine(id, event))
    })
    print(`SSH hosts are up: ${running.hosts.map((host) => `${host.id} on ${host.address} port ${host.port}`).join(', ')}.`)
    if (aborted.aborted) return
    running.workers = await startWorkers(layout, socket, programs.tmux, (name, each) => records.set(name, each), aborted)
    print(`Agents are at work: ${CAST.map((role) => role.id).join(', ')}.`)
  }
  const openTower = async (aborted: AbortSignal) => {
    print('The Tower opens, which takes a few seconds ...')
    running.tower = await parts.startTower(aborted)
    print('The Tower: its game answers.')
  }

  try {
    await together(signal, [openTower, raiseFleet])
    const { tower, hosts, workers } = running
    if (signal.aborted || !tower || !hosts || !workers) {
      await stop()
      return 'aborted'
    }
    const { bridge, websocket } = tower.place
    const fleet = fleetFile({ layout, socket, user: userInfo().username, hosts, tower: { url: websocket.url, ...bridge } })
    replaceFile(layout.fleet, fleet, 0o600)
    print('The watch starts and looks at everybody once ...')
    const watchPlan = {
      command: parts.watchCommand(layout.fleet),
      cwd: options.root,
      logFile: layout.watchLog,
      readyWithinMs: parts.watchReadyWithinMs,
    }
    running.watch = await startWatchChild(
      watchPlan,
      (event) => {
        if (event.kind === 'started') records.set('watch', event.process)
        const line = watchLine(event, layout)
        if (line !== undefined) say(line)
      },
      signal,
    )
    const changed = (role: { id: string }, each: { pid: number; started: string }) => records.set(`worker ${role.id}`, each)
    const lookout = await startLookout({ layout, place: tower.place, hosts, workers, say, changed })
    running.lookout = lookout
    if (!signal.aborted) return { info: lookout.info, stop }
  } catch (error) {
    await stop()
    if (!signal.aborted) throw error
  }
  await stop()
  return 'aborted'
}

/** Does all of it at once. The first to fail ends the others; resolves or rejects when all have ended. */
async function together(signal: AbortSignal, steps: ((signal: AbortSignal) => Promise<void>)[]): Promise<void> {
  const failed = new AbortController()
  let first: { error: unknown } | undefined
  const either = AbortSignal.any([signal, failed.signal])
  await Promise.all(
    steps.map(async (step) => {
      try {
        await step(either)
      } catch (error) {
        first ??= { error }
        failed.abort()
      }
    }),
  )
  if (first) throw first.error
}

/** The watch first, so that it does not take the end of the others for deaths; the hosts last, as the agents live on them. */
async function takeApart(running: Running, layout: Layout, socket: string, print: (text: string) => void): Promise<void> {
  rmSync(layout.info, { force: true })
  await running.lookout?.stop()
  rmSync(layout.info, { force: true })
  const troubles: string[] = []
  const step = async (what: string, stop: (() => Promise<void>) | undefined) => {
    try {
      await stop?.()
    } catch (error) {
      troubles.push(`${what} would not stop in order: ${messageOf(error)}`)
    }
  }
  const { watch, tower, workers, hosts } = running
  await step('The watch', watch && (() => watch.stop()))
  await step('The Tower', tower && (() => within(TOWER_STOP_WITHIN_MS, tower.stop())))
  await step('The agents', workers && (() => workers.stop()))
  await step('The SSH hosts', hosts && (async () => void (await Promise.all(hosts.map((host) => host.stop())))))
  removeSocket(socket)
  // What did not end stays on record for the next start to clean up.
  if (troubles.length === 0) rmSync(layout.processes, { force: true })
  for (const trouble of troubles) print(trouble)
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  const done = new AbortController()
  try {
    await Promise.race([
      work,
      pause(ms, done.signal).then(() => {
        if (!done.signal.aborted) throw new DemoError(`not done after ${ms / 1_000} seconds`)
      }),
    ])
  } finally {
    done.abort()
  }
}

function hostLine(id: string, event: Exclude<SshHostEvent, { kind: 'started' }>): string {
  switch (event.kind) {
    case 'lost':
      return `host ${id}: its sshd is gone. It comes back by itself in ${event.returnMs / 1_000} seconds.`
    case 'returned':
      return `host ${id}: its sshd is back, as process ${event.process.pid}.`
    case 'failed':
      return `host ${id}: its sshd would not start, trying again in ${event.returnMs / 1_000} seconds. ${event.reason}`
  }
}

function watchLine(event: WatchEvent, layout: Layout): string | undefined {
  switch (event.kind) {
    case 'started':
      return undefined
    case 'died':
      return `The watch ended unexpectedly (${event.how}) and starts again in ${event.againInMs / 1_000} s; ${layout.watchLog} may say why.`
    case 'ready-again':
      return 'The watch is back.'
  }
}
