import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clean, type HeartbeatFormat, readHeartbeat } from '../../src/domain/heartbeat.ts'

const formats: HeartbeatFormat[] = ['json', 'mtime', 'epoch', 'auto']
const bytes = (text: string) => new TextEncoder().encode(text)
const read = (text: string, format: HeartbeatFormat = 'json') => readHeartbeat(bytes(text), false, format)

describe('a JSON heartbeat', () => {
  it('says which life it is of, and what the agent does', () => {
    const text = '{"at": 1, "pid": 42, "epoch": "a", "seq": 7, "busy": true, "doing": "issue 12", "model": "m"}'
    expect(read(text)).toEqual({ kind: 'beat', content: { pid: 42, epoch: 'a', seq: 7, busy: true, doing: 'issue 12', model: 'm' } })
  })

  it('takes a number for the epoch', () => {
    expect(read('{"epoch": 1712}')).toEqual({ kind: 'beat', content: { epoch: '1712' } })
  })

  it.each([
    '{"epoch": ""}',
    '{"epoch": "\\u0000"}',
    '{"epoch": null}',
    '{"epoch": 1e999}',
    '{"pid": 1}',
    '{"pid": -3}',
    '{"pid": 1.5}',
    '{"busy": "yes"}',
  ])('leaves out what says nothing: %s', (text) => {
    expect(read(text)).toEqual({ kind: 'beat', content: {} })
  })

  it.each([
    ['', 'is empty'],
    ['{"at": 1', 'not whole JSON'],
    ['[1]', 'no JSON object'],
    ['null', 'no JSON object'],
    ['42', 'no JSON object'],
  ])('is a fault where it is %j', (text, fault) => {
    expect(read(text)).toEqual({ kind: 'fault', fault: expect.stringContaining(fault) })
  })

  it('is one line without control characters, reading marks or half characters', () => {
    const reading = read(JSON.stringify({ doing: ' a\n\u001b[31mb\u202ec\u0000 ', model: '\ud83d', epoch: `${'x'.repeat(99)}😀` }))
    expect(reading).toEqual({ kind: 'beat', content: { doing: 'a [31mb c', model: '\ufffd', epoch: `${'x'.repeat(99)}\ufffd` } })
  })
})

describe('other heartbeats', () => {
  it('of which only the modification time counts may hold anything', () => {
    expect(readHeartbeat(bytes('\u0000'), true, 'mtime')).toEqual({ kind: 'beat', content: {} })
  })

  it('hold a number of seconds', () => {
    expect(read('1712345678.25\n', 'epoch').kind).toBe('beat')
    for (const wrong of ['', 'now', '-1', '0', 'NaN', 'Infinity']) expect(read(wrong, 'epoch').kind).toBe('fault')
  })

  it('are recognised by what is in them', () => {
    expect(read('{"pid": 42}', 'auto')).toEqual({ kind: 'beat', content: { pid: 42 } })
    expect(read('{"pid"', 'auto').kind).toBe('fault')
    for (const text of ['', '1712345678', 'alive']) expect(read(text, 'auto')).toEqual({ kind: 'beat', content: {} })
  })

  it('of more than 64 KiB are a fault', () => {
    for (const format of ['json', 'epoch', 'auto'] as const) {
      expect(readHeartbeat(bytes('1'), true, format)).toEqual({ kind: 'fault', fault: expect.stringContaining('64 KiB') })
    }
  })
})

describe('whatever a heartbeat file holds', () => {
  const nearlyJson = fc
    .tuple(
      fc.dictionary(fc.constantFrom('at', 'pid', 'epoch', 'seq', 'busy', 'doing', 'model', '__proto__', 'x'), fc.jsonValue()),
      fc.nat(200),
      fc.uint8Array({ maxLength: 4 }),
    )
    .map(([value, cut, noise]) => {
      const whole = bytes(JSON.stringify(value))
      return new Uint8Array([...whole.subarray(0, cut), ...noise, ...whole.subarray(cut)])
    })

  it('is read as a beat or a fault, never throws, and gives only what is safe to keep', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ maxLength: 300 }), nearlyJson),
        fc.boolean(),
        fc.constantFrom(...formats),
        (found, truncated, format) => {
          const reading = readHeartbeat(found, truncated, format)
          expect(reading).not.toEqual({ kind: 'fault', fault: '' })
          if (reading.kind === 'fault') return
          const { epoch, pid, seq, doing, model } = reading.content
          for (const text of [epoch, doing, model]) {
            if (text === undefined) continue
            expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]|\p{Surrogate}/u)
            expect(text.length).toBeLessThanOrEqual(200)
          }
          expect(epoch).not.toBe('')
          if (pid !== undefined) expect(Number.isInteger(pid) && pid > 1).toBe(true)
          if (seq !== undefined) expect(Number.isFinite(seq)).toBe(true)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('survives being nested as deeply as 64 KiB allow', () => {
    expect(read('['.repeat(65_536)).kind).toBe('fault')
    expect(read(`{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`).kind).toMatch(/beat|fault/)
  })

  it('is cleaned once and for all', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(50), (text, max) => {
        const once = clean(text, max)
        expect(clean(once, max)).toBe(once)
        expect(once.length).toBeLessThanOrEqual(max)
      }),
    )
  })
})
