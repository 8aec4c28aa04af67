import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProtocolError } from '../../../src/adapters/hosts/gate-protocol.ts'
import { encodeHost } from '../../../src/adapters/hosts/host-lines.ts'
import { parsePanes } from '../../../src/adapters/hosts/panes-answer.ts'
import { parseTail } from '../../../src/adapters/hosts/tail-answer.ts'

const runs = { numRuns: Number(process.env['TOWERWATCH_RUNS'] ?? 2_000) }
const bytes = (text: string) => new TextEncoder().encode(text)
const socket = '/tmp/tmux-1000/default'
const part = (line: string, of = socket) => bytes(`${of}\n${line}`)
const end = bytes('all 1795424030000\n')

describe('the answer to panes', () => {
  it('tells socket, name, state, how it ended, program and quiet time', () => {
    const parts = [
      part('%0 0 1795424024 s g csleep\tfleet:keeper'),
      part('%1 1 1795424029 s0 g cnode\tfleet:ended'),
      part('%2 1 1795424030 s g9 csh\tfleet:killed'),
      part('%3 1 1795424031 s g c\tfleet:missed'),
      part('%4 0  s g cvim\tfleet:', '/tmp/with blank'),
    ]
    expect(parsePanes(parts, bytes('cut 1795424030500\n/tmp/hung\n'))).toEqual({
      panes: [
        { socket, name: 'fleet:keeper', paneId: '%0', state: 'alive', command: 'sleep', quietMs: 6_500 },
        { socket, name: 'fleet:ended', paneId: '%1', state: 'dead', ended: { status: 0 }, command: 'node', quietMs: 1_500 },
        { socket, name: 'fleet:killed', paneId: '%2', state: 'dead', ended: { signal: '9' }, command: 'sh', quietMs: 500 },
        { socket, name: 'fleet:missed', paneId: '%3', state: 'dead', command: '', quietMs: 0 },
        { socket: '/tmp/with blank', name: 'fleet:', paneId: '%4', state: 'alive', command: 'vim', quietMs: 0 },
      ],
      isCut: true,
      blind: ['/tmp/hung'],
    })
  })

  it('gives the bare name to the oldest pane that is called so, wherever it stands', () => {
    const parts = ['%12', '%3', '%7'].map((id) => part(`${id} 0 1 s g csh\tfleet:same`))
    const other = part('%1 0 1 s g csh\tfleet:same', '/tmp/other')
    expect(parsePanes([...parts, other], end).panes.map(({ name }) => name)).toEqual([
      'fleet:same.%12',
      'fleet:same',
      'fleet:same.%7',
      'fleet:same',
    ])
  })

  it.each([
    ['a part without a socket', [bytes('%1 0 1 s g csh\tfleet:x')], end],
    ['an id that is none', [part('3 0 1 s g csh\tfleet:x')], end],
    ['another state', [part('%3 2 1 s g csh\tfleet:x')], end],
    ['a status that is none', [part('%3 1 1 sx g csh\tfleet:x')], end],
    ['a program that is not plain', [part('%3 0 1 s g csh;id\tfleet:x')], end],
    ['a name without a session', [part('%3 0 1 s g csh\tfleet')], end],
    ['an end of another form', [], bytes('all\n')],
    ['no end', [], bytes('')],
  ])('is refused with %s', (_, parts, last) => {
    expect(() => parsePanes(parts, last)).toThrow(ProtocolError)
  })

  it('keeps any name as it is, and gives no two panes of a server the same one', () => {
    const name = fc.string({ unit: 'grapheme', maxLength: 30 }).map((text) => text.replace(/[\n\t]/g, '?'))
    const called = fc.uniqueArray(fc.tuple(fc.nat(50), fc.constantFrom('a', 'b', 'a.%1'), fc.oneof(name, fc.constantFrom('w', 'w.x'))), {
      selector: ([id]) => id,
      maxLength: 12,
    })
    fc.assert(
      fc.property(called, (panes) => {
        const found = parsePanes(
          panes.map(([id, session, window]) => part(`%${id} 0 1 s g csh\t${session}:${window}`)),
          end,
        ).panes
        expect(found.map(({ paneId }) => paneId)).toEqual(panes.map(([id]) => `%${id}`))
        for (const [index, [id, session, window]] of panes.entries())
          expect([`${session}:${window}`, `${session}:${window}.%${id}`]).toContain(found[index]?.name)
        expect(new Set(found.map(({ name: one }) => one)).size).toBe(found.length)
      }),
      runs,
    )
  })

  it('is read or refused, whatever bytes come', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 3 }), fc.uint8Array({ maxLength: 30 }), (parts, last) => {
        try {
          parsePanes(parts, last)
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError)
        }
      }),
      runs,
    )
  })
})

describe('the answer to tail', () => {
  it('keeps whatever text follows its head', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), fc.boolean(), (text, isCut) => {
        const body = bytes(`log log.123.456 ${isCut ? 'cut' : 'all'}\n${text}`)
        expect(parseTail(body)).toEqual({ text, from: 'log', cursor: 'log.123.456', isCut })
      }),
      runs,
    )
    expect(parseTail(bytes('pane pane.3 all\na\nb'))).toEqual({ text: 'a\nb', from: 'pane', cursor: 'pane.3', isCut: false })
  })

  it.each([
    '',
    'pane pane.3 all',
    'pane pane.3 cut\n',
    'log log.1 all\n',
    'log log.1.2 some\n',
    'tail log.1.2 all\n',
    `log log.1.2 all\n${'x'.repeat(16_385)}`,
  ])('is refused as %j', (text) => {
    expect(() => parseTail(bytes(text))).toThrow(ProtocolError)
  })
})

describe('what is declared of a host', () => {
  it('is a line for each socket', () => {
    expect(encodeHost({ services: [], sockets: [socket, '/tmp/with blank'] })).toEqual([`X:${socket}`, 'X:/tmp/with blank'])
  })

  it.each(['/tmp/a\nI:b', '/tmp/a\0', 'relative', `/${'x'.repeat(70_000)}`])('is refused where a line cannot carry it', (bad) => {
    expect(() => encodeHost({ services: [], sockets: [bad] })).toThrow(/sockets\[0\]/)
  })
})
