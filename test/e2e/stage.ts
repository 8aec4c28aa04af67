/**
 * The whole product on a stage of its own: a real Evennia with the plugin, the demo's six workers in real tmux panes,
 * three real sshd, and the real watch as a child process. A test acts as a player at a telnet client, or kills things.
 */
import { execFile } from 'node:child_process'
import { appendFileSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLedger } from '../../src/adapters/ledger/sqlite.ts'
import type { DemoInfo } from '../../src/demo/info.ts'
import { readRecords } from '../../src/demo/records.ts'
import { startDemo } from '../../src/demo/stage.ts'
import type { Ledger } from '../../src/ports/ledger.ts'
import { startEvennia, type TestGame } from '../support/evennia.ts'
import { type Player, playerAt } from '../support/player.ts'
import { until } from '../support/until.ts'

const root = join(import.meta.dirname, '..', '..')

/** A host whose sshd was killed comes back after so long: not before a watch on a busy machine has tried to reach it twice. */
const hostReturnMs = 10_000

export interface Stage {
  game: TestGame
  info(): DemoInfo
  agent(id: string): DemoInfo['agents'][number]
  /** The operator, who may act. */
  keeper(): Promise<Player>
  /** May look, and nothing more. */
  visitor(): Promise<Player>
  /** Account #1 of the game, to which every lock is open. */
  superuser(): Promise<Player>
  /** Asks in the shell, as `towerwatch ...args`; with what it printed. */
  shell(...args: string[]): Promise<{ code: number; out: string }>
  /** Process id of the watch that runs now. */
  watchPid(): number
  /** Looks into the ledger of the running watch. */
  ledger<T>(look: (ledger: Ledger) => T): T
  /** What the demo printed. */
  printed: string[]
  close(): Promise<void>
}

export interface StageOptions {
  transport?: 'websocket' | 'telnet'
  /** Put at the end of the fleet.yaml. */
  moreConfig?: string
  /** What stands in fleet.yaml instead of what: each `from` must be there, and all of its places are changed. */
  changes?: readonly { from: string; to: string }[]
}

export async function openStage({ transport = 'websocket', moreConfig = '', changes = [] }: StageOptions = {}): Promise<Stage> {
  const game = await startEvennia()
  const varDir = realpathSync(mkdtempSync(join(tmpdir(), 'tw-e2e-')))
  const secret = join(varDir, 'bridge')
  writeFileSync(secret, game.accounts.bridge.password, { mode: 0o600 })
  const printed: string[] = []
  const players: Player[] = []
  const demo = await startDemo(
    { root, varDir, print: (text) => printed.push(text), signal: new AbortController().signal },
    {
      startTower: async () => ({
        place: {
          telnet: { host: '127.0.0.1', port: game.ports.telnet },
          web: { url: `http://127.0.0.1:${game.ports.web}` },
          websocket: { url: game.websocketUrl },
          bridge: { account: game.accounts.bridge.account, passwordFile: secret },
          player: game.accounts.player,
          visitor: game.accounts.visitor,
          channel: 'Fleet',
        },
        stop: () => game.stop(),
      }),
      watchCommand: (fleet) => {
        if (transport === 'telnet') useTelnet(fleet, game)
        for (const change of changes) replaceIn(fleet, change)
        appendFileSync(fleet, moreConfig)
        return [process.execPath, join(root, 'src', 'cli.ts'), 'run', '--config', fleet]
      },
      watchReadyWithinMs: 60_000,
      hostReturnMs,
      now: () => new Date(),
    },
  )
  if (demo === 'aborted') throw new Error(`The stage did not open:\n${printed.join('\n')}`)

  const login = async (account: TestGame['accounts']['player']) => {
    const player = await playerAt(game.ports.telnet, account)
    players.push(player)
    return player
  }
  const agent = (id: string) => {
    const found = demo.info().agents.find((each) => each.id === id)
    if (!found) throw new Error(`no agent ${id} in info.json`)
    return found
  }
  const stage: Stage = {
    game,
    info: demo.info,
    agent,
    keeper: () => login(game.accounts.player),
    visitor: () => login(game.accounts.visitor),
    superuser: () => login(game.accounts.superuser),
    shell: (...args) => {
      const command = [join(root, 'src', 'cli.ts'), ...args, '--config', join(varDir, 'demo', 'fleet.yaml')]
      return new Promise((resolve) => {
        execFile(process.execPath, command, (error, out, err) => resolve({ code: Number(error?.code ?? 0), out: out + err }))
      })
    },
    watchPid: () => {
      const read = readRecords(join(varDir, 'demo', 'processes.json'))
      const pid = read.kind === 'records' ? read.records.processes['watch']?.pid : undefined
      if (pid === undefined) throw new Error('no watch in processes.json')
      return pid
    },
    ledger: (look) => {
      const ledger = openLedger(join(varDir, 'demo', 'state', 'ledger.sqlite'), 'read')
      try {
        return look(ledger)
      } finally {
        void ledger.close()
      }
    },
    printed,
    close: async () => {
      for (const player of players) player.close()
      await demo.stop()
      await game.stop()
      rmSync(varDir, { recursive: true, force: true })
    },
  }
  try {
    await allAreShown(game, demo.info().agents.length)
    return stage
  } catch (error) {
    await stage.close()
    throw error
  }
}

/** The watch is ready up to a second before the game shows who was seen last, and a test may look only once. */
async function allAreShown(game: TestGame, count: number): Promise<void> {
  const visitor = await playerAt(game.ports.telnet, game.accounts.visitor)
  let told = ''
  const isShown = async () => {
    visitor.send('fleet')
    told = await visitor.hears(/^\d+ agents: /)
    return told === `${count} agents: ${count} up.`
  }
  try {
    await until(isShown, { withinMs: 30_000, what: () => `everybody to be shown as up, and not "${told}"` })
  } finally {
    visitor.close()
  }
}

function useTelnet(fleet: string, game: TestGame): void {
  replaceIn(fleet, { from: 'transport: websocket', to: 'transport: telnet' })
  replaceIn(fleet, { from: game.websocketUrl, to: `telnet://127.0.0.1:${game.ports.telnet}` })
}

function replaceIn(fleet: string, { from, to }: { from: string; to: string }): void {
  const text = readFileSync(fleet, 'utf8')
  if (!text.includes(from)) throw new Error(`"${from}" stands in fleet.yaml no more: the stage can't put "${to}" there`)
  writeFileSync(fleet, text.replaceAll(from, to), { mode: 0o600 })
}

/** Waits until the agent's worker is another process than `pid`, and info.json says so. */
export async function reborn(stage: Stage, id: string, pid: number): Promise<void> {
  await until(() => stage.agent(id).pid !== pid, { withinMs: 20_000, what: `${id} to run as another process than ${pid}` })
}
