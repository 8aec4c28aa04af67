import { beforeEach, describe, expect, it } from 'vitest'
import { openLedger } from '../../src/adapters/ledger/sqlite.ts'
import type { AgentConfig } from '../../src/config/config.ts'
import type { AgentEvent } from '../../src/domain/agent.ts'
import { openRoster, type Roster, type RosterEvent } from '../../src/watches/roster.ts'
import { type BrittleLedger, brittleLedger } from '../fakes/brittle-ledger.ts'
import { type VirtualClock, virtualClock } from '../fakes/virtual-clock.ts'
import { agentConfig, fleetConfig } from '../support/fleet.ts'
import { keptLog } from '../support/log.ts'

let clock: VirtualClock
let ledger: BrittleLedger
let events: RosterEvent[]
let ids: number
let roster: Roster

const fleet = (more: Partial<AgentConfig> = {}) =>
  fleetConfig([agentConfig('timmy', more), agentConfig('ezra', { host: 'far' }), agentConfig('allegro', { host: 'far' })])

/** As a fresh watch would, on the ledger as it stands. */
function started(config = fleet()): Roster {
  events = []
  const opened = openRoster(config, { ledger, clock, log: keptLog(), newId: () => `alert-${ids++}` })
  opened.on((event) => void events.push(event))
  return opened
}

beforeEach(() => {
  clock = virtualClock()
  ledger = brittleLedger()
  ids = 1
  roster = started()
})

const kinds = (kind: RosterEvent['kind']) => events.filter((event) => event.kind === kind)
const alerts = () => events.flatMap((event) => (event.kind === 'alert' ? [event.alert.text] : []))
const outbox = () => ledger.unacknowledged('tower', 10_000).map(({ text }) => text)
const state = (id: string) => roster.agent(id)?.status.state
const beats = (agent: string, more: object = {}) =>
  roster.observe(agent, { kind: 'sighted', beat: { atMs: clock.now(), epoch: 'a', ...more } })
const dies = (agent: string) => roster.observe(agent, { kind: 'sighted', gone: 'process-gone' })
const steps = (agent: string) => ledger.timeline(agent, 0).map(({ atMs, state: to }) => `${to} at ${atMs - start}`)
const start = virtualClock().now()

describe('a decision', () => {
  it('is in the ledger before anybody is told', () => {
    const seen: unknown[] = []
    roster.on((event) => {
      if (event.kind !== 'alert') return
      seen.push(
        ledger.unacknowledged('tower', 9)[0]?.id,
        ledger.incidents({ limit: 9 }).length,
        ledger.remembered().agents.get('timmy')?.status.state,
      )
    })
    beats('timmy')
    dies('timmy')
    expect(seen).toEqual(['alert-1', 1, 'down'])
  })

  it('is told once, and its return once, with how long it was gone', async () => {
    beats('timmy')
    await clock.advance(1_000)
    dies('timmy')
    dies('timmy')
    await clock.advance(60_000)
    beats('timmy', { epoch: 'b' })
    beats('timmy', { epoch: 'b' })
    expect(alerts()).toEqual([expect.stringMatching(/^timmy is down/), 'timmy is back up after 1 min.'])
    expect(outbox()).toEqual(alerts())
    expect(roster.lastIncident({ kind: 'agent', id: 'timmy' })).toMatchObject({ number: 1, closedMs: clock.now() })
  })

  it('about somebody who is not declared is none', () => {
    beats('nobody')
    roster.observeHost('nowhere', { kind: 'answered' })
    expect(roster.agent('nobody')).toBeUndefined()
    expect(events).toEqual([])
  })
})

