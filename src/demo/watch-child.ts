/** The watch of the demo: the very same program that a user runs, as a child process. */
import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { DemoError } from './error.ts'
import { pause } from './pause.ts'
import type { ProcessIdentity } from './processes.ts'
import { descendants, end, identify } from './processes.ts'

export interface WatchPlan {
  /** argv of the watch, with absolute paths. */
  command: [string, ...string[]]
  cwd: string
  logFile: string
  readyWithinMs: number
}

export type WatchEvent =
  | { kind: 'started'; process: ProcessIdentity }
  /** It ended although nobody asked it to, and is started again. */
  | { kind: 'died'; how: string; againInMs: number }
  | { kind: 'ready-again' }

export interface WatchChild {
  stop(): Promise<void>
}

const FIRST_DELAY_MS = 1_000
const LONGEST_DELAY_MS = 30_000
/** One that ran for so long was well: the delays begin anew. */
const WELL_AFTER_MS = 60_000

/**
 * Resolves when the watch has said that it is ready: the Tower is connected and every agent was seen. Rejects with
 * DemoError, and nothing left running, where it ends before that or takes too long.
 */
export async function startWatchChild(plan: WatchPlan, told: (event: WatchEvent) => void, signal: AbortSignal): Promise<WatchChild> {
  const log = createWriteStream(plan.logFile, { flags: 'a', mode: 0o600 })
  // A full disk must not end the demo: the log stops, the watch goes on.
  log.on('error', () => log.destroy())
  const stopping = new AbortController()
  let life = await begin(plan, log, told)
  const first = await Promise.race([
    life.ready.then(() => 'ready' as const),
    life.ended.then((how) => ({ how })),
    pause(plan.readyWithinMs, signal).then(() => 'late' as const),
  ])
  if (first !== 'ready') {
    await life.end()
    log.end()
    const why =
      first === 'late' ? `said nothing of being ready within ${plan.readyWithinMs / 1_000} seconds` : `ended at once (${first.how})`
    throw new DemoError(`The watch ${why}. Its last words, the rest is in ${plan.logFile}:\n${life.lastWords()}`)
  }

  const keeping = (async () => {
    for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS)) {
      const how = await life.ended
      if (stopping.signal.aborted) return
      if (life.ageMs() > WELL_AFTER_MS) delayMs = FIRST_DELAY_MS
      told({ kind: 'died', how, againInMs: delayMs })
      await pause(delayMs, stopping.signal)
      if (stopping.signal.aborted) return
      life = await begin(plan, log, told)
      void life.ready.then(() => told({ kind: 'ready-again' }))
    }
  })()
  return {
    async stop() {
      stopping.abort()
      await life.end()
      await keeping
      // It may just have been on its way back up.
      await life.end()
      log.end()
    },
  }
}

interface Life {
  /** Never settles where it ends before it is ready. */
  ready: Promise<void>
  /** With how it ended. */
  ended: Promise<string>
  ageMs(): number
  end(): Promise<void>
  lastWords(): string
}

async function begin(plan: WatchPlan, log: NodeJS.WritableStream, told: (event: WatchEvent) => void): Promise<Life> {
  const startedMs = performance.now()
  const [program, ...args] = plan.command
  // A session of its own, so that a Ctrl-C in the terminal does not reach it before the demo can stop things in order.
  const child = spawn(program, args, { cwd: plan.cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const itself = child.pid === undefined ? undefined : identify(child.pid)
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => resolve(signal ? `by ${signal}` : `with exit status ${code}`))
  })
  const last: string[] = []
  const heard = (line: string) => {
    log.write(`${line}\n`)
    last.push(line.slice(0, 500))
    if (last.length > 10) last.shift()
  }
  createInterface({ input: child.stderr }).on('line', heard)
  const ready = new Promise<void>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      heard(line)
      if (saysReady(line)) resolve()
    })
  })
  if (itself) told({ kind: 'started', process: itself })
  return {
    ready,
    ended,
    ageMs: () => performance.now() - startedMs,
    async end() {
      if (itself === undefined) return
      const children = descendants(itself.pid)
      await end([itself], 3_500)
      // Its connections end with it; whoever of them does not is not left behind.
      await end(children, 500)
    },
    lastWords: () => last.join('\n'),
  }
}

function saysReady(line: string): boolean {
  if (!line.startsWith('{')) return false
  try {
    const value: unknown = JSON.parse(line)
    return value !== null && typeof value === 'object' && 'msg' in value && value.msg === 'ready'
  } catch {
    return false
  }
}
