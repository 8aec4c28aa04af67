import { expect, test } from 'vitest'
import { createProgress, SetupError } from '../../setup/progress.mjs'

function shown(options: { isTTY?: boolean; env?: Record<string, string> }) {
  let text = ''
  let ms = 0
  const stream = { isTTY: options.isTTY ?? false, columns: 60, write: (part: string) => (text += part) }
  const progress = createProgress({ stream, env: options.env ?? {}, nowMs: () => (ms += 1_500), aliveEveryMs: 1_000_000 })
  return { progress, text: () => text }
}

test('a step says what it does, how it ended and how long it took', async () => {
  const { progress, text } = shown({})
  await progress.step('Node 24', async (say) => {
    say('installing')
    return 'v24.21.0'
  })
  expect(text()).toBe('  ..    Node 24: installing\n  ok    Node 24: v24.21.0 (1.5 s)\n')
})

test('a step with nothing to do is one line', async () => {
  const { progress, text } = shown({})
  await progress.step('packages', async () => 'as in package-lock.json')
  expect(text()).toBe('  ok    packages: as in package-lock.json\n')
})

test('a failed step says why and what to do, and is thrown on', async () => {
  const { progress, text } = shown({})
  const failing = progress.step('programs', () => Promise.reject(new SetupError('tmux is missing', 'install tmux')))
  await expect(failing).rejects.toThrow('tmux is missing')
  expect(text()).toContain('FAIL  programs')
  expect(text()).toContain('tmux is missing')
  expect(text()).toContain('What to do: install tmux')
})

test.each([
  ['a file', { isTTY: false }],
  ['CI', { isTTY: true, env: { CI: 'true' } }],
  ['a dumb terminal', { isTTY: true, env: { TERM: 'dumb' } }],
])('nothing is coloured or redrawn on %s', async (_where, options) => {
  const { progress, text } = shown(options)
  await progress.step('one', async (say) => {
    say('working')
    return 'done'
  })
  expect(text()).not.toMatch(/[\r\u001b]/)
})

test('NO_COLOR takes the colour away and leaves the redrawing', async () => {
  const { progress, text } = shown({ isTTY: true, env: { NO_COLOR: '1' } })
  await progress.step('one', async () => 'done')
  expect(text()).toContain('\r')
  expect(text()).not.toContain('\u001b[32m')
})
