import { beforeEach, describe, expect, it } from 'vitest'
import type { AgentConfig } from '../../src/config/config.ts'
import { Secret } from '../../src/config/config.ts'
import type { AgentEvent } from '../../src/domain/agent.ts'
import { type Journal, openJournal } from '../../src/watches/journal.ts'
import { openRoster, type Roster, type RosterEvent } from '../../src/watches/roster.ts'
import { type BrittleLedger, brittleLedger } from '../fakes/brittle-ledger.ts'
import { type VirtualClock, virtualClock } from '../fakes/virtual-clock.ts'
import { agentConfig, fleetConfig } from '../support/fleet.ts'
import { keptLog } from '../support/log.ts'

let clock: VirtualClock
let ledger: BrittleLedger
let events: RosterEvent[]
let journal: Journal
let roster: Roster

const fleet = (more: Partial<AgentConfig> = {}) =>
  fleetConfig([agentConfig('timmy', more), agentConfig('ezra', { host: 'far' }), agentConfig('allegro', { host: 'far' })])

/** As a fresh watch would, on the ledger as it stands. */
function started(config = fleet()): Roster {
  events = []
  const log = keptLog()
  journal = openJournal(ledger, log)
  const opened = openRoster(config, { ledger, journal, clock, log })
  opened.on((event) => void events.push(event))
  return opened
}

beforeEach(() => {
  clock = virtualClock()
  ledger = brittleLedger()
  roster = started()
})

const kinds = (kind: RosterEvent['kind']) => events.filter((event) => event.kind === kind)
/** What happened to incidents in this life of the watch: "timmy opened", "timmy closed after 60 s". */
const said = () =>
  events.flatMap((event) => {
    if (event.kind !== 'incident') return []
    const { subject, openedMs, closedMs } = event.incident
    return [`${subject.id} ${event.change}${closedMs === undefined ? '' : ` after ${(closedMs - openedMs) / 1_000} s`}`]
  })
const written = () => ledger.incidents({ limit: 99 })
const looks = () => ledger.write([{ kind: 'looking', mark: { atMs: clock.now(), boot: 'boot', bootMs: 0 } }])
const state = (id: string) => roster.agent(id)?.status.state
const beats = (agent: string, more: object = {}) =>
  roster.observe(agent, { kind: 'sighted', beat: { atMs: clock.now(), epoch: 'a', ...more } })
const dies = (agent: string) => roster.observe(agent, { kind: 'sighted', gone: 'process-gone' })
const steps = async (agent: string) => {
  await journal.settled()
  return ledger.timeline({ kind: 'agent', id: agent }, 0).map(({ atMs, state: to }) => `${to} at ${atMs - start}`)
}
const start = virtualClock().now()

