/** A websocket server that does nothing with a frame but parse it, and answers pings: what any bridge is at most as fast as. */
import { WebSocketServer } from 'ws'

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
server.on('connection', (socket) => {
  socket.on('message', (data) => {
    const frame: unknown = JSON.parse(data.toString())
    if (Array.isArray(frame) && frame[0] === 'tower_ping') socket.send(JSON.stringify(['tower_pong', [], frame[2]]))
  })
})
server.on('listening', () => {
  const address = server.address()
  if (typeof address === 'object' && address !== null) process.send?.({ port: address.port })
})
// It must not outlive the benchmark.
process.on('disconnect', () => process.exit())
