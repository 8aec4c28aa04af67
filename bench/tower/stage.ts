/**
 * What `tower` is measured on: a real Evennia with the plugin and the demo's fleet beside it, in folders and on ports of
 * its own. The fleet can be ended on its own, which sets the bridge's account free for the measuring of the wire.
 */
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DemoInfo } from '../../src/demo/info.ts'
import { readRecords } from '../../src/demo/records.ts'
import { type DemoParts, startDemo } from '../../src/demo/stage.ts'
import { startEvennia, type TestGame } from '../../test/support/evennia.ts'
import { type Player, playerAt } from '../../test/support/player.ts'
import type { BenchmarkContext } from '../benchmark.ts'

/**
 * All that an admin may set: a crowd may come in at once, its passwords cost nothing to check; one more module of inputfuncs
 * and one more page to compare with. The limit of frames a second stays as it is.
 */
const settings = `
import sys

sys.path.append(${JSON.stringify(join(import.meta.dirname, 'game'))})
INPUT_FUNC_MODULES = ["evennia.server.inputfuncs", "evennia_towerwatch.inputfuncs", "bench_inputfuncs"]
ROOT_URLCONF = "bench_urls"
MAX_CONNECTION_RATE = 1000
PASSWORD_HASHERS = [f"django.contrib.auth.hashers.{name}PasswordHasher" for name in ("MD5", "PBKDF2")]
`

export interface Stage {
  game: TestGame
  /** A folder for whoever needs one; it goes with the stage. */
  folder: string
  info(): DemoInfo
  agent(id: string): DemoInfo['agents'][number]
  watchPid(): number
  /** The ledger of the watch. */
  ledgerFile: string
  /** Logs a player in; `close` sees it out. */
  enter(who: keyof TestGame['accounts']): Promise<Player>
  /** Ends the watch, the agents and their hosts. The game stays. */
  endFleet(): Promise<void>
  close(): Promise<void>
}

/** Rejects, with nothing left running, where it can't open or the signal fires. */
export async function openStage({ root, say, signal }: BenchmarkContext): Promise<Stage> {
  await using opening = new AsyncDisposableStack()
  const game = await startEvennia({ settings })
  opening.defer(() => game.stop())
  signal.throwIfAborted()
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'tw-bench-')))
  opening.defer(() => rmSync(folder, { recursive: true, force: true }))
  const secret = join(folder, 'bridge')
  writeFileSync(secret, game.accounts.bridge.password, { mode: 0o600 })

  const demo = await startDemo({ root, varDir: folder, print: say, signal }, demoParts(root, game, secret))
  if (demo === 'aborted') throw signal.reason
  opening.defer(() => demo.stop())
  const players: Player[] = []
  opening.defer(() => {
    for (const player of players) player.close()
  })
  const all = opening.move()
  return {
    game,
    folder,
    info: demo.info,
    agent: (id) => {
      const found = demo.info().agents.find((each) => each.id === id)
      if (!found) throw new Error(`there is no agent ${id} in info.json`)
      return found
    },
    watchPid: () => {
      const read = readRecords(join(folder, 'demo', 'processes.json'))
      const pid = read.kind === 'records' ? read.records.processes['watch']?.pid : undefined
      if (pid === undefined) throw new Error('there is no watch in processes.json')
      return pid
    },
    ledgerFile: join(folder, 'demo', 'state', 'ledger.sqlite'),
    enter: async (who) => {
      const player = await playerAt(game.ports.telnet, game.accounts[who])
      players.push(player)
      return player
    },
    endFleet: () => demo.stop(),
    close: () => all.disposeAsync(),
  }
}

function demoParts(root: string, game: TestGame, passwordFile: string): DemoParts {
  const place = {
    telnet: { host: '127.0.0.1', port: game.ports.telnet },
    web: { url: `http://127.0.0.1:${game.ports.web}` },
    websocket: { url: game.websocketUrl },
    bridge: { account: game.accounts.bridge.account, passwordFile },
    player: game.accounts.player,
    visitor: game.accounts.visitor,
    channel: 'Fleet',
  }
  return {
    // The game is the stage's, and outlives the fleet.
    startTower: async () => ({ place, stop: async () => {} }),
    watchCommand: (fleet) => [process.execPath, join(root, 'bin', 'towerwatch.js'), 'run', '--config', fleet],
    watchReadyWithinMs: 60_000,
    hostReturnMs: 6_000,
    now: () => new Date(),
  }
}
