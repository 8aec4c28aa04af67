import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { takeOwnership } from '../../../src/adapters/game/owner.ts'

let folder = ''
let file = ''
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'owner-'))
  file = path.join(folder, 'owner')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('a Tower that is given back can be taken again', () => {
  takeOwnership(file).giveBack()
  takeOwnership(file).giveBack()
})

test('a living owner is named and left alone', () => {
  takeOwnership(file)
  expect(() => takeOwnership(file)).toThrow(`Process ${process.pid} is running this Tower already`)
})

test.each([
  ['has died', `${2 ** 22 + 1} 1\n`],
  ['wrote nonsense', 'nonsense\n'],
  ['wrote nothing', ''],
])('an owner that %s counts for nothing', (_what, text) => {
  writeFileSync(file, text)
  takeOwnership(file).giveBack()
})

test.runIf(process.platform === 'linux')('an owner whose process number is used again counts for nothing', () => {
  writeFileSync(file, `${process.ppid} 1\n`)
  takeOwnership(file).giveBack()
})

test('an owner knows when the Tower was taken over from it, and does not give back what is not its own any more', () => {
  const first = takeOwnership(file)
  expect(first.isHeld()).toBe(true)
  writeFileSync(file, `${2 ** 22 + 1} 1\n`)
  const second = takeOwnership(file)
  expect(first.isHeld()).toBe(false)
  first.giveBack()
  expect(second.isHeld()).toBe(true)
})