describe('a decision', () => {
  it('is given to the ledger before anybody is told', async () => {
    const seen: unknown[] = []
    roster.on((event) => {
      if (event.kind === 'incident') seen.push(written().length)
    })
    ledger.hold()
    beats('timmy')
    dies('timmy')
    expect(ledger.held()).toBe(1)
    await ledger.release()
    await journal.settled()
    expect(seen).toEqual([0])
    expect(written()).toMatchObject([{ number: 1, subject: { kind: 'agent', id: 'timmy' }, cause: 'process-gone' }])
    expect(ledger.remembered().agents.get('timmy')?.status.state).toBe('down')
  })

  it('opens one incident, and closes it with how long it lasted', async () => {
    beats('timmy')
    await clock.advance(1_000)
    dies('timmy')
    dies('timmy')
    await clock.advance(60_000)
    beats('timmy', { epoch: 'b' })
    beats('timmy', { epoch: 'b' })
    expect(said()).toEqual(['timmy opened', 'timmy closed after 60 s'])
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
    await looks()
    const incidents = written()
    await clock.advance(3_600_000)
    roster = started()
    expect(state('timmy')).toBe(to)
    roster.tick()
    await journal.settled()
    expect(written()).toEqual(incidents)
    expect(said()).toEqual([])
  })

  it('is not the end of a problem: what was down and still is opens no second one, and its return is told', async () => {
    beats('timmy')
    dies('timmy')
    await looks()
    await clock.advance(60_000)
    roster = started()
    dies('timmy')
    expect(said()).toEqual([])
    expect(kinds('down')).toHaveLength(1)
    await clock.advance(60_000)
    beats('timmy', { epoch: 'b' })
    await journal.settled()
    expect(said()).toEqual(['timmy closed after 120 s'])
    expect(written()).toMatchObject([{ number: 1, closedMs: clock.now() }])
  })

  it('makes the time without a watch unknown, from when it last said that it looks to when it looks again', async () => {
    beats('timmy')
    await clock.advance(5_000)
    await looks()
    await clock.advance(600_000)
    roster = started()
    await clock.advance(1_000)
    beats('timmy')
    expect(await steps('timmy')).toEqual(['up at 0', 'unknown at 5000', 'up at 606000'])
  })

  it('calls nobody dead for what happened meanwhile before his host was asked, even if the watch left no mark', async () => {
    beats('timmy')
    await clock.advance(600_000)
    roster = started()
    roster.tick()
    expect(state('timmy')).toBe('unknown')
    expect(said()).toEqual([])
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
    expect(said()).toEqual(['far opened'])
    expect([state('ezra'), state('allegro'), state('timmy')]).toEqual(['unreachable', 'unreachable', 'new'])
    for (const agent of ['ezra', 'allegro']) beats(agent)
    roster.observeHost('far', { kind: 'answered' })
    expect(said()).toEqual(['far opened', 'far closed after 600 s'])
    expect([state('ezra'), state('allegro')]).toEqual(['up', 'up'])
    expect(kinds('down')).toEqual([])
  })

  it('does not close the problem of an agent that was down before, nor open it again', async () => {
    dies('ezra')
    loses()
    await clock.advance(60_000)
    dies('ezra')
    roster.observeHost('far', { kind: 'answered' })
    await journal.settled()
    expect(written().map(({ subject, closedMs }) => [subject.id, closedMs !== undefined])).toEqual([
      ['ezra', false],
      ['far', true],
    ])
    expect(said().filter((text) => text.startsWith('ezra'))).toHaveLength(1)
  })

  it('is found by the sweep where it says nothing at all, as one problem, long before five minutes', async () => {
    await clock.advance(30_000)
    roster.tick()
    // Its agents are silent, but whether they beat can't be known: no word of them.
    expect([state('ezra'), state('allegro')]).toEqual(['up', 'up'])
    expect(said()).toEqual([])
    await clock.advance(60_000)
    roster.tick()
    expect([state('ezra'), state('allegro')]).toEqual(['unreachable', 'unreachable'])
    expect(said()).toEqual(['far opened'])
    expect(roster.lastIncident({ kind: 'host', id: 'far' })?.cause).toBe('timeout')
    expect(await steps('ezra')).toEqual(['up at 0', 'unreachable at 0'])
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
    expect(await steps('ezra')).toEqual(['up at 0', 'late at 2000', 'down at 6000'])
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
    expect(said()).toHaveLength(1)
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
    expect(said()).toEqual([])
  })

  it('is judged anew from the moment it is resumed', async () => {
    roster = started(fleet({ paused: 'being rebuilt' }))
    beats('timmy')
    await clock.advance(60_000)
    roster.declare(fleet())
    expect(state('timmy')).toBe('late')
    expect(await steps('timmy')).toEqual(['paused at 0', 'late at 60000'])
  })
})

describe('while the ledger can not be written', () => {
  beforeEach(async () => {
    beats('timmy')
    await clock.advance(1_000)
    ledger.breakWrites()
    dies('timmy')
    await journal.settled()
  })

  it('watching goes on from memory', () => {
    expect(journal.isBroken()).toBe(true)
    expect(state('timmy')).toBe('down')
    expect(said()).toEqual(['timmy opened'])
    expect(roster.incidents()).toHaveLength(1)
    expect(written()).toEqual([])
  })

  it('decisions wait, and are written in their order when it is tried again', async () => {
    await clock.advance(1_000)
    beats('timmy', { epoch: 'b' })
    journal.flush()
    await journal.settled()
    ledger.mend()
    expect(written()).toEqual([])
    journal.flush()
    await journal.settled()
    expect(journal.isBroken()).toBe(false)
    expect(await steps('timmy')).toEqual(['up at 0', 'down at 1000', 'up at 2000'])
    expect(written()).toMatchObject([{ number: 1, closedMs: start + 2_000 }])
  })

  it('later ones wait behind, even if the ledger could take them', async () => {
    ledger.mend()
    beats('timmy', { epoch: 'b' })
    await journal.settled()
    expect(written()).toEqual([])
    journal.flush()
    await journal.settled()
    expect(await steps('timmy')).toEqual(['up at 0', 'down at 1000', 'up at 1000'])
  })

  it('another declaration is taken over all the same', () => {
    ledger.breakReads(['remembered'])
    roster.declare(fleetConfig([agentConfig('gemini')]))
    expect(roster.agent('gemini')?.status.state).toBe('new')
    expect(roster.agent('timmy')).toBeUndefined()
  })
})

describe('an amended incident', () => {
  it('is in memory at once and in the ledger with what was written along, or not at all', async () => {
    beats('timmy')
    dies('timmy')
    const [open] = roster.incidents()
    if (!open) throw new Error('expected an incident')
    const done = roster.amend([{ ...open, told: { alertId: 'a', atMs: 1 } }], [{ kind: 'note', name: 'n', value: 'v' }])
    expect(roster.incident(open.number)?.told?.alertId).toBe('a')
    await done
    expect([written()[0]?.told?.alertId, ledger.note('n')]).toEqual(['a', 'v'])
  })

  it('loses a normal acknowledgement when its subject changes state, and keeps a sticky one', async () => {
    const by = { kind: 'account' as const, id: '1', name: 'Alexander' }
    for (const kind of ['normal', 'sticky'] as const) {
      beats('ezra', { epoch: `life for ${kind}` })
      dies('ezra')
      const [open] = roster.incidents()
      if (!open) throw new Error('expected an incident')
      await roster.amend([{ ...open, ack: { kind, by, atMs: clock.now() } }])
      roster.observeHost('far', { kind: 'lost', sinceMs: clock.now(), cause: 'timeout' })
      expect(roster.incident(open.number)?.ack?.kind).toBe(kind === 'sticky' ? 'sticky' : undefined)
      roster.observeHost('far', { kind: 'answered' })
      await clock.advance(1_000)
      beats('ezra', { epoch: 'next' })
      for (const incident of roster.incidents()) await roster.amend([{ ...incident, dropped: true }])
    }
  })
})

