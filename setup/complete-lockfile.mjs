import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { root } from './paths.mjs'

// npm run lockfile, after `npm install` has changed package-lock.json.
//
// A mirror may lack the packages that are for other systems than its users'. npm then leaves them out of the lockfile
// without a word, and `npm ci` refuses that lockfile everywhere. This puts them back: with the exact version that their
// parent asks for and the system they are for, which is all that npm needs to pass over them, or to install them there.

/** @typedef {{ version?: string, optional?: boolean, os?: string[], cpu?: string[], libc?: string[], dev?: boolean, optionalDependencies?: Record<string, string> }} Locked */

const SYSTEMS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32']
const PROCESSORS = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64']

const file = path.join(root, 'package-lock.json')
/** @type {{ packages: Record<string, Locked> }} */
const lockfile = JSON.parse(readFileSync(file, 'utf8'))
for (const [name, entry] of leftOut(lockfile.packages)) {
  console.log(`added ${name} ${entry.version}`)
  lockfile.packages[`node_modules/${name}`] = entry
}
const sorted = Object.keys(lockfile.packages).sort((one, two) => (one < two ? -1 : 1))
lockfile.packages = Object.fromEntries(sorted.flatMap((at) => (lockfile.packages[at] ? [[at, lockfile.packages[at]]] : [])))
writeFileSync(file, `${JSON.stringify(lockfile, null, 2)}\n`)

/**
 * @param {Record<string, Locked>} packages
 * @returns {[string, Locked][]}
 */
function leftOut(packages) {
  return Object.values(packages).flatMap((parent) =>
    Object.entries(parent.optionalDependencies ?? {})
      .filter(([name, version]) => packages[`node_modules/${name}`] === undefined && /^\d+\.\d+\.\d+/.test(version))
      .map(([name, version]) => /** @type {[string, Locked]} */ ([name, entryFor(name, version, parent.dev === true)])),
  )
}

/** @param {string} name @param {string} version @param {boolean} dev @returns {Locked} */
function entryFor(name, version, dev) {
  const words = name.split(/[/-]/)
  const os = SYSTEMS.filter((system) => words.includes(system))
  const cpu = PROCESSORS.filter((processor) => words.includes(processor))
  const libc = words.some((word) => word.startsWith('musl')) ? ['musl'] : words.some((word) => word.startsWith('gnu')) ? ['glibc'] : []
  return {
    version,
    ...(cpu.length > 0 ? { cpu } : {}),
    ...(dev ? { dev } : {}),
    ...(libc.length > 0 ? { libc } : {}),
    optional: true,
    ...(os.length > 0 ? { os } : {}),
  }
}
