/** The floor of the wire: the same frames, to a server that does nothing but parse them. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { WebSocket } from 'ws'
import { encodeWebsocket } from '../../src/adapters/tower/codec.ts'
import type { WatchMessage } from '../../src/protocol/messages.ts'
import { pause } from './pause.ts'

export interface BareServer {
  /** Sends all of them and resolves when the last is parsed. */
  send(messages: Iterable<WatchMessage>): Promise<void>
  stop(): Promise<void>
}

export async function startBareServer(signal: AbortSignal): Promise<BareServer> {
  const child = fork(join(import.meta.dirname, '..', 'bare-server-child.ts'))
  try {
    const socket = new WebSocket(`ws://127.0.0.1:${await portOf(child, signal)}`, { perMessageDeflate: false })
    await once(socket, 'open', { signal })
    return {
      send: async (messages) => {
        for (const message of messages) {
          socket.send(encodeWebsocket(message))
          while (socket.bufferedAmount > 512 * 1024) await pause(1, signal)
        }
        socket.send(encodeWebsocket({ name: 'tower_ping', data: { v: 1, id: 'last' } }))
        await once(socket, 'message', { signal })
      },
      stop: async () => {
        socket.terminate()
        await end(child)
      },
    }
  } catch (error) {
    await end(child)
    throw error
  }
}

async function portOf(child: ChildProcess, signal: AbortSignal): Promise<number> {
  const [said]: unknown[] = await once(child, 'message', { signal })
  if (typeof said === 'object' && said !== null && 'port' in said && typeof said.port === 'number') return said.port
  throw new Error('the bare server did not say its port')
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}
