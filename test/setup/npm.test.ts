import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { missingPackages, npmEnv } from '../../setup/npm.mjs'

const root = path.join(import.meta.dirname, '..', '..')

function lockfile(packages: Record<string, object>): string {
  return JSON.stringify({ packages: { '': { name: 'towerwatch' }, ...packages } })
}

test('nothing is missing when every package is there in its version', () => {
  const text = lockfile({ 'node_modules/ws': { version: '8.23.0' } })
  expect(missingPackages(text, text)).toEqual([])
})

test('all is missing after an interrupted install, which leaves no list behind', () => {
  expect(missingPackages(lockfile({ 'node_modules/ws': { version: '8.23.0' } }), '')).toEqual(['node_modules/ws'])
})

test('another version is missing', () => {
  const wanted = lockfile({ 'node_modules/ws': { version: '8.23.0' } })
  expect(missingPackages(wanted, lockfile({ 'node_modules/ws': { version: '8.22.0' } }))).toEqual(['node_modules/ws'])
})

test('an optional package for another system is not missed, one for this system is', () => {
  const wanted = lockfile({
    'node_modules/tool-elsewhere': { version: '1.0.0', optional: true, os: ['plan9'], cpu: [process.arch] },
    'node_modules/tool-here': { version: '1.0.0', optional: true, os: [process.platform], cpu: [process.arch] },
    'node_modules/tool-with-other-libc': { version: '1.0.0', optional: true, os: [process.platform], libc: ['musl'] },
  })
  expect(missingPackages(wanted, lockfile({}))).toEqual(['node_modules/tool-here'])
})

test('an npm inside an npm keeps the settings and loses what was said about the outer call', () => {
  const env = npmEnv({
    npm_config_cache: '/c',
    npm_config_json: 'true',
    npm_package_name: 'x',
    npm_config_ignore_scripts: 'true',
    NODE_ENV: 'production',
    PATH: '/bin',
  })
  expect(env).toEqual({ npm_config_cache: '/c', npm_config_ignore_scripts: 'true', PATH: '/bin' })
})

type Locked = { version?: string; resolved?: string; integrity?: string; optionalDependencies?: Record<string, string> }

test.each(['package-lock.json', 'setup/node24/package-lock.json'])('%s is complete and names no registry', (file) => {
  const { packages }: { packages: Record<string, Locked> } = JSON.parse(readFileSync(path.join(root, file), 'utf8'))
  for (const [at, locked] of Object.entries(packages)) {
    expect(locked.resolved, `${at}: see .npmrc`).toBeUndefined()
    for (const name of Object.keys(locked.optionalDependencies ?? {})) {
      const inside = packages[`${at}/node_modules/${name}`.replace(/^\//, '')]
      expect(inside ?? packages[`node_modules/${name}`], `${name} is left out; run npm run lockfile`).toBeDefined()
    }
  }
})

test('the Node that set-up installs is pinned with its hash for every platform', () => {
  const { packages }: { packages: Record<string, Locked> } = JSON.parse(
    readFileSync(path.join(root, 'setup/node24/package-lock.json'), 'utf8'),
  )
  for (const platform of ['linux-x64', 'linux-arm64']) {
    expect(packages[`node_modules/node-${platform}`]?.integrity).toMatch(/^sha512-/)
    expect(packages[`node_modules/node-${platform}`]?.version).toMatch(/^24\./)
  }
})
