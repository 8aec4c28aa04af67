/** By what a process is known beyond its pid, which may be given to another one. Linux only. */
import { readdirSync, readFileSync } from 'node:fs'

/** Its start time in ticks; undefined where there is no such process, or only its zombie. */
export function startOf(pid: number): string | undefined {
  const text = read(`/proc/${pid}/stat`)
  if (text === undefined) return undefined
  const words = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return words[0] === 'Z' || words[0] === 'X' ? undefined : words[19]
}

/** The pids of all that this user runs. */
export function processesOf(uid: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && startOf(pid) !== undefined && read(`/proc/${pid}/status`)?.includes(`\nUid:\t${uid}\t`) === true)
}

/** Its command line, with blanks between the arguments; empty where there is no such process. */
export function commandOf(pid: number): string {
  return (read(`/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' ').trim()
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return undefined
    throw error
  }
}
