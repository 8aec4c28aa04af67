/** Games that speak raw bytes, for clients that have to live through anything. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { telnetBytes } from '../../../src/adapters/tower/telnet-guard.ts'

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

/** IAC SB option … IAC SE, as it is: nothing is doubled. */
export const sub = (option: number, payload: string | Buffer): Buffer =>
  Buffer.concat([Buffer.of(IAC, SB, option), Buffer.from(payload), Buffer.of(IAC, SE)])

/** A sound message of the Tower over GMCP. */
export const pong: Buffer = sub(GMCP, 'Tower.Pong {"v":1,"id":"p","boot":"b"}')
