import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  DeclarationError,
  encodeDeclarations,
  encodeFrame,
  encodeRequest,
  type Frame,
  FrameParser,
  limits,
  ProtocolError,
  parseSightings,
  parseStep,
  plainSentence,
} from '../../../src/adapters/hosts/gate-protocol.ts'
import type { AgentDeclaration } from '../../../src/ports/host.ts'

const nonce = '00112233445566778899aabbccddeeff'
const hello: Frame = { request: 0, kind: 'hello', body: Buffer.from('towerwatch-gate 3') }
const greeting = Buffer.concat([Buffer.from('\n'), encodeFrame(nonce, hello)])

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
const frame: fc.Arbitrary<Frame> = fc.record({
  request: fc.integer({ min: 0, max: 999_999_999 }),
  kind: fc.constantFrom('part' as const, 'progress' as const, 'ok' as const, 'refused' as const, 'failed' as const),
  body: bytes,
})

/** A stream cut at these places (fractions of its length). */
function chunks(stream: Buffer, cuts: number[]): Buffer[] {
  const places = [0, ...cuts.map((cut) => Math.floor(cut * stream.length)).sort((a, b) => a - b), stream.length]
  return places.slice(1).map((place, index) => stream.subarray(places[index], place))
}

/** Feeds it all; ProtocolError is an answer, anything else is a fault of the parser. */
function parseAll(parts: Buffer[]): Frame[] | ProtocolError {
  const parser = new FrameParser(nonce)
  try {
    return parts.flatMap((part) => parser.push(part))
  } catch (error) {
    if (error instanceof ProtocolError) return error
    throw error
  }
}

describe('frames', () => {
  it('come back as they were sent, however the stream is cut and whatever noise comes first', () => {
    const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 })
    fc.assert(
      fc.property(bytes, fc.array(frame, { maxLength: 6 }), cuts, (noise, frames, places) => {
        const stream = Buffer.concat([noise, greeting, ...frames.map((one) => encodeFrame(nonce, one))])
        expect(parseAll(chunks(stream, places))).toEqual([hello, ...frames])
      }),
    )
  })

  it('may hold what looks like a frame', () => {
    const inner = encodeFrame(nonce, { request: 1, kind: 'ok', body: Buffer.from('x') })
    const outer: Frame = { request: 1, kind: 'part', body: Buffer.concat([inner, Buffer.from('\n'), inner]) }
    expect(parseAll([greeting, encodeFrame(nonce, outer)])).toEqual([hello, outer])
  })

  it('that are damaged are errors or wait for more, but never a crash', () => {
    const edit = fc.tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.integer({ min: 0, max: 255 }))
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 4 }), fc.array(edit, { minLength: 1, maxLength: 5 }), (frames, edits) => {
        const stream = Buffer.concat(frames.map((one) => encodeFrame(nonce, one)))
        for (const [place, value] of edits) stream[Math.floor(place * stream.length)] = value
        parseAll([greeting, stream])
      }),
      { numRuns: 2_000 },
    )
  })

  it.each([
    ['the nonce of somebody else', `ffff 1 ok 0\n\nffff 1 end\n`],
    ['a kind that is not known', `${nonce} 1 shell 0\n\n${nonce} 1 end\n`],
    ['a length that is no number', `${nonce} 1 ok 1e3\n`],
    ['a length over the limit', `${nonce} 1 ok ${limits.frameBytes + 1}\n`],
    ['a length that does not fit', `${nonce} 1 ok 2\nabc\n${nonce} 1 end\n`],
    ['the end of another request', `${nonce} 1 ok 1\na\n${nonce} 2 end\n`],
    ['no header for long', 'x'.repeat(200)],
    ['noise between frames', `\nbash: warning\n${nonce} 1 ok 0\n`],
  ])('with %s end the connection', (_, text) => {
    expect(parseAll([greeting, Buffer.from(text)])).toBeInstanceOf(ProtocolError)
  })

  it('are not waited for for ever behind endless noise', () => {
    expect(parseAll([Buffer.alloc(limits.noiseBytes), Buffer.from('x')])).toBeInstanceOf(ProtocolError)
  })
})

describe('requests', () => {
  it('hold plain tokens and nothing else', () => {
    expect(encodeRequest(nonce, 7, ['restart', 'ezra', 'stop-first'])).toBe(`${nonce} 7 restart ezra stop-first\n`)
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!/^[a-z0-9_.=-]+$/.test(text))
        expect(() => encodeRequest(nonce, 1, ['restart', text])).toThrow(ProtocolError)
      }),
    )
  })

  it('are never longer than the gate reads', () => {
    const pairs = Array.from({ length: 5_000 }, (_, index) => `agent-${index}=12345`)
    expect(() => encodeRequest(nonce, 1, ['beats', ...pairs])).toThrow(ProtocolError)
  })
})

