/**
 * Processes as this demo means them. A pid alone is no name: the kernel gives it out again. So a process is its pid and
 * when it started, and nothing is signalled before both were compared.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { hasCode } from '../domain/failure.ts'
import { readIfThere } from './files.ts'

export interface ProcessIdentity {
  pid: number
  /** When it started, in the words of its system: `bootId:ticks` on Linux. Only good for comparing. */
  started: string
}

/** Who has this pid now; undefined where nobody has, or only a dead one whom nobody has buried. */
export function identify(pid: number): ProcessIdentity | undefined {
  if (process.platform !== 'linux') return identifyByPs(pid)
  const stat = readStat(pid)
  if (stat === undefined || stat.state === 'Z' || stat.state === 'X') return undefined
  return { pid, started: `${bootId()}:${stat.startedTicks}` }
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.started === identity.started
}

/** Its command line; empty where it is gone or has none. */
export function commandLine(pid: number): string[] {
  if (process.platform !== 'linux') {
    const text = ps(['-ww', '-o', 'args=', '-p', String(pid)]).trim()
    return text === '' ? [] : text.split(/\s+/)
  }
  const text = readProc(`${pid}/cmdline`)
  return text === undefined || text === '' ? [] : text.replace(/\0$/, '').split('\0')
}

/** Its children, theirs, and so on. */
export function descendants(pid: number): ProcessIdentity[] {
  const children = new Map<number, number[]>()
  for (const [child, parent] of parents()) children.set(parent, [...(children.get(parent) ?? []), child])
  const found: number[] = []
  for (let queue = [pid]; queue.length > 0; ) {
    const next = children.get(queue.shift() ?? 0) ?? []
    found.push(...next)
    queue.push(...next)
  }
  return found.flatMap((each) => identify(each) ?? [])
}

/** Sends a signal to this very process. False where it is gone. */
export function signal(identity: ProcessIdentity, name: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false
  try {
    process.kill(identity.pid, name)
    return true
  } catch (error) {
    if (hasCode(error, 'ESRCH')) return false
    throw error
  }
}

/** TERM to all of them, KILL to whoever is still there after `graceMs`; resolves when they are gone (or not even KILL ends them). */
export async function end(identities: ProcessIdentity[], graceMs: number): Promise<void> {
  for (const each of identities) signal(each, 'SIGTERM')
  const left = await untilGone(identities, graceMs)
  for (const each of left) signal(each, 'SIGKILL')
  await untilGone(left, 1_000)
}

/** Those that are still there after `withinMs`. */
async function untilGone(identities: ProcessIdentity[], withinMs: number): Promise<ProcessIdentity[]> {
  const deadline = performance.now() + withinMs
  let left = identities.filter(isAlive)
  while (left.length > 0 && performance.now() < deadline) {
    await wait(25)
    left = left.filter(isAlive)
  }
  return left
}

function readStat(pid: number): { state: string; parent: number; startedTicks: string } | undefined {
  const text = readProc(`${pid}/stat`)
  if (text === undefined) return undefined
  // The second field is the program's name in brackets and may itself hold spaces and brackets.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, parent] = fields
  const startedTicks = fields[19]
  if (state === undefined || parent === undefined || startedTicks === undefined) return undefined
  return { state, parent: Number(parent), startedTicks }
}

/** A process may go while its file is being read: that is ESRCH, and as good as no file. */
function readProc(path: string): string | undefined {
  try {
    return readIfThere(`/proc/${path}`)
  } catch (error) {
    if (hasCode(error, 'ESRCH', 'EACCES', 'EPERM')) return undefined
    throw error
  }
}

function bootId(): string {
  return (readProc('sys/kernel/random/boot_id') ?? 'no-boot-id').trim()
}

export function allPids(): number[] {
  if (process.platform !== 'linux') return parents().map(([pid]) => pid)
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

function parents(): [pid: number, parent: number][] {
  if (process.platform === 'linux') return allPids().map((pid) => [pid, readStat(pid)?.parent ?? 0])
  return ps(['-axo', 'pid=,ppid='])
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([pid, parent]) => (pid && parent ? [[pid, parent] as [number, number]] : []))
}

function identifyByPs(pid: number): ProcessIdentity | undefined {
  const text = ps(['-o', 'stat=,lstart=', '-p', String(pid)]).trim()
  if (text === '' || text.startsWith('Z')) return undefined
  return { pid, started: text.replace(/^\S+\s+/, '') }
}

function ps(args: string[]): string {
  const result = spawnSync('ps', args, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } })
  if (result.error) throw result.error
  return result.stdout
}
