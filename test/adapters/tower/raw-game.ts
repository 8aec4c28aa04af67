/** Games that speak raw bytes, for clients that have to live through anything. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type GuardedTelnet, openGuardedTelnet, telnetBytes } from '../../../src/adapters/tower/telnet-guard.ts'

const { IAC, SB, SE, GMCP } = telnetBytes

export interface RawGame {
  port: number
  /** Cuts every connection and listens no more. */
  stop(): void
}

/** `serve` gets each connection; what goes wrong with it ends it quietly. */
export async function rawGame(serve: (socket: Socket) => void): Promise<RawGame> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

export interface ReadingGame extends RawGame {
  /** All that came. */
  received(): Buffer
  /** The connection, once there is one. */
  socket(): Socket | undefined
}

/** One that reads what its client sends; the others leave it where it is, unless `serve` reads. */
export async function readingGame(serve: (socket: Socket) => void): Promise<ReadingGame> {
  const received: Buffer[] = []
  let opened: Socket | undefined
  const game = await rawGame((socket) => {
    opened = socket
    socket.on('data', (chunk) => received.push(chunk))
    serve(socket)
  })
  return { ...game, received: () => Buffer.concat(received), socket: () => opened }
}

export interface GuardedClient {
  telnet: GuardedTelnet
  told: { enabled: number; gmcp: string[]; text: string[]; ended: string[] }
}

/** A guarded client in this process, and what it told. Whoever opens it ends it. */
export function guardedClient(port: number): GuardedClient {
  const told: GuardedClient['told'] = { enabled: 0, gmcp: [], text: [], ended: [] }
  const telnet = openGuardedTelnet(
    { host: '127.0.0.1', port },
    {
      enabled: () => void told.enabled++,
      gmcp: (payload) => void told.gmcp.push(Buffer.from(payload).toString()),
      text: (bytes) => void told.text.push(Buffer.from(bytes).toString()),
      ended: (reason) => void told.ended.push(reason),
    },
  )
  return { telnet, told }
}

/** IAC SB option … IAC SE, as it is: nothing is doubled. */
export const sub = (option: number, payload: string | Buffer): Buffer =>
  Buffer.concat([Buffer.of(IAC, SB, option), Buffer.from(payload), Buffer.of(IAC, SE)])

/** A sound message of the Tower over GMCP. */
export const pong: Buffer = sub(GMCP, 'Tower.Pong {"v":1,"id":"p","boot":"b"}')
