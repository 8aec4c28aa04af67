import process from 'node:process'
import { ensureHermes } from './hermes.mjs'
import { withSetupLock } from './lock.mjs'
import { ensureNode24, majorOf } from './node.mjs'
import { ensurePackages } from './npm.mjs'
import { root, varDir } from './paths.mjs'
import { createProgress, Interrupted, SetupError } from './progress.mjs'
import { ensureTestPythons, ensureTowerPython, usablePythons } from './python.mjs'
import { ensureSystem, TO_RUN, TO_TEST } from './system.mjs'
import { provisionTower } from './tower.mjs'

/**
 * @typedef {'shell' | 'fleet' | 'tower' | 'tests'} Purpose  What is set up: `shell`, just Node and the packages; `fleet`, also
 *   the system's programs; `tower`, also the bundled Tower; `tests`, also what the tests need, and a
 *   Python for each line of Evennia.
 * @typedef {{ node: string, pythons: { failed: { minor: string, why: string }[] } }} Ready
 */

/**
 * Does what is still to do, one visible step after the other, on stderr. A step that is done costs next to nothing.
 * Each can be cut off at any point, and is then done again the next time.
 *
 * @param {Purpose} purpose
 * @returns {Promise<Ready>}
 */
export function setUp(purpose) {
  return locked(varDir, (progress, signal) => allSteps(purpose, progress, signal))
}

/**
 * Node 24 alone: for the command `towerwatch`, whose packages npm has installed.
 * @param {{ root: string, varDir: string }} where
 * @returns {Promise<string>} its absolute path
 */
export function setUpNode(where) {
  return locked(where.varDir, async (progress, signal) => {
    let node = ''
    await progress.step('Node 24', async (say) => {
      node = await ensureNode24({ ...where, say, signal })
      return node
    })
    return node
  })
}

/**
 * @template T
 * @param {string} folder
 * @param {(progress: import('./progress.mjs').Progress, signal: AbortSignal) => Promise<T>} work
 * @returns {Promise<T>}
 * @throws {Interrupted} when a person asked to stop; what is running is stopped first
 */
async function locked(folder, work) {
  const progress = createProgress()
  const abort = new AbortController()
  const stop = () => abort.abort()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, stop)
  try {
    const result = await withSetupLock(folder, progress, () => work(progress, abort.signal), abort.signal)
    if (abort.signal.aborted) throw new Interrupted()
    return result
  } finally {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(name, stop)
  }
}

/**
 * @param {Purpose} purpose
 * @param {import('./progress.mjs').Progress} progress
 * @param {AbortSignal} signal
 * @returns {Promise<Ready>}
 */
async function allSteps(purpose, progress, signal) {
  if (majorOf(process.version) < 18) {
    throw new SetupError(
      `this is Node ${process.version}, and set-up needs 18 or later`,
      'install a newer Node, then run the same command again',
    )
  }
  progress.note('Towerwatch: set-up')
  /** @type {Ready} */
  const ready = { node: process.execPath, pythons: { failed: [] } }
  await progress.step('Node 24', async (say) => {
    ready.node = await ensureNode24({ root, varDir, say, signal })
    return ready.node === process.execPath ? process.version : ready.node
  })
  await progress.step('packages', (say) => ensurePackages({ root, varDir, say, signal }))
  if (purpose === 'shell') return ready
  await progress.step('programs', (say) => ensureSystem({ needs: purpose === 'tests' ? TO_TEST : TO_RUN, varDir, say, signal }))
  if (purpose === 'fleet') return ready
  /** @type {import('./python.mjs').Venv | undefined} */
  let venv
  await progress.step('Python and Evennia', async (say) => {
    const context = { root, varDir, say, signal }
    if (purpose === 'tests') {
      // Where there is none, one is installed: once, before two look for it.
      await usablePythons(context)
      const [all] = await Promise.all([ensureTestPythons(context), ensureHermes(context)])
      ready.pythons = all
      venv = await ensureTowerPython(context)
      return `Python ${all.venvs.map((one) => one.minor).join(', ')}, and Hermes`
    }
    venv = await ensureTowerPython(context)
    return `Python ${venv.minor}`
  })
  if (purpose === 'tests' || venv === undefined) return ready
  const tower = venv
  await progress.step('the Tower', (say) => provisionTower({ root, varDir, venv: tower, say, signal }))
  return ready
}

/**
 * Runs one of the commands of package.json and ends with its exit code. A failed step has told its story already.
 * @param {() => Promise<number>} command
 */
export async function runCommand(command) {
  try {
    process.exitCode = await command()
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    process.exitCode = error instanceof Interrupted ? 130 : 1
  }
}
