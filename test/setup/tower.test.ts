import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { provisionTower } from '../../setup/tower.mjs'
import { readPlace } from '../../src/adapters/game/bundled-tower.ts'

let root = ''
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'tower-'))
  write('world/tower/server/conf/settings.py', 'SERVERNAME = "x"\n')
  write('world/tower/typeclasses/rooms.py', 'one\n')
  write('setup/tower_accounts.py', '')
  write('venv/stamp', 'stamp\n')
  // Stands in for Python: keeps what it is given on stdin, and makes a database.
  write(
    'venv/bin/python',
    `#!/bin/sh\n[ ! -e '${at('fails')}' ] || exit 1\necho "$*" >>'${at('calls')}'\ncat >'${at('stdin')}'\n: >"$2/server/evennia.db3"\n`,
  )
  chmodSync(at('venv/bin/python'), 0o755)
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function at(file: string): string {
  return path.join(root, file)
}

function write(file: string, text: string): void {
  mkdirSync(path.dirname(at(file)), { recursive: true })
  writeFileSync(at(file), text)
}

function read(file: string): string {
  return existsSync(at(file)) ? readFileSync(at(file), 'utf8') : ''
}

function provision() {
  const venv = { minor: '3.11', folder: at('venv'), bin: at('venv/bin'), python: at('venv/bin/python') }
  return provisionTower({ root, varDir: at('var'), venv, say: () => undefined })
}

test('a Tower is made once; the next time no Python is asked and nothing secret changes', async () => {
  await provision()
  const [accounts, secrets, calls] = [read('var/tower/accounts.json'), read('var/tower/game/server/conf/secret_settings.py'), read('calls')]
  await provision()
  expect(read('calls')).toBe(calls)
  expect(read('var/tower/accounts.json')).toBe(accounts)
  expect(read('var/tower/game/server/conf/secret_settings.py')).toBe(secrets)
  expect(readPlace(at('var')).telnet).toEqual({ host: '127.0.0.1', port: 4000 })
})

test('the passwords go to Python by stdin, are letters and digits, and lie in files for their owner alone', async () => {
  await provision()
  const accounts: Record<string, { account: string; password: string }> = JSON.parse(read('var/tower/accounts.json'))
  expect(JSON.parse(read('stdin'))).toEqual(accounts)
  for (const { password } of Object.values(accounts)) {
    expect(password).toMatch(/^[A-Za-z0-9]{20}$/)
    expect(read('calls')).not.toContain(password)
  }
  for (const file of ['accounts.json', 'bridge-password', 'game/server/conf/secret_settings.py']) {
    expect(statSync(at(`var/tower/${file}`)).mode & 0o777, file).toBe(0o600)
  }
  expect(statSync(at('var/tower')).mode & 0o777).toBe(0o700)
})

test('changed code is copied, code that is gone goes, and what the game itself wrote stays', async () => {
  await provision()
  write('world/tower/typeclasses/rooms.py', 'two\n')
  write('var/tower/game/server/logs/server.log', 'kept')
  write('var/tower/game/typeclasses/mine.py', 'kept')
  rmSync(at('world/tower/server/conf/settings.py'))
  await provision()
  expect(read('var/tower/game/typeclasses/rooms.py')).toBe('two\n')
  expect(existsSync(at('var/tower/game/server/conf/settings.py'))).toBe(false)
  expect(read('var/tower/game/server/logs/server.log')).toBe('kept')
  expect(read('var/tower/game/typeclasses/mine.py')).toBe('kept')
  expect(read('calls').trim().split('\n')).toHaveLength(2)
})

test('what was cut off is done again, with the same passwords', async () => {
  write('fails', '')
  await expect(provision()).rejects.toThrow('python ended with exit code 1')
  const accounts = read('var/tower/accounts.json')
  expect(() => readPlace(at('var'))).toThrow('Run npm start once')
  rmSync(at('fails'))
  await provision()
  expect(read('var/tower/accounts.json')).toBe(accounts)
  expect(readPlace(at('var')).player.account).toBe('keeper')
})

test('a database that was removed is made again', async () => {
  await provision()
  rmSync(at('var/tower/game/server/evennia.db3'))
  await provision()
  expect(existsSync(at('var/tower/game/server/evennia.db3'))).toBe(true)
})
