/**
 * The wire between the watch and a Tower, version 1: the single source. `npm run protocol:print` writes it as JSON
 * Schema into the Python plugin; fixtures under test/fixtures/protocol/v1/<message>/{accept,reject} run in both languages.
 *
 * Every message is one object, sent as Evennia keyword arguments and never as positional ones, because that is the only
 * shape that means the same over the websocket and over GMCP. No field is called `options` or `session`: Evennia eats both.
 * Only what JSON Schema can say is used here: `.refine` would vanish from the printed schema without a word.
 *
 * Ages and durations are milliseconds. Ages, not instants, cross the wire wherever freshness is meant, so that the clocks
 * of the watch and of the game need not agree; the receiver adds the time that has passed since the message came.
 * Instants (`…At`) are epoch milliseconds by the watch's clock and are labels only.
 */
import { z } from 'zod'
import { ID_PATTERN } from '../domain/ids.ts'
import { screenLimits } from '../domain/operation.ts'

export const PROTOCOL_VERSION = 1

const version = z.literal(PROTOCOL_VERSION)
/** Chosen by the sender, unique per sender: 1 to 64 of letters, digits, `_`, `.`, `:` and `-`. */
const messageId = z.string().regex(/^[A-Za-z0-9_.:-]{1,64}$(?!\n)/)
const subjectId = z.string().regex(new RegExp(ID_PATTERN))
/** Outside text: anything may be in it, so the receiver escapes before it shows it. */
const line = (max: number) => z.string().max(max)
const ageMs = z.number().min(0).max(1e13)
const instantMs = z.number().min(0).max(1e14)
const hash = z.string().regex(/^[0-9a-f]{8,64}$(?!\n)/)

const agentStates = ['new', 'up', 'late', 'down', 'unreachable', 'paused', 'unknown'] as const
const hostStates = ['new', 'up', 'unreachable', 'unknown'] as const

const incidentView = z.strictObject({
  /** Number of the incident in the watch's ledger: what a person types to name it. */
  number: z.int().min(1),
  cause: line(60),
  openedAt: instantMs,
  /** Absent while it is open. */
  durationMs: ageMs.optional(),
  /** Who said that he looks after it. */
  acknowledgedBy: line(80).optional(),
})

export const agentView = z.strictObject({
  id: subjectId,
  /** As people write it: "Code Claw". */
  name: line(60),
  host: subjectId,
  state: z.enum(agentStates),
  /** How long it has been in this state. */
  forMs: ageMs,
  /** Why, when down, unreachable or paused, in words for people: "no heartbeat". */
  cause: line(60).optional(),
  /** Age of the last beat; absent when none was ever seen. */
  beatAgeMs: ageMs.optional(),
  periodMs: ageMs,
  graceMs: ageMs,
  /** What it says it is doing. */
  doing: line(200).optional(),
  busy: z.boolean().optional(),
  model: line(100).optional(),
  /** Where it runs on its host, as a person would say it: "pane wizards:bezalel", "service hermes-gateway". */
  place: line(120),
  policy: z.enum(['auto', 'ask', 'off']),
  incident: incidentView.optional(),
  /** It, its host or the whole fleet is in maintenance: why, and until when, in words for people. */
  maintenance: line(200).optional(),
  /** It goes up and down so often that its incident stays open until that has been stable for a while. */
  flapping: z.boolean().optional(),
})

export const hostView = z.strictObject({
  id: subjectId,
  name: line(60),
  state: z.enum(hostStates),
  forMs: ageMs,
})

const alertSubject = z.strictObject({ kind: z.enum(['agent', 'host']), id: subjectId, host: subjectId })

/**
 * Who asked. `kind: account` is a game account, `object` a thing or an NPC of the game that no account plays: `id` is its database
 * id there, the Tower routes answers by it.
 */
const actorSchema = z.strictObject({
  kind: z.enum(['account', 'object', 'shell', 'watch']),
  id: z.string().max(64),
  name: line(80),
  /** Where that person sat, as far as the game knows: "telnet 127.0.0.1". For the audit. */
  from: line(80).optional(),
})

const operationName = z.string().regex(/^[a-z][a-z-]{0,31}$(?!\n)/)
/** Values as typed; the watch checks each against the operation's own declaration. */
const operationArguments = z.record(
  z.string().regex(/^[a-z][A-Za-z0-9]{0,31}$(?!\n)/),
  // The bounds are there for Python, whose JSON reader makes an infinity of 1e309 that no `type: number` refuses.
  z.union([z.string().max(400), z.number().min(-1e15).max(1e15), z.boolean()]),
)

