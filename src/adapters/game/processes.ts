import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { hasCode } from '../../domain/failure.ts'

/** One of the two processes of an Evennia game. */
export type GameProcess = { readonly pid: number; readonly part: 'portal' | 'server' }

/**
 * The processes of exactly this game that are alive. Known by their command lines, which name the game's own pid file: a
 * pid alone may long belong to somebody else, and a pid file may be gone or left over.
 * @param game the game directory, without symbolic links
 */
export async function gameProcesses(game: string): Promise<GameProcess[]> {
  const found: GameProcess[] = []
  for (const { pid, argv } of await commandLines()) {
    for (const part of ['portal', 'server'] as const) {
      if (argv.includes(`--pidfile=${path.join(game, 'server', `${part}.pid`)}`)) found.push({ pid, part })
    }
  }
  return found
}

type CommandLine = { readonly pid: number; readonly argv: readonly string[] }

async function commandLines(): Promise<CommandLine[]> {
  if (!existsSync('/proc/self/cmdline')) return await fromPs()
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(pids.map((pid) => ofPid(Number(pid))))
  return lines.filter((line) => line !== undefined)
}

/** A dead process that nobody has waited for yet has an empty command line; one that ended just now has none. */
async function ofPid(pid: number): Promise<CommandLine | undefined> {
  try {
    return { pid, argv: (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0') }
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES')) return undefined
    throw error
  }
}

/** Where there is no /proc (macOS). Arguments with spaces in them come apart here: the match is on text then. */
async function fromPs(): Promise<CommandLine[]> {
  const { stdout } = await promisify(execFile)('ps', ['-axww', '-o', 'pid=,command='])
  return stdout.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(.*)$/.exec(line)
    return match ? [{ pid: Number(match[1]), argv: (match[2] ?? '').split(/ (?=--)/) }] : []
  })
}

/** Sends a signal to processes that may be gone already. */
export function signalAll(processes: readonly GameProcess[], signal: NodeJS.Signals): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, signal)
    } catch (error) {
      if (!hasCode(error, 'ESRCH')) throw error
    }
  }
}
