/** fleet.yaml as people write it. Every key is documented in fleet.example.yaml, which a test parses. */
import { z } from 'zod'
import { agent } from './schema/agents.ts'
import { alerts, deadman, maintenance, sink } from './schema/alerts.ts'
import { authority } from './schema/authority.ts'
import { health } from './schema/health.ts'
import { host } from './schema/hosts.ts'
import { duration, idText, localPath, secret } from './schema/parts.ts'
import { remedies } from './schema/remedies.ts'

const tower = z.strictObject({
  transport: z.enum(['websocket', 'telnet']).default('websocket'),
  url: z.string().regex(/^(wss?|telnet):\/\/[^\s]+$/, {
    error: 'expected ws://host:port, wss://host/path or telnet://host:port',
  }),
  /** PEM of the authority that signed the Tower's certificate, where it is none of this machine's; it alone is trusted then. */
  ca: localPath.optional(),
  account: z.string().min(1).max(80),
  password: secret,
})

const listenAddress = z
  .string()
  .regex(/^(\[[0-9a-f:]+\]|[0-9a-z.-]+):\d{1,5}$/i, { error: 'expected an address and a port, such as 127.0.0.1:8787' })
export const fleetFile = z.strictObject({
  version: z.literal(1, { error: 'expected 1: the only version of fleet.yaml there is' }),
  fleet: idText,
  state: localPath.default('var'),
  /** How often each host is asked. */
  poll: duration.default(1000),
  /** How long the ledger remembers. */
  keep: duration.default(400 * 86_400_000),
  /** Of schedules, windows and days: an IANA name. Left out: this machine's. */
  timezone: z.string().min(1).max(60).optional(),
  /** The availability that is aimed at, in percent. */
  target: z.number().min(1).lt(100).default(95),
  tower: tower.optional(),
  push: z.strictObject({ listen: listenAddress }).optional(),
  alerts: alerts.prefault({}),
  sinks: z.record(idText, sink).default({}),
  maintenance: z.array(maintenance).default([]),
  deadman: deadman.prefault({}),
  health: health.prefault({}),
  remedies: remedies.prefault({}),
  authority: authority.prefault({}),
  hosts: z.record(idText, host),
  agents: z.record(idText, agent),
})

export type FleetFile = z.infer<typeof fleetFile>
