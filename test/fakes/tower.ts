/**
 * A Tower in memory that behaves like the plugin behind a stock Evennia: the portal holds connections while the server is
 * away and loses what is sent to it then; a fresh server has a fresh boot id; alerts are said once and remembered.
 * It passes test/contracts/tower-transport.ts as the real transports do.
 */
import type { Clock } from '../../src/ports/clock.ts'
import {
  type TowerAccount,
  TowerConnectError,
  type TowerConnection,
  type TowerListener,
  type TowerTransport,
} from '../../src/ports/tower-transport.ts'
import type { AgentView, TowerMessage, TowerMessages, WatchMessage, WatchMessageName, WatchMessages } from '../../src/protocol/messages.ts'
import { watchMessages } from '../../src/protocol/messages.ts'

export interface FakeTowerOptions {
  clock: Clock
  account: TowerAccount
  hashes: { protocol: string; operations: string }
  /** One way. */
  latencyMs?: number
  /** A word in each welcome. */
  note?: string
}

export interface FakeTower {
  readonly transport: TowerTransport
  /** Everything that reached the portal, also what the server lost. `at` by the clock. */
  readonly arrived: { at: number; message: WatchMessage; lost: boolean }[]
  /** Texts of alerts, in the order in which players heard them. */
  readonly said: string[]
  /** The same alerts, whole. */
  readonly alerts: WatchMessages['tower_alert'][]
  /** The fleet as the Tower knows it. */
  readonly agents: Map<string, AgentView>
  readonly results: WatchMessages['tower_result'][]
  readonly logins: { at: number; accepted: boolean }[]
  connections(): number
  /** The server goes away; the portal keeps the connections. What players were told survives. */
  serverDown(): void
  serverUp(): void
  /** The portal goes away with every connection, as `evennia stop` does: close code 1000 and no reason. */
  portalDown(): void
  portalUp(): void
  /** Loses the next frames for which this is true, silently. */
  loseWhen(condition: (message: WatchMessage) => boolean): void
  /** Answers acks of these with ok false while true. */
  refuseWhen(condition: (message: WatchMessage) => boolean): void
  /** From the Tower to every connection. */
  send(message: TowerMessage): void
  update(change: { hashes?: { protocol: string; operations: string }; password?: string }): void
  kick(reason: string): void
  /** Of one kind, of those that arrived. */
  got<Name extends WatchMessageName>(name: Name): WatchMessages[Name][]
}

interface Link {
  listener: TowerListener
  open: boolean
  greeted: boolean
}