describe('declarations', () => {
  const agent: AgentDeclaration = {
    id: 'ezra',
    heartbeatFiles: ['/beat', '/other'],
    jobs: '/jobs',
    markers: ['/beat.paused'],
    configs: [],
    stopGraceMs: 5_000,
    body: { kind: 'command', start: ['a'] },
  }

  it('are one value a line, whatever the value holds', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), (start) => {
        fc.pre(start.every((word) => !/[\n\0]/.test(word)))
        const lines = encodeDeclarations([{ ...agent, body: { kind: 'command', start } }])
        expect(lines).toHaveLength(8 + start.length)
        expect(lines.filter((line) => line.startsWith('A:')).map((line) => line.slice(2))).toEqual(start)
        expect(lines.every((line) => !line.includes('\n'))).toBe(true)
      }),
    )
  })

  it('name the agent and the field that cannot be told to a gate', () => {
    const declare = (more: Partial<AgentDeclaration>) => () => encodeDeclarations([{ ...agent, ...more }])
    expect(declare({ body: { kind: 'command', start: ['sh', 'a\nb'] } })).toThrow(
      new DeclarationError('ezra: start[1] holds a newline or a NUL, which a gate cannot be told'),
    )
    expect(declare({ heartbeatFiles: ['/beat', 'beat'] })).toThrow('ezra: heartbeatFiles[1] is not an absolute path')
    expect(declare({ jobs: 'jobs' })).toThrow('ezra: jobs is not an absolute path')
    expect(declare({ markers: ['a\nb'] })).toThrow('ezra: markers[0] holds a newline')
    expect(declare({ body: { kind: 'pane', socket: 'sock', target: 'a:b' } })).toThrow('ezra: socket is not an absolute path')
    expect(declare({ body: { kind: 'command', start: ['x'.repeat(70_000)] } })).toThrow('ezra: start[0] is too long')
  })
})

