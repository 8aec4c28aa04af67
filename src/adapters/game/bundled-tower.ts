import { spawn } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { answers } from './answers.ts'
import { takeOwnership } from './owner.ts'
import { type Place, type Provisioned, readProvisioned, writePorts } from './place.ts'
import { choosePorts } from './ports.ts'
import { gameProcesses, signalAll } from './processes.ts'

export { type Place, readPlace } from './place.ts'

const ANSWER_MS = 60_000
const STOP_LAUNCHER_MS = 20_000
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
 * the bridge can get in.
 * @param varDir where set-up made it
 * @throws when it has not been set up, is run by another process, or does not come up: with the end of its own log
 */
export async function startBundledTower(varDir: string, { progress = () => undefined, signal }: StartOptions = {}): Promise<RunningTower> {
  const tower = readProvisioned(varDir)
  signal?.throwIfAborted()
  const giveBack = takeOwnership(path.join(tower.folder, 'owner'))
  try {
    const place = (await adopt(tower, progress)) ?? (await start(varDir, tower, progress, signal))
    let stopping: Promise<void> | undefined
    return {
      place,
      stop: () => {
        stopping ??= stopGame(tower).finally(giveBack)
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
  const failures = [startPart(tower, 'portal'), startPart(tower, 'server')]
  const deadlineMs = performance.now() + ANSWER_MS
  while (performance.now() < deadlineMs) {
    signal?.throwIfAborted()
    if (await answers(place, 5_000)) return place
    if (failures.some((failed) => failed() !== undefined)) break
    await wait(LOOK_EVERY_MS, undefined, { signal })
  }
  const said = failures.map((failed) => failed()?.trim() ?? '')
  throw new Error(
    ['The Tower did not come up.', ...said, lastLines(tower, 'portal'), lastLines(tower, 'server')].filter(Boolean).join('\n'),
  )
}

/**
 * Starts one of the game's two processes with the command line that Evennia's own launcher uses, on which its `reload` and
 * `stop` rely. The launcher itself would start them one after the other, after importing all of Evennia to do so: 13 s
 * instead of 5. In a session of its own: a Ctrl-C in the terminal is for the watch, which then stops the game in order.
 * @returns asks what it printed if it has failed; undefined while it has not
 */
function startPart(tower: Provisioned, part: 'portal' | 'server'): () => string | undefined {
  const bin = path.dirname(tower.python)
  const [script, logger] = part === 'portal' ? ['portal/portal.py', 'GetPortalLogObserver'] : ['server.py', 'GetServerLogObserver']
  const child = spawn(
    path.join(bin, 'twistd'),
    [
      `--python=${path.join(tower.evennia, 'server', script)}`,
      `--logger=evennia.utils.logger.${logger}`,
      `--pidfile=${path.join(tower.game, 'server', `${part}.pid`)}`,
    ],
    { cwd: tower.game, env: gameEnvironment(tower, bin), stdio: ['ignore', 'pipe', 'pipe'], detached: true },
  )
  let said = ''
  let failure: string | undefined
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      said = (said + text).slice(-10_000)
    })
  }
  child.once('error', (error) => {
    failure = error.message
  })
  // It ends by itself, with 0, once the daemon that it leaves behind is there. Not `close`: the daemon may hold the pipes.
  child.once('exit', (code, signal) => {
    if (code !== 0) failure = `${said}\n${part} ended with ${signal ?? `exit code ${code}`}`
  })
  return () => failure
}

/**
 * First the way Evennia offers, which saves what is in memory; then by signals to processes that are known to be this game's.
 * @throws when they outlive even that
 */
async function stopGame(tower: Provisioned): Promise<void> {
  const alive = await gameProcesses(tower.game)
  // Without a portal of ours nobody would take the order; or another game would, if it has come to use that port.
  if (alive.some((one) => one.part === 'portal')) {
    await evennia(tower, 'stop', STOP_LAUNCHER_MS)
    if (await gone(tower, STOP_BY_SIGNAL_MS)) return removePidFiles(tower)
  }
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    signalAll(await gameProcesses(tower.game), signal)
    if (await gone(tower, STOP_BY_SIGNAL_MS)) return removePidFiles(tower)
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

/**
 * Runs Evennia's launcher to its end and returns what it printed. In a process group of its own: a Ctrl-C in the terminal is
 * for the watch, which then stops the game in order.
 */
function evennia(tower: Provisioned, order: 'stop', timeoutMs: number): Promise<string> {
  const bin = path.dirname(tower.python)
  return new Promise((resolve, reject) => {
    const child = spawn(path.join(bin, 'evennia'), [order], {
      cwd: tower.game,
      env: environment(bin),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8')
      stream.on('data', (text: string) => {
        output = (output + text).slice(-10_000)
      })
    }
    child.once('error', reject)
    // Not `close`: the game, which lives on, may have inherited the launcher's output.
    child.once('exit', () => resolve(output))
  })
}

/** The game needs the launcher's folder on PATH (for twistd), and nothing that could change what Python imports. */
function environment(bin: string): Record<string, string> {
  const env: Record<string, string> = { PATH: `${bin}:${process.env['PATH'] ?? '/usr/bin:/bin'}`, TERM: 'dumb', LANG: 'C.UTF-8' }
  for (const name of ['HOME', 'TZ', 'TMPDIR', 'LD_LIBRARY_PATH']) {
    const value = process.env[name]
    if (value !== undefined) env[name] = value
  }
  return env
}

/** What the launcher would set for the two. */
function gameEnvironment(tower: Provisioned, bin: string): Record<string, string> {
  return { ...environment(bin), PYTHONPATH: tower.game, DJANGO_SETTINGS_MODULE: 'server.conf.settings' }
}

/** Left over from a crash they name a pid that may belong to anybody by now, and twistd would refuse to start. */
function removePidFiles(tower: Provisioned): void {
  for (const part of ['portal', 'server']) rmSync(path.join(tower.game, 'server', `${part}.pid`), { force: true })
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
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return otherwise
    throw error
  }
}