export function fakeTower(options: FakeTowerOptions): FakeTower {
  const { clock } = options
  const latency = options.latencyMs ?? 1
  const links = new Set<Link>()
  const arrived: FakeTower['arrived'] = []
  const said: string[] = []
  const alerts: FakeTower['alerts'] = []
  const saidIds = new Set<string>()
  const agents = new Map<string, AgentView>()
  const results: WatchMessages['tower_result'][] = []
  const logins: FakeTower['logins'] = []
  let password = options.account.password
  let hashes = options.hashes
  let portal = true
  let server = true
  let bootNumber = 1
  let parts = new Map<number, WatchMessages['tower_snapshot']>()
  let lose = (_message: WatchMessage): boolean => false
  let refuse = (_message: WatchMessage): boolean => false

  const boot = () => `boot-${bootNumber}`

  const toWatch = (link: Link, message: TowerMessage) => {
    clock.after(latency, () => {
      if (link.open) link.listener.message(message)
    })
  }
  const ack = (link: Link, message: WatchMessage, id: string) => {
    const data: TowerMessages['tower_ack'] = refuse(message)
      ? { v: 1, id, ok: false, error: 'the fake was told to refuse' }
      : { v: 1, id, ok: true }
    toWatch(link, { name: 'tower_ack', data })
    return data.ok
  }
  const complain = (link: Link, code: TowerMessages['tower_error']['code'], text: string, id?: string) =>
    toWatch(link, { name: 'tower_error', data: { v: 1, code, text, ...(id === undefined ? {} : { id }) } })

  const take = (link: Link, message: WatchMessage) => {
    const lost = !server || lose(message)
    arrived.push({ at: clock.now(), message, lost })
    if (lost) return
    if (!watchMessages[message.name].safeParse(message.data).success) return complain(link, 'invalid', `${message.name} is not valid`)
    switch (message.name) {
      case 'tower_hello': {
        const { id, v } = message.data
        if (v !== 1) return complain(link, 'version', 'The plugin speaks protocol 1.', id)
        link.greeted = true
        return toWatch(link, {
          name: 'tower_welcome',
          data: {
            v: 1,
            id,
            boot: boot(),
            plugin: '0.1.0',
            game: 'Fake Tower',
            protocolHash: hashes.protocol,
            operationsHash: hashes.operations,
            ...(options.note === undefined ? {} : { note: options.note }),
          },
        })
      }
      case 'tower_ping':
        return toWatch(link, { name: 'tower_pong', data: { v: 1, id: message.data.id, boot: boot() } })
      case 'tower_snapshot': {
        if (message.data.boot !== boot()) return complain(link, 'wrong-boot', 'another boot', message.data.id)
        if (!ack(link, message, message.data.id)) return
        if ([...parts.values()].some((part) => part.snapshot !== message.data.snapshot)) parts = new Map()
        parts.set(message.data.part, message.data)
        if (parts.size < message.data.parts) return
        agents.clear()
        for (const part of parts.values()) for (const agent of part.agents) agents.set(agent.id, agent)
        return
      }
      case 'tower_state':
        if (message.data.boot !== boot()) return complain(link, 'wrong-boot', 'another boot')
        for (const agent of message.data.agents) agents.set(agent.id, agent)
        return
      case 'tower_history':
        if (message.data.boot !== boot()) return complain(link, 'wrong-boot', 'another boot')
        return
      case 'tower_alert':
        if (!ack(link, message, message.data.id) || saidIds.has(message.data.id)) return
        saidIds.add(message.data.id)
        said.push(message.data.text)
        alerts.push(message.data)
        return
      case 'tower_result':
        if (message.data.status !== 'accepted' && message.data.status !== 'running') ack(link, message, message.data.id)
        results.push(message.data)
        return
      default:
        throw new Error(`The fake Tower does not know ${JSON.stringify(message)}`)
    }
  }

  const cut = (reason: string) => {
    for (const link of links) {
      link.open = false
      link.listener.closed(reason)
    }
    links.clear()
  }

  const transport: TowerTransport = {
    kind: 'websocket',
    connect: (account, listener, bounds) =>
      new Promise<TowerConnection>((resolve, reject) => {
        let over = false
        const settle = (act: () => void) => {
          if (over) return
          over = true
          timeout.cancel()
          bounds.signal.removeEventListener('abort', aborted)
          act()
        }
        const aborted = () => settle(() => reject(new TowerConnectError('aborted', 'Connecting to the Tower was called off.')))
        const timeout = clock.after(bounds.timeoutMs, () =>
          settle(() => reject(new TowerConnectError('timeout', 'The Tower said nothing in time.'))),
        )
        if (bounds.signal.aborted) return aborted()
        bounds.signal.addEventListener('abort', aborted)
        clock.after(latency * 2, () => {
          if (!portal) return settle(() => reject(new TowerConnectError('unreachable', 'connect ECONNREFUSED')))
          if (!server || over) return
          const accepted = account.name === options.account.name && account.password === password
          logins.push({ at: clock.now(), accepted })
          if (!accepted) {
            const text = 'The Tower refused the login: Username and/or password is incorrect.'
            return settle(() => reject(new TowerConnectError('refused', text)))
          }
          const link: Link = { listener, open: true, greeted: false }
          links.add(link)
          settle(() => resolve(connectionOf(link)))
        })
      }),
  }

  const connectionOf = (link: Link): TowerConnection => ({
    send: (message) => {
      if (!link.open) return
      // As on the wire: what the sender changes afterwards does not change what was sent.
      const copy = structuredClone(message)
      clock.after(latency, () => {
        if (link.open) take(link, copy)
      })
    },
    bufferedBytes: 0,
    close: () => {
      if (!link.open) return
      link.open = false
      links.delete(link)
      link.listener.closed('closed by us')
    },
  })

  return {
    transport,
    arrived,
    said,
    alerts,
    agents,
    results,
    logins,
    connections: () => links.size,
    serverDown: () => {
      server = false
    },
    serverUp: () => {
      if (server) return
      server = true
      bootNumber += 1
      agents.clear()
      parts = new Map()
    },
    portalDown: () => {
      portal = false
      server = false
      cut('closed by the game (1000)')
    },
    portalUp: () => {
      portal = true
      server = true
      bootNumber += 1
      agents.clear()
      parts = new Map()
    },
    loseWhen: (condition) => {
      lose = condition
    },
    refuseWhen: (condition) => {
      refuse = condition
    },
    send: (message) => {
      if (server) for (const link of links) toWatch(link, message)
    },
    update: (change) => {
      hashes = change.hashes ?? hashes
      password = change.password ?? password
    },
    kick: (reason) => cut(reason),
    got: <Name extends WatchMessageName>(name: Name) => {
      const found: WatchMessages[Name][] = []
      for (const { message } of arrived) if (isNamed(message, name)) found.push(message.data)
      return found
    },
  }
}

function isNamed<Name extends WatchMessageName>(
  message: WatchMessage,
  name: Name,
): message is WatchMessage & { name: Name; data: WatchMessages[Name] } {
  return message.name === name
}
