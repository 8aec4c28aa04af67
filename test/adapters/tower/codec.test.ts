import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decodeGmcp,
  decodeWebsocket,
  encodeGmcp,
  encodeWebsocket,
  gmcpText,
  type Incoming,
  MAX_FRAME_BYTES,
} from '../../../src/adapters/tower/codec.ts'
import { towerMessages, type WatchMessage } from '../../../src/protocol/messages.ts'

const root = join(import.meta.dirname, '..', '..', 'fixtures', 'protocol', 'v1')
const bytes = (text: string): Uint8Array => Buffer.from(text, 'utf8')

/** What the Tower may send, as text of the fields, from the fixtures. */
const fixtures = (kind: 'accept' | 'reject') =>
  Object.keys(towerMessages).flatMap((name) =>
    readdirSync(join(root, name, kind)).map((file) => ({ name, file, fields: readFileSync(join(root, name, kind, file), 'utf8').trim() })),
  )

const dotted = (name: string) =>
  name
    .split('_')
    .map((word) => word[0]?.toUpperCase() + word.slice(1))
    .join('.')

describe('what the Tower may send', () => {
  test.each(fixtures('accept'))('$name/$file is a message over both transports', ({ name, fields }) => {
    const data = JSON.parse(fields)
    expect(decodeWebsocket(bytes(`["${name}",[],${fields}]`))).toEqual({ kind: 'message', message: { name, data } })
    expect(decodeGmcp(bytes(`${dotted(name)} ${fields}`))).toEqual({ kind: 'message', message: { name, data } })
  })

  // Evennia itself adds `options`, so to have it is a fault only in what the other side is to validate.
  test.each(fixtures('reject').filter(({ file }) => file !== 'field-named-options.json'))(
    '$name/$file is malformed over both',
    ({ name, fields }) => {
      expect(decodeWebsocket(bytes(`["${name}",[],${fields}]`)).kind).toBe('malformed')
      expect(decodeGmcp(bytes(`${dotted(name)} ${fields}`)).kind).toBe('malformed')
    },
  )

  test('the keyword that Evennia adds is taken off', () => {
    const frame = '["tower_pong",[],{"v":1,"id":"p","boot":"b","options":{}}]'
    expect(decodeWebsocket(bytes(frame))).toEqual({ kind: 'message', message: { name: 'tower_pong', data: { v: 1, id: 'p', boot: 'b' } } })
  })

  test('names over GMCP come in any case, with dots or underscores', () => {
    for (const name of ['Tower.Pong', 'tower.pong', 'TOWER.PONG', 'tower_pong', 'Core.Tower.Pong']) {
      expect(decodeGmcp(bytes(`${name} {"v":1,"id":"p","boot":"b"}`)).kind).toBe('message')
    }
  })

  test.each([
    ['["text",["<span>Hello</span>"],{}]', { kind: 'text', text: '<span>Hello</span>' }],
    ['["text",[],{}]', { kind: 'text', text: '' }],
    ['["logged_in",[],{"options":{}}]', { kind: 'logged-in' }],
    ['["prompt",[""],{}]', { kind: 'other' }],
    ['["other_plugin",[1,2],{"a":1}]', { kind: 'other' }],
  ])('websocket %s', (frame, expected) => {
    expect(decodeWebsocket(bytes(frame))).toEqual(expected)
  })

  test.each([
    ['Logged.In', { kind: 'logged-in' }],
    ['Logged.In {}', { kind: 'logged-in' }],
    ['Char.Vitals {"hp":1}', { kind: 'other' }],
    ['Core.Goodbye', { kind: 'other' }],
    ['Goodbye', { kind: 'other' }],
    ['Ping {"a":"x.y"}', { kind: 'other' }],
  ])('GMCP %s', (payload, expected) => {
    expect(decodeGmcp(bytes(payload))).toEqual(expected)
  })

  test.each([
    ['', /not JSON/],
    ['{', /not JSON/],
    ['{}', /not a list/],
    ['[]', /name/],
    ['[1,[],{}]', /name/],
    ['["tower_nonsense",[],{}]', /unknown message/],
    ['["tower_toString",[],{}]', /unknown message/],
    ['["tower_pong",["p"],{"v":1,"id":"p","boot":"b"}]', /positional/],
    ['["tower_pong",[]]', /no fields/],
    ['["tower_pong",[],[1]]', /no fields/],
    ['["tower_pong",[],{"v":1}]', /id.*boot/],
    ['["tower_pong",[],{"v":1,"id":"p","boot":"b","__proto__":{"x":1}}]', /tower_pong/],
  ])('websocket frame %j is malformed and says why', (frame, why) => {
    expect(decodeWebsocket(bytes(frame))).toEqual({ kind: 'malformed', text: expect.stringMatching(why) })
  })

  test.each([
    ['', /name/],
    [' {"v":1}', /name/],
    ['Tower.Pong', /not JSON/],
    ['Tower.Pong {"v":1', /not JSON/],
    ['Tower.Pong {"v":1,"id":"a\nb","boot":"b"}', /not JSON/],
    ['Tower.Pong [[],{"v":1}]', /no fields/],
    ['Tower.Pong 7', /no fields/],
    ['Töwer.Pong {}', /name/],
    ['Tower..Pong {}', /unknown message/],
  ])('GMCP payload %j is malformed and says why', (payload, why) => {
    expect(decodeGmcp(bytes(payload))).toEqual({ kind: 'malformed', text: expect.stringMatching(why) })
  })

  test('bytes that are no UTF-8 are malformed rather than repaired', () => {
    expect(decodeWebsocket(Buffer.from('["tower_pong",[],{"v":1,"id":"p","boot":"\xff"}]', 'latin1')).kind).toBe('malformed')
    expect(decodeGmcp(Buffer.from('Tower.Pong {"v":1,"id":"p","boot":"\xff"}', 'latin1')).kind).toBe('malformed')
  })

  test('what is too big is refused before it is looked at', () => {
    const big = new Uint8Array(MAX_FRAME_BYTES + 1)
    expect(decodeWebsocket(big)).toMatchObject({ kind: 'malformed', text: expect.stringContaining('bytes') })
    expect(decodeGmcp(big)).toMatchObject({ kind: 'malformed', text: expect.stringContaining('bytes') })
    expect(decodeGmcp(Buffer.alloc(MAX_FRAME_BYTES, 'a'))).toMatchObject({ kind: 'malformed', text: expect.stringContaining('name') })
    expect(decodeWebsocket(Buffer.alloc(MAX_FRAME_BYTES, '[')).kind).toBe('malformed')
  })

  test('a fault is told in one line without control characters, however the frame looks', () => {
    const { text } = decodeWebsocket(bytes(`["tower_\u001b[2J\u202e${'x'.repeat(5_000)}",[],{}]`)) as Extract<
      Incoming,
      { kind: 'malformed' }
    >
    expect(text.length).toBeLessThanOrEqual(300)
    expect(text).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  })
})

