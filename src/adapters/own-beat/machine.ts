/** The machine that the watch and its deadman are on: which boot this is, how long ago it was, and who lives. */
import { execFile, execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { uptime } from 'node:os'
import { promisify } from 'node:util'
import { hasCode } from '../../domain/failure.ts'
import type { Machine } from '../../ports/own-beat.ts'

/** Asks the system once which boot this is. */
export function thisMachine(): Machine {
  const boot = bootId()
  return {
    // `uptime` counts sleep, too, and follows no wall clock (Linux).
    now: () => ({ boot, bootMs: Math.round(uptime() * 1000), wallMs: Date.now() }),
    epochOf: async (pid) => {
      if (process.platform === 'linux') {
        const started = startTicks(await readOrNothing(`/proc/${pid}/stat`))
        return started === undefined ? { kind: 'gone' } : { kind: 'alive', epoch: `${boot}:${started}` }
      }
      return fromPs(boot, pid)
    },
  }
}

function bootId(): string {
  try {
    if (process.platform === 'linux') return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return execFileSync('sysctl', ['-n', 'kern.bootsessionuuid'], { encoding: 'utf8', timeout: 5_000 }).trim()
  } catch {
    // Ages then come from the wall clock: less sure, but better than no deadman.
    return ''
  }
}

/** The 22nd field; the name before it may hold spaces and brackets. A zombie has ended: nobody has taken note yet. */
function startTicks(stat: string | undefined): string | undefined {
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields?.[0] === 'Z' || fields?.[0] === 'X' ? undefined : fields?.[19]
}

async function readOrNothing(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return undefined
    throw error
  }
}

async function fromPs(boot: string, pid: number): ReturnType<Machine['epochOf']> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'lstart=', '-p', String(pid)], {
      timeout: 5_000,
      env: { PATH: '/bin:/usr/bin', LC_ALL: 'C' },
    })
    return stdout.trim() === '' ? { kind: 'gone' } : { kind: 'alive', epoch: `${boot}:${stdout.trim()}` }
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 1 ? { kind: 'gone' } : { kind: 'unknown' }
  }
}
