import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type AgentEffect,
  type AgentEvent,
  type AgentRecord,
  type AgentState,
  type Beat,
  confirmMs,
  decide,
  dueMs,
  newAgent,
  type Timing,
} from '../../src/domain/agent.ts'
import { risingTimes } from '../support/times.ts'

const timing: Timing = { periodMs: 10, graceMs: 20 }

function beat(atMs: number, epoch = 'a', more: Partial<Beat> = {}): Beat {
  return { atMs, epoch, ...more }
}

const sighted = (found?: Beat, gone?: 'process-gone' | 'pane-dead'): AgentEvent => ({
  kind: 'sighted',
  ...(found && { beat: found }),
  ...(gone && { gone }),
})

/** Events at their times, from a new agent at 0. */
function playUnder(events: readonly (readonly [number, AgentEvent])[], rules: Timing): { agent: AgentRecord; effects: AgentEffect[] } {
  let agent = newAgent(0)
  const effects: AgentEffect[] = []
  for (const [nowMs, event] of events) {
    const decided = decide(agent, event, nowMs, rules)
    agent = decided.agent
    effects.push(...decided.effects)
  }
  return { agent, effects }
}

const play = (events: readonly (readonly [number, AgentEvent])[], rules = timing) => playUnder(events, rules)

const posted = (found: Beat): AgentEvent => ({ kind: 'beat', beat: found })

const steps = (effects: readonly AgentEffect[]) =>
  effects.flatMap((effect) => (effect.kind === 'transition' ? [`${effect.from} → ${effect.to} at ${effect.atMs}`] : []))
const told = (effects: readonly AgentEffect[]) => effects.filter((effect) => effect.kind !== 'transition')

const lost: AgentEvent = { kind: 'host-lost', sinceMs: 95 }
const blind: AgentEvent = { kind: 'blind', sinceMs: 95 }
const paused: AgentEvent = { kind: 'paused', by: 'config', reason: 'rebuilt' }
const resumed: AgentEvent = { kind: 'resumed', by: 'config' }
const tick: AgentEvent = { kind: 'tick' }

/** How to bring an agent into a state by the time 95; what it says afterwards begins at 100. */
const ways: Record<AgentState, [number, AgentEvent][]> = {
  new: [],
  up: [[90, sighted(beat(90))]],
  late: [
    [80, sighted(beat(80))],
    [92, tick],
  ],
  down: [
    [50, sighted(beat(50))],
    [85, tick],
  ],
  unreachable: [
    [90, sighted(beat(90))],
    [91, { kind: 'host-lost', sinceMs: 91 }],
  ],
  paused: [
    [90, sighted(beat(90))],
    [91, paused],
  ],
  unknown: [
    [90, sighted(beat(90))],
    [91, { kind: 'blind', sinceMs: 91 }],
  ],
}

describe('beats that are posted for a process which its host says is gone', () => {
  const died: [number, AgentEvent][] = [
    [90, sighted(beat(90))],
    [100, sighted(undefined, 'process-gone')],
  ]
  const gone = sighted(undefined, 'process-gone')

  it('are no return: a child that it has left behind may go on posting', () => {
    const { agent, effects } = play([...died, [110, posted(beat(110))], [111, gone], [120, posted(beat(120, ''))], [121, gone]])
    expect(agent.status).toMatchObject({ state: 'down', sinceMs: 100, cause: 'process-gone' })
    expect(told(effects).map(({ kind }) => kind)).toEqual(['problem'])
  })

  it('are one again once the host does not say so any more', () => {
    const { agent, effects } = play([...died, [110, posted(beat(110))], [111, sighted()], [120, posted(beat(120))]])
    expect(agent.status.state).toBe('up')
    expect(told(effects).map(({ kind }) => kind)).toEqual(['problem', 'recovery'])
  })

  it('are one at once where they are of another life, or the host cannot be seen', () => {
    expect(play([...died, [110, posted(beat(110, 'b'))]]).agent.status.state).toBe('up')
    expect(play([...died, [105, lost], [110, posted(beat(110))]]).agent.facts.gone).toBeUndefined()
  })
})

