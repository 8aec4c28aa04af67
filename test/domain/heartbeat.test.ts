import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clean, type HeartbeatContent, type HeartbeatFormat, type ReadOptions, readHeartbeat } from '../../src/domain/heartbeat.ts'

const formats: HeartbeatFormat[] = ['json', 'mtime', 'epoch', 'job', 'auto']
const bytes = (text: string) => new TextEncoder().encode(text)
const read = (text: string, format: HeartbeatFormat = 'json', more: Partial<ReadOptions> = {}) =>
  readHeartbeat(bytes(text), false, { format, ...more })
const content = (text: string, format: HeartbeatFormat = 'json', more: Partial<ReadOptions> = {}): HeartbeatContent => {
  const reading = read(text, format, more)
  if (reading.kind === 'fault') throw new Error(`${text} ${reading.fault.text}`)
  return reading.content
}
const faultOf = (text: string, format: HeartbeatFormat = 'json', more: Partial<ReadOptions> = {}) => {
  const reading = read(text, format, more)
  return { counts: reading.kind === 'beat', fault: reading.fault?.kind }
}
const atMs = 1_712_345_678_000
const at = { ms: atMs, zone: 'known', form: 'seconds since 1970' }

describe('a JSON heartbeat', () => {
  it('says which life it is of, and what the agent does', () => {
    const text =
      '{"at": 1712345678, "pid": 42, "epoch": "a", "seq": 7, "progress": 3.5, "busy": true, "doing": "issue 12", "model": "m", "odd": {}}'
    expect(read(text)).toEqual({
      kind: 'beat',
      content: { saidAt: at, pid: 42, epoch: 'a', seq: 7, progress: 3.5, busy: true, doing: 'issue 12', model: 'm' },
      form: 'json',
      because: 'JSON with the time under "at" (seconds since 1970)',
    })
  })

  it.each([
    ['ts', 1_712_345_678],
    ['timestamp', '2024-04-05T19:34:38Z'],
    ['updated_at', 1_712_345_678_000],
    ['last_beat', '1712345678'],
    ['heartbeat', 1_712_345_678.0001],
    ['lastHeartbeat', '2024-04-05T21:34:38+02:00'],
  ])('has its time under "%s" as well', (name, value) => {
    const reading = read(JSON.stringify({ [name]: value }), 'auto')
    expect(reading.kind === 'beat' && reading.content.saidAt?.ms).toBe(atMs)
    expect(reading.kind === 'beat' && reading.because).toContain(`under "${name}"`)
  })

  it('has its time where fleet.yaml says, and says so where it is not there', () => {
    const text = '{"at": 1800000000, "mine": 1712345678}'
    expect(content(text, 'json', { timeField: 'mine' }).saidAt).toEqual(at)
    expect(read(text, 'auto', { timeField: 'toString' })).toMatchObject({
      kind: 'beat',
      fault: { kind: 'no-time', text: 'has no time under "toString"' },
    })
  })

  it('may have no time of its own', () => {
    expect(read('{"pid": 42}', 'auto')).toEqual({
      kind: 'beat',
      content: { pid: 42 },
      form: 'json',
      because: 'JSON without a time of its own',
    })
  })

  it('takes a number for the epoch, but not one that can only be a time', () => {
    expect(content('{"epoch": 1712}')).toEqual({ epoch: '1712' })
    expect(content('{"epoch": 1712345678}')).toEqual({ saidAt: at })
    expect(content('{"epoch": 1712345678, "at": 1712345678}')).toEqual({ saidAt: at, epoch: '1712345678' })
    expect(content('{"epoch": "1712345678"}')).toEqual({ epoch: '1712345678' })
  })

  it('takes pid and start time for the epoch where it names none', () => {
    expect(content('{"pid": 42, "started_at": "noon"}').epoch).toBe('42-noon')
    expect(content('{"pid": 42, "start_time": 7, "run_id": "r1"}').epoch).toBe('r1')
    expect(content('{"start_time": 7}').epoch).toBeUndefined()
  })

  it('takes a cycle for the sequence', () => {
    expect(content('{"cycle": 12, "model": "m"}')).toEqual({ seq: 12, model: 'm' })
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
    '{"progress": "3"}',
    '{"__proto__": {"epoch": "x"}}',
    '{"status": "ok"}',
    '{"exit_status": 0, "ok": true, "error": "an old one"}',
    '{"failing": false}',
    '{"interval": 60}',
  ])('leaves out what says nothing: %s', (text) => {
    expect(content(text)).toEqual({})
  })

  it.each([
    ['{"busy": false}', { busy: false }],
    ['{"idle": true}', { busy: false }],
    ['{"status": "working"}', { busy: true }],
    ['{"state": "Idle"}', { busy: false }],
    ['{"status": "reading issue 7"}', { doing: 'reading issue 7' }],
    ['{"status": "busy", "task": "issue 7"}', { busy: true, doing: 'issue 7' }],
  ])('says whether it is busy, and with what: %s', (text, expected) => {
    expect(content(text)).toEqual(expected)
  })

  it.each([
    ['{"failing": true}', 'its heartbeat says that it is failing'],
    ['{"failing": true, "reason": "no key"}', 'no key'],
    ['{"failing": "no\\nkey"}', 'no key'],
    ['{"ok": false}', 'its heartbeat says "ok": false'],
    ['{"healthy": false, "error": "no disk"}', 'no disk'],
    ['{"status": "ERROR"}', 'its heartbeat says "error"'],
    ['{"state": "failed", "message": "401"}', '401'],
    ['{"exit_code": 3}', 'exit status 3'],
    ['{"rc": -1, "error": "killed"}', 'exit status -1: killed'],
  ])('says that it fails: %s', (text, failing) => {
    expect(content(text)).toEqual({ failing })
  })

  it.each([
    ['', 'empty'],
    ['{"at": 1', 'torn'],
    ['{"at": 1\u0000', 'binary'],
    ['[1]', 'no-object'],
    ['null', 'no-object'],
    ['42', 'no-object'],
  ])('is a fault where it is %j', (text, fault) => {
    expect(faultOf(text)).toEqual({ counts: false, fault })
  })

  it('is one line without control characters, reading marks or half characters', () => {
    const text = JSON.stringify({ doing: ' a\n\u001b[31mb\u202ec\u0000 ', model: '\ud83d', epoch: `${'x'.repeat(99)}😀` })
    expect(content(text)).toEqual({ doing: 'a [31mb c', model: '\ufffd', epoch: `${'x'.repeat(99)}\ufffd` })
  })

  it('of a Hermes gateway is recognised, and names its life by pid and start time', () => {
    const text = '{"pid": 4711, "updated_at": 1712345678.0, "monotonic": 99.5, "start_time": 123456}'
    expect(read(text, 'auto')).toEqual({
      kind: 'beat',
      content: { saidAt: at, pid: 4711, epoch: '4711-123456' },
      form: 'hermes',
      because: 'JSON of a Hermes gateway with the time under "updated_at" (seconds since 1970)',
    })
  })
})

