/** CPU time to the microsecond where the kernel tells it: a sweep costs a client less than a tick of /proc/PID/stat. Linux only. */
import { existsSync, readFileSync } from 'node:fs'
import { descendants } from '../../test/support/processes.ts'

/** /proc counts in hundredths of a second, on every Linux that Node runs on. */
const tickMs = 10

/** A process's own time, first thread; 0 once it is gone. */
export function ownCpuMs(pid: number): number {
  const text = readOr(`/proc/${pid}/schedstat`)
  return text === undefined ? 0 : Number(text.split(' ')[0]) / 1e6
}

/** With all below it, and those that ended and were waited for: so the sum of before is never lost. */
export function familyCpuMs(pids: readonly number[]): number {
  const all = pids.flatMap((pid) => [pid, ...descendants(pid).map((below) => below.pid)])
  return all.reduce((sum, pid) => sum + ownCpuMs(pid) + waitedCpuMs(pid), 0)
}

function waitedCpuMs(pid: number): number {
  const stat = readOr(`/proc/${pid}/stat`)
  if (stat === undefined) return 0
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(13, 15)
    .map(Number)
  return ((user ?? 0) + (system ?? 0)) * tickMs
}

/** In MiB; the shared pages of a proportional size are divided by those who share them. */
export function memoryMibOf(pids: readonly number[]): { rss: number; pss: number } {
  const sum = { rss: 0, pss: 0 }
  for (const pid of pids) {
    const text = readOr(`/proc/${pid}/smaps_rollup`) ?? ''
    sum.rss += Number(/^Rss:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) / 1024
    sum.pss += Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) / 1024
  }
  return sum
}

function readOr(file: string): string | undefined {
  if (!existsSync(file)) return undefined
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    // It ended in between.
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return undefined
    throw error
  }
}