describe('an agent that posts its beats', () => {
  const posting = () => fleet({ heartbeat: { kind: 'push', token: new Secret('t') } })
  const posts = (seq: number) => roster.observe('timmy', { kind: 'beat', beat: { atMs: clock.now(), epoch: 'a', seq } })

  it('is judged by the watch itself: no host is asked about it', async () => {
    roster = started(posting())
    posts(1)
    await clock.advance(10_000)
    expect(roster.dueMs()).toBeLessThanOrEqual(clock.now())
    roster.tick()
    expect(await steps('timmy')).toEqual(['up at 0', 'late at 2000', 'down at 6000'])
  })

  it('is seen again as soon as the watch is, and its own gap is unknown unless its beats prove it', async () => {
    roster = started(posting())
    posts(1)
    await looks()
    await clock.advance(60_000)
    roster = started(posting())
    expect(await steps('timmy')).toEqual(['up at 0', 'unknown at 0', 'late at 60000'])
    posts(11)
    await journal.settled()
    expect(ledger.proofs('timmy', 0)).toEqual([{ fromMs: start, toMs: start + 60_000 }])
  })

  it('is remembered by its last posted beat, which the ledger had before it was answered', async () => {
    roster = started(posting())
    posts(1)
    await clock.advance(1_000)
    await ledger.write([{ kind: 'beat', agent: 'timmy', beat: { atMs: clock.now(), epoch: 'a', seq: 2 } }])
    roster = started(posting())
    expect(roster.agent('timmy')?.facts.lastBeat?.seq).toBe(2)
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
    expect(await steps('timmy')).toEqual(['up at 0', 'unknown at 1000', 'up at 86401000'])
  })

  it('leaves it unknown also where they were taken out while no watch was running', async () => {
    beats('timmy')
    await clock.advance(1_000)
    await looks()
    roster = started(fleetConfig([agentConfig('gemini')]))
    await clock.advance(86_400_000)
    await looks()
    roster = started()
    beats('timmy')
    expect(await steps('timmy')).toEqual(['up at 0', 'unknown at 1000', 'up at 86401000'])
  })

  it('has another look at who is down: he may be restarted by himself now', () => {
    beats('timmy')
    dies('timmy')
    events = []
    roster.declare(fleet({ policy: 'auto' }))
    expect(kinds('down')).toEqual([{ kind: 'down', agent: 'timmy' }])
  })

  it('ends the incident of whoever is in it no more', async () => {
    beats('timmy')
    dies('timmy')
    await clock.advance(1_000)
    roster.declare(fleetConfig([agentConfig('gemini')]))
    await journal.settled()
    expect(written()).toMatchObject([{ subject: { id: 'timmy' }, closedMs: clock.now(), dismissed: true }])
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
    expect(said()).toEqual([])
    expect(await steps('timmy')).toEqual(['up at 0', 'unknown at 10000', 'up at 60000'])
  })
})

describe('whatever happens to an agent, with a ledger that fails now and then and watches that are killed', () => {
  it('ends with a timeline that is a chain, and with one incident after the other', async () => {
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
      if (what === 0) ledger.breakWrites()
      if (what < 4) {
        ledger.mend()
        journal.flush()
      }
      roster.tick()
      if (what === 5) {
        ledger.mend()
        journal.flush()
        await journal.settled()
        await looks()
        roster = started()
      }
    }
    ledger.mend()
    journal.flush()
    await journal.settled()
    const recorded = ledger.written.flatMap((fact) => (fact.kind === 'transition' && fact.subject.id === 'timmy' ? [fact.transition] : []))
    expect(recorded.length).toBeGreaterThan(100)
    for (const [index, { from }] of recorded.entries()) expect(from).toBe(recorded[index - 1]?.to ?? 'new')
    expect(ledger.timeline({ kind: 'agent', id: 'timmy' }, 0).at(-1)?.state).toBe(state('timmy'))
    const incidents = ledger.incidents({ limit: 1_000 }).sort((a, b) => a.number - b.number)
    expect(incidents.map(({ number }) => number)).toEqual(incidents.map((_, index) => index + 1))
    for (const [index, { openedMs }] of incidents.entries())
      expect(openedMs).toBeGreaterThanOrEqual(incidents[index - 1]?.closedMs ?? (index === 0 ? 0 : Number.NaN))
  })
})
