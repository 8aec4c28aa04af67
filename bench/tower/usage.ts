/** What processes use of the machine, as /proc shows it. Linux only. */
import { readFileSync } from 'node:fs'
import { descendants, isAlive } from '../../test/support/processes.ts'

export interface Usage {
  cpuPercent: number
  rssMib: number
}

/** /proc counts in hundredths of a second, on every Linux that Node runs on. */
const tickMs = 10

/**
 * A process's own CPU time and that of the children it has waited for, out of its /proc/PID/stat, in milliseconds. A name
 * may hold spaces and brackets, so the fields are counted from the last bracket.
 */
export function cpuMsOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [user, system, childrenUser, childrenSystem] = fields.slice(11, 15).map(Number)
  const ticks = (user ?? Number.NaN) + (system ?? Number.NaN) + (childrenUser ?? Number.NaN) + (childrenSystem ?? Number.NaN)
  if (!Number.isFinite(ticks)) throw new Error(`this is no /proc/PID/stat: ${stat.slice(0, 100)}`)
  return ticks * tickMs
}

/** Out of /proc/PID/smaps_rollup, in MiB. */
export function rssMibOf(rollup: string): number {
  const kib = /^Rss:\s+(\d+) kB$/m.exec(rollup)?.[1]
  if (kib === undefined) throw new Error('there is no Rss in this smaps_rollup')
  return Number(kib) / 1024
}

/**
 * What these processes use until `over` resolves. Those that come and go in between are counted with the parent that waits
 * for them. A share of CPU too small to be counted is given as one tick: the truth lies below it.
 */
export async function measureUsage<Name extends string>(
  groups: Record<Name, number[]>,
  over: () => Promise<void>,
): Promise<Record<Name, Usage>> {
  const names = Object.keys(groups) as Name[]
  const fromMs = performance.now()
  const before = new Map(names.map((name) => [name, new Map(groups[name].map((pid) => [pid, cpuNow(pid)]))]))
  await over()
  const tookMs = performance.now() - fromMs
  const usage = (name: Name): Usage => {
    let cpuMs = 0
    let rssMib = 0
    for (const [pid, cpuBefore] of before.get(name) ?? []) {
      // Whoever ended in between is counted with the parent that waited for it.
      if (!isAlive(pid)) continue
      cpuMs += cpuNow(pid) - cpuBefore
      rssMib += rssMibOf(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))
    }
    return { cpuPercent: (100 * Math.max(cpuMs, tickMs)) / tookMs, rssMib }
  }
  return Object.fromEntries(names.map((name) => [name, usage(name)])) as Record<Name, Usage>
}

function cpuNow(pid: number): number {
  return cpuMsOf(readFileSync(`/proc/${pid}/stat`, 'utf8'))
}

/** A process and all below it at this moment. */
export function family(pid: number): number[] {
  return [pid, ...descendants(pid).map((process) => process.pid)]
}
