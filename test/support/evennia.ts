/**
 * A real Evennia game with the plugin, for tests: world/tower in a folder of its own, on ports of its own.
 *
 * The first start for a version of Evennia and of world/ makes a database, which takes half a minute; it is kept as a
 * template under var/cache, so that later starts take as long as Evennia itself does.
 */
import { execFile, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { websocketAnswers } from '../../src/adapters/game/answers.ts'
import { gameProcesses, signalAll } from '../../src/adapters/game/processes.ts'
import { printedHash } from '../../src/protocol/print.ts'
import { until } from './until.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..', '..')
const world = join(root, 'world')

export interface GameAccount {
  account: string
  password: string
}

export interface TestGame {
  /** The game directory, in a temporary folder that `stop` removes. */
  readonly folder: string
  readonly ports: { telnet: number; web: number; websocket: number }
  readonly websocketUrl: string
  /** `player` is a Builder, `visitor` may only look. */
  readonly accounts: { superuser: GameAccount; bridge: GameAccount; player: GameAccount; visitor: GameAccount }
  /** As the plugin has them, for the hello. */
  readonly hashes: { protocol: string; operations: string }
  /**
   * Resolves when a new server answers. `during` is called while there is no server. `order` has it reloaded: `evennia
   * reload` in the shell, unless somebody in the game is to type it.
   */
  reload(during?: () => void, order?: () => Promise<void>): Promise<void>
  /** SIGKILL to the server; the portal and its connections stay. */
  killServer(): Promise<void>
  /** After `killServer`. Resolves when it answers. */
  startServer(): Promise<void>
  /** `evennia stop`: portal and server. */
  stopGame(): Promise<void>
  /** After `stopGame`, on the same ports. */
  startGame(): Promise<void>
  /** The game's own log, for what a failed test wants to tell. */
  log(part: 'portal' | 'server'): string
  /** Ends both by signals to exactly these processes, and removes the folder. Safe to call twice. */
  stop(): Promise<void>
}

/** `settings` is Python that is added at the end of the game's settings. */
export async function startEvennia({ settings = '' }: { settings?: string } = {}): Promise<TestGame> {
  const python = await describePython(findPython())
  const template = await readyTemplate(python)
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'towerwatch-game-')))
  const folder = join(home, 'game')
  cpSync(join(template, 'game'), folder, { recursive: true })
  const ports = await freePorts()
  writeFileSync(join(folder, 'server', 'conf', 'secret_settings.py'), secretSettings(ports) + settings, { mode: 0o600 })

  const websocketUrl = `ws://127.0.0.1:${ports.websocket}`
  const pids = () => gameProcesses(folder)
  const log = (part: 'portal' | 'server') => {
    const file = join(folder, 'server', 'logs', `${part}.log`)
    return existsSync(file) ? readFileSync(file, 'utf8') : ''
  }
  const answers = async () => {
    try {
      await until(() => websocketAnswers(websocketUrl, 5_000), { withinMs: 60_000, what: 'the game to greet a visitor' })
    } catch (error) {
      throw new Error(`The game does not answer.\nportal: ${log('portal').slice(-2_000)}\nserver: ${log('server').slice(-2_000)}`, {
        cause: error,
      })
    }
  }
  const removePidFile = (part: 'portal' | 'server') => rmSync(join(folder, 'server', `${part}.pid`), { force: true })
  const start = async (...parts: ('portal' | 'server')[]) => {
    for (const part of parts) removePidFile(part)
    await Promise.all(parts.map((part) => startPart(python, folder, part)))
    await answers()
  }
  const endAll = async () => {
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      signalAll(await pids(), signal)
      const gone = until(async () => (await pids()).length === 0, { withinMs: 8_000, what: 'the game to end' })
      if (await gone.catch(() => false)) return
    }
    throw new Error(`The test game in ${folder} does not end`)
  }
  const serverPid = async () => (await pids()).find(({ part }) => part === 'server')?.pid

  const launcher = async (order: 'reload' | 'stop') => {
    // The launcher overwrites the second entry of Python's path, so the game must stand there already. It says on stdout
    // what went wrong, and ends with 0 all the same.
    const options = { cwd: folder, env: environment(python, folder), timeout: 60_000 }
    const { stdout } = await run(join(dirname(python.path), 'evennia'), [order], options)
    if (stdout.includes('ERROR')) throw new Error(`evennia ${order}: ${stdout}`)
  }

  let stopped = false
  const game: TestGame = {
    folder,
    ports,
    websocketUrl,
    accounts: JSON.parse(readFileSync(join(template, 'accounts.json'), 'utf8')),
    hashes: hashesOfPlugin(),
    reload: async (during, order = () => launcher('reload')) => {
      const before = await serverPid()
      await Promise.all([
        order(),
        until(async () => (await serverPid()) !== before, { withinMs: 60_000, what: 'the old server to end' }).then(() => during?.()),
      ])
      await until(async () => ![undefined, before].includes(await serverPid()), { withinMs: 60_000, what: 'a new server process' })
      await answers()
    },
    killServer: async () => {
      signalAll(
        (await pids()).filter(({ part }) => part === 'server'),
        'SIGKILL',
      )
      await until(async () => (await serverPid()) === undefined, { withinMs: 10_000, what: 'the server to be gone' })
    },
    startServer: () => start('server'),
    stopGame: async () => {
      await launcher('stop')
      await until(async () => (await pids()).length === 0, { withinMs: 20_000, what: 'the game to be gone' })
    },
    startGame: () => start('portal', 'server'),
    log,
    stop: async () => {
      if (stopped) return
      stopped = true
      await endAll()
      rmSync(home, { recursive: true, force: true })
    },
  }
  try {
    await start('portal', 'server')
    return game
  } catch (error) {
    await game.stop()
    throw error
  }
}