describe('every transition of an agent', () => {
  // from, event at 100, the state after, transitions told ('' where none).
  const table: [AgentState, string, AgentEvent, AgentState, string[]][] = [
    ['new', 'time', tick, 'new', []],
    ['new', 'a look that finds no beat', sighted(), 'new', []],
    ['new', 'a look that finds no process either', sighted(undefined, 'process-gone'), 'new', []],
    ['new', 'a beat', sighted(beat(98)), 'up', ['new → up at 98']],
    ['new', 'an old beat', sighted(beat(85)), 'late', ['new → late at 95']],
    ['new', 'a very old beat', sighted(beat(20)), 'down', ['new → down at 50']],
    ['new', 'a lost host', lost, 'unreachable', ['new → unreachable at 95']],
    ['new', 'blindness', blind, 'unknown', ['new → unknown at 95']],
    ['new', 'a pause', paused, 'paused', ['new → paused at 100']],
    ['up', 'time', tick, 'late', ['up → late at 100']],
    ['up', 'a beat', sighted(beat(99)), 'up', []],
    ['up', 'its process gone', sighted(undefined, 'process-gone'), 'down', ['up → down at 100']],
    ['up', 'its pane dead', sighted(undefined, 'pane-dead'), 'down', ['up → down at 100']],
    ['up', 'a lost host', lost, 'unreachable', ['up → unreachable at 95']],
    ['up', 'blindness', blind, 'unknown', ['up → unknown at 95']],
    ['up', 'a pause', paused, 'paused', ['up → paused at 100']],
    ['up', 'a resumption', resumed, 'late', ['up → late at 100']],
    ['late', 'time', tick, 'late', []],
    ['late', 'a beat', sighted(beat(99)), 'up', ['late → up at 99']],
    ['late', 'its process gone', sighted(undefined, 'process-gone'), 'down', ['late → down at 100']],
    ['late', 'a lost host', lost, 'unreachable', ['late → unreachable at 95']],
    ['late', 'blindness', blind, 'unknown', ['late → unknown at 95']],
    ['late', 'a pause', paused, 'paused', ['late → paused at 100']],
    ['down', 'time', tick, 'down', []],
    ['down', 'a beat', sighted(beat(99)), 'up', ['down → up at 99']],
    ['down', 'a beat that is late already', sighted(beat(85)), 'late', ['down → late at 95']],
    ['down', 'its process gone', sighted(undefined, 'process-gone'), 'down', []],
    ['down', 'a lost host', lost, 'unreachable', ['down → unreachable at 95']],
    ['down', 'blindness', blind, 'unknown', ['down → unknown at 95']],
    ['down', 'a pause', paused, 'paused', ['down → paused at 100']],
    ['unreachable', 'time', tick, 'unreachable', []],
    ['unreachable', 'a beat', sighted(beat(99)), 'up', ['unreachable → up at 100']],
    ['unreachable', 'a look that finds no beat', sighted(), 'late', ['unreachable → late at 100']],
    ['unreachable', 'its process gone', sighted(undefined, 'process-gone'), 'down', ['unreachable → down at 100']],
    ['unreachable', 'a host that stays lost', lost, 'unreachable', []],
    ['unreachable', 'blindness', blind, 'unknown', ['unreachable → unknown at 95']],
    ['unreachable', 'a pause', paused, 'paused', ['unreachable → paused at 100']],
    ['paused', 'time', tick, 'paused', []],
    ['paused', 'a beat', sighted(beat(99)), 'paused', []],
    ['paused', 'its process gone', sighted(undefined, 'process-gone'), 'paused', []],
    ['paused', 'a lost host', lost, 'paused', []],
    ['paused', 'blindness', blind, 'paused', []],
    ['paused', 'a resumption', resumed, 'late', ['paused → late at 100']],
    ['unknown', 'time', tick, 'unknown', []],
    ['unknown', 'a beat', sighted(beat(99)), 'up', ['unknown → up at 100']],
    ['unknown', 'a look that finds no beat', sighted(), 'late', ['unknown → late at 100']],
    ['unknown', 'its process gone', sighted(undefined, 'process-gone'), 'down', ['unknown → down at 100']],
    ['unknown', 'a lost host', lost, 'unreachable', ['unknown → unreachable at 100']],
    ['unknown', 'blindness again', blind, 'unknown', []],
    ['unknown', 'a pause', paused, 'paused', ['unknown → paused at 100']],
  ]

  it.each(table)('%s and %s', (from, _what, event, to, transitions) => {
    const { agent } = play(ways[from])
    expect(agent.status.state).toBe(from)
    const after = decide(agent, event, 100, timing)
    expect(after.agent.status.state).toBe(to)
    expect(steps(after.effects)).toEqual(transitions)
  })

  it('covers every state', () => {
    expect(new Set(table.map(([from]) => from))).toEqual(new Set(Object.keys(ways)))
  })
})

describe('an agent that falls silent', () => {
  it('was late before it was down, even if nobody looked in between', () => {
    const { effects } = play([
      [100, sighted(beat(100))],
      [500, sighted()],
    ])
    expect(steps(effects)).toEqual(['new → up at 100', 'up → late at 110', 'late → down at 130'])
  })

  it('is down from exactly period and grace on', () => {
    const { agent } = play([[100, sighted(beat(100))]])
    expect(decide(agent, tick, 109.999, timing).agent.status.state).toBe('up')
    expect(decide(agent, tick, 110, timing).agent.status.state).toBe('late')
    expect(decide(agent, tick, 129.999, timing).agent.status.state).toBe('late')
    expect(decide(agent, tick, 130, timing).agent.status.state).toBe('down')
  })

  it('tells one problem, with the last beat, and one recovery, with how long it was gone', () => {
    const { effects } = play([
      [100, sighted(beat(100))],
      [140, tick],
      [150, tick],
      [200, sighted(beat(195))],
    ])
    expect(told(effects)).toEqual([
      { kind: 'problem', cause: 'silent', atMs: 130, lastBeatMs: 100 },
      { kind: 'recovery', cause: 'silent', atMs: 195, downMs: 65 },
    ])
  })

  it('keeps its cause up to date without a second problem when its process is found gone later', () => {
    const { agent, effects } = play([
      [100, sighted(beat(100))],
      [140, sighted()],
      [150, sighted(undefined, 'process-gone')],
    ])
    expect(agent.status).toEqual({ state: 'down', sinceMs: 130, cause: 'process-gone' })
    expect(told(effects)).toHaveLength(1)
  })
})

