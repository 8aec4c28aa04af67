import { readFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { run } from './command.mjs'
import { SetupError } from './progress.mjs'
import { readOr } from './stamp.mjs'

/**
 * @typedef {{ version?: string, optional?: boolean, os?: string[], cpu?: string[], libc?: string[], link?: boolean }} Locked
 * @typedef {{ packages?: Record<string, Locked> }} Lockfile
 */

/**
 * Installs what the lockfile says, unless it is there already.
 *
 * @param {{ root: string, varDir: string, say: (text: string) => void, signal?: AbortSignal | undefined }} options
 * @returns {Promise<string>} what is there, in a few words
 */
export async function ensurePackages({ root, varDir, say, signal }) {
  if (!installed(root)) {
    say('npm ci')
    await run([...npmArgv(), 'ci', '--ignore-scripts', '--include=dev', '--include=optional', '--no-audit', '--no-fund'], {
      cwd: root,
      env: npmEnv(),
      log: path.join(varDir, 'log', 'setup-npm.log'),
      signal,
    })
    if (!installed(root)) {
      throw new SetupError('npm ci ended well, yet node_modules is not what package-lock.json says', 'remove node_modules and run it again')
    }
  }
  return 'as in package-lock.json'
}

/** @param {string} root */
function installed(root) {
  return (
    missingPackages(
      readFileSync(path.join(root, 'package-lock.json'), 'utf8'),
      readOr(path.join(root, 'node_modules', '.package-lock.json'), ''),
    ).length === 0
  )
}

/**
 * The packages of a lockfile that are not installed in the version it says. npm writes node_modules/.package-lock.json
 * when it has finished, so that file is the stamp: an interrupted install has none, and a plain `npm ci` by hand counts.
 *
 * @param {string} wanted  text of package-lock.json
 * @param {string} present  text of node_modules/.package-lock.json; '' when there is none
 * @returns {string[]} their paths
 */
export function missingPackages(wanted, present) {
  const want = packagesOf(wanted)
  const have = present === '' ? {} : packagesOf(present)
  return Object.keys(want).filter((at) => {
    const locked = want[at]
    if (at === '' || locked === undefined || have[at]?.version === locked.version) return false
    return !(locked.optional === true && have[at] === undefined && !fitsHere(locked))
  })
}

/** @param {string} text @returns {Record<string, Locked>} */
function packagesOf(text) {
  /** @type {Lockfile} */
  const lockfile = JSON.parse(text)
  return lockfile.packages ?? {}
}

/**
 * Whether npm would install an optional package here. For a package bound to one C library it may decide either way, and
 * one that is bound to nothing may have been left out because it could not be built: neither is asked for.
 * @param {Locked} locked
 */
function fitsHere(locked) {
  if (locked.libc || !(locked.os || locked.cpu)) return false
  return (locked.os ?? [process.platform]).includes(process.platform) && (locked.cpu ?? [process.arch]).includes(process.arch)
}

/**
 * How to call npm: the very npm that runs this script, or the one on PATH.
 * @returns {[string, ...string[]]}
 */
export function npmArgv() {
  const script = process.env['npm_execpath'] ?? ''
  return path.basename(script) === 'npm-cli.js' ? [process.execPath, script] : ['npm']
}

/**
 * The environment for an npm inside an npm: without what the outer one says about its own package and its own call.
 * @param {Record<string, string | undefined>} [env]
 */
export function npmEnv(env = process.env) {
  const ofTheOuterCall =
    /^(npm_package_|npm_lifecycle_|npm_command$|npm_config_(local_prefix|global|json|yes|dry_run|package|call|offline|omit|production|only|include)$)|^INIT_CWD$|^NODE_ENV$/
  return Object.fromEntries(Object.entries(env).filter(([name]) => !ofTheOuterCall.test(name)))
}
