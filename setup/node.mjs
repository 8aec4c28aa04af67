import { existsSync, renameSync, rmSync } from 'node:fs'
import { cp, mkdir } from 'node:fs/promises'
import path from 'node:path'
import process from 'node:process'
import { run } from './command.mjs'
import { npmArgv, npmEnv } from './npm.mjs'
import { SetupError } from './progress.mjs'
import { hashOf, isStamped, stamp } from './stamp.mjs'

export const NODE_MAJOR = 24

/**
 * The major number of a version such as "v24.21.0"; 0 when there is none.
 * @param {string} version
 */
export function majorOf(version) {
  return Number(/^v?(\d+)\./.exec(version)?.[1] ?? 0)
}

/**
 * A Node that is new enough and is here already: the one that runs this, or the one that set-up put under var/.
 *
 * @param {{ root: string, varDir: string, version?: string, execPath?: string }} where
 * @returns {string | undefined} its absolute path
 */
export function findNode24({ root, varDir, version = process.version, execPath = process.execPath }) {
  if (majorOf(version) >= NODE_MAJOR) return execPath
  const place = placeOf(root, varDir)
  return isStamped(place.stamp, place.hash) && existsSync(place.node) ? place.node : undefined
}

/**
 * Finds a Node 24 or installs one under var/node: the package of this platform, pinned with its hash in a lockfile of its
 * own. Install scripts stay off. It is made in a folder beside it and renamed, so it is there whole or not at all.
 *
 * @param {{ root: string, varDir: string, say: (text: string) => void, signal?: AbortSignal | undefined }} options
 * @returns {Promise<string>} its absolute path
 * @throws {SetupError} where no such package exists for the platform, or npm fails
 */
export async function ensureNode24({ root, varDir, say, signal }) {
  const found = findNode24({ root, varDir })
  if (found) return found
  const place = placeOf(root, varDir)
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) throw noPackage()

  say(`this is ${process.version}; installing a Node ${NODE_MAJOR} beside it, in ${path.relative(process.cwd(), place.folder) || '.'}`)
  const making = `${place.folder}.making`
  rmSync(making, { recursive: true, force: true })
  await mkdir(making, { recursive: true })
  for (const file of ['package.json', 'package-lock.json']) await cp(path.join(place.pinned, file), path.join(making, file))
  await run([...npmArgv(), 'ci', '--ignore-scripts', '--include=optional', '--no-audit', '--no-fund'], {
    cwd: making,
    env: npmEnv(),
    log: path.join(varDir, 'log', 'setup-node.log'),
    signal,
  })
  const made = path.join(making, place.binary)
  if (!existsSync(made)) throw noPackage()
  await run([made, '--version'], { signal, remedy: installByHand() })
  stamp(path.join(making, 'stamp'), place.hash)
  rmSync(place.folder, { recursive: true, force: true })
  renameSync(making, place.folder)
  return place.node
}

/** @param {string} root @param {string} varDir */
function placeOf(root, varDir) {
  const pinned = path.join(root, 'setup', 'node24')
  const folder = path.join(varDir, 'node')
  const binary = path.join('node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node')
  return {
    pinned,
    folder,
    binary,
    node: path.join(folder, binary),
    stamp: path.join(folder, 'stamp'),
    hash: hashOf([{ file: path.join(pinned, 'package-lock.json') }, process.platform, process.arch]),
  }
}

function noPackage() {
  return new SetupError(`there is no Node ${NODE_MAJOR} package for ${process.platform} ${process.arch}`, installByHand())
}

function installByHand() {
  return process.platform === 'darwin'
    ? `brew install node@${NODE_MAJOR}, put it first on PATH, then run the same command again`
    : `install Node ${NODE_MAJOR} or later, put it first on PATH, then run the same command again`
}