describe('sightings', () => {
  const ezra: AgentDeclaration = {
    id: 'ezra',
    heartbeatFiles: ['/beat', '/other'],
    markers: ['/beat.paused', '/.paused'],
    configs: [],
    stopGraceMs: 1,
    body: { kind: 'command', start: ['a'] },
  }
  const timmy: AgentDeclaration = { ...ezra, id: 'timmy', heartbeatFiles: [] }
  const jobs: AgentDeclaration = { ...timmy, id: 'jobs', jobs: '/jobs/' }
  const read = (agents: AgentDeclaration[], ...parts: (string | Buffer)[]) =>
    parseSightings(
      parts.map((part) => Buffer.from(part)),
      new Map(agents.map((agent) => [agent.id, agent])),
    )

  it('are put together from their parts', () => {
    expect(
      read(
        [ezra, timmy, jobs],
        'agent ezra\nalive 12 boot-1:77\nalive %3\nnone\n',
        'file ezra 0\ncontent 1000 -5 raw 10\na\nb',
        'file ezra 1\nunchanged 1000 5\n',
        'mark ezra 1\nnot \u001b[31mnow\u001b[0m',
        'agent timmy\ngone 12\ndead %3\nnone\n',
        'agent jobs\ngone\nmissing\nlisted cut 2\n',
        'file jobs a.last\nunreadable symlink\n',
        'file jobs b-1@x.last\nmissing\n',
        'mark jobs b-1@x.last\n',
      ),
    ).toEqual([
      {
        id: 'ezra',
        files: [
          { path: '/beat', kind: 'content', mtimeMs: 1_000, ageMs: -5, bytes: new Uint8Array(Buffer.from('a\nb')), truncated: false },
          { path: '/other', kind: 'unchanged', mtimeMs: 1_000, ageMs: 5 },
        ],
        markers: [{ path: '/.paused', reason: 'not now' }],
        process: { kind: 'alive', pid: 12, epoch: 'boot-1:77' },
        pane: { kind: 'alive', id: '%3' },
      },
      { id: 'timmy', files: [], markers: [], process: { kind: 'gone', pid: 12 }, pane: { kind: 'dead', id: '%3' } },
      {
        id: 'jobs',
        files: [
          { path: '/jobs/a.last', kind: 'unreadable', why: 'symlink' },
          { path: '/jobs/b-1@x.last', kind: 'missing' },
        ],
        jobs: { kind: 'listed', isCut: true, odd: 2 },
        markers: [{ path: '/jobs/b-1@x.last.paused', reason: '' }],
        process: { kind: 'gone' },
        pane: { kind: 'missing' },
      },
    ])
    expect(read([jobs], 'agent jobs\nunknown\nnone\nunreadable denied\n')).toEqual([
      { id: 'jobs', files: [], jobs: { kind: 'unreadable', why: 'denied' }, markers: [], process: { kind: 'unknown' } },
    ])
  })

  const one: AgentDeclaration = { ...ezra, heartbeatFiles: ['/beat'] }
  const head = 'agent ezra\nunknown\nnone\nnone\n'

  it('hold any bytes in base64 and in hex, and are cut at the limit', () => {
    fc.assert(
      fc.property(bytes, fc.constantFrom('base64' as const, 'hex' as const), fc.integer({ min: 1, max: 400 }), (content, form, limit) => {
        const wrapped = content.toString(form).replace(/(.{32})/g, '$1\n')
        const file = read([one], head, `file ezra 0\ncontent 1 1 ${form} ${limit}\n${wrapped}`)[0]?.files[0]
        expect(file).toMatchObject({ kind: 'content', truncated: content.length > limit })
        expect(file?.kind === 'content' && Buffer.from(file.bytes).equals(content.subarray(0, limit))).toBe(true)
      }),
    )
  })

  it.each([
    ['nothing', []],
    ['a head that is too short', ['agent ezra\nunknown\nnone']],
    ['no file', [head]],
    ['a file before its agent', ['file ezra 0\nmissing\n', head]],
    ['an agent twice', [head, 'file ezra 0\nmissing\n', head, 'file ezra 0\nmissing\n']],
    ['another agent', [head.replace('ezra', 'timmy')]],
    ['a part of another kind', [head, 'fire ezra 0\nmissing\n']],
    ['a file that was not declared', [head, 'file ezra 0\nmissing\n', 'file ezra 1\nmissing\n']],
    ['a job where no folder was declared', [head, 'file ezra 0\nmissing\n', 'file ezra a.last\nmissing\n']],
    ['a job outside of its folder', [head, 'file ezra 0\nmissing\n', 'file ezra ../a.last\nmissing\n']],
    ['a marker that was not declared', [head, 'file ezra 0\nmissing\n', 'mark ezra 7\nx']],
    ['a folder that was not declared', [head.replace(/none\n$/, 'listed all 0\n'), 'file ezra 0\nmissing\n']],
    ['no word for a file', [head, 'file ezra 0\n\n']],
    ['a form that is not known', [head, 'file ezra 0\ncontent 1 1 zip 9\n']],
    ['a time that is no number', [head, 'file ezra 0\nunchanged x 1\n']],
    ['a reason that is not known', [head, 'file ezra 0\nunreadable because\n']],
    ['a pid of 0', [head.replace('unknown', 'alive 0 boot:1'), 'file ezra 0\nmissing\n']],
    ['a process without an epoch', [head.replace('unknown', 'alive 12'), 'file ezra 0\nmissing\n']],
    ['a pane that is none', [head.replace('none', 'alive 3'), 'file ezra 0\nmissing\n']],
  ])('out of form are errors: %s', (_, parts) => {
    expect(() => read([one], ...parts)).toThrow(ProtocolError)
  })

  it('are errors or answers for any bytes at all', () => {
    const line = fc.oneof(
      fc.constantFrom('agent ezra', 'file ezra 0', 'mark ezra 0', 'missing', 'gone 1', 'alive %1', 'none', 'unknown', 'content 1 1 hex 2'),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.array(fc.array(line, { maxLength: 6 }), { maxLength: 4 }), (parts) => {
        try {
          read([one], ...parts.map((lines) => lines.join('\n')))
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError)
        }
      }),
    )
  })
})

describe('text from outside', () => {
  it('is one plain line of at most 300 characters', () => {
    expect(plainSentence('\u001b[31mred\u001b[0m\r\n\tnext\u202eline\u0000 ')).toBe('red next line')
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 5_000 }), (text) => {
        const plain = plainSentence(text)
        expect(plain.length).toBeLessThanOrEqual(300)
        expect(plain).not.toMatch(/\p{C}/u)
      }),
    )
  })

  it('is cleaned in what a step says', () => {
    expect(parseStep(Buffer.from('stop\nasked \u001b[1mpid\n7'))).toEqual({ step: 'stop', text: 'asked pid 7' })
    expect(() => parseStep(Buffer.from('jump\nx'))).toThrow(ProtocolError)
    expect(() => parseStep(Buffer.from('stop'))).toThrow(ProtocolError)
  })
})