describe('a heartbeat of which only the modification time counts', () => {
  it('may hold anything', () => {
    expect(readHeartbeat(bytes('\u0000'), true, { format: 'mtime' })).toMatchObject({ kind: 'beat', content: {} })
  })

  it('is what is taken for one where nothing is recognised', () => {
    for (const text of ['alive', '7', 'pid 42\n']) expect(read(text, 'auto')).toMatchObject({ kind: 'beat', content: {}, form: 'mtime' })
    expect(faultOf('alive', 'auto')).toEqual({ counts: true, fault: undefined })
  })
})

describe('a heartbeat that is a number', () => {
  it('is a time since 1970', () => {
    expect(content('1712345678.0\n', 'epoch')).toEqual({ saidAt: at })
    expect(read('1712345678000', 'auto')).toMatchObject({ form: 'epoch', because: 'one number: milliseconds since 1970' })
    for (const wrong of ['now', '-1', '0', 'NaN', 'Infinity'])
      expect(faultOf(wrong, 'epoch')).toEqual({ counts: false, fault: 'no-number' })
    expect(faultOf('', 'epoch')).toEqual({ counts: false, fault: 'empty' })
  })
})

describe('a job record', () => {
  it.each([
    '{"at": 1712345678, "interval_seconds": 3600}',
    '{"last_run": "2024-04-05T19:34:38Z", "every": "1h"}',
    '{"time": 1712345678000, "interval_s": "3600"}',
    'timestamp=1712345678\ninterval=3600\n',
    'time: "1712345678"\nevery: 60m',
    '1712345678 3600',
    '1712345678.000 1h 0',
    '2024-04-05 19:34:38Z 3600',
  ])('declares when it is due again: %j', (text) => {
    for (const reading of [read(text, 'job'), read(text, 'auto', { name: 'backup.last' })]) {
      expect(reading).toMatchObject({ kind: 'beat', form: 'job', content: { saidAt: { ms: atMs }, intervalMs: 3_600_000 } })
      expect(reading.fault).toBeUndefined()
    }
  })

  it.each(['1712345678 3600 3', '{"at": 1712345678, "interval": 3600, "exit_status": 3}', 'at=1712345678\nevery=1h\nrc=3'])(
    'tells of a run that failed: %j',
    (text) => {
      expect(content(text, 'job')).toMatchObject({ intervalMs: 3_600_000, failing: 'exit status 3' })
    },
  )

  it.each([
    ['', false, 'empty'],
    ['{"at": 17', false, 'torn'],
    ['done', false, 'no-number'],
    ['\u0000\u0001', false, 'binary'],
    ['1712345678', true, 'no-interval'],
    ['{"at": 1712345678, "interval": 0}', true, 'no-interval'],
    ['{"at": 1712345678, "interval": -5}', true, 'no-interval'],
    ['{"at": 1712345678, "interval": 1e300}', true, 'no-interval'],
  ])('%j counts: %s, with the fault %s', (text, counts, fault) => {
    expect(faultOf(text, 'job')).toEqual({ counts, fault })
    expect(faultOf(text, 'auto', { name: 'backup.last' })).toEqual({ counts, fault })
  })
})

