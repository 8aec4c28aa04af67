import { readFileSync } from 'node:fs'
import { readPlace } from '../adapters/game/place.ts'
import { isLoopback } from '../adapters/push/server.ts'
import { telnetTransport } from '../adapters/tower/telnet.ts'
import { websocketTransport } from '../adapters/tower/websocket.ts'
import { type Config, Secret, type TowerConfig } from '../config/config.ts'
import { bareHost } from '../domain/bare-host.ts'
import type { TowerTransport } from '../ports/tower-transport.ts'

export function towerTransport(tower: TowerConfig): TowerTransport {
  if (tower.transport === 'websocket') return websocketTransport({ url: tower.url, ...(tower.ca !== undefined && { ca: tower.ca }) })
  const { hostname, port } = new URL(tower.url)
  return telnetTransport({ host: bareHost(hostname), port: port === '' ? 23 : Number(port) })
}

/** Where the password would go out for all on the way to read: a sentence about it, with the remedy. */
export function plainTowerWarning({ tower }: Config): string | undefined {
  if (tower.kind === 'bundled') return undefined
  const { protocol, host, hostname } = new URL(tower.url)
  if (protocol === 'wss:' || isLoopback(bareHost(hostname))) return undefined
  const better = protocol === 'ws:' ? 'use wss:// (a proxy with TLS in front of the game), or a tunnel' : 'use a tunnel, or wss://'
  return `the Tower's password goes to ${host} in plain text, where others on the way can read it and all that is said: ${better}`
}

/** The Tower of fleet.yaml, or the bundled one as it was left. Throws Error where that has not been set up. */
export function towerAsLeft(config: Config, varDir: string): TowerConfig {
  if (config.tower.kind === 'given') return config.tower
  const { bridge, websocket } = readPlace(varDir)
  return {
    kind: 'given',
    transport: 'websocket',
    url: websocket.url,
    account: bridge.account,
    password: new Secret(readFileSync(bridge.passwordFile, 'utf8').trim()),
  }
}
