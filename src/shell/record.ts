import { closeSync, existsSync, openSync, writeSync } from 'node:fs'
import { resolve } from 'node:path'
import { NotRunningError, recordWatch } from '../adapters/control/client.ts'
import { socketPath } from '../adapters/control/socket-path.ts'
import { parseDuration, sayDuration } from '../domain/duration.ts'
import { sorter } from '../simulator/order.ts'
import { readTraceLine } from '../simulator/trace.ts'
import { exitCode, readConfig, type Shell, ShellError } from './shell.ts'

export interface RecordOptions {
  config?: string
  for?: string
  out?: string
}

/** A host is found lost a minute after its last answer, at worst: so much later a line may come than it happened. */
const holdS = 75
/** A longer timer would be over at once. */
const longestMs = 24 * 86_400_000

/**
 * `towerwatch record`: what the running watch sees, as a trace for `towerwatch simulate --trace`, for so long, or until Ctrl-C,
 * or until the watch stops.
 */
export async function record(shell: Shell, options: RecordOptions): Promise<number> {
  const config = readConfig(shell, options.config, 'left-out')
  const forMs = options.for === undefined ? undefined : parseDuration(options.for)
  if (options.for !== undefined && (forMs === undefined || forMs <= 0 || forMs > longestMs))
    throw new ShellError(`--for ${options.for}: expected a time up to 24d, such as 1h, 30m or 90s.`, exitCode.wrongInput)
  const out = openOut(shell, options.out)
  const began = performance.now()
  const nowS = () => (performance.now() - began) / 1000
  let count = 0
  const sorted = sorter(holdS, (line) => {
    count++
    out.write(JSON.stringify(line))
  })
  const signal = forMs === undefined ? shell.signal : AbortSignal.any([shell.signal, AbortSignal.timeout(forMs)])
  try {
    const by = await recordWatch(
      socketPath(config.stateDir),
      (raw) => {
        const read = readTraceLine(raw)
        if ('line' in read) sorted.add(read.line, nowS())
        else shell.err(`A line that the watch told was left out: ${read.faults.join('; ')}`)
      },
      signal,
    )
    sorted.end(nowS())
    shell.err(`${by === 'watch' ? 'The watch stopped. ' : ''}Recorded ${count} lines in ${sayDuration(nowS() * 1000)}.`)
    return exitCode.ok
  } catch (error) {
    if (error instanceof NotRunningError)
      throw new ShellError(
        `${error.message} A trace is recorded from a running watch: start it with "towerwatch run".`,
        exitCode.notRunning,
      )
    throw error
  } finally {
    out.close()
  }
}

/** A file that is there already is somebody's recording. A new one is made with the first line. */
function openOut(shell: Shell, out: string | undefined): { write(line: string): void; close(): void } {
  if (out === undefined) return { write: shell.out, close: () => {} }
  const path = resolve(shell.cwd, out)
  if (existsSync(path)) throw new ShellError(`${path}: there is such a file already: name another with --out.`, exitCode.wrongInput)
  let file: number | undefined
  return {
    write: (line) => {
      file ??= openSync(path, 'wx', 0o600)
      writeSync(file, `${line}\n`)
    },
    close: () => {
      if (file !== undefined) closeSync(file)
    },
  }
}
