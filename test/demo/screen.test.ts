import { expect, test } from 'vitest'
import { attachCommand } from '../../src/demo/demo.ts'
import { paint, readyScreen } from '../../src/demo/screen.ts'
import { exampleInfo } from './parts.ts'

const words = { command: 'npx towerwatch', attach: 'tmux -S /v/demo/tmux.sock attach', log: '/v/demo/watch.log' }

test('it says where to connect, as whom, and three things to try', () => {
  const text = readyScreen(exampleInfo, paint('plain'), words)
  for (const part of [
    'telnet 127.0.0.1 4000',
    'http://127.0.0.1:4001/webclient/',
    'http://127.0.0.1:4001/fleet/',
    'connect operator abc123',
    'connect visitor def456',
    'kill -9 4242',
    'restart bezalel',
    'npx towerwatch demo kill bezalel',
    'ezra (127.0.0.2 port 2201)',
  ]) {
    expect(text).toContain(part)
  }
  expect(text.match(/^ {2}[123]\. /gm)).toHaveLength(3)
})

test('colour only sets words off: without it the words are the same', () => {
  const coloured = readyScreen(exampleInfo, paint('colour'), words)
  const plain = readyScreen(exampleInfo, paint('plain'), words)
  expect(coloured).not.toBe(plain)
  expect(coloured.replace(/\u001b\[\d+m/g, '')).toBe(plain)
  expect(plain).toMatch(/^[\n\x20-\x7e]*$/)
})

test('it fits a terminal of 80 columns where its paths do', () => {
  const lines = readyScreen(exampleInfo, paint('plain'), words).split('\n')
  expect(lines.filter((line) => line.length > 80)).toEqual([])
})

test('the command that shows the panes can be typed as it stands, also in a folder with spaces and inside another tmux', () => {
  expect(attachCommand('/v/demo/tmux.sock', undefined)).toBe('tmux -S /v/demo/tmux.sock attach')
  expect(attachCommand("/it's my/tmux.sock", '/tmp/tmux-1000/default,1,0')).toBe("TMUX= tmux -S '/it'\\''s my/tmux.sock' attach")
})