interface Python {
  path: string
  evennia: string
  version: string
}

/** The hash that the plugin tells: of its printed files as they stand in world/. */
function hashesOfPlugin(): TestGame['hashes'] {
  const hash = (file: string) => printedHash(readFileSync(join(world, 'evennia_towerwatch', file), 'utf8'))
  return { protocol: hash('protocol.schema.json'), operations: hash('operations.json') }
}

function findPython(): string {
  const given = process.env['TOWERWATCH_PYTHON']
  if (given !== undefined && given !== '') return given
  const folder = join(root, 'var', 'python')
  const found = (existsSync(folder) ? readdirSync(folder) : [])
    .filter((name) => existsSync(join(folder, name, 'bin', 'python')))
    .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))[0]
  if (found !== undefined) return join(folder, found, 'bin', 'python')
  throw new Error('These tests need a Python with Evennia: run `npm test`, which makes one, or set TOWERWATCH_PYTHON.')
}

async function describePython(path: string): Promise<Python> {
  const question =
    'import importlib.metadata as m, importlib.util as u; print(m.version("evennia")); print(u.find_spec("evennia").submodule_search_locations[0])'
  const { stdout } = await run(path, ['-c', question])
  const [version = '', evennia = ''] = stdout.trim().split('\n')
  return { path, version, evennia }
}

/** What Evennia's launcher would set; and the plugin of this tree, whatever is installed. */
function environment(python: Python, game: string): Record<string, string> {
  return {
    PATH: `${dirname(python.path)}:${process.env['PATH'] ?? '/usr/bin:/bin'}`,
    HOME: process.env['HOME'] ?? '/',
    LANG: 'C.UTF-8',
    TERM: 'dumb',
    PYTHONPATH: `${game}:${world}`,
    PYTHONDONTWRITEBYTECODE: '1',
    DJANGO_SETTINGS_MODULE: 'server.conf.settings',
  }
}

/** The two command lines of Evennia's launcher, which would take ten seconds more to start them one after the other. */
function startPart(python: Python, folder: string, part: 'portal' | 'server'): Promise<void> {
  const [script, logger] = part === 'portal' ? ['portal/portal.py', 'GetPortalLogObserver'] : ['server.py', 'GetServerLogObserver']
  const child = spawn(
    join(dirname(python.path), 'twistd'),
    [
      `--python=${join(python.evennia, 'server', script)}`,
      `--logger=evennia.utils.logger.${logger}`,
      `--pidfile=${join(folder, 'server', `${part}.pid`)}`,
    ],
    { cwd: folder, env: environment(python, folder), stdio: ['ignore', 'pipe', 'pipe'], detached: true },
  )
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said = (said + text).slice(-5_000)))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    // It ends once the daemon that it leaves behind is there. Not `close`: the daemon may hold its pipes.
    child.once('exit', (code) => {
      for (const stream of [child.stdout, child.stderr]) stream.destroy()
      if (code === 0) resolve()
      else reject(new Error(`The game's ${part} did not start (exit code ${code}):\n${said}`))
    })
  })
}

