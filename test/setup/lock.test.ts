import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { withSetupLock } from '../../setup/lock.mjs'
import { Interrupted } from '../../setup/progress.mjs'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lock-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function silent(notes: string[] = []) {
  return { step: async () => undefined, note: (text: string) => notes.push(text) }
}

test('two set-ups of one folder work one after the other, and the second says that it waits', async () => {
  const order: string[] = []
  const notes: string[] = []
  let finish = () => {}
  const first = withSetupLock(folder, silent(), async () => {
    order.push('first begins')
    await new Promise<void>((resolve) => {
      finish = resolve
    })
    order.push('first ends')
  })
  const note = (text: string) => {
    notes.push(text)
    finish()
  }
  const second = withSetupLock(folder, { step: async () => undefined, note }, async () => {
    order.push('second')
  })
  await Promise.all([first, second])
  expect(order).toEqual(['first begins', 'first ends', 'second'])
  expect(notes).toHaveLength(1)
  expect(notes[0]).toContain(`process ${process.pid}`)
  expect(existsSync(path.join(folder, 'setup.lock'))).toBe(false)
})

test('the lock of a process that has died counts for nothing', async () => {
  writeFileSync(path.join(folder, 'setup.lock'), `${2 ** 22 + 1} 1\n`)
  expect(await withSetupLock(folder, silent(), async () => 'done')).toBe('done')
})

test.runIf(process.platform === 'linux')('the lock of a process whose number is used again counts for nothing', async () => {
  writeFileSync(path.join(folder, 'setup.lock'), `${process.pid} 1\n`)
  expect(await withSetupLock(folder, silent(), async () => 'done')).toBe('done')
})

test('a failure gives the lock back', async () => {
  await expect(withSetupLock(folder, silent(), () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await withSetupLock(folder, silent(), async () => 'done')).toBe('done')
})

test('a person can stop the waiting', async () => {
  const abort = new AbortController()
  await withSetupLock(folder, silent(), async () => {
    const waiting = withSetupLock(folder, { step: async () => undefined, note: () => abort.abort() }, async () => 'never', abort.signal)
    await expect(waiting).rejects.toThrow(Interrupted)
  })
})
