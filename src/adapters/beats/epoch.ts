import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/**
 * Which life of a process this is: `bootId:startTime`, as the hosts' gates say it, or its start in words where there is no
 * /proc. Undefined where it is gone.
 */
export function epochOf(pid: number): string | undefined {
  try {
    if (process.platform !== 'linux') {
      const start = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      return `${pid}:${start.trim().replace(/\s+/g, '-')}`
    }
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // A program's name may hold blanks and brackets: what counts comes after the last one.
    const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    return start === undefined ? undefined : `${boot}:${start}`
  } catch {
    // It ended in this moment, or is hidden from other users.
    return undefined
  }
}
