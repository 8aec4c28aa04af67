import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { setTimeout as wait } from 'node:timers/promises'
import { Interrupted } from './progress.mjs'
import { isMissing, readOr } from './stamp.mjs'

/**
 * Does `work` while no other set-up of this folder is at work; waits, and says so, while there is one. A lock whose
 * owner has died counts for nothing.
 *
 * @template T
 * @param {string} varDir
 * @param {import('./progress.mjs').Progress} progress
 * @param {() => Promise<T>} work
 * @param {AbortSignal} [signal]
 * @returns {Promise<T>}
 */
export async function withSetupLock(varDir, progress, work, signal) {
  mkdirSync(varDir, { recursive: true })
  const file = path.join(varDir, 'setup.lock')
  const mine = `${process.pid} ${bornAt(process.pid)}\n`
  let told = false
  while (!take(file, mine)) {
    const owner = readOr(file, '')
    if (!isAlive(owner)) {
      clear(file, owner)
      continue
    }
    if (!told) progress.note(`  ..    another set-up (process ${owner.split(' ')[0]}) is at work in this folder; waiting for it`)
    told = true
    if (signal?.aborted) throw new Interrupted()
    await wait(250)
  }
  try {
    return await work()
  } finally {
    if (readOr(file, '') === mine) rmSync(file, { force: true })
  }
}

/**
 * Linking is the one step that both fails when there is a lock already and never shows a half-written one.
 * @param {string} file @param {string} text
 */
function take(file, text) {
  const mine = `${file}.${process.pid}`
  writeFileSync(mine, text)
  try {
    linkSync(mine, file)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(mine, { force: true })
  }
}

/**
 * Takes a dead owner's lock away, unless somebody else has done so in the meantime and holds it now.
 * @param {string} file @param {string} owner
 */
function clear(file, owner) {
  const aside = `${file}.${process.pid}.dead`
  try {
    renameSync(file, aside)
  } catch (error) {
    if (isMissing(error)) return
    throw error
  }
  if (readOr(aside, '') !== owner) linkSync(aside, file)
  rmSync(aside, { force: true })
}

/** @param {string} owner */
function isAlive(owner) {
  const [pidText = '', born = ''] = owner.trim().split(' ')
  const pid = Number(pidText)
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false
  }
  // A process id is used again after a while; its start time is not.
  return born === bornAt(pid)
}

/**
 * When a process was started, in clock ticks since boot; '?' where the system has no /proc.
 * @param {number} pid
 */
function bornAt(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '?'
  } catch (error) {
    if (isMissing(error)) return '?'
    throw error
  }
}
