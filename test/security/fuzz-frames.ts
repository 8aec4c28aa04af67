/**
 * Frames of rubbish for the game's ears: random, mutated from valid ones, of the wrong shape, deep, huge, repeated and out of
 * order. As JSON text, because much of it is nothing that JSON.stringify would write. The same seed gives the same ones.
 */
import type { WatchMessageName, WatchMessages } from '../../src/protocol/messages.ts'
import type { Random } from '../../src/simulator/random.ts'

export interface Frame {
  name: string
  /** JSON texts of what is sent by position and of what is sent by name. */
  positional: string
  keywords: string
}

/** A JSON text that goes out as it is. */
class Raw {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

type Value = null | boolean | number | string | Raw | Value[] | { [key: string]: Value }

export interface FuzzOptions {
  random: Random
  /** Of the game's server that runs now. */
  boot: string
  hashes: { protocol: string; operations: string }
  /** Stands in every text, so that whatever becomes of it can be found again. */
  mark: string
  /** The account that answers are addressed to. */
  accountId: string
}

/** Endless, each another one; one in two hundred is of about 1 MB if `large`. */
export function fuzzFrames({ random, boot, hashes, mark, accountId }: FuzzOptions, large: boolean): () => Frame {
  const sent: Frame[] = []
  let count = 0
  const id = () => `${mark}-${++count}`
  const valid = () => seeds(mark, boot, hashes, accountId, id, count)
  const values = oddValues(mark)
  const names = [...Object.keys(valid()), 'tower_subscribe', 'tower_unsubscribe']

  const value = (): Value => (large && random.chance(0.02) ? megabyte(random, mark) : copy(random.pick(values)))

  const fresh = (): Frame => {
    const name = random.pick(names)
    const kind = random.next()
    if (kind < 0.05) return { name: oddName(random, name), positional: '[]', keywords: '{}' }
    if (kind < 0.12) return { name, positional: json([value(), value()]), keywords: random.chance(0.5) ? '{}' : json({ v: 1, id: id() }) }
    if (kind < 0.2) {
      const keys = Array.from({ length: 3 }, () =>
        random.pick(['v', 'id', 'boot', 'agents', 'part', 'session', 'options', 'self', 'name', '', 'a b', 'é']),
      )
      return { name, positional: '[]', keywords: json(Object.fromEntries(keys.map((key) => [key, value()]))) }
    }
    const seed = valid()[name as WatchMessageName] ?? {}
    const message = structuredClone(seed) as { [key: string]: Value }
    for (let change = random.pick([0, 1, 1, 1, 2, 3]); change > 0; change--) mutate(random, message, value)
    return { name, positional: '[]', keywords: json(message) }
  }

  return () => {
    // What was sent before comes again, in another order.
    const frame = sent.length > 0 && random.chance(0.1) ? random.pick(sent) : fresh()
    if (frame.keywords.length < 10_000) sent.push(frame)
    if (sent.length > 50) sent.shift()
    return frame
  }
}

export const asWebsocket = ({ name, positional, keywords }: Frame): string => `[${JSON.stringify(name)},${positional},${keywords}]`

/** GMCP has one payload: what is sent by name, or a list. */
export function asGmcp({ name, positional, keywords }: Frame): string {
  const dotted = name
    .split('_')
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('.')
  return `${dotted} ${positional === '[]' ? keywords : positional}`
}

/** Frames that are no frames: of these Evennia 5 hangs up. */
export const shapeless: readonly string[] = [
  '[]',
  '{}',
  '"x"',
  '["tower_ping"]',
  '["tower_ping",[]]',
  'nonsense',
  '[["tower_ping"],[],{}]',
  '[1,2,3]',
  '',
]

function seeds(
  mark: string,
  boot: string,
  hashes: FuzzOptions['hashes'],
  accountId: string,
  id: () => string,
  count: number,
): { [Name in WatchMessageName]: object } {
  const incident = { number: 1, cause: mark, openedAt: 1, durationMs: 2, acknowledgedBy: mark }
  const agent: WatchMessages['tower_state']['agents'][number] = {
    id: 'bezalel',
    name: mark,
    host: 'bezalel',
    state: 'down',
    forMs: 1,
    cause: mark,
    beatAgeMs: 1,
    periodMs: 2_000,
    graceMs: 4_000,
    doing: mark,
    busy: true,
    model: mark,
    place: mark,
    policy: 'auto',
    incident,
  }
  const host = { id: 'bezalel', name: mark, state: 'up' as const, forMs: 1 }
  const budget = { totalS: 100, usedS: 1 }
  const by = [1]
  const messages: WatchMessages = {
    tower_hello: { v: 1, id: id(), watch: '0.1.0', fleet: mark, protocolHash: hashes.protocol, operationsHash: hashes.operations },
    // Parts of a whole that never comes.
    tower_snapshot: {
      v: 1,
      id: id(),
      boot,
      snapshot: `${mark}-${count % 3}`,
      part: 1 + (count % 900),
      parts: 1_000,
      hosts: [host],
      agents: [agent],
    },
    tower_state: { v: 1, boot, seq: count, hosts: [host], agents: [agent] },
    tower_history: {
      v: 1,
      boot,
      history: `${mark}-${count % 3}`,
      part: 1,
      parts: 1_000,
      at: 1,
      days: ['2026-11-23'],
      target: 0.95,
      fleet: { up: [1], busy: [0], budget, requirements: [{ name: mark, value: 1, target: 2, met: false }], ready: false },
      agents: [{ id: 'bezalel', upS: by, downS: by, unknownS: by, excludedS: by, budget }],
      incidents: [{ number: 1, subject: { kind: 'agent', id: 'bezalel' }, cause: mark, openedAt: 1 }],
    },
    tower_alert: {
      v: 1,
      id: id(),
      kind: 'problem',
      subjects: [{ kind: 'agent', id: 'bezalel', host: 'bezalel' }],
      incidents: [1],
      at: 1,
      text: mark,
    },
    tower_result: {
      v: 1,
      id: id(),
      operation: 'restart',
      status: 'ok',
      actor: { kind: 'account', id: accountId, name: mark },
      lines: [mark],
    },
    tower_ping: { v: 1, id: id() },
  }
  return messages
}

/** What is put into a message is changed there later. */
function copy(value: Value): Value {
  if (value === null || typeof value !== 'object' || value instanceof Raw) return value
  return Array.isArray(value) ? value.map(copy) : Object.fromEntries(Object.entries(value).map(([key, one]) => [key, copy(one)]))
}

function oddValues(mark: string): Value[] {
  return [
    ...[null, true, false, 0, 1, -1, 1.5, 2 ** 53, '', mark, `${mark}\n`, `|lcquit|lt${mark}|le`, `{${mark}}`, 'bezalel', [], [[]], {}],
    { a: 1 },
    { session: 1, options: 1 },
    Array.from({ length: 1_001 }, () => null),
    mark.repeat(400),
    new Raw('NaN'),
    new Raw('Infinity'),
    new Raw('-Infinity'),
    new Raw('1e400'),
    new Raw(`1${'0'.repeat(400)}`),
    new Raw('-0'),
    new Raw(`"${'\\ud800'}${mark}"`),
    new Raw(`"${'\\u0000'}${mark}"`),
    new Raw(deep('[', ']', 60)),
    new Raw(deep('{"a":', '}', 60, '1')),
  ]
}

const deep = (open: string, close: string, depth: number, middle = ''): string => open.repeat(depth) + middle + close.repeat(depth)

function megabyte(random: Random, mark: string): Value {
  const size = 1_000_000
  return random.pick<Value>([
    mark.repeat(size / mark.length),
    new Raw(`[${'0,'.repeat(size / 2)}0]`),
    new Raw(`[${`"${mark}",`.repeat(size / (mark.length + 3))}0]`),
    new Raw(`{${Array.from({ length: size / 20 }, (_, index) => `"${mark}${index}":0`).join(',')}}`),
  ])
}

const oddName = (random: Random, name: string): string =>
  random.pick([
    name.toUpperCase(),
    ` ${name} `,
    'tower_',
    'tower_nothing',
    '_receive',
    'receive',
    'Any',
    'tower_welcome',
    'tower_request',
    'tower_agent',
  ])

/** Changes one place at any depth. */
function mutate(random: Random, message: { [key: string]: Value }, value: () => Value): void {
  const places: [Value[] | { [key: string]: Value }, string][] = []
  const walk = (inner: Value): void => {
    if (inner === null || typeof inner !== 'object' || inner instanceof Raw) return
    for (const [key, one] of Object.entries(inner)) {
      places.push([inner, key])
      walk(one)
    }
  }
  walk(message)
  if (places.length === 0) return
  const [inner, key] = random.pick(places)
  const change = random.next()
  if (Array.isArray(inner)) inner[Number(key)] = value()
  else if (change < 0.5) inner[key] = value()
  else if (change < 0.7) delete inner[key]
  else if (change < 0.85) inner[random.pick(['extra', 'session', 'options', 'id', 'state', 'é', '0', 'parts', 'part'])] = value()
  else if (typeof inner[key] === 'number') inner[key] = inner[key] * random.pick([-1, 1e30, 2])
  else if (typeof inner[key] === 'string') inner[key] = inner[key].slice(0, random.whole(0, 3)) + random.pick(['\n', 'é', '|', ''])
  else inner[key] = value()
}

function json(value: Value): string {
  if (value instanceof Raw) return value.text
  if (Array.isArray(value)) return `[${value.map(json).join(',')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  return `{${Object.entries(value)
    .map(([key, one]) => `${JSON.stringify(key)}:${json(one)}`)
    .join(',')}}`
}
