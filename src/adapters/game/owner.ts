import { randomUUID } from 'node:crypto'
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hasCode } from '../../domain/failure.ts'

export type Ownership = {
  /** Whether nobody has taken it over in the meantime. */
  isHeld(): boolean
  giveBack(): void
}

/**
 * Takes the bundled Tower for this process, so that two programs never start and stop one game under each other's feet.
 * An owner that has died counts for nothing: that is how a Tower left over from a crash is taken over.
 * @throws when a living process has it
 */
export function takeOwnership(file: string): Ownership {
  const mine = `${process.pid} ${bornAt(process.pid)} ${randomUUID()}\n`
  for (;;) {
    const owner = readText(file)
    if (owner !== undefined && isAlive(owner)) {
      throw new Error(`Process ${owner.split(' ')[0]} is running this Tower already. Stop it first, or use it.`)
    }
    if (owner !== undefined) rmSync(file, { force: true })
    if (create(file, mine)) break
  }
  const isHeld = () => readText(file) === mine
  return {
    isHeld,
    giveBack: () => {
      if (isHeld()) rmSync(file, { force: true })
    },
  }
}

/** Linking both fails when there is an owner already and never shows a half-written one. */
function create(file: string, text: string): boolean {
  const aside = `${file}.${process.pid}`
  writeFileSync(aside, text)
  try {
    linkSync(aside, file)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  } finally {
    rmSync(aside, { force: true })
  }
}

/** A process id is used again after a while; its start time is not. */
function isAlive(owner: string): boolean {
  const [pid = '', born = ''] = owner.trim().split(' ')
  if (!/^[1-9]\d*$/.test(pid)) return false
  try {
    process.kill(Number(pid), 0)
  } catch (error) {
    if (!hasCode(error, 'EPERM')) return false
  }
  return born === bornAt(Number(pid))
}

/** When a process was started, in clock ticks since boot; '?' where the system has no /proc. */
function bornAt(pid: number): string {
  const stat = readText(`/proc/${pid}/stat`)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '?'
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return undefined
    throw error
  }
}
