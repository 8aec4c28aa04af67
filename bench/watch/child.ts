/** A program of a benchmark that is spoken with by messages. It ends with the benchmark. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

export interface Child {
  pid: number
  /** The next message that has this key; rejects where the child complains or ends before. */
  hears(key: string, signal: AbortSignal): Promise<Record<string, unknown>>
  says(message: object): void
  stop(): Promise<void>
}

/** `name`: a file of bench/. */
export function startChild(name: string, ...argv: string[]): Child {
  // Not with this program's own options: what follows its parent lets go of the channel that this one listens to.
  const child = fork(join(import.meta.dirname, '..', name), argv, { execArgv: [] })
  if (child.pid === undefined) throw new Error(`${name} could not be started`)
  return {
    pid: child.pid,
    says: (message) => void child.send(message),
    hears: (key, signal) => hears(child, name, key, signal),
    stop: () => end(child),
  }
}

async function hears(child: ChildProcess, name: string, key: string, signal: AbortSignal): Promise<Record<string, unknown>> {
  const over = new AbortController()
  const either = AbortSignal.any([signal, over.signal])
  const ended = once(child, 'exit', { signal: either }).then(() => {
    throw new Error(`${name} ended`)
  })
  const message = (async () => {
    for (;;) {
      const [said]: unknown[] = await once(child, 'message', { signal: either })
      if (typeof said !== 'object' || said === null) continue
      if ('trouble' in said) throw new Error(`${name}: ${String(said.trouble)}`)
      if (key in said) return { ...said }
    }
  })()
  try {
    return await Promise.race([message, ended])
  } finally {
    over.abort()
    await Promise.allSettled([message, ended])
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}
