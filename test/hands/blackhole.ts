/** A road to a host on which packets can get lost: connections stay as they are, new ones come about, and nothing arrives. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface Road {
  address: string
  port: number
  /** From now on nothing gets through, in either direction. */
  swallow(): void
  /** What is on its way still arrives. */
  letThrough(): void
  close(): Promise<void>
}

export async function openRoad(to: { address: string; port: number }): Promise<Road> {
  const sockets = new Set<Socket>()
  let isSwallowing = false
  const server = createServer((near) => {
    const far = connect(to.port, to.address)
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('data', (chunk) => into.write(chunk))
      from.on('end', () => !isSwallowing && into.end())
      from.on('error', () => from.destroy())
      from.on('close', () => {
        sockets.delete(from)
        if (!isSwallowing) into.destroy()
      })
      if (isSwallowing) from.pause()
    }
  })
  server.listen(0, to.address)
  await once(server, 'listening')
  return {
    address: to.address,
    port: (server.address() as AddressInfo).port,
    swallow: () => {
      isSwallowing = true
      for (const socket of sockets) socket.pause()
    },
    letThrough: () => {
      isSwallowing = false
      for (const socket of sockets) socket.resume()
    },
    close: async () => {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}
