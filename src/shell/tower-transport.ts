import { readFileSync } from 'node:fs'
import { readPlace } from '../adapters/game/place.ts'
import { telnetTransport } from '../adapters/tower/telnet.ts'
import { websocketTransport } from '../adapters/tower/websocket.ts'
import { type Config, Secret, type TowerConfig } from '../config/config.ts'
import type { TowerTransport } from '../ports/tower-transport.ts'

export function towerTransport(tower: TowerConfig): TowerTransport {
  if (tower.transport === 'websocket') return websocketTransport({ url: tower.url })
  const { hostname, port } = new URL(tower.url)
  return telnetTransport({ host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? 23 : Number(port) })
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