describe('an agent whose process is gone', () => {
  const dead: [number, AgentEvent][] = [
    [100, sighted(beat(100, 'a'))],
    [105, sighted(undefined, 'process-gone')],
  ]

  it('is not revived by a beat that was written before its death and read after it', () => {
    expect(play([...dead, [106, sighted(beat(104, 'a'))]]).agent.status.state).toBe('down')
  })

  it('is not revived by such a beat of an unknown life either', () => {
    expect(play([...dead, [106, sighted(beat(104, ''))]]).agent.status.state).toBe('down')
  })

  it('is revived by a beat that was written after its death', () => {
    expect(play([...dead, [107, sighted(beat(106, 'a'))]]).agent.status.state).toBe('up')
  })

  it('is revived by a beat of another life, whenever that was written', () => {
    expect(play([...dead, [106, sighted(beat(104, 'b'))]]).agent.status.state).toBe('up')
  })

  it('stays dead where the new beat comes with word that it is gone again', () => {
    expect(play([...dead, [106, sighted(beat(105.5, 'b'), 'process-gone')]]).agent.status.state).toBe('down')
  })

  it('died when that was first seen, however often it is seen', () => {
    const { agent } = play([...dead, [200, sighted(undefined, 'process-gone')]])
    expect(agent.status.sinceMs).toBe(105)
  })
})

describe('what nobody saw', () => {
  it('stays unknown, and silence counts anew from the moment of looking again', () => {
    const { effects } = play([
      [100, sighted(beat(100))],
      [1000, { kind: 'blind', sinceMs: 101 }],
      [1000, sighted()],
      [1029, sighted()],
      [1031, sighted()],
    ])
    expect(steps(effects)).toEqual(['new → up at 100', 'up → unknown at 101', 'unknown → late at 1000', 'late → down at 1030'])
  })

  it('does not bring back who was down before it', () => {
    const { effects } = play([
      [100, sighted(beat(100))],
      [140, sighted()],
      [150, { kind: 'host-lost', sinceMs: 145 }],
      [900, sighted()],
      [950, sighted(beat(949))],
    ])
    expect(steps(effects).slice(-3)).toEqual(['down → unreachable at 145', 'unreachable → down at 900', 'down → up at 949'])
    expect(told(effects)).toEqual([
      { kind: 'problem', cause: 'silent', atMs: 130, lastBeatMs: 100 },
      { kind: 'recovery', cause: 'silent', atMs: 949, downMs: 819 },
    ])
  })

  it('stays unreachable until the host is seen again', () => {
    const { effects } = play([
      [100, sighted(beat(100))],
      [103, { kind: 'host-lost', sinceMs: 102 }],
      [900, sighted(beat(890))],
    ])
    expect(steps(effects)).toEqual(['new → up at 100', 'up → unreachable at 102', 'unreachable → late at 900'])
  })

  it('stays excluded where a person had paused it', () => {
    const { effects } = play([
      [100, sighted(beat(100))],
      [105, paused],
      [900, resumed],
    ])
    expect(steps(effects)).toEqual(['new → up at 100', 'up → paused at 105', 'paused → late at 900'])
  })

  it('ends for a host that is found lost: then it is the host that is not seen', () => {
    const { agent } = play([
      [100, sighted(beat(100))],
      [103, { kind: 'host-lost', sinceMs: 102 }],
      [500, { kind: 'blind', sinceMs: 400 }],
      [505, { kind: 'host-lost', sinceMs: 400 }],
    ])
    expect(agent.status).toEqual({ state: 'unreachable', sinceMs: 505, cause: 'host-unreachable' })
  })
})

describe('an agent that somebody paused', () => {
  const person = (reason: string, untilMs?: number): AgentEvent => ({
    kind: 'paused',
    by: 'person',
    reason,
    ...(untilMs !== undefined && { untilMs }),
  })

  it('stays paused until everybody who paused it has let go', () => {
    const { agent } = play([
      [100, sighted(beat(100))],
      [101, paused],
      [102, person('at lunch')],
      [103, resumed],
    ])
    expect(agent.status).toEqual({ state: 'paused', sinceMs: 101, cause: 'at lunch' })
  })

  it('comes back by itself when its time is over', () => {
    const { agent } = play([
      [100, sighted(beat(100))],
      [102, person('at lunch', 105)],
    ])
    expect(dueMs(agent, timing)).toBe(105)
    expect(steps(decide(agent, tick, 105, timing).effects)).toEqual(['paused → up at 105'])
  })
})