describe('a restart of the watch', () => {
  const cases: [string, () => void | Promise<void>, string][] = [
    ['new', () => {}, 'new'],
    ['up', () => beats('timmy'), 'unknown'],
    [
      'late',
      async () => {
        beats('timmy')
        await clock.advance(3_000)
        roster.observe('timmy', { kind: 'sighted' })
      },
      'unknown',
    ],
    [
      'down',
      () => {
        beats('timmy')
        dies('timmy')
      },
      'unknown',
    ],
    [
      'unreachable',
      () => {
        beats('timmy')
        roster.observeHost('local', { kind: 'lost', sinceMs: clock.now(), cause: 'unreachable' })
      },
      'unknown',
    ],
  ]

  it.each(cases)('announces nothing anew of an agent that was %s, and forgets nothing', async (from, arrange, to) => {
    await arrange()
    expect(state('timmy')).toBe(from)
    ledger.alive(clock.now())
    const told = outbox()
    const incidents = ledger.incidents({ limit: 9 })
    await clock.advance(3_600_000)
    roster = started()
    expect(state('timmy')).toBe(to)
    roster.tick()
    expect(outbox()).toEqual(told)
    expect(ledger.incidents({ limit: 9 })).toEqual(incidents)
    expect(alerts()).toEqual([])
  })

  it('is not the end of a problem: what was down and still is opens no second one, and its return is told', async () => {
    beats('timmy')
    dies('timmy')
    ledger.alive(clock.now())
    await clock.advance(60_000)
    roster = started()
    dies('timmy')
    expect(alerts()).toEqual([])
    expect(kinds('down')).toHaveLength(1)
    await clock.advance(60_000)
    beats('timmy', { epoch: 'b' })
    expect(alerts()).toEqual(['timmy is back up after 2 min.'])
    expect(ledger.incidents({ limit: 9 })).toMatchObject([{ number: 1, closedMs: clock.now() }])
  })

  it('makes the time without a watch unknown, from when it last said that it looks to when it looks again', async () => {
    beats('timmy')
    await clock.advance(5_000)
    ledger.alive(clock.now())
    await clock.advance(600_000)
    roster = started()
    await clock.advance(1_000)
    beats('timmy')
    expect(steps('timmy')).toEqual(['up at 0', 'unknown at 5000', 'up at 606000'])
  })

  it('calls nobody dead for what happened meanwhile before his host was asked, even if the watch left no mark', async () => {
    beats('timmy')
    await clock.advance(600_000)
    roster = started()
    roster.tick()
    expect(state('timmy')).toBe('unknown')
    expect(outbox()).toEqual([])
    beats('timmy')
    expect(state('timmy')).toBe('up')
  })
})

describe('a lost host', () => {
  beforeEach(() => {
    for (const agent of ['ezra', 'allegro']) beats(agent)
    roster.observeHost('far', { kind: 'answered' })
  })
  const loses = () => roster.observeHost('far', { kind: 'lost', sinceMs: clock.now(), cause: 'timeout' })

  it('is one problem and one recovery, and none of its agents', async () => {
    loses()
    await clock.advance(600_000)
    roster.tick()
    loses()
    expect(outbox()).toEqual([expect.stringMatching(/^host far is unreachable.*ezra, allegro/)])
    expect([state('ezra'), state('allegro'), state('timmy')]).toEqual(['unreachable', 'unreachable', 'new'])
    for (const agent of ['ezra', 'allegro']) beats(agent)
    roster.observeHost('far', { kind: 'answered' })
    expect(outbox()).toEqual([expect.anything(), 'host far is reachable again after 10 min.'])
    expect([state('ezra'), state('allegro')]).toEqual(['up', 'up'])
    expect(kinds('down')).toEqual([])
  })

  it('does not close the problem of an agent that was down before, nor open it again', async () => {
    dies('ezra')
    loses()
    await clock.advance(60_000)
    dies('ezra')
    roster.observeHost('far', { kind: 'answered' })
    expect(ledger.incidents({ limit: 9 }).map(({ subject, closedMs }) => [subject.id, closedMs !== undefined])).toEqual([
      ['ezra', false],
      ['far', true],
    ])
    expect(outbox().filter((text) => text.startsWith('ezra'))).toHaveLength(1)
  })

  it('is found by the sweep where it says nothing at all, as one problem, long before five minutes', async () => {
    await clock.advance(30_000)
    roster.tick()
    // Its agents are silent, but whether they beat can't be known: no word of them.
    expect([state('ezra'), state('allegro')]).toEqual(['up', 'up'])
    expect(outbox()).toEqual([])
    await clock.advance(60_000)
    roster.tick()
    expect([state('ezra'), state('allegro')]).toEqual(['unreachable', 'unreachable'])
    expect(outbox()).toEqual([expect.stringMatching(/^host far is unreachable: no answer/)])
    expect(steps('ezra')).toEqual(['up at 0', 'unreachable at 0'])
  })
})

describe('a tick', () => {
  it('judges whom the answers of his host leave out, as of the last of them', async () => {
    for (const agent of ['ezra', 'allegro']) beats(agent)
    await clock.advance(10_000)
    beats('allegro')
    await clock.advance(4_000)
    roster.tick()
    expect([state('ezra'), state('allegro')]).toEqual(['down', 'up'])
    expect(steps('ezra')).toEqual(['up at 0', 'late at 2000', 'down at 6000'])
  })
})

