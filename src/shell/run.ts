import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pino } from 'pino'
import { systemClock } from '../adapters/clock.ts'
import { AlreadyRunningError, startControlServer } from '../adapters/control/server.ts'
import { socketPath } from '../adapters/control/socket-path.ts'
import { startBundledTower } from '../adapters/game/bundled-tower.ts'
import { createLocalHost } from '../adapters/hosts/local.ts'
import { createSshHost } from '../adapters/hosts/ssh.ts'
import { openLedger } from '../adapters/ledger/sqlite.ts'
import { startTowerSession } from '../adapters/tower/session.ts'
import { telnetTransport } from '../adapters/tower/telnet.ts'
import { websocketTransport } from '../adapters/tower/websocket.ts'
import { startWatch, type Watch } from '../app.ts'
import { type Config, Secret, type TowerConfig } from '../config/config.ts'
import { ConfigError, loadConfig, sayFault } from '../config/load.ts'
import { declarations, operations } from '../operations/registry.ts'
import type { Host } from '../ports/host.ts'
import { type Ledger, LedgerError } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import type { TowerTransport } from '../ports/tower-transport.ts'
import { printedHash, printOperations, printProtocol } from '../protocol/print.ts'
import { version } from '../version.ts'
import { logLines } from './log-lines.ts'
import { exitCode, readConfig, type Shell, ShellError } from './shell.ts'

export interface RunOptions {
  config?: string
  /** Where the bundled Tower lives: the project's var/. */
  varDir: string
  isTerminal: boolean
}

/** `towerwatch run`: the watch in the foreground, until SIGINT or SIGTERM. */
export async function run(shell: Shell, options: RunOptions): Promise<number> {
  const config = readConfig(shell, options.config)
  const log = pino(
    { base: null, level: shell.env['TOWERWATCH_LOG'] ?? 'info' },
    options.isTerminal ? logLines(shell.out) : pino.destination({ dest: 1, sync: true }),
  )
  // Whoever started last stops first.
  const stops: (() => Promise<void>)[] = []
  try {
    mkdirSync(config.stateDir, { recursive: true, mode: 0o700 })
    let watch: Watch | undefined
    // Before the ledger: the socket is what keeps a second watch away from it.
    const control = await startControlServer(socketPath(config.stateDir), async (request, progress) => {
      if (!watch) return { status: 'refused', lines: ['The watch is still starting: ask again in a moment.'] }
      const { id, name } = request.user
      return watch.desk.request(
        { operation: request.operation, arguments: request.arguments, actor: { kind: 'shell', id, name }, via: 'shell' },
        progress,
      )
    })
    stops.unshift(control.stop)
    const tower = await theTower(config, options, stops, log, shell.signal)
    const ledger: Ledger = openLedger(join(config.stateDir, 'ledger.sqlite'))
    watch = startWatch(config, watchPorts(config, tower, ledger, log))
    stops.unshift(watch.stop)
    log.info({ fleet: config.fleet, agents: config.agents.size, hosts: config.hosts.size, version }, 'watching')
    void watch.ready.then(() => log.info({}, 'ready'))
    shell.onReload(() => void reload(config.file, watch, shell, log))
    await stopped(shell.signal)
    log.info({}, 'stopping')
    return exitCode.ok
  } catch (error) {
    if (error instanceof AlreadyRunningError || error instanceof LedgerError) throw new ShellError(error.message, exitCode.failed)
    throw error
  } finally {
    for (const stop of stops) await stop()
  }
}

async function theTower(
  config: Config,
  options: RunOptions,
  stops: (() => Promise<void>)[],
  log: Log,
  signal: AbortSignal,
): Promise<TowerConfig> {
  if (config.tower.kind === 'given') return config.tower
  const game = await startBundledTower(options.varDir, { progress: (text: string) => log.info({}, text), signal })
  stops.unshift(game.stop)
  const { place } = game
  log.info(
    {
      telnet: `${place.telnet.host} ${place.telnet.port}`,
      web: `${place.web.url}/webclient/`,
      accounts: join(options.varDir, 'tower', 'accounts.json'),
    },
    'the bundled Tower is up: walk in by telnet or in a browser; names and passwords are in the accounts file',
  )
  return {
    kind: 'given',
    transport: 'websocket',
    url: place.websocket.url,
    account: place.bridge.account,
    password: new Secret(readFileSync(place.bridge.passwordFile, 'utf8').trim()),
  }
}

function watchPorts(config: Config, tower: TowerConfig, ledger: Ledger, log: Log) {
  const hashes = { protocol: printedHash(printProtocol()), operations: printedHash(printOperations(declarations())) }
  return {
    ledger,
    clock: systemClock,
    log,
    operations,
    host,
    random: Math.random,
    newId: randomUUID,
    tower: (handlers: Parameters<typeof startTowerSession>[0]['handlers']) =>
      startTowerSession({
        transport: transport(tower),
        account: { name: tower.account, password: tower.password.reveal() },
        handlers,
        clock: systemClock,
        random: Math.random,
        fleet: config.fleet,
        version,
        hashes,
        log,
      }),
  }
}

function transport(tower: TowerConfig): TowerTransport {
  if (tower.transport === 'websocket') return websocketTransport({ url: tower.url })
  const { hostname, port } = new URL(tower.url)
  return telnetTransport({ host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? 23 : Number(port) })
}

function host(id: string, config: Config): Host {
  const declared = config.hosts.get(id)
  if (!declared || declared.kind === 'local') return createLocalHost(id)
  const { kind: _, id: _id, name: _name, ...access } = declared
  return createSshHost(id, access)
}

/** A file with faults changes nothing: the fleet that was is watched on. */
async function reload(file: string, watch: Watch | undefined, shell: Shell, log: Log): Promise<void> {
  try {
    const next = loadConfig(file, shell.env)
    await watch?.redeclare(next)
    log.info({ agents: next.agents.size, hosts: next.hosts.size }, 'fleet.yaml was read again')
  } catch (error) {
    const faults = error instanceof ConfigError ? error.faults.map(sayFault) : [String(error)]
    log.error({ faults, folder: dirname(file) }, 'fleet.yaml has faults: the last good one stays in force')
  }
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
