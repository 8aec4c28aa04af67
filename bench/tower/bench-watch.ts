/** The product's own session with the Tower, with a made-up fleet behind it instead of a watch. */
import { startTowerSession } from '../../src/adapters/tower/session.ts'
import { websocketTransport } from '../../src/adapters/tower/websocket.ts'
import type { Alert, HistoryPart } from '../../src/ports/tower.ts'
import type { TowerTransport } from '../../src/ports/tower-transport.ts'
import type { Player } from '../../test/support/player.ts'
import { realClock } from '../../test/support/real-clock.ts'
import { until } from '../../test/support/until.ts'
import { ask } from './ask.ts'
import type { Fleet } from './fleet.ts'
import { pause } from './pause.ts'
import type { Stage } from './stage.ts'

export interface BenchWatch {
  /** What it mirrors. Whoever changes an agent in it says so by `changed`. */
  readonly fleet: Fleet
  changed(agents: Iterable<string>): void
  /** Another fleet; resolves when all of it has bodies in the game. */
  show(fleet: Fleet): Promise<void>
  /** Goes out at once; it is repeated, as always, until the game has it. */
  alert(alert: Alert): void
  /** What the session has complained of, the last of it. */
  complaints(): string
  stop(): Promise<void>
}

interface Options {
  fleet: Fleet
  /** Given once; later questions for it stay without an answer. */
  history?: HistoryPart[]
  warden: Player
  signal: AbortSignal
  /** Told of each `tower_state` that goes out. */
  sent?: (states: number) => void
}

/** Resolves when the fleet has bodies in the game: they are made once in the life of a fleet. */
export async function startBenchWatch(stage: Stage, { fleet, history, warden, signal, sent = () => {} }: Options): Promise<BenchWatch> {
  const { account, password } = stage.game.accounts.bridge
  let complaints = ''
  const complain = (fields: object, text: string) => {
    complaints = `${complaints}\n${text} ${JSON.stringify(fields)}`.slice(-1_000)
  }
  let shown = fleet
  let untold = history
  const alerts = new Map<string, Alert>()
  const session = startTowerSession({
    transport: counting(websocketTransport({ url: stage.game.websocketUrl }), sent),
    account: { name: account, password },
    handlers: {
      fleet: () => shown,
      history: () => {
        const parts = untold
        untold = undefined
        return parts ? Promise.resolve(parts) : Promise.withResolvers<never>().promise
      },
      unacknowledged: (limit) => [...alerts.values()].slice(0, limit),
      acknowledged: (id) => void alerts.delete(id),
      request: () => {},
      refused: () => {},
    },
    clock: realClock,
    random: Math.random,
    fleet: 'bench',
    version: 'bench',
    hashes: stage.game.hashes,
    log: { debug: () => {}, info: () => {}, warn: complain, error: complain },
  })
  const haveBodies = async () => {
    const all = async () => {
      // Every question takes the game from its work.
      await pause(300, signal)
      return Number(await ask(warden, 'theirs/attributes.py', 'count()', /bodies: (\d+)/)) === shown.agents.length
    }
    await until(all, {
      withinMs: 300_000,
      what: () => `${shown.agents.length} agents to have a body; the session said:${complaints}`,
    })
  }
  try {
    await haveBodies()
  } catch (error) {
    await session.stop()
    throw error
  }
  return {
    get fleet() {
      return shown
    },
    changed: (agents) => session.changed({ agents, hosts: [] }),
    show: async (next) => {
      shown = next
      session.redeclare()
      await haveBodies()
    },
    alert: (alert) => {
      alerts.set(alert.id, alert)
      session.alertsWaiting()
    },
    complaints: () => complaints,
    stop: () => session.stop(),
  }
}

function counting(transport: TowerTransport, sent: (states: number) => void): TowerTransport {
  return {
    kind: transport.kind,
    connect: async (account, listener, bounds) => {
      const connection = await transport.connect(account, listener, bounds)
      return {
        get bufferedBytes() {
          return connection.bufferedBytes
        },
        close: () => connection.close(),
        send: (message) => {
          if (message.name === 'tower_state') sent(message.data.agents.length)
          connection.send(message)
        },
      }
    },
  }
}