describe('a file whose format is found out', () => {
  it('counts, with a fault, where it was never anything but empty or binary', () => {
    expect(faultOf('', 'auto')).toEqual({ counts: true, fault: 'empty' })
    expect(faultOf('\u0001\u0000', 'auto')).toEqual({ counts: true, fault: 'binary' })
  })

  it('proves nothing while it holds something else than before: somebody is writing it', () => {
    expect(faultOf('', 'auto', { before: 'json' })).toEqual({ counts: false, fault: 'empty' })
    expect(read('17123', 'auto', { before: 'epoch' }).fault?.text).toBe('held a time before, and now something else')
    expect(faultOf('\u0000', 'auto', { before: 'json' })).toEqual({ counts: false, fault: 'binary' })
    expect(faultOf('{"at"', 'auto')).toEqual({ counts: false, fault: 'torn' })
  })

  it('may change from one known form to another', () => {
    expect(faultOf('1712345678', 'auto', { before: 'json' })).toEqual({ counts: true, fault: undefined })
    expect(faultOf('{}', 'auto', { before: 'epoch' })).toEqual({ counts: true, fault: undefined })
  })
})

describe('whatever a heartbeat file holds', () => {
  const names = [
    'at',
    'pid',
    'epoch',
    'seq',
    'progress',
    'busy',
    'doing',
    'status',
    'ok',
    'rc',
    'interval',
    'every',
    'model',
    '__proto__',
    'x',
  ]
  const nearlyJson = fc
    .tuple(fc.dictionary(fc.constantFrom(...names), fc.jsonValue()), fc.nat(200), fc.uint8Array({ maxLength: 4 }))
    .map(([value, cut, noise]) => {
      const whole = bytes(JSON.stringify(value))
      return new Uint8Array([...whole.subarray(0, cut), ...noise, ...whole.subarray(cut)])
    })
  const nearlyJob = fc
    .array(fc.oneof(fc.constantFrom('1712345678', '3600', '1h', 'interval=60', 'at=1', '\n', ' ', '2024-04-05'), fc.string()), {
      maxLength: 6,
    })
    .map((parts) => bytes(parts.join('')))

  it('is read as a beat or a named fault, never throws, and gives only what is safe to keep', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ maxLength: 300 }), nearlyJson, nearlyJob),
        fc.boolean(),
        fc.constantFrom(...formats),
        fc.constantFrom('beat', 'job.last'),
        fc.constantFrom(undefined, 'json' as const, 'epoch' as const, 'job' as const),
        fc.constantFrom(undefined, 'at', '__proto__'),
        (found, truncated, format, name, before, timeField) => {
          const reading = readHeartbeat(found, truncated, {
            format,
            name,
            ...(before && { before }),
            ...(timeField !== undefined && { timeField }),
          })
          if (reading.fault) {
            expect(reading.fault.text).not.toMatch(/…|undefined/)
            expect(reading.fault.remedy).not.toBe('')
          }
          if (reading.kind === 'fault') return
          expect(reading.because).not.toMatch(/undefined/)
          const { epoch, pid, seq, progress, doing, model, failing, intervalMs } = reading.content
          for (const text of [epoch, doing, model, failing]) {
            if (text === undefined) continue
            expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]|\p{Surrogate}/u)
            expect(text.length).toBeLessThanOrEqual(240)
            expect(text).not.toBe('')
          }
          if (pid !== undefined) expect(Number.isInteger(pid) && pid > 1).toBe(true)
          for (const number of [seq, progress]) if (number !== undefined) expect(Number.isFinite(number)).toBe(true)
          if (intervalMs !== undefined) expect(intervalMs >= 1_000 && Number.isInteger(intervalMs)).toBe(true)
        },
      ),
      { numRuns: Number(process.env['TOWERWATCH_RUNS'] ?? 5_000) },
    )
  })

  it('comes back as it was written', () => {
    const text = fc.stringMatching(/^[A-Za-z][A-Za-z0-9 ._-]{0,60}[A-Za-z0-9]$/)
    const written = fc.record(
      {
        at: fc.integer({ min: 1e9, max: 4e9 }),
        pid: fc.integer({ min: 2, max: 2 ** 31 - 1 }),
        epoch: text,
        seq: fc.nat(),
        progress: fc.double({ noNaN: true, noDefaultInfinity: true }),
        busy: fc.boolean(),
        doing: text,
        model: text,
        failing: text.filter((word) => !/^(false|no)$/i.test(word)),
      },
      { requiredKeys: ['at'] },
    )
    fc.assert(
      fc.property(written, fc.integer({ min: 1, max: 1e7 }), (beat, intervalS) => {
        const { at: seconds, ...rest } = JSON.parse(JSON.stringify(beat))
        const saidAt = { ms: seconds * 1000, zone: 'known', form: 'seconds since 1970' }
        expect(content(JSON.stringify(beat), 'json')).toEqual({ ...rest, saidAt })
        expect(content(JSON.stringify(beat), 'auto')).toEqual({ ...rest, saidAt })
        const job = JSON.stringify({ ...beat, interval_seconds: intervalS })
        expect(content(job, 'job')).toEqual({ ...rest, saidAt, intervalMs: intervalS * 1000 })
        expect(content(`${seconds} ${intervalS}`, 'job')).toEqual({ saidAt, intervalMs: intervalS * 1000 })
        expect(content(`${seconds}\n`, 'auto')).toEqual({ saidAt })
      }),
      { numRuns: 2_000 },
    )
  })

  it('is a fault where it is larger than 64 KiB, whatever its format, unless only its modification time counts', () => {
    for (const format of formats) {
      const { kind, fault } = readHeartbeat(bytes('1'), true, { format })
      expect([kind, fault?.kind]).toEqual(format === 'mtime' ? ['beat', undefined] : ['fault', 'huge'])
    }
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