/** A game directory with its database and accounts, made once for what it depends on. Two test runs may make it at a time. */
async function readyTemplate(python: Python): Promise<string> {
  const script = join(root, 'setup', 'tower_accounts.py')
  const hash = createHash('sha256').update(python.version).update(python.path).update(readFileSync(script))
  for (const file of worldFiles(world)) hash.update(file.slice(world.length)).update(readFileSync(file))
  const cache = join(root, 'var', 'cache', 'test-tower')
  const template = join(cache, hash.digest('hex').slice(0, 20))
  if (existsSync(template)) return template

  mkdirSync(cache, { recursive: true, mode: 0o700 })
  removeOld(cache)
  const making = mkdtempSync(join(cache, 'making-'))
  try {
    const game = join(making, 'game')
    const ownFiles = (path: string) => basename(path) !== '__pycache__' && basename(path) !== 'secret_settings.py'
    cpSync(join(world, 'tower'), game, { recursive: true, filter: ownFiles })
    mkdirSync(join(game, 'server', 'logs'), { recursive: true })
    writeFileSync(join(game, 'server', 'conf', 'secret_settings.py'), secretSettings(await freePorts()), { mode: 0o600 })
    const secret = () => randomBytes(12).toString('hex')
    const accounts = {
      superuser: { account: 'warden', password: secret() },
      bridge: { account: 'towerwatch', password: secret() },
      player: { account: 'keeper', password: secret() },
      visitor: { account: 'visitor', password: secret() },
    }
    writeFileSync(join(making, 'accounts.json'), JSON.stringify(accounts), { mode: 0o600 })
    await withInput(python, [script, game], game, JSON.stringify(accounts))
    if (!existsSync(template)) renameSync(making, template)
    return template
  } finally {
    rmSync(making, { recursive: true, force: true })
  }
}

/** Templates of former states of world/. Not the young ones: another test run may be copying one. */
function removeOld(cache: string): void {
  const dayAgo = Date.now() - 86_400_000
  for (const name of readdirSync(cache)) {
    const folder = join(cache, name)
    const madeAt = statSync(folder, { throwIfNoEntry: false })?.mtimeMs
    if (madeAt !== undefined && madeAt < dayAgo) rmSync(folder, { recursive: true, force: true })
  }
}

function worldFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(
      (entry) =>
        !entry.name.startsWith('.') && !['__pycache__', 'tests', 'build'].includes(entry.name) && !entry.name.endsWith('.egg-info'),
    )
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? worldFiles(join(folder, entry.name)) : [join(folder, entry.name)]))
}

function withInput(python: Python, args: string[], game: string, input: string): Promise<void> {
  const child = spawn(python.path, args, { cwd: game, env: environment(python, game), stdio: ['pipe', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said = (said + text).slice(-5_000)))
  child.stdin.end(input)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`The test game's database could not be made:\n${said}`))))
  })
}

type Ports = Record<'telnet' | 'web' | 'internalWeb' | 'websocket' | 'amp', number>

/** Free now: all are held at once while they are chosen, so that no two are the same. */
async function freePorts(): Promise<Ports> {
  const held = await Promise.all(
    Array.from(
      { length: 5 },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer()
          server.once('error', reject)
          server.listen(0, '127.0.0.1', () => resolve(server))
        }),
    ),
  )
  const [telnet = 0, web = 0, internalWeb = 0, websocket = 0, amp = 0] = held.map((server) => {
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  })
  await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))))
  return { telnet, web, internalWeb, websocket, amp }
}

function secretSettings(ports: Ports): string {
  // A library of Evennia's, inflect, has every call of its functions checked for types. To prepare that is two thirds of the
  // work of a start, of the portal and of each new server; `python -O` leaves it out in the same way.
  return `"""Written by the tests."""

import sys, types
sys.modules["typeguard"] = types.SimpleNamespace(typechecked=lambda target: target)
SECRET_KEY = "${randomBytes(24).toString('hex')}"
TELNET_PORTS = [${ports.telnet}]
TELNET_INTERFACES = ["127.0.0.1"]
WEBSERVER_PORTS = [(${ports.web}, ${ports.internalWeb})]
WEBSERVER_INTERFACES = ["127.0.0.1"]
WEBSOCKET_CLIENT_PORT = ${ports.websocket}
WEBSOCKET_CLIENT_INTERFACE = "127.0.0.1"
AMP_PORT = ${ports.amp}
AMP_INTERFACE = "127.0.0.1"
`
}
