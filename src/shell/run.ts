import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pino } from 'pino'
import { openClock } from '../adapters/clock.ts'
import { AlreadyRunningError, startControlServer } from '../adapters/control/server.ts'
import { socketPath } from '../adapters/control/socket-path.ts'
import { startBundledTower } from '../adapters/game/bundled-tower.ts'
import { webhookSink } from '../adapters/http/webhook.ts'
import { openLedger } from '../adapters/ledger/sqlite.ts'
import { thisMachine } from '../adapters/own-beat/machine.ts'
import { httpBeatSource } from '../adapters/push/server.ts'
import { commandSink } from '../adapters/sinks/command.ts'
import { startTowerSession } from '../adapters/tower/session.ts'
import { startWatch, type Watch, type WatchPorts } from '../app.ts'
import { type Config, Secret, type SinkConfig, type TowerConfig } from '../config/config.ts'
import { ConfigError, loadConfig, sayFault } from '../config/load.ts'
import { declarations, operations } from '../operations/registry.ts'
import type { WatchClock } from '../ports/clock.ts'
import { type Ledger, LedgerError } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import type { Sink } from '../ports/sink.ts'
import { printedHash, printOperations, printProtocol } from '../protocol/print.ts'
import { version } from '../version.ts'
import { hostOf } from './hosts.ts'
import { logLines } from './log-lines.ts'
import { startOwnLife } from './own-life.ts'
import { exitCode, readConfig, type Shell, ShellError } from './shell.ts'
import { towerTransport } from './tower-transport.ts'

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
    const machine = thisMachine()
    let watch: Watch | undefined
    // Before the ledger: the socket is what keeps a second watch away from it.
    const control = await startControlServer(
      socketPath(config.stateDir),
      async (request, progress, away) => {
        if (!watch) return { status: 'refused', lines: ['The watch is still starting: ask again in a moment.'] }
        const { id, name, from } = request.user
        const actor = { kind: 'shell' as const, id, name, ...(from !== undefined && { from }) }
        const { operation, arguments: args, screen } = request
        return watch.desk.request({ operation, arguments: args, actor, via: 'shell', away, ...(screen && { screen }) }, progress)
      },
      (tell) => watch?.record(tell),
    )
    stops.unshift(control.stop)
    const life = startOwnLife(config, machine, log)
    // Whoever was asked to stop does so in order, and is left so; whoever fails is missed.
    stops.unshift(() => life.stop(shell.signal.aborted ? 'in-order' : 'failed'))
    const tower = await theTower(config, options, stops, log, shell.signal)
    const ledger: Ledger = openLedger(join(config.stateDir, 'ledger.sqlite'))
    const clock = openClock(machine, ledger.looking())
    watch = startWatch(config, watchPorts(config, tower, ledger, clock, log))
    stops.unshift(watch.stop)
    life.watches(watch)
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

function watchPorts(config: Config, tower: TowerConfig, ledger: Ledger, clock: WatchClock, log: Log): WatchPorts {
  const hashes = { protocol: printedHash(printProtocol()), operations: printedHash(printOperations(declarations())) }
  return {
    ledger,
    clock,
    log,
    operations,
    host: hostOf,
    random: Math.random,
    newId: () => randomUUID(),
    ...(config.push && { beats: httpBeatSource({ listen: config.push, clock, log }) }),
    sink,
    tower: (handlers: Parameters<typeof startTowerSession>[0]['handlers']) =>
      startTowerSession({
        transport: towerTransport(tower),
        account: { name: tower.account, password: tower.password.reveal() },
        handlers,
        clock,
        random: Math.random,
        fleet: config.fleet,
        version,
        hashes,
        log,
      }),
  }
}

/** How long a sink may take with one alert. */
const sinkMs = 30_000

function sink(config: SinkConfig): Sink {
  if (config.kind === 'command') return commandSink({ run: config.run, timeoutMs: sinkMs, killAfterMs: 2_000 })
  return webhookSink({ url: config.url.reveal(), timeoutMs: sinkMs, ...(config.token && { token: config.token.reveal() }) })
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