describe('a death that one look has shown', () => {
  const suspected: AgentEvent = { kind: 'suspected', cause: 'process-gone' }
  const before: [number, AgentEvent][] = [
    [100, sighted(beat(100))],
    [101, suspected],
  ]

  it('is none until the host has answered again, and then happened when it was first seen', () => {
    expect(play(before).agent.status.state).toBe('up')
    expect(steps(play([...before, [103, sighted(undefined, 'process-gone')]]).effects)).toContain('up → down at 101')
  })

  it('is the host going down where the host is lost before', () => {
    const { effects } = play([...before, [104, { kind: 'host-lost', sinceMs: 102 }], [101 + confirmMs, tick]])
    expect(told(effects)).toEqual([])
  })

  it('counts without another look once the host has not been found lost for a while', () => {
    const slow: Timing = { periodMs: 60_000, graceMs: 60_000 }
    const { agent } = play(before, slow)
    expect(dueMs(agent, slow)).toBe(101 + confirmMs)
    expect(decide(agent, tick, 100 + confirmMs, slow).effects).toEqual([])
    expect(steps(decide(agent, tick, 101 + confirmMs, slow).effects)).toEqual(['up → down at 101'])
  })

  it('was none where the next look finds the process, or a beat comes after it', () => {
    expect(play([...before, [103, sighted()]]).agent.facts.suspected).toBeUndefined()
    expect(play([...before, [103, posted(beat(102))]]).agent.facts.suspected).toBeUndefined()
    expect(play([...before, [103, posted(beat(101))]]).agent.facts.suspected).toBeDefined()
  })
})

describe('an agent that posts its beats', () => {
  it('is seen although its host is lost, and unreachable rather than down when it falls silent there', () => {
    const { effects } = play([
      [100, posted(beat(100))],
      [102, { kind: 'host-lost', sinceMs: 101 }],
      [105, posted(beat(105))],
      [112, { kind: 'tick' }],
      [136, tick],
    ])
    expect(steps(effects)).toEqual(['new → up at 100', 'up → unreachable at 101', 'unreachable → up at 105', 'up → unreachable at 135'])
  })

  it('resolves its problem from there', () => {
    const { effects } = play([
      [100, posted(beat(100))],
      [140, tick],
      [150, { kind: 'host-lost', sinceMs: 150 }],
      [160, posted(beat(160))],
    ])
    expect(told(effects).map(({ kind }) => kind)).toEqual(['problem', 'recovery'])
  })

  it('is not thrown back by a beat that was overtaken by a later one', () => {
    expect(
      play([
        [100, posted(beat(100))],
        [101, posted(beat(90))],
      ]).agent.facts.lastBeat?.atMs,
    ).toBe(100)
  })

  it('is late, not down, until period and grace are over since its host could be seen again', () => {
    const { effects } = play([
      [100, posted(beat(100))],
      [102, { kind: 'host-lost', sinceMs: 101 }],
      [500, { kind: 'host-back' }],
      [529, tick],
      [530, tick],
    ])
    expect(steps(effects).slice(2)).toEqual(['unreachable → late at 500', 'late → down at 530'])
  })
})

describe('an agent that posts while its host is lost', () => {
  it('and the watch looks away: its return is told when somebody looks again, with the time of the beat, and silence counts from then', () => {
    const away: [number, AgentEvent][] = [
      [83, posted(beat(83))],
      [115, tick],
      [133, { kind: 'host-lost', sinceMs: 129 }],
      [160, posted(beat(130))],
      [209, { kind: 'blind', sinceMs: 209 }],
      [229, { kind: 'host-lost', sinceMs: 229 }],
    ]
    const { agent, effects } = play(away)
    expect(told(effects)).toEqual([
      { kind: 'problem', cause: 'silent', atMs: 113, lastBeatMs: 83 },
      { kind: 'recovery', cause: 'silent', atMs: 130, downMs: 17 },
    ])
    expect(decide(agent, tick, 258, timing).agent.status.state).toBe('late')
    expect(decide(agent, tick, 259, timing).agent.status.state).toBe('unreachable')
  })
})

