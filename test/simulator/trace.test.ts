import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sorter } from '../../src/simulator/order.ts'
import { parseTrace, TraceError } from '../../src/simulator/trace.ts'

const runs = Number(process.env['TOWERWATCH_RUNS'] ?? 2_000)
const names = {
  agents: new Map([
    ['a1', 1],
    ['bezalel', 1],
  ]),
  hosts: new Map([['h1', 1]]),
}
const parse = (text: string) => parseTrace(text, 'night.jsonl', names)
const faultsOf = (text: string) => {
  try {
    parse(text)
  } catch (error) {
    if (error instanceof TraceError) return error.message.split('\n')
    throw error
  }
  return []
}

describe('a trace', () => {
  it('has every kind of line', () => {
    const lines = [
      { at: 0, agent: 'a1', beat: { epoch: 'e1', seq: 1, progress: 1, busy: true } },
      { at: 0.5, agent: 'a1', beat: {} },
      { at: 60, host: 'h1', reachable: false },
      { at: 61, host: 'h1', reachable: true },
      { at: 90, agent: 'a1', process: 'gone' },
      { at: 95, agent: 'a1', condition: 'job backup is overdue' },
      { at: 95, agent: 'a1', paused: null },
      { at: 100, watch: 'stop' },
      { at: 160, watch: 'start' },
      { at: 200, clock: -3600 },
      { at: 900.25, end: true },
    ]
    expect(parse(lines.map((line) => JSON.stringify(line)).join('\r\n'))).toEqual({ lines, endMs: 900_250 })
  })

  it('may have empty lines and a byte order mark, and ends with its last line where no end is given', () => {
    expect(parse('\uFEFF\n{"at":3,"watch":"stop"}\n\n{"at":7,"watch":"start"}\n\n')).toMatchObject({ endMs: 7_000 })
  })

  it.each([
    ['', 'night.jsonl: there is no line in it: expected lines such as {"at":0,'],
    ['{"at":0', 'night.jsonl:1: this is not a JSON object on one line: {"at":0'],
    ['[1]', 'night.jsonl:1: expected a JSON object such as {"at":900,"end":true}, got [1]'],
    ['\n\n7', 'night.jsonl:3: expected a JSON object'],
    ['{"at":0,"agent":"a1"}', 'night.jsonl:1: no key says what happened: expected one of beat, process, '],
    ['{"at":0,"agent":"a1","baet":{}}', '(did you mean "beat"?)'],
    ['{"at":0,"watch":"stop","end":true}', '"watch" and "end" are two things that happened: write a line for each'],
    ['{"at":-1,"end":true}', 'night.jsonl:1: "at": expected 0 or more seconds'],
    ['{"at":"0","end":true}', '"at": expected a number of seconds'],
    ['{"at":0,"end":false}', '"end": expected true'],
    ['{"at":0,"watch":"halt"}', '"watch": expected "stop", "kill" or "start"'],
    ['{"at":0,"agent":"a1","beat":{"sec":1}}', 'beat: unknown key "sec" (did you mean "seq"?)'],
    ['{"at":0,"agent":"a1","beat":7}', '"beat": expected an object such as {"epoch":"e1"'],
    ['{"at":0,"agent":"a1","beat":{},"hots":1}', 'unknown key "hots"'],
    ['{"at":0,"agent":"bezalle","beat":{}}', 'fleet.yaml declares no agent "bezalle": did you mean "bezalel"?'],
    ['{"at":0,"agent":"\\u001b[31mx","beat":{}}', 'fleet.yaml declares no agent "[31mx": it declares a1, bezalel'],
    ['{"at":0,"host":"h2","reachable":true}', 'fleet.yaml declares no host "h2": did you mean "h1"?'],
    ['{"at":9,"watch":"stop"}\n{"at":8,"watch":"start"}', 'night.jsonl:2: at 8 comes behind at 9 of line 1: sort the lines by "at"'],
    ['{"at":9,"end":true}\n{"at":9,"watch":"start"}', 'night.jsonl:2: nothing may come behind the end, which is on line 1'],
  ])('%j is refused', (text, fault) => {
    expect(faultsOf(text).join('\n')).toContain(fault)
  })

  it('is told all its faults at once, up to twenty', () => {
    expect(faultsOf('{}\n{"at":1}\n{"at":2,"end":true}')).toHaveLength(2)
    const faults = faultsOf(Array.from({ length: 1_000 }, () => 'x').join('\n'))
    expect(faults).toHaveLength(21)
    expect(faults.at(-1)).toBe('night.jsonl: and more; the rest was not looked at')
  })

  it('is read or refused, whatever it holds', () => {
    const line = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .record(
          {
            at: fc.oneof(fc.double(), fc.nat()),
            agent: fc.constantFrom('a1', 'x'),
            beat: fc.object({ maxDepth: 1 }),
            watch: fc.string(),
            end: fc.boolean(),
          },
          { requiredKeys: [] },
        )
        .map((value) => JSON.stringify(value)),
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 5 }), (lines) => {
        for (const fault of faultsOf(lines.join('\n'))) expect(fault).toMatch(/^night\.jsonl(:\d+)?: ./)
      }),
      { numRuns: runs },
    )
  })
})

describe('a live recording', () => {
  it('comes out in the order of time, whole, and with its end', () => {
    const line = fc.record({ at: fc.nat(1_000), lateS: fc.nat(200) })
    fc.assert(
      fc.property(fc.array(line), (given) => {
        const heard = given
          .map(({ at, lateS }) => ({ nowS: at + lateS, line: { at, watch: 'stop' as const } }))
          .sort((a, b) => a.nowS - b.nowS)
        const told: number[] = []
        const sorted = sorter(75, ({ at }) => told.push(at))
        for (const { nowS, line: one } of heard) sorted.add(one, nowS)
        const endS = heard.at(-1)?.nowS ?? 0
        sorted.end(endS)
        expect(told).toEqual([...told].sort((a, b) => a - b))
        expect(told).toHaveLength(given.length + 1)
        // Nobody who is no later than the hold is moved.
        if (given.every(({ lateS }) => lateS <= 75)) expect(told.slice(0, -1)).toEqual(given.map(({ at }) => at).sort((a, b) => a - b))
        expect(told.at(-1)).toBeGreaterThanOrEqual(endS)
      }),
      { numRuns: runs },
    )
  })
})
