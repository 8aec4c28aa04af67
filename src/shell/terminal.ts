/** The process that a shell command is: its streams, its signals, its exit code. */
import { CommanderError } from 'commander'
import { messageOf } from '../domain/failure.ts'
import { exitCode, type Shell, ShellError } from './basics.ts'

/** `stop` ends the command in order, as Ctrl-C does. */
export function openTerminal(): { shell: Shell; stop: () => void } {
  const stopping = new AbortController()
  const stop = () => stopping.abort()
  // npm may deliver Ctrl-C twice: the second one must not cut the orderly stop short.
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, stop)
  // A reader that has gone (`| head`, a closed terminal) is no reason to leave things running: the rest is done unheard.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', stop)
  const shell: Shell = {
    out: (text) => void process.stdout.write(`${text}\n`),
    err: (text) => void process.stderr.write(`${text}\n`),
    env: process.env,
    cwd: process.cwd(),
    // Answers to a pipe or a file are for programs: nobody's screen.
    get columns() {
      return process.stdout.isTTY ? process.stdout.columns : undefined
    },
    signal: stopping.signal,
    onReload: (callback) => void process.on('SIGHUP', callback),
  }
  return { shell, stop }
}

/** Does the command's work; what went wrong goes to stderr and into the exit code. */
export async function conclude(shell: Shell, work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? exitCode.ok : exitCode.wrongInput
    else if (error instanceof ShellError) {
      shell.err(error.message)
      process.exitCode = error.code
    } else {
      shell.err(messageOf(error))
      if (process.env['TOWERWATCH_LOG'] === 'debug') console.error(error)
      process.exitCode = exitCode.failed
    }
  }
}