describe('an agent that is down', () => {
  it('is said to be down again when more is known: it was silent, now its process is gone', async () => {
    beats('timmy')
    await clock.advance(10_000)
    roster.observe('timmy', { kind: 'sighted' })
    expect(kinds('down')).toHaveLength(1)
    roster.observe('timmy', { kind: 'sighted' })
    expect(kinds('down')).toHaveLength(1)
    dies('timmy')
    expect(kinds('down')).toHaveLength(2)
    expect(outbox()).toHaveLength(1)
  })
})

describe('a paused agent', () => {
  it('is watched and shown, but no problem', async () => {
    roster = started(fleet({ paused: 'being rebuilt' }))
    beats('timmy')
    dies('timmy')
    await clock.advance(60_000)
    roster.observe('timmy', { kind: 'sighted' })
    expect(roster.agent('timmy')?.status).toMatchObject({ state: 'paused', cause: 'being rebuilt' })
    expect(roster.agent('timmy')?.facts.lastBeat).toBeDefined()
    expect(outbox()).toEqual([])
  })

  it('is judged anew from the moment it is resumed', async () => {
    roster = started(fleet({ paused: 'being rebuilt' }))
    beats('timmy')
    await clock.advance(60_000)
    roster.declare(fleet())
    expect(state('timmy')).toBe('down')
    expect(steps('timmy')).toEqual(['paused at 0', 'down at 60000'])
  })
})

describe('while the ledger can not be written', () => {
  beforeEach(async () => {
    beats('timmy')
    await clock.advance(1_000)
    ledger.breakWrites()
    dies('timmy')
  })

  it('watching and telling go on from memory', () => {
    expect(state('timmy')).toBe('down')
    expect(alerts()).toHaveLength(1)
    expect(roster.unwritten().map(({ text }) => text)).toEqual(alerts())
    expect(outbox()).toEqual([])
  })

  it('decisions wait, and are written in their order at the first tick after it', async () => {
    await clock.advance(1_000)
    beats('timmy', { epoch: 'b' })
    roster.tick()
    expect(roster.unwritten()).toHaveLength(2)
    ledger.mend()
    roster.tick()
    roster.tick()
    expect(roster.unwritten()).toEqual([])
    expect(steps('timmy')).toEqual(['up at 0', 'down at 1000', 'up at 2000'])
    expect(ledger.incidents({ limit: 9 })).toMatchObject([{ number: 1, closedMs: start + 2_000 }])
    expect(outbox()).toEqual(alerts())
  })

  it('later ones wait behind, even if the ledger could take them', () => {
    ledger.mend()
    beats('timmy', { epoch: 'b' })
    expect(ledger.incidents({ limit: 9 })).toEqual([])
    roster.tick()
    expect(steps('timmy')).toEqual(['up at 0', 'down at 1000', 'up at 1000'])
  })

  it('what a Tower was told from memory is not told again afterwards', () => {
    const [told] = roster.unwritten()
    expect(roster.toldFromMemory('tower', told?.id ?? '')).toBe(true)
    expect(roster.toldFromMemory('tower', 'another')).toBe(false)
    ledger.mend()
    roster.tick()
    expect(ledger.unacknowledged('tower', 9)).toEqual([])
    expect(ledger.unacknowledged('other', 9)).toHaveLength(1)
  })

  it('a decision is written once, even if only the acknowledgement after it fails', () => {
    roster.toldFromMemory('tower', roster.unwritten()[0]?.id ?? '')
    ledger.breakWrites(['acknowledge'])
    roster.tick()
    roster.tick()
    ledger.mend()
    roster.tick()
    expect(steps('timmy')).toEqual(['up at 0', 'down at 1000'])
    expect(ledger.incidents({ limit: 9 })).toHaveLength(1)
  })

  it('another declaration is taken over all the same', () => {
    ledger.breakWrites(['record', 'remembered'])
    roster.declare(fleetConfig([agentConfig('gemini')]))
    expect(roster.agent('gemini')?.status.state).toBe('new')
    expect(roster.agent('timmy')).toBeUndefined()
  })
})

