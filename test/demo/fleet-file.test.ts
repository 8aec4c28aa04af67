import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { parseConfig } from '../../src/config/load.ts'
import { CAST } from '../../src/demo/cast.ts'
import { fleetFile } from '../../src/demo/fleet-file.ts'
import { heartbeatFile, layoutIn, workerCommand } from '../../src/demo/layout.ts'

let dir: string

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'fleet-file-'))
  writeFileSync(join(dir, 'secret'), 'quiet\n')
})

afterAll(() => rmSync(dir, { recursive: true }))

function write(varDir: string): string {
  return fleetFile({
    layout: layoutIn(varDir),
    socket: join(varDir, 'demo', 'tmux.sock'),
    user: 'root',
    hosts: [
      { id: 'ezra', address: '127.0.0.2', port: 2201 },
      { id: 'allegro', address: '127.0.0.3', port: 2202 },
      { id: 'bezalel', address: '127.0.0.4', port: 2203 },
    ],
    tower: { url: 'ws://127.0.0.1:4002', account: 'towerwatch', passwordFile: join(dir, 'secret') },
  })
}

function read(varDir: string): Config {
  return parseConfig(write(varDir), join(varDir, 'demo', 'fleet.yaml'), {})
}

test('the watch understands the whole file, and finds each agent where the demo puts it', () => {
  const varDir = join(dir, 'var')
  const layout = layoutIn(varDir)
  const config = read(varDir)
  expect(
    [...config.agents.values()].map(({ id, host, heartbeat, policy }) => ({
      id,
      host,
      file: heartbeat.kind === 'file' ? heartbeat.file : '',
      policy,
    })),
  ).toEqual(CAST.map((role) => ({ id: role.id, host: role.host, file: heartbeatFile(layout, role), policy: role.policy })))
  expect(config.agents.get('ezra')?.body).toEqual({ kind: 'pane', socket: join(layout.dir, 'tmux.sock'), target: 'fleet:ezra' })
  const gemini = CAST.find((role) => role.id === 'gemini')
  if (!gemini) throw new Error('gemini is not in the cast')
  expect(config.agents.get('gemini')?.body).toMatchObject({ kind: 'process', start: workerCommand(layout, gemini) })
  expect(config.hosts.get('allegro')).toMatchObject({ kind: 'ssh', address: '127.0.0.3', port: 2202, knownHosts: layout.knownHosts })
  expect(config.stateDir).toBe(join(layout.dir, 'state'))
})

test('everybody comes back by himself but bezalel, and the file says why', () => {
  const text = write(join(dir, 'var'))
  const off = CAST.filter((role) => role.policy === 'off').map((role) => role.id)
  expect(off).toEqual(['bezalel'])
  expect(text).toMatch(/newcomer's, who types `restart bezalel` in the Tower\.\n {4}policy: off/)
})

test('no password stands in it', () => {
  expect(write(join(dir, 'var'))).not.toContain('quiet')
})

test('a folder with spaces, a hash and a colon in its name is read as it was meant', () => {
  const varDir = join(dir, 'my own #1: folder')
  const heartbeat = { kind: 'file', file: join(varDir, 'demo', 'agents', 'timmy', 'heartbeat.json'), format: 'json' }
  expect(read(varDir).agents.get('timmy')?.heartbeat).toEqual(heartbeat)
})
