import { existsSync, rmSync } from 'node:fs'
import path from 'node:path'
import { run } from './command.mjs'
import { SetupError } from './progress.mjs'
import { pythonEnv, usablePythons } from './python.mjs'
import { hashOf, isStamped, stamp } from './stamp.mjs'

/** @typedef {import('./python.mjs').Context} Context */

/** What Hermes runs on, the one that most of its users have first. */
const MINORS = ['3.12', '3.11', '3.13']

/**
 * The real Hermes in a virtual environment of its own, for the tests; nothing of it is started here. About 240 MB, half a
 * minute, once.
 *
 * @param {Context} context
 * @returns {Promise<string>} the path of `hermes`
 * @throws {SetupError}
 */
export async function ensureHermes(context) {
  const { root, varDir, say, signal } = context
  const folder = path.join(varDir, 'hermes')
  const program = path.join(folder, 'bin', 'hermes')
  const requirements = path.join(root, 'setup', 'python', 'hermes.txt')
  const hash = hashOf([folder, { file: requirements }])
  // The link in it dangles when the Python it was made from has been taken away.
  if (isStamped(path.join(folder, 'stamp'), hash) && existsSync(path.join(folder, 'bin', 'python')) && existsSync(program)) return program
  const pythons = await usablePythons(context)
  const python = MINORS.flatMap((minor) => pythons.filter((one) => one.minor === minor))[0]
  if (python === undefined) {
    throw new SetupError(
      `Hermes, which the tests run, needs a Python ${[...MINORS].sort().join(', ')}`,
      'install one of them, with its venv module',
    )
  }
  // Without its stamp it counts for nothing and is made anew; pip's cache keeps what was fetched before.
  rmSync(folder, { recursive: true, force: true })
  const options = { env: pythonEnv(), signal, log: path.join(varDir, 'log', 'setup-hermes.log') }
  say(`virtual environment for Hermes, Python ${python.minor}`)
  await run([python.python, '-m', 'venv', folder], options)
  say('pip install for Hermes')
  await run(
    [
      path.join(folder, 'bin', 'python'),
      '-m',
      'pip',
      'install',
      '--no-input',
      '--disable-pip-version-check',
      '--progress-bar',
      'off',
      '-r',
      requirements,
    ],
    options,
  )
  stamp(path.join(folder, 'stamp'), hash)
  return program
}
