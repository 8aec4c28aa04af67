import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readPlace, writePorts } from '../../../src/adapters/game/place.ts'

const PORTS = { telnet: 4000, web: 4001, websocket: 4002, internalWeb: 4005, amp: 4006 }
let varDir = ''
beforeEach(() => {
  varDir = mkdtempSync(path.join(tmpdir(), 'place-'))
  mkdirSync(path.join(varDir, 'tower', 'game'), { recursive: true })
  write('place.json', { python: '/venv/bin/python', evennia: '/venv/evennia', ports: PORTS })
  const account = (name: string) => ({ account: name, password: 'abc' })
  write('accounts.json', { superuser: account('s'), bridge: account('b'), player: account('p'), visitor: account('v') })
  write('stamp', 'x')
})
afterEach(() => rmSync(varDir, { recursive: true, force: true }))

function write(file: string, content: object | string): void {
  writeFileSync(path.join(varDir, 'tower', file), typeof content === 'string' ? content : JSON.stringify(content))
}

test('says where the Tower is, and never the password of the bridge itself', () => {
  expect(readPlace(varDir)).toEqual({
    telnet: { host: '127.0.0.1', port: 4000 },
    web: { url: 'http://127.0.0.1:4001' },
    websocket: { url: 'ws://127.0.0.1:4002' },
    bridge: { account: 'b', passwordFile: path.join(varDir, 'tower', 'bridge-password') },
    player: { account: 'p', password: 'abc' },
    visitor: { account: 'v', password: 'abc' },
    channel: 'Fleet',
  })
})

test('other ports are kept, and with them everything else', () => {
  writePorts(varDir, { ...PORTS, telnet: 25_000 })
  expect(readPlace(varDir).telnet.port).toBe(25_000)
  expect(readPlace(varDir).web.url).toBe('http://127.0.0.1:4001')
})

test('a Tower that was never set up, or only in part, says what to run', () => {
  rmSync(path.join(varDir, 'tower', 'stamp'))
  expect(() => readPlace(varDir)).toThrow('Run npm start once')
  expect(() => readPlace(path.join(varDir, 'nowhere'))).toThrow('Run npm start once')
})

test('a damaged file is named with its fault, and without what stands in it', () => {
  write('accounts.json', { bridge: { account: 'b', password: 'secret' }, player: {}, visitor: 7 })
  expect(() => readPlace(varDir)).toThrow(/accounts\.json is damaged .*player\.account.*visitor/)
  expect(() => readPlace(varDir)).not.toThrow('secret')
  write('place.json', '{')
  expect(() => readPlace(varDir)).toThrow(/place\.json is damaged \(not JSON\)/)
})
