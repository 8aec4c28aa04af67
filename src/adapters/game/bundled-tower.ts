import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { hasCode } from '../../domain/failure.ts'
import { answers } from './answers.ts'
import { startKeeper } from './keeper.ts'
import { takeOwnership } from './owner.ts'
import { type Place, type Provisioned, readProvisioned, writePorts } from './place.ts'
import { choosePorts } from './ports.ts'
import { gameProcesses, signalAll } from './processes.ts'

export { readPlace } from './place.ts'

const ANSWER_MS = 60_000
const STOP_IN_ORDER_MS = 15_000
const STOP_BY_SIGNAL_MS = 5_000
const LOOK_EVERY_MS = 200

export type RunningTower = {
  readonly place: Place
  /** Stops this game and no other; resolves when its processes are gone. May be called more than once. */
  stop(): Promise<void>
}

export type StartOptions = {
  /** Is told, in a few words, what is being waited for. */
  readonly progress?: (text: string) => void
  readonly signal?: AbortSignal
}

/**
 * Starts the bundled Tower, or takes over the one that a crash of its last owner left running, and waits until players and
 * the bridge can get in. From then on, until it is stopped, a half of it that dies is started again.
 * @param varDir where set-up made it
 * @throws when it has not been set up, is run by another process, or does not come up: with the end of its own log
 */
export async function startBundledTower(varDir: string, { progress = () => undefined, signal }: StartOptions = {}): Promise<RunningTower> {
  const tower = readProvisioned(varDir)
  signal?.throwIfAborted()
  const { isHeld, giveBack } = takeOwnership(path.join(tower.folder, 'owner'))
  try {
    const place = (await adopt(tower, progress)) ?? (await start(varDir, tower, progress, signal))
    const endKeeper = startKeeper({
      game: tower.game,
      isOurs: isHeld,
      // One that was told to end takes its pid file away; one that was killed can't.
      wasKilled: (part) => existsSync(pidFile(tower, part)),
      startPart: (part) => {
        rmSync(pidFile(tower, part), { force: true })
        startPart(tower, part)
      },
      say: progress,
    })
    let stopping: Promise<void> | undefined
    return {
      place,
      stop: () => {
        stopping ??= endKeeper()
          .then(() => stopGame(tower))
          .finally(giveBack)
        return stopping
      },
    }
  } catch (error) {
    await stopGame(tower).finally(giveBack)
    throw error
  }
}

/** A running game is taken over when it is whole, answers, and runs the code that is there now. */
async function adopt(tower: Provisioned, progress: (text: string) => void): Promise<Place | undefined> {
  const parts = (await gameProcesses(tower.game)).map((one) => one.part)
  if (parts.length === 0) return undefined
  progress('found it running')
  const whole = parts.includes('portal') && parts.includes('server')
  if (whole && readRunning(tower) === tower.stamp && (await answers(tower.place, ANSWER_MS / 3))) return tower.place
  progress('stopping what was left of it')
  await stopGame(tower)
  return undefined
}

async function start(varDir: string, tower: Provisioned, progress: (text: string) => void, signal?: AbortSignal): Promise<Place> {
  removePidFiles(tower)
  const ports = await choosePorts(tower.ports)
  if (ports !== tower.ports) {
    progress('another program has one of its ports; taking others')
    writePorts(varDir, ports)
  }
  const { place } = readProvisioned(varDir)
  writeFileSync(runningFile(tower), `${tower.stamp}\n`)

  progress('starting Evennia')
  const parts = [startPart(tower, 'portal'), startPart(tower, 'server')]
  const deadlineMs = performance.now() + ANSWER_MS
  while (performance.now() < deadlineMs) {
    signal?.throwIfAborted()
    if (await answers(place, 5_000)) return place
    const alive = (await gameProcesses(tower.game)).map((one) => one.part)
    if (parts.some((one) => one.left() && !alive.includes(one.part))) break
    await wait(LOOK_EVERY_MS, undefined, { signal })
  }
  const said = parts.map((one) => one.said().trim())
  throw new Error(
    ['The Tower did not come up.', ...said, lastLines(tower, 'portal'), lastLines(tower, 'server')].filter(Boolean).join('\n'),
  )
}

type StartedPart = {
  readonly part: 'portal' | 'server'
  /** Whether twistd has left its daemon to itself. It does so with exit code 0 even when there is none. */
  left(): boolean
  said(): string
}