describe('an agent that beats but makes no progress', () => {
  const rules: Timing = { ...timing, hungMs: 25 }
  const working = (atMs: number, progress: number, busy = true): [number, AgentEvent] => [atMs, posted(beat(atMs, 'a', { progress, busy }))]

  it('is hung from the last progress on, and back with the next', () => {
    const { effects } = play(
      [working(100, 1), working(109, 2), working(118, 2), working(127, 2), working(134, 2), working(140, 2), working(145, 3)],
      rules,
    )
    expect(told(effects)).toEqual([
      { kind: 'problem', cause: 'hung', atMs: 134, lastBeatMs: 134 },
      { kind: 'recovery', cause: 'hung', atMs: 145, downMs: 11 },
    ])
  })

  it('is not while it is idle, nor where it never speaks of progress', () => {
    expect(
      told(play([working(100, 1, false), working(109, 1, false), working(118, 1, false), working(127, 1, false)], rules).effects),
    ).toEqual([])
    expect(
      told(
        play(
          [100, 109, 118, 127, 136].map((atMs) => [atMs, posted(beat(atMs))]),
          rules,
        ).effects,
      ),
    ).toEqual([])
  })

  it('is found by time alone', () => {
    const { agent } = play([working(100, 1), working(109, 1), working(118, 1), working(124, 1)], rules)
    expect(dueMs(agent, rules)).toBe(125)
    expect(decide(agent, tick, 125, rules).agent.status).toEqual({ state: 'down', sinceMs: 125, cause: 'hung' })
  })

  it('is not hung by what it wrote while nobody looked: it has its time from the moment of looking again', () => {
    const { agent } = play(
      [working(100, 1), [145, { kind: 'blind', sinceMs: 105 }], [150, posted(beat(120, 'a', { progress: 2, busy: true }))]],
      rules,
    )
    expect(dueMs(agent, rules)).toBe(175)
    expect(decide(agent, tick, 174, rules).agent.status.state).toBe('late')
    expect(decide(agent, tick, 175, rules).agent.status).toMatchObject({ state: 'down', sinceMs: 175, cause: 'hung' })
  })
})

describe('an agent whose pane is quiet', () => {
  const rules: Timing = { ...timing, quietMs: 25 }
  const beats = (...times: number[]) => times.map((atMs): [number, AgentEvent] => [atMs, posted(beat(atMs))])
  const word = (nowMs: number, quietMs: number): [number, AgentEvent] => [nowMs, { kind: 'sighted', quietMs }]
  const inOrder = (...events: [number, AgentEvent][]) => events.sort(([one], [other]) => one - other)

  it('is hung from its last word on, and back with the next', () => {
    const events = inOrder(...beats(100, 109, 118, 127, 136, 145), word(101, 0), word(110, 9), word(128, 27), word(140, 0))
    expect(told(play(events, rules).effects)).toEqual([
      { kind: 'problem', cause: 'hung', atMs: 126, lastBeatMs: 127 },
      { kind: 'recovery', cause: 'hung', atMs: 140, downMs: 14 },
    ])
  })

  it('is found by time alone', () => {
    const { agent } = play(inOrder(...beats(100, 109, 118, 125), word(101, 0)), rules)
    expect(dueMs(agent, rules)).toBe(126)
    expect(decide(agent, tick, 126, rules).agent.status).toEqual({ state: 'down', sinceMs: 126, cause: 'hung' })
  })

  it('is not while its progress moves, nor for a while after that', () => {
    const working = [100, 109, 118, 127].map((atMs): [number, AgentEvent] => [atMs, posted(beat(atMs, 'a', { progress: atMs }))])
    const { agent, effects } = play(inOrder(...working, word(100, 0)), rules)
    expect(told(effects)).toEqual([])
    expect(decide(agent, tick, 151, { ...rules, graceMs: 99 }).agent.status.state).not.toBe('down')
    expect(decide(agent, tick, 152, { ...rules, graceMs: 99 }).agent.status).toMatchObject({ state: 'down', cause: 'hung' })
  })

  it('is not while it is idle; the time counts from its last idle beat on', () => {
    const idle = [100, 109, 118, 127].map((atMs): [number, AgentEvent] => [atMs, posted(beat(atMs, 'a', { busy: false }))])
    const busy: [number, AgentEvent] = [136, posted(beat(136, 'a', { busy: true }))]
    const { agent, effects } = play(inOrder(word(100, 0), ...idle, busy), rules)
    expect(told(effects)).toEqual([])
    expect(dueMs(agent, { ...rules, periodMs: 99 })).toBe(152)
  })

  it('is judged by nothing where nobody said for how long it may be, or where it lives in no pane', () => {
    expect(told(play(inOrder(...beats(100, 109, 118, 127, 136), word(101, 0)), timing).effects)).toEqual([])
    expect(told(play(beats(100, 109, 118, 127, 136), rules).effects)).toEqual([])
  })

  it('that is hung for want of progress is not brought back by a word', () => {
    const both: Timing = { ...rules, hungMs: 25 }
    const stuck = [100, 109, 118, 127, 136].map((atMs): [number, AgentEvent] => [atMs, posted(beat(atMs, 'a', { progress: 1 }))])
    const { effects } = play(inOrder(...stuck, word(101, 0), word(120, 0), word(130, 0), word(138, 0)), both)
    expect(told(effects)).toEqual([{ kind: 'problem', cause: 'hung', atMs: 125, lastBeatMs: 127 }])
  })

  it('has the time in which nobody looked not held against it', () => {
    const { agent } = play(inOrder(...beats(100, 109), word(101, 0), [110, { kind: 'blind', sinceMs: 109 }], ...beats(200)), rules)
    expect(agent.status.state).toBe('up')
    expect(dueMs(agent, { ...rules, periodMs: 99 })).toBe(225)
  })
})

