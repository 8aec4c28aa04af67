/**
 * Alerts to a program of the operator's: the text as its last argument, the whole alert as JSON on its standard input. No
 * shell is involved. Exit status 0 means taken, everything else means later. It runs in a process group of its own, so that
 * whatever it has started ends with it when its time is over.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { type Sink, SinkError } from '../../ports/sink.ts'

export interface CommandOptions {
  /** The program, then its arguments. */
  run: readonly string[]
  timeoutMs: number
  /** From SIGTERM to SIGKILL. */
  killAfterMs: number
}

const maxDetail = 400

export function commandSink(options: CommandOptions): Sink {
  const [program = '', ...declared] = options.run
  return {
    tell: (alert, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(new SinkError('failed', 'it was called off'))
        let child: ChildProcess
        try {
          child = spawn(program, [...declared, argumentOf(alert.text)], { detached: true, stdio: ['pipe', 'ignore', 'pipe'], shell: false })
        } catch (error) {
          return reject(new SinkError('failed', `it could not be run (${codeOf(error)})`))
        }
        let detail = ''
        let ending: string | undefined
        let killTimer: NodeJS.Timeout | undefined
        const end = (why: string) => {
          if (ending !== undefined) return
          ending = why
          signalGroup(child, 'SIGTERM')
          killTimer = setTimeout(() => signalGroup(child, 'SIGKILL'), options.killAfterMs)
        }
        const calledOff = () => end('it was called off')
        const timer = setTimeout(() => end(`it did not end within ${options.timeoutMs / 1000} s`), options.timeoutMs)
        signal.addEventListener('abort', calledOff, { once: true })
        const over = (fault: string | undefined) => {
          clearTimeout(timer)
          clearTimeout(killTimer)
          signal.removeEventListener('abort', calledOff)
          // Somebody it has left behind may hold this open for ever.
          child.stderr?.destroy()
          if (fault === undefined) resolve()
          else reject(new SinkError('failed', fault, { detail: detail === '' ? undefined : detail }))
        }
        child.stderr?.setEncoding('utf8').on('data', (text: string) => {
          detail = (detail + text).slice(-maxDetail)
        })
        // A program that doesn't read its input is no fault.
        child.stdin?.on('error', () => {})
        child.stdin?.end(`${JSON.stringify(alert)}\n`)
        child.on('error', (error) => over(`it could not be run (${codeOf(error)})`))
        child.on('exit', (code, killedBy) => {
          // Those in its group that did not heed SIGTERM.
          if (ending !== undefined) signalGroup(child, 'SIGKILL')
          if (ending !== undefined) over(ending)
          else if (code === 0) over(undefined)
          else over(code === null ? `it was ended by ${killedBy}` : `it ended with exit status ${code}`)
        })
      }),
  }
}

/** Never an option to the program, and nothing that an argument can't hold. */
function argumentOf(text: string): string {
  const plain = text.replaceAll('\0', ' ')
  return plain.startsWith('-') ? ` ${plain}` : plain
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch (error) {
    // ESRCH: all of it is gone. EPERM: macOS says so of a group whose members are all dead.
    if (codeOf(error) !== 'ESRCH' && codeOf(error) !== 'EPERM') throw error
  }
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : 'unknown')
