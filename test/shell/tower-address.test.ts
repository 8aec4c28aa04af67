/** What fleet.yaml says of the way to the Tower: whom to trust with the password, and who could read it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ConfigError, parseConfig } from '../../src/config/load.ts'
import { check } from '../../src/shell/check.ts'
import type { Shell } from '../../src/shell/shell.ts'
import { type Authority, makeAuthority } from '../adapters/tower/certificates.ts'

let folder: string
let authority: Authority
let out: string[]

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tw-tower-address-'))
  authority = await makeAuthority()
})
afterAll(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  authority?.remove()
})
beforeEach(() => {
  out = []
})

const fleet = (tower: string) => `version: 1
fleet: demo
hosts: { local: { kind: local } }
agents:
  timmy:
    host: local
    heartbeat: { file: /beats/timmy }
    restart: { kind: process, start: [/bin/timmy], pidFile: /run/timmy, log: /log/timmy }
tower: { ${tower}, account: a, password: { env: P } }
`
const shell = (): Shell => ({
  cwd: folder,
  env: { P: 'hunter2' },
  out: (line) => void out.push(line),
  err: (line) => void out.push(line),
  signal: new AbortController().signal,
  onReload: () => {},
})
const checked = (tower: string, json = false) => {
  writeFileSync(join(folder, 'fleet.yaml'), fleet(tower))
  expect(check(shell(), { json })).toBe(0)
  return out.slice(json ? 0 : 1)
}

describe('towerwatch check', () => {
  test.each([
    ['url: "ws://tower.example.org:4002"', 'tower.example.org:4002 in plain text', 'wss://'],
    ['url: "ws://192.0.2.7:4002"', '192.0.2.7:4002 in plain text', 'wss://'],
    ['url: "ws://[2001:db8::1]:4002"', '[2001:db8::1]:4002 in plain text', 'wss://'],
    ['url: "ws://127.0.0.1.example.org:4002"', '127.0.0.1.example.org:4002', 'wss://'],
    ['transport: telnet, url: "telnet://tower.example.org:4000"', 'tower.example.org:4000 in plain text', 'a tunnel'],
  ])('minds %s: others could read the password', (tower, where, remedy) => {
    const [line = '', ...more] = checked(tower)
    expect(more).toEqual([])
    expect(line).toContain(`Mind: the Tower's password goes to ${where}`)
    expect(line).toContain(remedy)
    expect(line).not.toContain('hunter2')
    out = []
    expect(JSON.parse(checked(tower, true)[0] ?? '').warnings).toEqual([expect.stringContaining(where)])
  })

  test.each([
    'url: "ws://127.0.0.1:4002"',
    'url: "ws://localhost:4002"',
    'url: "ws://[::1]:4002"',
    'url: "wss://tower.example.org/websocket"',
    'transport: telnet, url: "telnet://127.0.0.1:4000"',
  ])('has nothing to say about %s', (tower) => {
    expect(checked(tower)).toEqual([])
    out = []
    expect(JSON.parse(checked(tower, true)[0] ?? '')).not.toHaveProperty('warnings')
  })
})

describe('the authority of a Tower', () => {
  const parse = (tower: string) => parseConfig(fleet(tower), join(folder, 'fleet.yaml'), { P: 'hunter2' })
  const faults = (tower: string) => {
    try {
      parse(tower)
    } catch (error) {
      if (error instanceof ConfigError) return error.faults.map(({ path, message }) => `${path}: ${message}`)
      throw error
    }
    return []
  }

  test('is read from a file beside fleet.yaml', () => {
    writeFileSync(join(folder, 'authority.pem'), authority.ca)
    expect(parse('url: "wss://tower.example.org/websocket", ca: authority.pem').tower).toMatchObject({ kind: 'given', ca: authority.ca })
  })

  test('that cannot be read, or is no certificate, is a fault that names the file', () => {
    const secure = 'url: "wss://tower.example.org/websocket"'
    expect(faults(`${secure}, ca: lost.pem`)).toEqual([`tower.ca: ${join(folder, 'lost.pem')} can't be read: ENOENT`])
    writeFileSync(join(folder, 'key.pem'), '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n')
    expect(faults(`${secure}, ca: key.pem`)).toEqual([`tower.ca: ${join(folder, 'key.pem')} is no certificate in PEM form`])
  })

  test.each(['url: "ws://127.0.0.1:4002"', 'transport: telnet, url: "telnet://127.0.0.1:4000"'])('has no place beside %s', (tower) => {
    expect(faults(`${tower}, ca: ${authority.file}`)).toEqual(['tower.ca: only a wss:// address has a certificate to check'])
  })
})