describe('an agent that says of itself that it fails', () => {
  const failing = (atMs: number): [number, AgentEvent] => [atMs, posted(beat(atMs, 'a', { failing: 'no key' }))]
  const good = (atMs: number): [number, AgentEvent] => [atMs, posted(beat(atMs))]

  it('is down at once, with its own words', () => {
    expect(told(play([good(100), failing(105)]).effects)).toEqual([
      { kind: 'problem', cause: 'failing', detail: 'no key', atMs: 105, lastBeatMs: 105 },
    ])
  })

  it('is down only when it says so often enough in a row', () => {
    const rules: Timing = { ...timing, failures: 3 }
    expect(told(play([good(100), failing(101), failing(102), good(103), failing(104), failing(105)], rules).effects)).toEqual([])
    expect(told(play([good(100), failing(101), failing(102), failing(103)], rules).effects)).toMatchObject([{ kind: 'problem', atMs: 103 }])
  })

  it('is up again only after enough good beats in a row, from the first of them on', () => {
    const rules: Timing = { ...timing, successes: 2 }
    const { effects } = play([good(100), failing(101), good(102), failing(103), good(104), good(105)], rules)
    expect(steps(effects)).toEqual(['new → up at 100', 'up → down at 101', 'down → up at 104'])
    expect(told(effects).at(-1)).toEqual({ kind: 'recovery', cause: 'failing', atMs: 104, downMs: 3 })
  })

  it('is down while a look finds a standing condition, and up when it finds none', () => {
    const condition = (text: string | null): AgentEvent => ({ kind: 'sighted', condition: text })
    const { effects } = play([
      [100, sighted(beat(100))],
      [101, condition('job backup is overdue')],
      [102, sighted(beat(102))],
      [105, condition(null)],
    ])
    expect(told(effects)).toMatchObject([
      { kind: 'problem', cause: 'failing', detail: 'job backup is overdue', atMs: 101 },
      { kind: 'recovery', atMs: 105 },
    ])
  })
})

describe('a beat of which it becomes known later which life it comes from', () => {
  it('is still one beat, and no other life', () => {
    const rules: Timing = { ...timing, successes: 2 }
    const { agent } = play(
      [
        [100, sighted(beat(100, ''))],
        [102, sighted(undefined, 'process-gone')],
        [105, sighted(beat(105, ''))],
        [106, sighted(beat(105, 'a'))],
      ],
      rules,
    )
    expect(agent.facts.lastBeat?.epoch).toBe('a')
    expect(agent.status.state).toBe('down')
  })
})

describe('a beat that declares its own interval', () => {
  it('is judged by that one', () => {
    const { agent } = play([[100, sighted(beat(100, 'a', { intervalMs: 1000 }))]])
    expect(decide(agent, tick, 1099, timing).agent.status.state).toBe('up')
    expect(decide(agent, tick, 2099, timing).agent.status.state).toBe('late')
    expect(decide(agent, tick, 2100, timing).agent.status.state).toBe('down')
  })
})

describe('an agent that goes up and down all the time', () => {
  const rules: Timing = { ...timing, flapping: { changes: 4, withinMs: 1000, stableMs: 300 } }
  /** Dies and comes back every 100 ms, from 100 on. */
  const flaps = (count: number): [number, AgentEvent][] => [
    [100, sighted(beat(100))],
    ...Array.from({ length: count }, (_, turn): [number, AgentEvent][] => [
      [150 + turn * 100, sighted(undefined, 'process-gone')],
      [200 + turn * 100, sighted(beat(200 + turn * 100, `life ${turn}`))],
    ]).flat(),
  ]

  it('keeps one incident open from the fourth change on, until it has been stable', () => {
    const lived = play(flaps(10), rules)
    expect(told(lived.effects).map(({ kind }) => kind)).toEqual(['problem', 'recovery', 'problem', 'flapping'])
    expect(dueMs({ ...lived.agent, status: { state: 'up', sinceMs: 0 } }, { ...rules, periodMs: 1e9 })).toBe(1400)
    const over = decide(lived.agent, sighted(beat(1395)), 1400, rules)
    expect(told(over.effects)).toEqual([{ kind: 'recovery', cause: 'process-gone', atMs: 1100, downMs: 850 }])
    expect(over.agent.flapping).toBeUndefined()
  })

  it('is down for good where it stays down, with the incident that was open already', () => {
    const lived = play([...flaps(3), [450, sighted(undefined, 'process-gone')], [900, sighted()]], rules)
    expect(lived.agent.flapping).toBeUndefined()
    expect(lived.agent.problem).toMatchObject({ sinceMs: 250 })
    expect(told(lived.effects).filter(({ kind }) => kind === 'problem')).toHaveLength(2)
  })

  it('still has every change in its timeline', () => {
    expect(steps(play(flaps(10), rules).effects)).toHaveLength(21)
  })
})