describe('what the watch sends', () => {
  test('keyword arguments only, in the form of each transport', () => {
    const message = { name: 'tower_ping', data: { v: 1, id: 'p-1' } } as const
    expect(encodeWebsocket(message)).toBe('["tower_ping",[],{"v":1,"id":"p-1"}]')
    expect(encodeGmcp(message)).toBe('Tower.Ping {"v":1,"id":"p-1"}')
    expect(gmcpText('core_login', { name: 'a b' })).toBe('Core.Login {"name":"a b"}')
  })

  test('half a surrogate pair becomes a replacement character: Python could not print it', () => {
    const alert = {
      name: 'tower_alert',
      data: { v: 1, id: 'a', kind: 'notice', subjects: [], incidents: [], at: 1, text: '\ud83d and 🗼 \\ud800' },
    } satisfies WatchMessage
    expect(JSON.parse(encodeWebsocket(alert))[2].text).toBe('\ufffd and 🗼 \\ud800')
  })
})

describe('50,000 random and mutated frames', () => {
  const seeds = (form: (name: string, fields: string) => string) =>
    [...fixtures('accept'), ...fixtures('reject')]
      .filter(({ fields }) => fields.length < 2_000)
      .map(({ name, fields }) => form(name, fields))

  /** A sound frame with a few bytes changed, cut, doubled or put in. */
  const mutated = (frames: string[]) =>
    fc
      .tuple(
        fc.constantFrom(...frames),
        fc.array(fc.record({ how: fc.constantFrom('set', 'cut', 'insert', 'repeat'), at: fc.nat(), byte: fc.nat(255) }), { maxLength: 4 }),
      )
      .map(([frame, changes]) => {
        let out = Buffer.from(frame, 'utf8')
        for (const { how, at, byte } of changes) {
          const place = out.length === 0 ? 0 : at % out.length
          const [head, tail] = [out.subarray(0, place), out.subarray(place)]
          if (how === 'set') out = Buffer.concat([head, Buffer.of(byte), tail.subarray(1)])
          else if (how === 'cut') out = Buffer.concat([head])
          else if (how === 'insert') out = Buffer.concat([head, Buffer.of(byte), tail])
          else out = Buffer.concat([head, tail, tail])
        }
        return new Uint8Array(out)
      })

  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map(bytes),
    fc
      .tuple(fc.constantFrom(...Object.keys(towerMessages), 'text', 'logged_in', 'x'), fc.json(), fc.json())
      .map(([name, a, k]) => bytes(`["${name}",${a},${k}]`)),
    fc
      .tuple(fc.constantFrom(...Object.keys(towerMessages).map(dotted), 'Logged.In', 'X'), fc.json())
      .map(([name, k]) => bytes(`${name} ${k}`)),
  )

  const isValue = (incoming: Incoming) => {
    if (incoming.kind === 'malformed') return incoming.text.length > 0 && incoming.text.length <= 300 && !/\p{Cc}/u.test(incoming.text)
    if (incoming.kind !== 'message') return ['text', 'logged-in', 'other'].includes(incoming.kind)
    return towerMessages[incoming.message.name].safeParse(incoming.message.data).success
  }

  test('over the websocket: each is a value, none throws', () => {
    const frames = fc.oneof(
      { weight: 3, arbitrary: mutated(seeds((name, fields) => `["${name}",[],${fields}]`)) },
      { weight: 1, arbitrary: anything },
    )
    fc.assert(
      fc.property(frames, (frame) => isValue(decodeWebsocket(frame))),
      { numRuns: 25_000 },
    )
  })

  test('over GMCP: each is a value, none throws', () => {
    const frames = fc.oneof(
      { weight: 3, arbitrary: mutated(seeds((name, fields) => `${dotted(name)} ${fields}`)) },
      { weight: 1, arbitrary: anything },
    )
    fc.assert(
      fc.property(frames, (frame) => isValue(decodeGmcp(frame))),
      { numRuns: 25_000 },
    )
  })
})
