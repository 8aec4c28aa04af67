import { existsSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { run } from './command.mjs'
import { SetupError } from './progress.mjs'
import { hashOf, isMissing, isStamped, readOr, stamp, writeWhole } from './stamp.mjs'
import { installPackages, whichProgram } from './system.mjs'

/**
 * @typedef {{ minor: string, python: string, venv: boolean }} Found  A Python: "3.12", its absolute path, and whether it can
 *   make virtual environments (Debian packs that apart).
 * @typedef {{ minor: string, folder: string, python: string, bin: string }} Venv
 * @typedef {{ root: string, varDir: string, say: import('./progress.mjs').Say, signal?: AbortSignal | undefined }} Context
 */

/** The lines of Evennia, and the Pythons that each runs on, the newest first. */
export const EVENNIA_LINES = [
  { requirements: 'evennia-6.txt', minors: ['3.14', '3.13', '3.12'] },
  { requirements: 'evennia-5.txt', minors: ['3.11'] },
]

const SUITABLE = EVENNIA_LINES.flatMap((line) => line.minors)

/**
 * The requirements file for a Python; undefined when no Evennia of ours runs on it.
 * @param {string} minor for example "3.12"
 */
export function requirementsFor(minor) {
  return EVENNIA_LINES.find((line) => line.minors.includes(minor))?.requirements
}

/**
 * "3.12" from ("3.12.1", "final"); undefined for what is not a finished release.
 * @param {string} version @param {string} [level]
 */
export function minorOf(version, level = 'final') {
  const match = /^(\d+\.\d+)\./.exec(version)
  return level === 'final' ? match?.[1] : undefined
}

/**
 * Where Pythons may be: on PATH first, then under pyenv. Not yet asked what they are.
 * @param {{ searchPath?: string, pyenv?: string }} [where]
 * @returns {string[]}
 */
export function pythonCandidates(where = {}) {
  const folders = (where.searchPath ?? process.env['PATH'] ?? '').split(':').filter(Boolean)
  const names = ['python3', ...SUITABLE.map((minor) => `python${minor}`)]
  const onPath = names.flatMap((name) => folders.map((folder) => path.join(folder, name)))
  const versions = path.join(where.pyenv ?? process.env['PYENV_ROOT'] ?? path.join(homedir(), '.pyenv'), 'versions')
  const underPyenv = namesIn(versions).map((name) => path.join(versions, name, 'bin', 'python3'))
  /** @type {Map<string, string>} */
  const byRealPath = new Map()
  for (const file of [...onPath, ...underPyenv].filter((candidate) => existsSync(candidate))) {
    // pyenv's shims are all one script that looks at its own name, so they stand for themselves.
    const real = path.basename(path.dirname(file)) === 'shims' ? file : realpathSync(file)
    if (!byRealPath.has(real)) byRealPath.set(real, file)
  }
  return [...byRealPath.values()]
}

const WHAT_ARE_YOU = `
import importlib.util as u, json, platform, sys
print(json.dumps({
    "version": platform.python_version(), "level": sys.version_info.releaselevel,
    "implementation": platform.python_implementation(), "python": sys.executable,
    "venv": bool(u.find_spec("venv") and u.find_spec("ensurepip")),
}))
`

/**
 * Every Python that Evennia runs on, one for each minor version, in the order found.
 * @param {{ candidates?: string[], signal?: AbortSignal | undefined }} [options]
 * @returns {Promise<Found[]>}
 */
export async function findPythons({ candidates = pythonCandidates(), signal } = {}) {
  /** @type {Map<string, Found>} */
  const found = new Map()
  for (const candidate of candidates) {
    const answer = await ask(candidate, signal)
    const minor = answer && minorOf(answer.version, answer.level)
    if (!answer || !minor || answer.implementation !== 'CPython' || requirementsFor(minor) === undefined) continue
    const known = found.get(minor)
    if (known === undefined || (!known.venv && answer.venv)) found.set(minor, { minor, python: answer.python, venv: answer.venv })
  }
  return [...found.values()]
}

/**
 * A candidate that does not answer (a pyenv shim without a version behind it) is none.
 * @param {string} candidate @param {AbortSignal | undefined} signal
 * @returns {Promise<{ version: string, level: string, implementation: string, python: string, venv: boolean } | undefined>}
 */
async function ask(candidate, signal) {
  try {
    return JSON.parse(await run([candidate, '-I', '-c', WHAT_ARE_YOU], { env: pythonEnv(), signal }))
  } catch (error) {
    if (signal?.aborted) throw error
    return undefined
  }
}

/**
 * The virtual environment that the Tower runs in. It stays with the Python it was first made for while that is there: the
 * game's database was made by that Evennia.
 *
 * @param {Context} context
 * @returns {Promise<Venv>}
 * @throws {SetupError}
 */
export async function ensureTowerPython(context) {
  const choice = path.join(context.varDir, 'python', 'chosen')
  const chosen = readOr(choice, '').trim()
  if (requirementsFor(chosen) && isReady(context, chosen)) return venvOf(context.varDir, chosen)

  context.say('looking for a Python')
  const pythons = await usablePythons(context)
  const python = pythons.find((one) => one.minor === chosen) ?? pythons[0]
  if (python === undefined) throw noPython()
  const venv = await ensureVenv(context, python)
  writeWhole(choice, `${python.minor}\n`)
  return venv
}

/**
 * A virtual environment for each line of Evennia, for the tests: with the newest Python of that line that it can be installed for.
 *
 * @param {Context} context
 * @returns {Promise<{ venvs: Venv[], failed: { minor: string, why: string }[] }>} `failed`: Pythons that Evennia could not be
 *   installed for
 * @throws {SetupError} when there is not one that works
 */
export async function ensureTestPythons(context) {
  /** @type {{ venvs: Venv[], failed: { minor: string, why: string }[] }} */
  const result = { venvs: [], failed: [] }
  /** @type {unknown} */
  let last = noPython()
  const usable = await usablePythons(context)
  for (const { minors } of EVENNIA_LINES) {
    for (const python of minors.flatMap((minor) => usable.filter((one) => one.minor === minor))) {
      try {
        result.venvs.push(await ensureVenv(context, python))
        break
      } catch (error) {
        if (context.signal?.aborted) throw error
        last = error
        result.failed.push({ minor: python.minor, why: error instanceof Error ? error.message : String(error) })
      }
    }
  }
  // The oldest, whose rules hold for all.
  const oldest = result.venvs.at(-1)
  if (oldest === undefined) throw last
  await ensureChecks(context, oldest)
  return result
}

/**
 * The Pythons that can make virtual environments; where there is none, tries to get one.
 * @param {Context} context
 * @returns {Promise<Found[]>}
 */
export async function usablePythons(context) {
  const found = await findPythons({ signal: context.signal })
  const usable = found.filter((one) => one.venv)
  if (usable.length > 0) return usable
  const bare = found[0]
  const apt = bare ? [`python${bare.minor}-venv`] : ['python3', 'python3-venv']
  await installPackages({ ...context, apt, brew: ['python@3.13'] })
  return (await findPythons({ signal: context.signal })).filter((one) => one.venv)
}

/** @param {Context} context @param {Found} python @returns {Promise<Venv>} */
async function ensureVenv(context, python) {
  const venv = venvOf(context.varDir, python.minor)
  if (isReady(context, python.minor)) return venv
  // A virtual environment has its own path written into its scripts, so it can't be made elsewhere and renamed. Without its
  // stamp it counts for nothing and is made anew; pip's cache keeps what was fetched before.
  rmSync(venv.folder, { recursive: true, force: true })
  context.say(`virtual environment for Python ${python.minor}`)
  await run([python.python, '-m', 'venv', venv.folder], { env: pythonEnv(), signal: context.signal, log: logOf(context, python.minor) })
  await pip(context, venv, [
    '-r',
    path.join(context.root, 'setup', 'python', requirementsFor(python.minor) ?? ''),
    '-e',
    path.join(context.root, 'world'),
  ])
  stamp(path.join(venv.folder, 'stamp'), hashFor(context, python.minor))
  return venv
}

/** @param {Context} context @param {Venv} venv */
async function ensureChecks(context, venv) {
  const requirements = path.join(context.root, 'setup', 'python', 'checks.txt')
  const file = path.join(venv.folder, 'stamp-checks')
  const hash = hashOf([{ file: requirements }])
  if (isStamped(file, hash)) return
  await pip(context, venv, ['-r', requirements])
  stamp(file, hash)
}

/** @param {Context} context @param {Venv} venv @param {string[]} what */
async function pip(context, venv, what) {
  context.say(`pip install for Python ${venv.minor}`)
  await run([venv.python, '-m', 'pip', 'install', '--no-input', '--disable-pip-version-check', '--progress-bar', 'off', ...what], {
    cwd: context.root,
    env: pythonEnv(),
    log: logOf(context, venv.minor),
    signal: context.signal,
    onLine(line) {
      const name = /^Collecting ([\w.-]+)/.exec(line)?.[1]
      if (name) context.say(`pip install for Python ${venv.minor}: ${name}`, 'detail')
      if (line.startsWith('Installing collected packages')) context.say(`pip install for Python ${venv.minor}: unpacking`, 'detail')
    },
  })
}

/** @param {Context} context @param {string} minor */
function isReady(context, minor) {
  const venv = venvOf(context.varDir, minor)
  // The link in it dangles when the Python it was made from has been taken away.
  return existsSync(venv.python) && isStamped(path.join(venv.folder, 'stamp'), hashFor(context, minor))
}

/** @param {Context} context @param {string} minor */
function hashFor(context, minor) {
  return hashOf([
    minor,
    venvOf(context.varDir, minor).folder,
    context.root,
    { file: path.join(context.root, 'setup', 'python', requirementsFor(minor) ?? '') },
    { file: path.join(context.root, 'world', 'pyproject.toml') },
  ])
}

/** @param {string} varDir @param {string} minor @returns {Venv} */
function venvOf(varDir, minor) {
  const folder = path.join(varDir, 'python', minor)
  return { minor, folder, bin: path.join(folder, 'bin'), python: path.join(folder, 'bin', 'python') }
}

/** @param {Context} context @param {string} minor */
function logOf(context, minor) {
  return path.join(context.varDir, 'log', `setup-python-${minor}.log`)
}

/**
 * The virtual environments that are there, without making any: for the checks.
 * @param {{ root: string, varDir: string }} where
 * @returns {Venv[]}
 */
export function readyVenvs(where) {
  return namesIn(path.join(where.varDir, 'python'))
    .filter((minor) => requirementsFor(minor) !== undefined && isReady({ ...where, say: () => undefined }, minor))
    .map((minor) => venvOf(where.varDir, minor))
}

/**
 * The environment for a Python of ours: nothing of the caller's that would change what it imports or where pip installs.
 * @param {Record<string, string | undefined>} [env]
 */
export function pythonEnv(env = process.env) {
  const changesImports =
    /^(PYTHON(HOME|PATH|STARTUP|USERBASE|EXECUTABLE|SAFEPATH)|VIRTUAL_ENV|PIP_(USER|TARGET|PREFIX|ROOT|REQUIRE_VIRTUALENV)|DJANGO_SETTINGS_MODULE|__PYVENV_LAUNCHER__)$/
  return Object.fromEntries(Object.entries(env).filter(([name]) => !changesImports.test(name)))
}

/** @param {string} folder @returns {string[]} */
function namesIn(folder) {
  try {
    return readdirSync(folder).sort()
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

function noPython() {
  const minors = [...SUITABLE].reverse()
  const command = whichProgram('apt-get') ? 'sudo apt-get install -y python3 python3-venv' : 'brew install python@3.13'
  return new SetupError(
    `there is no Python ${minors[0]} to ${minors[minors.length - 1]} with its venv module`,
    `${command}   (or the like), then run the same command again`,
  )
}
