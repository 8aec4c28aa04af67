/** A bridge to the game's plugin with nothing of a watch behind it: the product's frames, as fast as one likes. */
import { randomUUID } from 'node:crypto'
import { decodeWebsocket, encodeWebsocket } from '../../src/adapters/tower/codec.ts'
import type { WatchMessage } from '../../src/protocol/messages.ts'
import { openRawClient } from './raw-client.ts'
import type { Stage } from './stage.ts'

export interface Link {
  /** Of the game's server: each frame names it. */
  boot: string
  readonly bufferedBytes: number
  send(message: WatchMessage): void
  /** The same frame, to an inputfunc that does nothing. */
  sendToNothing(message: WatchMessage): void
  /** Resolves when the game has worked through everything that was sent before. */
  settled(): Promise<void>
  close(): void
}

/** Evennia's own limit, MAX_COMMAND_RATE: what comes faster is dropped. A little below it, for it counts by its own seconds. */
const framesPerS = 75
export const frameEveryMs = 1_000 / framesPerS

/** Logs in over the websocket and says hello. Rejects where the plugin does not welcome it, or the signal fires. */
export async function openLink(stage: Stage, signal: AbortSignal): Promise<Link> {
  const client = await openRawClient(stage.game.websocketUrl, stage.game.accounts.bridge, { greeting: '"logged_in"', signal })
  /** Resolves with the boot in the answer. */
  const ask = async (question: Extract<WatchMessage, { name: 'tower_hello' | 'tower_ping' }>) => {
    const answer = client.hears(question.data.id, 60_000)
    client.send(encodeWebsocket(question))
    const { frame } = await answer
    const incoming = decodeWebsocket(Buffer.from(frame))
    if (incoming.kind !== 'message' || !('boot' in incoming.message.data))
      throw new Error(`the Tower answered ${question.name} with ${frame}`)
    return incoming.message.data.boot
  }
  try {
    const { protocol, operations } = stage.game.hashes
    const introduction = { watch: 'bench', fleet: 'bench', protocolHash: protocol, operationsHash: operations }
    const boot = await ask({ name: 'tower_hello', data: { v: 1, id: randomUUID(), ...introduction } })
    return {
      boot,
      get bufferedBytes() {
        return client.bufferedBytes
      },
      send: (message) => client.send(encodeWebsocket(message)),
      sendToNothing: (message) => client.send(encodeWebsocket(message).replace(/^\["\w+"/, '["bench_nothing"')),
      settled: async () => void (await ask({ name: 'tower_ping', data: { v: 1, id: randomUUID() } })),
      close: () => client.close(),
    }
  } catch (error) {
    client.close()
    throw error
  }
}
