/**
 * A real Evennia that is told of made-up fleets by the watch's own session, for what is to be seen of them: pages, the pane
 * of the web client. No agent lives behind them.
 */
import { startTowerSession } from '../../src/adapters/tower/session.ts'
import { websocketTransport } from '../../src/adapters/tower/websocket.ts'
import type { Alert, HistoryPart, Tower } from '../../src/ports/tower.ts'
import { startEvennia, type TestGame } from '../support/evennia.ts'
import { realClock } from '../support/real-clock.ts'
import type { Scene } from '../support/scenes.ts'
import { until } from '../support/until.ts'

export interface Show {
  game: TestGame
  /** A watch comes that knows this fleet; one that was there before goes. Resolves when the game knows it, too. */
  show(scene: Scene): Promise<void>
  /** Changes what is known and tells the game of it. */
  change(change: (scene: Scene) => Scene): void
  /** Says it aloud. */
  tell(alert: Omit<Alert, 'at'>): void
  /** The watch goes. */
  leave(): Promise<void>
  close(): Promise<void>
}

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

export async function openShow(): Promise<Show> {
  const game = await startEvennia()
  let session: Tower | undefined
  let scene: Scene = { hosts: [], agents: [] }
  const outbox = new Map<string, Alert>()

  const leave = async () => {
    await session?.stop()
    session = undefined
  }
  return {
    game,
    show: async (shown) => {
      await leave()
      scene = shown
      let isHistoryWanted = false
      const begun = startTowerSession({
        transport: websocketTransport({ url: game.websocketUrl }),
        account: { name: game.accounts.bridge.account, password: game.accounts.bridge.password },
        handlers: {
          fleet: () => scene,
          history: () => {
            isHistoryWanted = true
            return scene.history ? Promise.resolve(scene.history) : Promise.withResolvers<HistoryPart[]>().promise
          },
          unacknowledged: (limit) => [...outbox.values()].slice(0, limit),
          acknowledged: (id) => void outbox.delete(id),
          request: ({ id, operation, actor }, answer) => answer({ id, operation, actor, status: 'ok', lines: [`${operation}: seen`] }),
          refused: () => {},
        },
        clock: realClock,
        random: Math.random,
        fleet: 'timmy-and-friends',
        version: '0.1.0',
        hashes: game.hashes,
        log: quiet,
      })
      session = begun
      await until(() => isHistoryWanted && begun.link().state.kind === 'connected', {
        withinMs: 40_000,
        what: () => `the game to welcome the watch, which is ${JSON.stringify(begun.link().state)}`,
      })
    },
    change: (change) => {
      scene = change(scene)
      session?.changed({ agents: scene.agents.map(({ id }) => id), hosts: scene.hosts.map(({ id }) => id) })
    },
    tell: (alert) => {
      outbox.set(alert.id, { ...alert, at: Date.now() })
      session?.alertsWaiting()
    },
    leave,
    close: async () => {
      await leave()
      await game.stop()
    },
  }
}
