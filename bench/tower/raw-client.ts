/** A bare websocket client of an Evennia game, of which a hundred cost next to nothing: it reads only what somebody asked for. */
import { once } from 'node:events'
import { WebSocket } from 'ws'
import type { GameAccount } from '../../test/support/evennia.ts'

export interface RawClient {
  readonly bufferedBytes: number
  /** A frame as it goes over the wire. Throws where the connection has ended. */
  send(frame: string): void
  /** A line, as a player types it. */
  type(line: string): void
  /** The first frame with this in it, and when it came by `performance.now()`. Ask before it can come. */
  hears(text: string, withinMs?: number): Promise<Heard>
  close(): void
}

interface Heard {
  atMs: number
  frame: string
}

/** Connects and logs in. Rejects where the game says nothing that has `greeting` in it then, or the signal fires. */
export async function openRawClient(
  url: string,
  { account, password }: GameAccount,
  { greeting, signal }: { greeting: string; signal: AbortSignal },
): Promise<RawClient> {
  const socket = new WebSocket(url, { perMessageDeflate: false })
  const waiting = new Set<{ bytes: Buffer; heard(how: Heard): void }>()
  socket.on('message', (data: Buffer) => {
    const atMs = performance.now()
    for (const one of waiting) if (data.includes(one.bytes)) one.heard({ atMs, frame: data.toString() })
  })
  let ended: string | undefined
  socket.on('error', (error) => (ended ??= error.message))
  socket.on('close', (code, reason) => (ended ??= `closed by the game (${code} ${reason})`))
  const send = (frame: string) => {
    if (ended !== undefined) throw new Error(`the connection of ${account} has ended: ${ended}`)
    socket.send(frame)
  }
  const client: RawClient = {
    get bufferedBytes() {
      return socket.bufferedAmount
    },
    send,
    type: (line) => send(JSON.stringify(['text', [line], {}])),
    hears: (text, withinMs = 20_000) => {
      const { promise, resolve, reject } = Promise.withResolvers<Heard>()
      const one = { bytes: Buffer.from(text), heard: resolve }
      waiting.add(one)
      const late = () => reject(new Error(`${account} did not hear "${text}" within ${withinMs} ms (${ended ?? 'still connected'})`))
      const timer = setTimeout(late, withinMs)
      return promise.finally(() => {
        clearTimeout(timer)
        waiting.delete(one)
      })
    },
    close: () => socket.terminate(),
  }
  signal.addEventListener('abort', client.close, { once: true })
  try {
    const welcomed = client.hears('"text"')
    await Promise.all([once(socket, 'open', { signal }), welcomed])
    const greeted = client.hears(greeting)
    send(JSON.stringify(['login', [], { name: account, password }]))
    await greeted
    return client
  } catch (error) {
    client.close()
    throw error
  }
}