/** A local date of the fleet's time zone. */
const localDate = z.string().regex(/^[0-9]{4}-[0-9]{2}-[0-9]{2}$(?!\n)/)
/** From 0 to 1; -1: nothing was seen. */
const shareOrNone = z.number().min(-1).max(1)
/** One whole number of seconds for each day, in the order of `days`. */
const secondsByDay = z.array(z.int().min(0).max(90_000)).max(31)
const seconds = z.int().min(-1e9).max(1e9)

const budgetHistory = z.strictObject({
  totalS: seconds,
  usedS: seconds,
  /** When it is used up if things go on as they did lately; absent where it never is. */
  goneAt: instantMs.optional(),
})

/** 30 days of one agent. Up, down, not seen and excluded sum to the length of each day, up to now. */
const agentHistory = z.strictObject({
  id: subjectId,
  upS: secondsByDay,
  downS: secondsByDay,
  unknownS: secondsByDay,
  excludedS: secondsByDay,
  budget: budgetHistory,
})

const incidentHistory = z.strictObject({
  number: z.int().min(1),
  subject: z.strictObject({ kind: z.enum(['agent', 'host']), id: subjectId }),
  cause: line(60),
  openedAt: instantMs,
  /** Absent while it is open. */
  durationMs: ageMs.optional(),
  acknowledgedBy: line(80).optional(),
})

/** Watch to Tower. The key is the message's name on the websocket (`tower_hello`); over GMCP it is `Tower.Hello`. */
export const watchMessages = {
  /** First after login, and again after every change of `boot`. Answered by `tower_welcome` or `tower_error`. */
  tower_hello: z.strictObject({
    v: z.int().min(1),
    id: messageId,
    /** Version of the watch: "0.1.0". */
    watch: line(40),
    /** Fleet's name. */
    fleet: line(60),
    /** Fresh per start of the watch: by it the game tells one that comes back from another one. */
    life: messageId.optional(),
    /** SHA-256 of the printed protocol schema and of operations.json, hexadecimal. */
    protocolHash: hash,
    operationsHash: hash,
  }),
  /** The whole fleet, in parts of at most 500 agents. Replaces all that the Tower knew once the last part has come. */
  tower_snapshot: z.strictObject({
    v: version,
    id: messageId,
    boot: messageId,
    /** The same in all parts of one snapshot, so that parts of two are never put together. */
    snapshot: messageId,
    part: z.int().min(1),
    parts: z.int().min(1),
    hosts: z.array(hostView).max(1000),
    agents: z.array(agentView).max(1000),
  }),
  /** What changed since the last one. Latest wins; at most one batch a second. Never acknowledged. */
  tower_state: z.strictObject({
    v: version,
    boot: messageId,
    seq: z.int().min(0),
    hosts: z.array(hostView).max(1000),
    agents: z.array(agentView).max(1000),
  }),
  /**
   * The last 30 days, for the pages: sent after the hello and every few minutes, in parts of at most 200 agents. A set replaces the
   * one before once its last part has come. Never acknowledged: the next set comes anyway.
   */
  tower_history: z.strictObject({
    v: version,
    boot: messageId,
    /** The same in all parts of one set. */
    history: messageId,
    part: z.int().min(1),
    parts: z.int().min(1),
    /** When it was worked out. */
    at: instantMs,
    /** The oldest first; the last one is today so far. */
    days: z.array(localDate).max(31),
    /** The availability that is aimed at. */
    target: z.number().min(0).max(1),
    fleet: z.strictObject({
      /** Availability, and share of the seen time that agents were busy, by day. */
      up: z.array(shareOrNone).max(31),
      busy: z.array(shareOrNone).max(31),
      budget: budgetHistory,
      /** What the next phase asks for, in the order of the phase report. */
      requirements: z
        .array(
          z.strictObject({ name: line(60), value: z.number().min(-1e9).max(1e9), target: z.number().min(-1e9).max(1e9), met: z.boolean() }),
        )
        .max(10),
      ready: z.boolean(),
    }),
    agents: z.array(agentHistory).max(200),
    /** The newest first; in the first part only. */
    incidents: z.array(incidentHistory).max(200),
  }),
  /** To be said aloud, at least once; the Tower says each id once. Acknowledged by `tower_ack`. */
  tower_alert: z.strictObject({
    v: version,
    id: messageId,
    /** notice: neither begins nor ends a problem. */
    kind: z.enum(['problem', 'recovery', 'reminder', 'acknowledged', 'notice']),
    /** Whom it is about, each with its host, so that the room is known; empty: the watch itself. */
    subjects: z.array(alertSubject).max(100),
    /** Numbers of the incidents that it tells of: what people type to name them. */
    incidents: z.array(z.int().min(1)).max(100),
    at: instantMs,
    /** The sentence to say, plain text. */
    text: line(400),
    /** Recoveries: how long the longest of its incidents lasted. */
    durationMs: ageMs.optional(),
  }),
  /**
   * Progress and end of an operation that was asked for. `running` may come many times. Final ones are acknowledged; `waiting` is
   * one of them: nothing was done yet, a second person has to confirm it.
   */
  tower_result: z.strictObject({
    v: version,
    /** The id of the `tower_request`. */
    id: messageId,
    operation: operationName,
    status: z.enum(['accepted', 'running', 'ok', 'failed', 'timeout', 'refused', 'waiting']),
    /** The one who asked, as it stood in the request: an answer finds its person even after the game has restarted. */
    actor: actorSchema,
    /** Lines of plain text, to be shown as they are. */
    lines: z.array(line(400)).max(400),
  }),
  /** Asks for a `tower_pong`: the portal's own pong would prove nothing about the game's server. */
  tower_ping: z.strictObject({ v: version, id: messageId }),
} as const

