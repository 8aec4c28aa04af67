import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { filesIn, hashOf, isStamped, stamp, writeWhole } from '../../setup/stamp.mjs'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'stamp-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('a step is done only when its stamp is from the same input', () => {
  const file = path.join(folder, 'deep', 'stamp')
  expect(isStamped(file, 'one')).toBe(false)
  stamp(file, 'one')
  expect(isStamped(file, 'one')).toBe(true)
  expect(isStamped(file, 'two')).toBe(false)
})

test('the hash changes with a file, with its name and with the order of the parts', () => {
  writeFileSync(path.join(folder, 'a.txt'), 'same')
  const first = hashOf([{ folder }, 'x', 'y'])
  expect(hashOf([{ folder }, 'x', 'y'])).toBe(first)
  expect(hashOf([{ folder }, 'y', 'x'])).not.toBe(first)
  expect(hashOf([{ folder }, 'xy', ''])).not.toBe(first)
  writeFileSync(path.join(folder, 'a.txt'), 'other')
  expect(hashOf([{ folder }, 'x', 'y'])).not.toBe(first)
  rmSync(path.join(folder, 'a.txt'))
  writeFileSync(path.join(folder, 'b.txt'), 'same')
  expect(hashOf([{ folder }, 'x', 'y'])).not.toBe(first)
})

test('what Python leaves behind is not part of a folder', () => {
  mkdirSync(path.join(folder, 'game', '__pycache__'), { recursive: true })
  mkdirSync(path.join(folder, 'plugin.egg-info'))
  for (const file of ['game/__pycache__/a.pyc', 'plugin.egg-info/PKG-INFO', 'game/a.py']) writeFileSync(path.join(folder, file), '')
  expect(filesIn(folder)).toEqual([path.join('game', 'a.py')])
})

test('a secret is written for its owner alone, also over an older file', () => {
  const file = path.join(folder, 'secret')
  writeWhole(file, 'old', 0o600)
  writeWhole(file, 'new', 0o600)
  expect(readFileSync(file, 'utf8')).toBe('new')
  expect(statSync(file).mode & 0o777).toBe(0o600)
})