/**
 * Starts one of the game's two processes with the command line that Evennia's own launcher uses, on which its `reload` and
 * `stop` rely. The launcher itself would start them one after the other, after importing all of Evennia to do so: 13 s
 * instead of 5. In a session of its own: a Ctrl-C in the terminal is for the watch, which then stops the game in order.
 */
function startPart(tower: Provisioned, part: 'portal' | 'server'): StartedPart {
  const bin = path.dirname(tower.python)
  const [script, logger] = part === 'portal' ? ['portal/portal.py', 'GetPortalLogObserver'] : ['server.py', 'GetServerLogObserver']
  const child = spawn(
    path.join(bin, 'twistd'),
    [
      `--python=${path.join(tower.evennia, 'server', script)}`,
      `--logger=evennia.utils.logger.${logger}`,
      `--pidfile=${pidFile(tower, part)}`,
    ],
    { cwd: tower.game, env: environment(tower, bin), stdio: ['ignore', 'pipe', 'pipe'], detached: true },
  )
  let said = ''
  let left = false
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      said = (said + text).slice(-2_000)
    })
  }
  child.once('error', (error) => {
    said += error.message
    left = true
  })
  child.once('close', () => {
    left = true
  })
  return { part, left: () => left, said: () => said }
}

/**
 * Asks the portal first, which tells the server to save and end, as `evennia stop` would have it do; only what is left after
 * that is asked, then forced, itself. Always by the pids of processes that are known to be this game's.
 * @throws when they outlive even that
 */
async function stopGame(tower: Provisioned): Promise<void> {
  const orders = [
    { signal: 'SIGTERM', to: ['portal'], withinMs: STOP_IN_ORDER_MS },
    { signal: 'SIGTERM', to: ['portal', 'server'], withinMs: STOP_BY_SIGNAL_MS },
    { signal: 'SIGKILL', to: ['portal', 'server'], withinMs: STOP_BY_SIGNAL_MS },
  ] as const
  for (const { signal, to, withinMs } of orders) {
    const asked = (await gameProcesses(tower.game)).filter((one) => to.some((part) => part === one.part))
    signalAll(asked, signal)
    // A server whose portal is gone is never told: no use in waiting for it.
    if (await gone(tower, asked.length > 0 ? withinMs : 0)) return removePidFiles(tower)
  }
  const pids = (await gameProcesses(tower.game)).map((one) => one.pid)
  throw new Error(`The Tower's processes ${pids.join(', ')} do not stop.`)
}

async function gone(tower: Provisioned, timeoutMs: number): Promise<boolean> {
  const deadlineMs = performance.now() + timeoutMs
  while ((await gameProcesses(tower.game)).length > 0) {
    if (performance.now() > deadlineMs) return false
    await wait(LOOK_EVERY_MS)
  }
  return true
}

/** What Evennia's launcher would set, and nothing that could change what Python imports. */
function environment(tower: Provisioned, bin: string): Record<string, string> {
  const env: Record<string, string> = {
    // The portal finds twistd there when the game is reloaded.
    PATH: `${bin}:${process.env['PATH'] ?? '/usr/bin:/bin'}`,
    PYTHONPATH: tower.game,
    DJANGO_SETTINGS_MODULE: 'server.conf.settings',
    TERM: 'dumb',
    LANG: 'C.UTF-8',
  }
  for (const name of ['HOME', 'TZ', 'TMPDIR', 'LD_LIBRARY_PATH']) {
    const value = process.env[name]
    if (value !== undefined) env[name] = value
  }
  return env
}

/** Left over from a crash they name a pid that may belong to anybody by now, and twistd would refuse to start. */
function removePidFiles(tower: Provisioned): void {
  for (const part of ['portal', 'server'] as const) rmSync(pidFile(tower, part), { force: true })
}

function pidFile(tower: Provisioned, part: 'portal' | 'server'): string {
  return path.join(tower.game, 'server', `${part}.pid`)
}

/** Says what the running game was started from. */
function runningFile(tower: Provisioned): string {
  return path.join(tower.folder, 'running')
}

function readRunning(tower: Provisioned): string {
  return readOr(runningFile(tower), '').trim()
}

function lastLines(tower: Provisioned, part: 'portal' | 'server'): string {
  const file = path.join(tower.game, 'server', 'logs', `${part}.log`)
  const lines = readOr(file, '').trimEnd().split('\n').slice(-8)
  return lines.join('') === '' ? '' : `The end of ${file}:\n${lines.join('\n')}`
}

function readOr(file: string, otherwise: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return otherwise
    throw error
  }
}
