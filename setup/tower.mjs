import { randomInt } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { run } from './command.mjs'
import { pythonEnv } from './python.mjs'
import { filesIn, hashOf, isStamped, readOr, stamp, writeWhole } from './stamp.mjs'

/**
 * @typedef {{ account: string, password: string }} Account
 * @typedef {{ superuser: Account, bridge: Account, player: Account, visitor: Account }} Accounts
 */

const ACCOUNT_NAMES = { superuser: 'warden', bridge: 'towerwatch', player: 'keeper', visitor: 'visitor' }

/**
 * Evennia's own numbers, to begin with. What starts the game takes others when these are occupied by somebody else.
 */
const FIRST_PORTS = { telnet: 4000, web: 4001, websocket: 4002, internalWeb: 4005, amp: 4006 }

/**
 * Makes the bundled Tower under var/tower, or brings it up to date: the game directory (code fresh from world/tower; its
 * database and its secrets stay), its accounts and its database. Starts nothing, and asks no Python when nothing changed.
 *
 *     var/tower/game/            the game directory
 *     var/tower/accounts.json    names and passwords, 0600
 *     var/tower/bridge-password  the bridge's alone, 0600, as a fleet.yaml would name it
 *     var/tower/place.json       its ports and the virtual environment that it runs in
 *     var/tower/stamp            what all this was made from
 *
 * @param {{ root: string, varDir: string, venv: import('./python.mjs').Venv, say: (text: string) => void, signal?: AbortSignal | undefined }} options
 * @returns {Promise<string>}
 */
export async function provisionTower({ root, varDir, venv, say, signal }) {
  const tower = path.join(varDir, 'tower')
  const game = path.join(tower, 'game')
  mkdirSync(tower, { recursive: true, mode: 0o700 })

  const accounts = writeAccounts(tower)
  const secrets = `${JSON.stringify(accounts)}\n`
  const hash = hashOf([
    { folder: path.join(root, 'world') },
    { file: path.join(root, 'setup', 'tower_accounts.py') },
    readOr(path.join(venv.folder, 'stamp'), ''),
    secrets,
    game,
  ])
  const file = path.join(tower, 'stamp')
  const done = isStamped(file, hash) && existsSync(path.join(game, 'server', 'evennia.db3'))
  if (!done) rmSync(file, { force: true })

  copyGame(path.join(root, 'world', 'tower'), game, path.join(tower, 'copied.json'))
  writePlace(path.join(tower, 'place.json'), venv)
  writeSecretSettings(path.join(game, 'server', 'conf', 'secret_settings.py'))
  if (!done) {
    say('database and accounts')
    await run([venv.python, path.join(root, 'setup', 'tower_accounts.py'), game], {
      cwd: game,
      env: pythonEnv(),
      input: secrets,
      log: path.join(varDir, 'log', 'setup-tower.log'),
      signal,
    })
    stamp(file, hash)
  }
  return `ready in ${path.relative(root, tower) || tower}`
}

/** @param {string} tower @returns {Accounts} */
function writeAccounts(tower) {
  const file = path.join(tower, 'accounts.json')
  /** @type {Partial<Accounts>} */
  const known = JSON.parse(readOr(file, '{}'))
  /** @param {keyof Accounts} role */
  const account = (role) => known[role] ?? { account: ACCOUNT_NAMES[role], password: newSecret(20) }
  const accounts = { superuser: account('superuser'), bridge: account('bridge'), player: account('player'), visitor: account('visitor') }
  const text = `${JSON.stringify(accounts, null, 2)}\n`
  if (readOr(file, '') !== text) writeWhole(file, text, 0o600)
  const password = path.join(tower, 'bridge-password')
  if (readOr(password, '') !== `${accounts.bridge.password}\n`) writeWhole(password, `${accounts.bridge.password}\n`, 0o600)
  return accounts
}

const LETTERS_AND_DIGITS = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789'

/**
 * Letters and digits only, without those that look alike: it is typed by people and by scripts of all kinds.
 * @param {number} length
 */
function newSecret(length) {
  return Array.from({ length }, () => LETTERS_AND_DIGITS[randomInt(LETTERS_AND_DIGITS.length)]).join('')
}

/**
 * Copies the game's code, and takes away what an earlier copy brought and the source no longer has.
 * @param {string} source @param {string} game @param {string} listFile
 */
function copyGame(source, game, listFile) {
  const files = filesIn(source).filter((file) => path.basename(file) !== 'secret_settings.py')
  /** @type {string[]} */
  const before = JSON.parse(readOr(listFile, '[]'))
  for (const gone of before.filter((file) => !files.includes(file))) rmSync(path.join(game, gone), { force: true })
  for (const file of files) {
    const to = path.join(game, file)
    if (existsSync(to) && readFileSync(to).equals(readFileSync(path.join(source, file)))) continue
    mkdirSync(path.dirname(to), { recursive: true })
    copyFileSync(path.join(source, file), to)
  }
  mkdirSync(path.join(game, 'server', 'logs'), { recursive: true })
  writeWhole(listFile, `${JSON.stringify(files)}\n`)
}

/**
 * Ports once chosen are kept.
 * @param {string} file @param {import('./python.mjs').Venv} venv
 */
function writePlace(file, venv) {
  /** @type {{ ports?: typeof FIRST_PORTS }} */
  const known = JSON.parse(readOr(file, '{}'))
  const evennia = path.join(venv.folder, 'lib', `python${venv.minor}`, 'site-packages', 'evennia')
  const text = `${JSON.stringify({ python: venv.python, evennia, ports: known.ports ?? FIRST_PORTS }, null, 2)}\n`
  if (readOr(file, '') !== text) writeWhole(file, text)
}

/** @param {string} file */
function writeSecretSettings(file) {
  const key = /^SECRET_KEY = "([A-Za-z0-9]+)"$/m.exec(readOr(file, ''))?.[1] ?? newSecret(50)
  const text = SECRET_SETTINGS.replace('THE_KEY', key)
  if (readOr(file, '') !== text) writeWhole(file, text, 0o600)
}

const SECRET_SETTINGS = `"""What this one game has of its own. Written by set-up; read last by settings.py."""

import json
from pathlib import Path

SECRET_KEY = "THE_KEY"

# Chosen when the game is started, so that they are free.
_ports = json.loads((Path(__file__).resolve().parents[3] / "place.json").read_text())["ports"]

# The bundled Tower is for the people on this machine.
TELNET_PORTS = [_ports["telnet"]]
TELNET_INTERFACES = ["127.0.0.1"]
WEBSERVER_PORTS = [(_ports["web"], _ports["internalWeb"])]
WEBSERVER_INTERFACES = ["127.0.0.1"]
WEBSOCKET_CLIENT_PORT = _ports["websocket"]
WEBSOCKET_CLIENT_INTERFACE = "127.0.0.1"
AMP_PORT = _ports["amp"]
AMP_INTERFACE = "127.0.0.1"
`
