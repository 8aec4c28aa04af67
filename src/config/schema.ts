/** fleet.yaml as people write it. Every key is documented in fleet.example.yaml, which a test parses. */
import { z } from 'zod'
import { parseDuration, sayDuration } from '../domain/duration.ts'
import { ID_PATTERN } from '../domain/ids.ts'

const idText = z.string().regex(new RegExp(ID_PATTERN), {
  error: 'expected a name of lower-case letters, digits, "_", "." and "-" (at most 63, a letter or digit first)',
})

const longestMs = 3650 * 86_400_000

function durationFrom(leastMs: number) {
  return z.union([z.string(), z.number()], { error: 'expected a duration such as "30s", "5m" or "1h"' }).transform((value, ctx) => {
    const ms = parseDuration(String(value))
    if (ms !== undefined && ms >= leastMs && ms <= longestMs) return ms
    ctx.addIssue({ code: 'custom', message: `${sayExpected(ms, leastMs)}, got "${value}"` })
    return z.NEVER
  })
}

function sayExpected(ms: number | undefined, leastMs: number): string {
  if (ms !== undefined && ms > longestMs) return 'expected a duration of at most 3650d'
  if (ms !== undefined && ms < leastMs)
    return leastMs === 1 ? 'expected a duration longer than nothing' : `expected ${sayDuration(leastMs)} or more`
  return 'expected a duration such as "30s", "5m" or "1h"'
}

const duration = durationFrom(1)
const durationOrNone = durationFrom(0)

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

/** Where an agent's proofs of life come from. */
const heartbeatFile = z.strictObject({
  file: absolutePath,
  format: z.enum(['auto', 'json', 'mtime', 'epoch', 'job']).default('auto'),
  /** The key of a JSON file that holds the time; looked for under the usual names where it isn't given. */
  timeField: z.string().min(1).max(60).optional(),
})
/** A directory of `<job>.last` files, each with its own declared interval. */
const heartbeatJobs = z.strictObject({ jobs: absolutePath })
/** A HERMES_HOME. */
const heartbeatHermes = z.strictObject({ hermes: absolutePath })
/** The agent posts its beats itself. */
const heartbeatPush = z.strictObject({ push: z.strictObject({ token: secret }) })

const agent = z.strictObject({
  name: z.string().min(1).max(60).optional(),
  host: idText,
  heartbeat: z.union([heartbeatFile, heartbeatJobs, heartbeatHermes, heartbeatPush], {
    error: 'expected one of: { file: /path }, { jobs: /folder }, { hermes: /home }, { push: { token: … } }',
  }),
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
  /** Busy, but its progress has not moved for so long: hung. Left out: never judged. */
  hung: duration.optional(),
  /** How many times in a row it must say of itself that it fails before it is down. */
  failures: z.int().min(1).max(100).default(1),
  /** How many good beats in a row make it up again. */
  successes: z.int().min(1).max(100).default(1),
  /** Why this one may be noticed later than the deadman bound of five minutes. */
  slowBecause: z.string().min(1).max(200).optional(),
})

const listenAddress = z
  .string()
  .regex(/^(\[[0-9a-f:]+\]|[0-9a-z.-]+):\d{1,5}$/i, { error: 'expected an address and a port, such as 127.0.0.1:8787' })
const url = z.string().regex(/^https?:\/\/[^\s]+$/, { error: 'expected http://… or https://…' })
/** A URL that is a secret itself, or stands in the file. */
const secretUrl = z.union([url, secret], { error: 'expected a URL, or { env: NAME } or { file: path } that holds one' })
const off = z.literal('off')

const sink = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('webhook'),
    url: secretUrl,
    /** Sent as `Authorization: Bearer …`. */
    token: secret.optional(),
    after: duration.optional(),
  }),
  z.strictObject({ kind: z.literal('command'), run: command, after: duration.optional() }),
])

/** A day and a time in the fleet's time zone: 2026-12-24 22:00. */
const localTime = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}$/, { error: 'expected a day and a time in the fleet\'s time zone, such as "2026-12-24 22:00"' })
const windowCommon = { subjects: z.array(idText).min(1), reason: z.string().min(1).max(200) }
const maintenance = z.union(
  [
    z.strictObject({ ...windowCommon, from: localTime, to: localTime }),
    z.strictObject({ ...windowCommon, cron: z.string().min(1).max(100), for: duration }),
  ],
  { error: 'expected { subjects, reason } with either { from, to } or { cron, for }' },
)

const alerts = z.strictObject({
  /** News of one moment are gathered for so long into one alert. */
  groupWait: durationOrNone.default(300),
  /** After one alert, the next news of its kind are gathered for so long. */
  groupInterval: durationOrNone.default(5_000),
  /** An open, unacknowledged problem is told again so often. */
  remind: z.union([off, duration], { error: 'expected "off" or a duration such as "4h"' }).default(4 * 3_600_000),
  /** Who changes so often between up and down keeps one incident open until it has been stable for a while. */
  flapping: z
    .union(
      [
        off,
        z.strictObject({
          changes: z.int().min(2).max(20).default(4),
          within: duration.default(5 * 60_000),
          stable: duration.default(10 * 60_000),
        }),
      ],
      { error: 'expected "off" or { changes: 4, within: 5m, stable: 10m }' },
    )
    .prefault({}),
})

const deadman = z.strictObject({
  /** An outside dead man's switch that is pinged while the watch is well: the watch's own death makes it call. */
  ping: secretUrl.optional(),
  every: duration.default(60_000),
  /** The watch is dead when its own beat, one every five seconds, is older. */
  stale: durationFrom(15_000).default(60_000),
  /** The unit that runs the watch, restarted at most once per window. */
  unit: z
    .string()
    .regex(/^[A-Za-z0-9@_][A-Za-z0-9@._-]{0,120}$/, { error: 'expected the name of a unit or job' })
    .default('towerwatch.service'),
  scope: z.enum(['system', 'user']).default('user'),
  window: duration.default(15 * 60_000),
})

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
  hosts: z.record(idText, z.discriminatedUnion('kind', [localHost, sshHost])),
  agents: z.record(idText, agent),
})

export type FleetFile = z.infer<typeof fleetFile>