/** Tower to watch. */
export const towerMessages = {
  /** Answer to `tower_hello` where the versions fit. */
  tower_welcome: z.strictObject({
    v: version,
    /** The id of the hello. */
    id: messageId,
    /** Fresh per start of the game's server. */
    boot: messageId,
    /** Version of the plugin. */
    plugin: line(40),
    game: line(80),
    protocolHash: hash,
    operationsHash: hash,
    /** What a person should know: that this watch took the place of another one. */
    note: line(400).optional(),
  }),
  /** The message with this id came and was valid (`ok`), or why it was not. Sent for snapshot parts, alerts, final results. */
  tower_ack: z.strictObject({ v: version, id: messageId, ok: z.boolean(), error: line(400).optional() }),
  /** Somebody allowed to by the Tower's own locks asks for an operation. */
  tower_request: z.strictObject({
    v: version,
    id: messageId,
    operation: operationName,
    arguments: operationArguments,
    actor: actorSchema,
    /** The asker waits this long for a final result. */
    deadlineMs: z.number().min(100).max(3_600_000),
    /** What the asker reads the answer on, where the game knows: its lines are made to fit. `reader`: it is read aloud. */
    screen: z.strictObject({ columns: z.int().min(screenLimits.least).max(screenLimits.most), reader: z.boolean().optional() }).optional(),
  }),
  /** The Tower's locks refused somebody an operation: for the audit. */
  tower_refused: z.strictObject({
    v: version,
    operation: operationName,
    arguments: operationArguments,
    actor: actorSchema,
    reason: line(200),
  }),
  tower_pong: z.strictObject({ v: version, id: messageId, boot: messageId }),
  /** A message was not understood. `id` is that message's where it had one. */
  tower_error: z.strictObject({
    v: z.int().min(1),
    id: messageId.optional(),
    code: z.enum(['version', 'invalid', 'unknown-message', 'not-allowed', 'wrong-boot', 'internal']),
    text: line(400),
  }),
} as const

export type WatchMessages = { [Name in keyof typeof watchMessages]: z.infer<(typeof watchMessages)[Name]> }
export type TowerMessages = { [Name in keyof typeof towerMessages]: z.infer<(typeof towerMessages)[Name]> }
export type WatchMessageName = keyof WatchMessages
export type TowerMessageName = keyof TowerMessages
export type WatchMessage = { [Name in WatchMessageName]: { name: Name; data: WatchMessages[Name] } }[WatchMessageName]
export type TowerMessage = { [Name in TowerMessageName]: { name: Name; data: TowerMessages[Name] } }[TowerMessageName]
export type AgentView = z.infer<typeof agentView>
export type HostView = z.infer<typeof hostView>
export type AgentHistory = z.infer<typeof agentHistory>