describe('an agent that lived through a time in which the watch did not look', () => {
  const counted = (atMs: number, seq: number, epoch = 'a') => posted(beat(atMs, epoch, { seq }))
  const gap: [number, AgentEvent][] = [
    [160, { kind: 'blind', sinceMs: 105 }],
    [160, { kind: 'looking' }],
  ]
  const proofs = (effects: readonly AgentEffect[]) => effects.filter(({ kind }) => kind === 'proof')

  it('is proved to have by a beat of the same life with a sequence that went on', () => {
    const { effects } = play([[100, counted(100, 10)], ...gap, [165, counted(165, 16)]])
    expect(proofs(effects)).toEqual([{ kind: 'proof', fromMs: 105, toMs: 160 }])
  })

  it('is proved to have until its beat, and no longer, when nothing came after it', () => {
    const first = { kind: 'proof', fromMs: 105, toMs: 120 }
    const seen: [number, AgentEvent][] = [[100, counted(100, 10)], ...gap, [161, counted(120, 12)]]
    expect(proofs(play([...seen, [200, counted(200, 1, 'b')]]).effects)).toEqual([first])
    expect(proofs(play([...seen, [165, counted(165, 17)]]).effects)).toEqual([first, { kind: 'proof', fromMs: 120, toMs: 160 }])
  })

  it('is not proved to have before its last beat: that may have been its first', () => {
    const { effects } = play([
      [100, counted(100, 10)],
      [160, { kind: 'blind', sinceMs: 90 }],
      [160, { kind: 'looking' }],
      [165, counted(165, 17)],
    ])
    expect(proofs(effects)).toEqual([{ kind: 'proof', fromMs: 100, toMs: 160 }])
  })

  it('is not by a beat of another life, nor by one whose sequence went on too slowly, nor without a sequence', () => {
    expect(proofs(play([[100, counted(100, 10)], ...gap, [165, counted(165, 16, 'b')]]).effects)).toEqual([])
    expect(proofs(play([[100, counted(100, 10)], ...gap, [165, counted(165, 12)]]).effects)).toEqual([])
    expect(proofs(play([[100, posted(beat(100))], ...gap, [165, posted(beat(165))]]).effects)).toEqual([])
  })
})

