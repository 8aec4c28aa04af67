/** The product's own end of the wire to the game's plugin, with nothing of a watch behind it. */
import { randomUUID } from 'node:crypto'
import { websocketTransport } from '../../src/adapters/tower/websocket.ts'
import type { TowerAccount, TowerConnection } from '../../src/ports/tower-transport.ts'
import type { AgentView, TowerMessage, WatchMessage } from '../../src/protocol/messages.ts'
import type { Stage } from './stage.ts'

export interface Link {
  connection: TowerConnection
  /** Of the game's server: each frame names it. */
  boot: string
  /** Resolves when the plugin has worked through everything that was sent before. */
  settled(): Promise<void>
}

export const fleetSize = 1_000
/** Evennia's own limit, MAX_COMMAND_RATE: what comes faster is dropped. A little below it, for it counts by its own seconds. */
const framesPerS = 75
export const frameEveryMs = 1_000 / framesPerS

/** Logs in over the websocket and says hello. Rejects where the plugin does not welcome it, or the signal fires. */
export async function openLink(stage: Stage, signal: AbortSignal): Promise<Link> {
  /** Answers under way, by the id of what they answer. */
  const waiting = new Map<string, PromiseWithResolvers<string>>()
  let trouble: Error | undefined
  const fail = (error: Error) => {
    trouble ??= error
    for (const { reject } of waiting.values()) reject(trouble)
    waiting.clear()
  }
  const message = ({ name, data }: TowerMessage) => {
    if (name === 'tower_welcome' || name === 'tower_pong') {
      waiting.get(data.id)?.resolve(data.boot)
      waiting.delete(data.id)
    }
    if (name === 'tower_error') fail(new Error(`the Tower answered with an error: ${data.code}: ${data.text}`))
  }
  const connection = await websocketTransport({ url: stage.game.websocketUrl }).connect(
    bridgeOf(stage),
    {
      message,
      malformed: (text) => fail(new Error(`the Tower sent something that is no message: ${text}`)),
      closed: (reason) => fail(new Error(`the connection to the Tower ended: ${reason}`)),
    },
    { timeoutMs: 20_000, signal },
  )
  signal.addEventListener('abort', () => connection.close(), { once: true })
  /** Sends a message and resolves with the boot in its answer. */
  const ask = (question: Extract<WatchMessage, { name: 'tower_hello' | 'tower_ping' }>) => {
    if (trouble) throw trouble
    const answer = Promise.withResolvers<string>()
    waiting.set(question.data.id, answer)
    connection.send(question)
    return answer.promise
  }
  const { protocol, operations } = stage.game.hashes
  const introduction = { watch: 'bench', fleet: 'bench', protocolHash: protocol, operationsHash: operations }
  const boot = await ask({ name: 'tower_hello', data: { v: 1, id: randomUUID(), ...introduction } })
  return {
    connection,
    boot,
    settled: async () => void (await ask({ name: 'tower_ping', data: { v: 1, id: randomUUID() } })),
  }
}

export function bridgeOf(stage: Stage): TowerAccount {
  const { account, password } = stage.game.accounts.bridge
  return { name: account, password }
}

/** A fleet as the watch would mirror it, with all that an agent may have; `doing` tells one round from the other. */
export function fleet(doing: string): AgentView[] {
  return Array.from({ length: fleetSize }, (_, index) => ({
    id: `bench-${index}`,
    name: `Bench ${index}`,
    host: `rack-${index % 4}`,
    state: 'up' as const,
    forMs: 86_400_000 + index,
    beatAgeMs: 700 + index,
    periodMs: 30_000,
    graceMs: 60_000,
    doing: `${doing}: rebasing the-nexus#${index}`,
    busy: index % 3 !== 0,
    model: 'hermes-4-70b',
    place: `pane fleet:bench-${index}`,
    policy: 'auto' as const,
    incident: { number: index + 1, cause: 'no heartbeat', openedAt: 1_795_000_000_000, durationMs: 42_000 },
  }))
}

export const hosts = [0, 1, 2, 3].map((index) => ({ id: `rack-${index}`, name: `Rack ${index}`, state: 'up' as const, forMs: 86_400_000 }))

export function stateFrame(boot: string, seq: number, agents: AgentView[]): WatchMessage {
  return { name: 'tower_state', data: { v: 1, boot, seq, hosts: [], agents } }
}
