import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findNode24, majorOf } from '../../setup/node.mjs'
import { hashOf } from '../../setup/stamp.mjs'

const root = path.join(import.meta.dirname, '..', '..')
let varDir = ''
beforeEach(() => {
  varDir = mkdtempSync(path.join(tmpdir(), 'node-'))
})
afterEach(() => rmSync(varDir, { recursive: true, force: true }))

test.each([
  ['v24.21.0', 24],
  ['v18.20.8', 18],
  ['26.0.0-nightly', 26],
  ['', 0],
  ['bun', 0],
])('the major number of %j is %d', (version, major) => {
  expect(majorOf(version)).toBe(major)
})

test('a Node that is new enough is used as it is', () => {
  expect(findNode24({ root, varDir, version: 'v26.1.0', execPath: '/usr/bin/node' })).toBe('/usr/bin/node')
})

test('an older Node needs the one under var, and a half-installed one does not count', () => {
  const older = { root, varDir, version: 'v20.1.0', execPath: '/usr/bin/node' }
  expect(findNode24(older)).toBeUndefined()
  const node = path.join(varDir, 'node', 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node')
  mkdirSync(path.dirname(node), { recursive: true })
  writeFileSync(node, '')
  chmodSync(node, 0o755)
  expect(findNode24(older)).toBeUndefined()
  writeFileSync(
    path.join(varDir, 'node', 'stamp'),
    hashOf([{ file: path.join(root, 'setup', 'node24', 'package-lock.json') }, process.platform, process.arch]),
  )
  expect(findNode24(older)).toBe(node)
  rmSync(node)
  expect(findNode24(older)).toBeUndefined()
})