// Random lives. Times grow; beats are written at or before they are read; a host is lost since before it is noticed.
const eventAt = (nowMs: number): fc.Arbitrary<AgentEvent> => {
  const earlier = fc.integer({ min: 0, max: 60 }).map((ms) => Math.max(0, nowMs - ms))
  const gone = fc.constantFrom<'process-gone' | 'pane-dead' | undefined>(undefined, undefined, 'process-gone', 'pane-dead')
  return fc.oneof(
    {
      weight: 5,
      arbitrary: fc.tuple(earlier, fc.constantFrom('', 'a', 'b', 'c'), gone).map(([atMs, epoch, how]) => sighted(beat(atMs, epoch), how)),
    },
    { weight: 3, arbitrary: gone.map((how) => sighted(undefined, how)) },
    { weight: 2, arbitrary: fc.constant(tick) },
    { weight: 1, arbitrary: earlier.map((sinceMs): AgentEvent => ({ kind: 'host-lost', sinceMs })) },
    { weight: 1, arbitrary: earlier.map((sinceMs): AgentEvent => ({ kind: 'blind', sinceMs })) },
    { weight: 1, arbitrary: fc.constant(paused) },
    { weight: 1, arbitrary: fc.constant(resumed) },
    {
      weight: 3,
      arbitrary: fc
        .record({
          atMs: earlier,
          epoch: fc.constantFrom('', 'a', 'b'),
          seq: fc.nat(9),
          progress: fc.nat(1),
          busy: fc.boolean(),
          isBad: fc.boolean(),
        })
        .map(({ isBad, atMs, epoch, ...more }) => posted(beat(atMs, epoch, { ...more, ...(isBad && { failing: 'no key' }) }))),
    },
    { weight: 1, arbitrary: gone.map((how): AgentEvent => ({ kind: 'suspected', cause: how ?? 'process-gone' })) },
    { weight: 1, arbitrary: fc.nat(100).map((quietMs): AgentEvent => ({ kind: 'sighted', quietMs })) },
    { weight: 1, arbitrary: fc.constantFrom<AgentEvent>({ kind: 'host-back' }, { kind: 'looking' }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom<AgentEvent>({ kind: 'sighted', condition: null }, { kind: 'sighted', condition: 'job backup is overdue' }),
    },
  )
}
const life = risingTimes(40).chain((times) =>
  fc.tuple(...times.map((nowMs) => eventAt(nowMs).map((event): [number, AgentEvent] => [nowMs, event]))),
)

/** The plain rules, and those with everything on. */
const everyRule: Timing = {
  ...timing,
  hungMs: 40,
  quietMs: 60,
  failures: 2,
  successes: 2,
  flapping: { changes: 4, withinMs: 200, stableMs: 60 },
}

const runs = { numRuns: Number(process.env['TOWERWATCH_RUNS'] ?? 5_000) }
const withinMs = 600_000

describe.each([
  ['plain rules', timing],
  ['every rule', everyRule],
])('any life of an agent under %s', (_name, timing) => {
  const play = (events: readonly (readonly [number, AgentEvent])[]) => playUnder(events, timing)

  it(
    'is a chain of transitions that never goes back in time nor ahead of it',
    () => {
      fc.assert(
        fc.property(life, (events) => {
          let at = { state: 'new' as AgentState, ms: 0 }
          for (const effect of play(events).effects) {
            if (effect.kind !== 'transition') continue
            expect(effect.from).toBe(at.state)
            expect(effect.to).not.toBe(effect.from)
            expect(effect.atMs).toBeGreaterThanOrEqual(at.ms)
            expect(effect.atMs).toBeLessThanOrEqual(effect.noticedMs)
            at = { state: effect.to, ms: effect.atMs }
          }
          expect(play(events).agent.status).toMatchObject({ state: at.state })
        }),
        runs,
      )
    },
    withinMs,
  )

  it(
    'has exactly one recovery after each problem and before the next',
    () => {
      fc.assert(
        fc.property(life, (events) => {
          let open: { atMs: number; cause: string } | undefined
          for (const effect of play(events).effects) {
            if (effect.kind === 'problem') {
              expect(open).toBeUndefined()
              open = effect
            } else if (effect.kind === 'recovery') {
              expect(effect.cause).toBe(open?.cause)
              expect(effect.downMs).toBe(effect.atMs - (open?.atMs ?? Number.NaN))
              expect(effect.downMs).toBeGreaterThanOrEqual(0)
              open = undefined
            }
          }
          expect(play(events).agent.problem === undefined).toBe(open === undefined)
        }),
        runs,
      )
    },
    withinMs,
  )

  it(
    'has a problem only with a transition to down, never because of what could not be seen',
    () => {
      fc.assert(
        fc.property(life, (events) => {
          let agent = newAgent(0)
          for (const [nowMs, event] of events) {
            const { agent: next, effects } = decide(agent, event, nowMs, timing)
            if (effects.some(({ kind }) => kind === 'problem')) {
              expect(next.status.state).toBe('down')
              expect(steps(effects).at(-1)).toContain('→ down')
            }
            // Who finds a host lost looks again: a return that was posted before the watch looked away is told then.
            const looksAgain = event.kind === 'host-lost' && agent.facts.blind !== undefined
            if (event.kind === 'host-lost' || event.kind === 'blind')
              expect(effects.every(({ kind }) => kind === 'transition' || (kind === 'recovery' && looksAgain))).toBe(true)
            agent = next
          }
        }),
        runs,
      )
    },
    withinMs,
  )

  it(
    'is never up or down in hindsight over a stretch in which nobody looked',
    () => {
      fc.assert(
        fc.property(life, (events) => {
          for (const effect of play(events).effects) {
            if (effect.kind !== 'transition' || !['unknown', 'unreachable', 'paused'].includes(effect.from)) continue
            if (effect.from === 'unreachable' && effect.to === 'unknown') continue
            expect(effect.atMs).toBe(effect.noticedMs)
          }
        }),
        runs,
      )
    },
    withinMs,
  )

  it(
    'comes out the same when it is played again, also from a record that went through JSON',
    () => {
      fc.assert(
        fc.property(life, fc.nat(), (events, cut) => {
          const whole = play(events)
          const half = events.slice(0, events.length === 0 ? 0 : cut % events.length)
          let agent: AgentRecord = JSON.parse(JSON.stringify(play(half).agent))
          const effects = [...play(half).effects]
          for (const [nowMs, event] of events.slice(half.length)) {
            const decided = decide(agent, event, nowMs, timing)
            agent = decided.agent
            effects.push(...decided.effects)
          }
          expect(agent).toEqual(whole.agent)
          expect(effects).toEqual(whole.effects)
        }),
        runs,
      )
    },
    withinMs,
  )

  it(
    'is told by a tick at most what a look without news would tell',
    () => {
      fc.assert(
        fc.property(life, fc.integer({ min: 0, max: 200 }), (events, more) => {
          const { agent } = play(events)
          const nowMs = (events.at(-1)?.[0] ?? 0) + more
          const { hostLost, blind: unseen, suspected, gone } = agent.facts
          // A look that finds nothing amiss ends a suspicion, time confirms it; and it takes a death back, where a beat came since.
          if (suspected) return
          if (gone && (agent.facts.lastBeat?.atMs ?? 0) > gone.atMs) return
          if (hostLost && (agent.facts.lastBeat?.atMs ?? 0) > hostLost.sinceMs) return
          if (hostLost || unseen) expect(decide(agent, tick, nowMs, timing).effects).toEqual([])
          else expect(decide(agent, tick, nowMs, timing)).toEqual(decide(agent, sighted(), nowMs, timing))
        }),
        runs,
      )
    },
    withinMs,
  )
})
