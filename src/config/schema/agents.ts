/** Agents: where their beats come from, how they are brought back. */
import { z } from 'zod'
import { absolutePath, command, duration, idText, scope, secret, unitName } from './parts.ts'

const pane = z.strictObject({
  kind: z.literal('pane'),
  socket: absolutePath,
  /** By what it is made again when it is there no more; left out: it is not. */
  start: command.optional(),
  cwd: absolutePath.optional(),
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
const service = z.strictObject({ kind: z.literal('service'), unit: unitName, scope })
const launchd = z.strictObject({ kind: z.literal('launchd'), label: unitName, scope: scope.default('user') })
const hermes = z.strictObject({
  kind: z.literal('hermes'),
  /** Its HERMES_HOME. */
  home: absolutePath,
  /** The path of `hermes`. */
  program: absolutePath,
  /** It is restarted by this where the host has it, else started detached. */
  unit: unitName.default('hermes-gateway.service'),
  scope: scope.default('user'),
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

export const agent = z.strictObject({
  name: z.string().min(1).max(60).optional(),
  host: idText,
  heartbeat: z.union([heartbeatFile, heartbeatJobs, heartbeatHermes, heartbeatPush], {
    error: 'expected one of: { file: /path }, { jobs: /folder }, { hermes: /home }, { push: { token: … } }',
  }),
  period: duration.default(60_000),
  grace: duration.default(120_000),
  policy: z.enum(['auto', 'ask', 'off']).default('ask'),
  restart: z.discriminatedUnion('kind', [pane, process, plainCommand, service, launchd, hermes]),
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
  /** What it writes about itself: its last lines are shown where a start fails, and by `watch`. */
  log: absolutePath.optional(),
  /** The files of its settings: the last ones it lived well with are kept on its host. */
  configs: z.array(absolutePath).max(10).optional(),
  /** auto: settings with which it does not come up are put aside for the last good ones. */
  rollBack: z.enum(['auto', 'off']).default('auto'),
  /** Alive, but neither a beat of progress nor a word in its pane for so long: hung. Left out: never judged. */
  quiet: duration.optional(),
  /** Why this one may be noticed later than the deadman bound of five minutes. */
  slowBecause: z.string().min(1).max(200).optional(),
})
