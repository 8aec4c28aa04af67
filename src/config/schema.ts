/** fleet.yaml as people write it. Every key is documented in fleet.example.yaml, which a test parses. */
import { z } from 'zod'
import { parseDuration } from '../domain/duration.ts'
import { ID_PATTERN } from '../domain/ids.ts'

const idText = z.string().regex(new RegExp(ID_PATTERN), {
  error: 'expected a name of lower-case letters, digits, "_", "." and "-" (at most 63, a letter or digit first)',
})

const longestMs = 3650 * 86_400_000

const duration = z.union([z.string(), z.number()], { error: 'expected a duration such as "30s", "5m" or "1h"' }).transform((value, ctx) => {
  const ms = parseDuration(String(value))
  if (ms !== undefined && ms > 0 && ms <= longestMs) return ms
  const what =
    ms !== undefined && ms > longestMs ? 'expected a duration of at most 3650d' : 'expected a duration such as "30s", "5m" or "1h"'
  ctx.addIssue({ code: 'custom', message: `${what}, got "${value}"` })
  return z.NEVER
})

const absolutePath = z.string().regex(/^\/[^\0\n]*$/, { error: 'expected an absolute path (it begins with "/")' })
/** A path on the watch's own machine: absolute, or relative to fleet.yaml, or under "~/". */
const localPath = z.string().min(1)
/** ssh itself reads quotes, backslashes and "$" in a path as something else than a path. */
const sshPath = z
  .string()
  .regex(/^[^"'\\$\p{C}]+$/u, { error: 'expected a path without quotes, "\\" and "$", which ssh reads as something else' })
/** One element of a command line. The gate takes one per line, so a newline can't be part of it. */
const argument = z.string().regex(/^[^\0\n]*$/, { error: 'expected text without a newline' })
const command = z.array(argument, { error: 'expected a list: the program, then its arguments, one per item' }).min(1)

const secret = z.union([z.strictObject({ env: z.string().min(1) }), z.strictObject({ file: localPath })], {
  error: 'expected { env: NAME } or { file: path }: a secret never stands in fleet.yaml itself',
})

const tower = z.strictObject({
  transport: z.enum(['websocket', 'telnet']).default('websocket'),
  url: z.string().regex(/^(wss?|telnet):\/\/[^\s]+$/, {
    error: 'expected ws://host:port, wss://host/path or telnet://host:port',
  }),
  account: z.string().min(1).max(80),
  password: secret,
})

const localHost = z.strictObject({ kind: z.literal('local'), name: z.string().min(1).max(60).optional() })
const sshHost = z.strictObject({
  kind: z.literal('ssh'),
  name: z.string().min(1).max(60).optional(),
  // A host called "-oProxyCommand=…" would be an option to ssh: the pattern lets no leading "-" through. This one and the
  // user's are those of adapters/hosts/ssh.ts, so that a file which passes here can be run.
  address: z
    .string()
    .regex(/^[A-Za-z0-9_:][A-Za-z0-9_.:-]{0,252}$/, { error: 'expected a host name, an address, or a Host of your ~/.ssh/config' }),
  port: z.int().min(1).max(65535).optional(),
  user: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,62}$/, { error: 'expected a user name' })
    .optional(),
  identity: sshPath.optional(),
  knownHosts: sshPath.optional(),
})

const pane = z.strictObject({
  kind: z.literal('pane'),
  socket: absolutePath,
  target: z.string().regex(/^[A-Za-z0-9_-][A-Za-z0-9_. -]{0,62}:[A-Za-z0-9_-][A-Za-z0-9_. -]{0,62}$/, {
    error: 'expected "session:window", both by name',
  }),
})
const process = z.strictObject({
  kind: z.literal('process'),
  start: command,
  pidFile: absolutePath,
  log: absolutePath,
  cwd: absolutePath.optional(),
})
const plainCommand = z.strictObject({
  kind: z.literal('command'),
  start: command,
  stop: command.optional(),
  pidFile: absolutePath.optional(),
})
const service = z.strictObject({
  kind: z.literal('service'),
  unit: z.string().regex(/^[A-Za-z0-9@_][A-Za-z0-9@._-]{0,120}$/, { error: 'expected the name of a systemd unit' }),
  scope: z.enum(['system', 'user']).default('system'),
})

const agent = z.strictObject({
  name: z.string().min(1).max(60).optional(),
  host: idText,
  heartbeat: z.strictObject({ file: absolutePath, format: z.enum(['auto', 'json', 'mtime', 'epoch']).default('auto') }),
  period: duration.default(60_000),
  grace: duration.default(120_000),
  policy: z.enum(['auto', 'ask', 'off']).default('ask'),
  restart: z.discriminatedUnion('kind', [pane, process, plainCommand, service]),
  /** How long a stopping agent may take before SIGKILL. */
  stopGrace: duration.default(10_000),
  /** How long a started agent may take to its first beat. */
  startGrace: duration.optional(),
  /** A person said so: watched, shown, never alarmed about, never restarted by the watch. The text is the reason. */
  paused: z.string().min(1).max(200).optional(),
})

export const fleetFile = z.strictObject({
  version: z.literal(1, { error: 'expected 1: the only version of fleet.yaml there is' }),
  fleet: idText,
  state: localPath.default('var'),
  /** How often each host is asked. */
  poll: duration.default(1000),
  /** How long the ledger remembers. */
  keep: duration.default(400 * 86_400_000),
  tower: tower.optional(),
  hosts: z.record(idText, z.discriminatedUnion('kind', [localHost, sshHost])),
  agents: z.record(idText, agent),
})

export type FleetFile = z.infer<typeof fleetFile>
