import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type DemoInfo, demoInfo, readInfo, writeInfo } from '../../src/demo/info.ts'
import { layoutIn } from '../../src/demo/layout.ts'
import { hangAgent, killAgent } from '../../src/demo/prod.ts'
import { exampleInfo } from './parts.ts'

let varDir: string
let file: string

beforeEach(() => {
  varDir = mkdtempSync(join(tmpdir(), 'info-test-'))
  file = layoutIn(varDir).info
  mkdirSync(dirname(file))
})

afterEach(() => rmSync(varDir, { recursive: true }))

test('what was written is read again, by nobody but its owner', () => {
  writeInfo(file, exampleInfo)
  expect(readInfo(file)).toEqual(exampleInfo)
  expect(statSync(file).mode & 0o777).toBe(0o600)
})

test.each<[string, Partial<Record<keyof DemoInfo, unknown>>]>([
  ['a key that is not agreed upon', { watch: 1 } as Record<string, unknown>],
  ['a relative socket', { tmux: { socket: 'demo/tmux.sock' } }],
  ['a password that needs quoting', { player: { account: 'operator', password: 'two words' } }],
  ['a port that is none', { telnet: { host: '127.0.0.1', port: 70_000 } }],
  ['an agent without a pid', { agents: [{ id: 'ezra', host: 'ezra', kind: 'pane', pid: 0, heartbeat: '/b' }] }],
  ['a web page that is not one', { web: { url: 'javascript:alert(1)' } }],
])('%s is refused', (_what, change) => {
  expect(demoInfo.safeParse({ ...exampleInfo, ...change }).success).toBe(false)
})

test('where no demo is up, that is said, with how to start one', () => {
  expect(() => killAgent(varDir, 'bezalel')).toThrow(/No demo is up here.*npm start/)
})

test('a file of something else is said to be that', () => {
  writeFileSync(file, '{"hello": 1}')
  expect(() => readInfo(file)).toThrow(/is not what this demo writes/)
})

test('an agent that the demo does not have is named beside those that it has', () => {
  writeInfo(file, exampleInfo)
  expect(() => hangAgent(varDir, 'bezalal')).toThrow('There is no agent "bezalal" in the demo. There are timmy, bezalel, gemini.')
})

test('a pid that is somebody else by now is left alone', () => {
  const agents = exampleInfo.agents.map((agent) => ({ ...agent, pid: process.pid }))
  writeInfo(file, { ...exampleInfo, agents })
  expect(() => killAgent(varDir, 'gemini')).toThrow(/gemini is not alive/)
})