describe('another declaration', () => {
  it('keeps what is known of those who stay, and begins with newcomers', async () => {
    beats('timmy')
    roster.declare(fleetConfig([agentConfig('timmy'), agentConfig('gemini')]))
    expect([state('timmy'), state('gemini'), state('ezra')]).toEqual(['up', 'new', undefined])
    expect(roster.host('far')).toBeUndefined()
  })

  it('leaves unknown how those fared who were not in it for a while', async () => {
    beats('timmy')
    await clock.advance(1_000)
    roster.declare(fleetConfig([agentConfig('gemini')]))
    await clock.advance(86_400_000)
    roster.declare(fleet())
    expect(state('timmy')).toBe('unknown')
    beats('timmy')
    expect(steps('timmy')).toEqual(['up at 0', 'unknown at 1000', 'up at 86401000'])
  })

  it('leaves it unknown also where they were taken out while no watch was running', async () => {
    beats('timmy')
    await clock.advance(1_000)
    ledger.alive(clock.now())
    roster = started(fleetConfig([agentConfig('gemini')]))
    await clock.advance(86_400_000)
    ledger.alive(clock.now())
    roster = started()
    beats('timmy')
    expect(steps('timmy')).toEqual(['up at 0', 'unknown at 1000', 'up at 86401000'])
  })

  it('has another look at who is down: he may be restarted by himself now', () => {
    beats('timmy')
    dies('timmy')
    events = []
    roster.declare(fleet({ policy: 'auto' }))
    expect(kinds('down')).toEqual([{ kind: 'down', agent: 'timmy' }])
  })
})

describe('a blind stretch', () => {
  it('is unknown for everybody who was ever seen, and tells nobody anything', async () => {
    beats('timmy')
    roster.observeHost('local', { kind: 'answered' })
    await clock.advance(60_000)
    roster.blind(clock.now() - 50_000)
    expect([state('timmy'), state('ezra'), roster.host('local')?.status.state]).toEqual(['unknown', 'new', 'unknown'])
    beats('timmy')
    roster.observeHost('local', { kind: 'answered' })
    expect(roster.host('local')?.status.state).toBe('up')
    expect(outbox()).toEqual([])
    expect(steps('timmy')).toEqual(['up at 0', 'unknown at 10000', 'up at 60000'])
  })
})

describe('whatever happens to an agent, with a ledger that fails now and then and watches that are killed', () => {
  it('ends with a timeline that is a chain, and an alert for each problem and recovery', async () => {
    const observations: AgentEvent[] = [
      { kind: 'sighted', beat: { atMs: 0, epoch: 'a' } },
      { kind: 'sighted', beat: { atMs: 0, epoch: 'b' } },
      { kind: 'sighted', gone: 'process-gone' },
      { kind: 'sighted' },
      { kind: 'tick' },
    ]
    // A fixed pseudo-random walk: the same each time, long enough to meet every pair of events.
    let seed = 7
    const next = (n: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
      return Math.floor((seed / 2 ** 31) * n)
    }
    for (let i = 0; i < 800; i++) {
      await clock.advance(next(4_000))
      const event = observations[next(observations.length)]
      if (event)
        roster.observe('timmy', event.kind === 'sighted' && event.beat ? { ...event, beat: { ...event.beat, atMs: clock.now() } } : event)
      const what = next(40)
      if (what === 0) ledger.breakWrites(['record'])
      if (what < 4) {
        ledger.mend()
        roster.tick()
      }
      if (what === 5 && roster.unwritten().length === 0) {
        ledger.mend()
        roster.tick()
        ledger.alive(clock.now())
        roster = started()
      }
    }
    ledger.mend()
    roster.tick()
    const recorded = ledger.recorded.filter(({ subject }) => subject.id === 'timmy').flatMap(({ transitions }) => transitions)
    expect(recorded.length).toBeGreaterThan(100)
    for (const [index, { from }] of recorded.entries()) expect(from).toBe(recorded[index - 1]?.to ?? 'new')
    expect(ledger.timeline('timmy', 0).at(-1)?.state).toBe(state('timmy'))
    const said = outbox()
    for (const [index, text] of said.entries()) expect(text).toMatch(index % 2 === 0 ? /^timmy is down/ : /^timmy is back up/)
    expect(ledger.incidents({ limit: 1_000 })).toHaveLength(Math.ceil(said.length / 2))
  })
})

it('begins with an empty ledger as with an old one', () => {
  expect(() => openRoster(fleet(), { ledger: openLedger(':memory:'), clock, log: keptLog(), newId: () => 'x' })).not.toThrow()
})
