/** A Tower that is there for one purpose: to take alerts over a real websocket, as Evennia with the plugin does. */
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import type { WatchMessage, WatchMessages } from '../../src/protocol/messages.ts'
import { watchMessages } from '../../src/protocol/messages.ts'

export interface WebsocketTower {
  readonly url: string
  /** Texts in the order in which players heard them; an id that comes again is not said again. */
  readonly said: string[]
  /** The same alerts, as they came. */
  readonly alerts: WatchMessages['tower_alert'][]
  /** Of alerts that came, each time: those above that came again are told twice by the watch, and once by the Tower. */
  readonly cameIds: string[]
  readonly logins: string[]
  /** When a ping of the watch came, by `performance.now()`. */
  readonly pingedMs: number[]
  /** Calls back with each alert that is said. */
  onAlert(listener: (alert: WatchMessages['tower_alert']) => void): () => void
  stop(): Promise<void>
}

export async function websocketTower(password: string): Promise<WebsocketTower> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await new Promise<void>((resolve) => server.once('listening', resolve))
  const ids = new Set<string>()
  const listeners = new Set<(alert: WatchMessages['tower_alert']) => void>()
  const tower: WebsocketTower = {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    said: [],
    alerts: [],
    cameIds: [],
    logins: [],
    pingedMs: [],
    onAlert: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    stop: () => {
      for (const client of server.clients) client.terminate()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
  server.on('connection', (socket) => {
    const send = (name: string, data: object) => socket.send(JSON.stringify([name, [], data]))
    socket.send(JSON.stringify(['text', ['Welcome to the Tower.'], {}]))
    socket.on('message', (frame) => {
      const [name, , data] = JSON.parse(String(frame))
      if (name === 'login') {
        const isRight = data.password === password
        tower.logins.push(`${data.name} ${isRight ? 'came in' : 'was refused'}`)
        if (isRight) send('logged_in', {})
        else socket.send(JSON.stringify(['text', ['Username and/or password is incorrect.'], {}]))
      } else take({ name, data } as WatchMessage, send)
    })
  })
  return tower

  function take(message: WatchMessage, send: (name: string, data: object) => void): void {
    const parsed = watchMessages[message.name].safeParse(message.data)
    if (!parsed.success) send('tower_error', { v: 1, code: 'invalid', text: `${message.name}: ${parsed.error.message.slice(0, 200)}` })
    else if (message.name === 'tower_hello') {
      const { id, protocolHash, operationsHash } = message.data
      send('tower_welcome', { v: 1, id, boot: 'b', plugin: '0.1.0', game: 'Test', protocolHash, operationsHash })
    } else if (message.name === 'tower_alert') {
      const isNew = !ids.has(message.data.id)
      ids.add(message.data.id)
      tower.cameIds.push(message.data.id)
      if (isNew) tower.said.push(message.data.text)
      if (isNew) tower.alerts.push(message.data)
      send('tower_ack', { v: 1, id: message.data.id, ok: true })
      if (isNew) for (const listener of listeners) listener(message.data)
    } else if (message.name === 'tower_snapshot') send('tower_ack', { v: 1, id: message.data.id, ok: true })
    else if (message.name === 'tower_ping') {
      tower.pingedMs.push(performance.now())
      send('tower_pong', { v: 1, id: message.data.id, boot: 'b' })
    }
  }
}
