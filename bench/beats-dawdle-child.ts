/**
 * Connections that dawdle: each begins a request and sends one byte of it every now and then. Told `{port, connections}`, it
 * answers `{dawdling}` when all are open, and `{cutMs}` when the server has cut the last: how long that one was open.
 */
import { once } from 'node:events'
import { connect } from 'node:net'

const byteEveryMs = 500

async function dawdle(port: number, connections: number): Promise<void> {
  const cuts: Promise<number>[] = []
  for (let index = 0; index < connections; index++) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    const fromMs = performance.now()
    socket.write('POST /beat/agent-1 HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: ')
    const dripping = setInterval(() => socket.write('x'), byteEveryMs)
    // Without somebody who reads, the end would never be seen.
    socket.resume()
    cuts.push(
      new Promise((resolve) => {
        socket.on('close', () => {
          clearInterval(dripping)
          resolve(performance.now() - fromMs)
        })
      }),
    )
  }
  process.send?.({ dawdling: connections })
  process.send?.({ cutMs: Math.max(...(await Promise.all(cuts))) })
}

process.on('message', ({ port, connections }: { port: number; connections: number }) => void dawdle(port, connections))
process.on('disconnect', () => process.exit())
