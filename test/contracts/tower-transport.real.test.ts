/** Both transports against a real game with the plugin. */
import { type AddressInfo, createServer, type Server } from 'node:net'
import { afterAll, beforeAll } from 'vitest'
import { telnetTransport } from '../../src/adapters/tower/telnet.ts'
import { websocketTransport } from '../../src/adapters/tower/websocket.ts'
import { type Authority, makeAuthority, type TlsProxy, tlsProxy } from '../adapters/tower/certificates.ts'
import { startEvennia, type TestGame } from '../support/evennia.ts'
import { towerTransportContract } from './tower-transport.ts'
import { towerTransportLife } from './tower-transport-life.ts'

let game: TestGame
let silent: Server
let nobody: number
let authority: Authority
let proxy: TlsProxy
/** TLS in front of somebody who never says a word. */
let silentProxy: TlsProxy

beforeAll(async () => {
  game = await startEvennia()
  silent = await listening((socket) => socket.on('error', () => socket.destroy()))
  const gone = await listening(() => {})
  nobody = portOf(gone)
  await new Promise((resolve) => gone.close(resolve))
  authority = await makeAuthority()
  const certificate = await authority.issue('DNS:localhost,IP:127.0.0.1')
  proxy = await tlsProxy(certificate, game.ports.websocket)
  silentProxy = await tlsProxy(certificate, portOf(silent))
})

afterAll(async () => {
  proxy?.stop()
  silentProxy?.stop()
  authority?.remove()
  silent?.close()
  await game?.stop()
})

towerTransportContract('websocket', () => ({
  ...common(),
  transport: websocketTransport({ url: game.websocketUrl }),
  nowhere: websocketTransport({ url: `ws://127.0.0.1:${nobody}` }),
  silent: websocketTransport({ url: `ws://127.0.0.1:${portOf(silent)}` }),
}))

towerTransportContract('websocket over TLS', () => {
  const secure = (port: number) => websocketTransport({ url: `wss://localhost:${port}`, ca: authority.ca })
  return { ...common(), transport: secure(proxy.port), nowhere: secure(nobody), silent: secure(silentProxy.port) }
})

towerTransportContract('telnet', () => ({
  ...common(),
  transport: telnetTransport({ host: '127.0.0.1', port: game.ports.telnet }),
  nowhere: telnetTransport({ host: '127.0.0.1', port: nobody }),
  silent: telnetTransport({ host: '127.0.0.1', port: portOf(silent) }),
}))

towerTransportLife(() => ({
  game,
  transports: [websocketTransport({ url: game.websocketUrl }), telnetTransport({ host: '127.0.0.1', port: game.ports.telnet })],
}))

const common = () => ({
  account: { name: game.accounts.bridge.account, password: game.accounts.bridge.password },
  hashes: game.hashes,
})

function listening(serve: Parameters<typeof createServer>[1]): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(serve)
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve(server))
  })
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port
