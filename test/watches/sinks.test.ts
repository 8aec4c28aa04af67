import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Config, SinkConfig } from '../../src/config/config.ts'
import type { Incident } from '../../src/domain/incident.ts'
import type { AlertRecord } from '../../src/ports/ledger.ts'
import { SinkError } from '../../src/ports/sink.ts'
import { type Journal, openJournal } from '../../src/watches/journal.ts'
import { openOutbox } from '../../src/watches/outbox.ts'
import { type Sinks, startSinks } from '../../src/watches/sinks.ts'
import { type BrittleLedger, brittleLedger } from '../fakes/brittle-ledger.ts'
import { type FakeSink, fakeSink } from '../fakes/sink.ts'
import { type VirtualClock, virtualClock } from '../fakes/virtual-clock.ts'
import { agentConfig, fleetConfig } from '../support/fleet.ts'
import { type KeptLog, keptLog } from '../support/log.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs

let clock: VirtualClock
let ledger: BrittleLedger
let journal: Journal
let log: KeptLog
let phone: FakeSink
let sinks: Sinks
let notices: { text: string; except?: readonly string[] }[]
let ring: (alert: AlertRecord) => void
let random: () => number

const sinkConfig = (id: string, afterMs: number): SinkConfig => ({ kind: 'command', id, run: ['/bin/wake'], afterMs })
const configOf = (...declared: SinkConfig[]): Config =>
  fleetConfig([agentConfig('timmy'), agentConfig('ezra', { host: 'far' })], { sinks: new Map(declared.map((sink) => [sink.id, sink])) })

function start(config: Config): void {
  journal = openJournal(ledger, log)
  const listeners = new Set<(alert: AlertRecord) => void>()
  ring = (alert) => {
    for (const listener of listeners) listener(alert)
  }
  sinks = startSinks(config, {
    sink: () => phone,
    outbox: openOutbox({ ledger, journal, clock, log, unwritten: () => [] }),
    notifier: {
      about: ({ kind, id }) => ({ host: kind === 'host' ? id : 'local', policy: 'off', agents: [] }),
      notice: (news) => void notices.push(news),
      on: (listener) => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
    roster: { incident: () => undefined },
    ledger,
    journal,
    clock,
    log,
    random: () => random(),
  })
}

beforeEach(() => {
  clock = virtualClock()
  ledger = brittleLedger()
  log = keptLog()
  phone = fakeSink()
  notices = []
  random = () => 1
})

/** An alert, as the notifier would have made it: with its incidents, in one write. */
async function tell(id: string, kind: AlertRecord['kind'], incidents: Incident[], more: Partial<AlertRecord> = {}): Promise<void> {
  const alert: AlertRecord = {
    id,
    kind,
    subjects: incidents.map(({ subject }) => ({ ...subject, host: 'local' })),
    incidents: incidents.map(({ number }) => number),
    at: clock.now(),
    text: `alert ${id}`,
    ...more,
  }
  await ledger.write([{ kind: 'alert', alert }, ...incidents.map((incident) => ({ kind: 'incident' as const, incident }))])
  ring(alert)
  await clock.advance(0)
}
function incident(number: number, agent: string, more: Partial<Incident> = {}): Incident {
  const atMs = clock.now()
  return {
    number,
    subject: { kind: 'agent', id: agent },
    cause: 'silent',
    openedMs: atMs,
    noticedMs: atMs,
    told: { alertId: 'x', atMs },
    ...more,
  }
}
const closed = (one: Incident): Incident => ({ ...one, closedMs: clock.now() })
const taken = () => phone.taken.map(({ id }) => id)
const ada = { kind: 'account', id: '7', name: 'Ada' } as const

describe('a sink', () => {
  beforeEach(() => start(configOf(sinkConfig('phone', 0))))

  it('is told each alert once, in order', async () => {
    const death = incident(1, 'timmy')
    await tell('a', 'problem', [death])
    await tell('b', 'reminder', [death])
    await tell('c', 'recovery', [closed(death)])
    await tell('d', 'notice', [])
    expect(taken()).toEqual(['a', 'b', 'c', 'd'])
    expect(ledger.untold('sink:phone', 9)).toEqual([])
    await clock.advance(hourMs)
    expect(phone.came.length).toBe(4)
  })

  it('is told nothing that was made before it was declared, and not the end of what it didn’t hear begin', async () => {
    const death = incident(1, 'timmy')
    await sinks.declare(configOf())
    await tell('a', 'problem', [death])
    await clock.advance(1_000)
    await sinks.declare(configOf(sinkConfig('phone', 0)))
    await tell('b', 'recovery', [closed(death)])
    await tell('c', 'acknowledged', [death])
    await tell('d', 'problem', [incident(2, 'timmy')])
    expect(taken()).toEqual(['d'])
  })

  it('is told on after a restart of the watch, and still the end of what it has heard begin', async () => {
    const death = incident(1, 'timmy')
    await tell('a', 'problem', [death])
    await sinks.stop()
    await tell('b', 'problem', [incident(2, 'ezra')])
    await tell('c', 'recovery', [closed(death)])
    await clock.advance(1_000)
    start(configOf(sinkConfig('phone', 0)))
    await clock.advance(1_000)
    expect(taken()).toEqual(['a', 'b', 'c'])
  })

  it('that is away for a day is told everything when it is back, within minutes', async () => {
    phone.answer(() => new SinkError('failed', 'nobody listens there'))
    const deaths: Incident[] = []
    for (let number = 1; number <= 300; number++) {
      const death = incident(number, number % 2 ? 'timmy' : 'ezra')
      deaths.push(death)
      await tell(`p-${number}`, 'problem', [death])
      await clock.advance(4 * minuteMs)
      await tell(`r-${number}`, 'recovery', [closed(death)])
    }
    expect(phone.came.length).toBeLessThan(500)
    phone.answer(() => undefined)
    await clock.advance(6 * minuteMs)
    const order = (agent: number) =>
      deaths.filter(({ number }) => number % 2 === agent).flatMap(({ number }) => [`p-${number}`, `r-${number}`])
    expect(taken().filter((id) => Number(id.slice(2)) % 2 === 1)).toEqual(order(1))
    expect(taken().filter((id) => Number(id.slice(2)) % 2 === 0)).toEqual(order(0))
    expect(taken().length).toBe(600)
  })

  it('that is away is asked ever more rarely, however much waits; once it takes one, it is given all', async () => {
    phone.answer(() => new SinkError('failed', 'nobody listens there'))
    for (let number = 1; number <= 100; number++) await tell(`p-${number}`, 'problem', [incident(number, `agent-${number}`)])
    await clock.advance(10 * minuteMs)
    expect(phone.came.length).toBeLessThanOrEqual(12)
    await clock.advance(hourMs)
    phone.answer(() => undefined)
    for (let seconds = 0; seconds < 300 && phone.taken.length === 0; seconds++) await clock.advance(1_000)
    expect(phone.taken.length).toBe(100)
  })

  it('that takes one is given at once what had failed and would have waited on', async () => {
    let calls = 0
    // An alert waits long for its next turn, the sink is asked again soon.
    random = () => (calls++ % 2 === 0 ? 1 : 0)
    phone.answer(() => new SinkError('failed', 'nobody listens there'))
    await tell('a', 'problem', [incident(1, 'timmy')])
    await clock.advance(hourMs)
    phone.answer(() => undefined)
    await clock.advance(1_000)
    expect(taken()).toEqual([])
    await tell('b', 'problem', [incident(2, 'ezra')])
    await clock.advance(1_000)
    expect(taken()).toEqual(['b', 'a'])
  })

  it('that fails for ten minutes is spoken of once, and again when it is back', async () => {
    phone.answer(() => new SinkError('failed', 'nobody listens there'))
    await tell('a', 'problem', [incident(1, 'timmy')])
    await clock.advance(9 * minuteMs)
    expect(notices).toEqual([])
    await clock.advance(5 * hourMs)
    expect(notices).toEqual([
      { subjects: [], text: "Alerts don't reach phone: nobody listens there. They wait, and are tried again.", except: ['sink:phone'] },
    ])
    phone.answer(() => undefined)
    await clock.advance(6 * minuteMs)
    expect(notices.slice(1).map(({ text }) => text)).toEqual(['Alerts reach phone again.'])
    expect(log.messages('warn').length).toBe(1)
  })

  it('that asks for patience gets it', async () => {
    phone.answer(() => new SinkError('failed', 'it answered 429', { retryAfterMs: 20 * minuteMs }))
    await tell('a', 'problem', [incident(1, 'timmy')])
    await tell('b', 'problem', [incident(2, 'ezra')])
    await clock.advance(20 * minuteMs - 1)
    expect(phone.came.length).toBe(1)
    await clock.advance(1)
    expect(phone.came.length).toBe(2)
  })

  it('that asks for a year is tried again within the hour', async () => {
    phone.answer(() => new SinkError('failed', 'it answered 503', { retryAfterMs: 365 * 24 * hourMs }))
    await tell('a', 'problem', [incident(1, 'timmy')])
    phone.answer(() => undefined)
    await clock.advance(hourMs)
    expect(taken()).toEqual(['a'])
  })

  it('that refuses one alert is told of others meanwhile, and that one is given up after an hour, aloud', async () => {
    phone.answer(({ id }) => (id === 'a' ? new SinkError('refused', 'it answered 400') : undefined))
    await tell('a', 'problem', [incident(1, 'timmy')])
    await tell('b', 'problem', [incident(2, 'ezra')])
    await tell('c', 'recovery', [closed(incident(1, 'timmy'))])
    await tell('d', 'problem', [incident(3, 'timmy')])
    await clock.advance(30 * minuteMs)
    expect(taken()).toEqual(['b'])
    expect(notices.map(({ text }) => text)).toContain("Alerts don't reach phone: it answered 400. They wait, and are tried again.")
    await clock.advance(40 * minuteMs)
    // The end of what it never took is no news to it.
    expect(taken()).toEqual(['b', 'd'])
    expect(notices.map(({ text }) => text)).toContain(
      'phone does not take one of the alerts (it answered 400): it was left out there. The alert was: alert a',
    )
    expect(log.messages('error')).toContain('an alert was given up for a sink that does not take it')
    expect(ledger.untold('sink:phone', 9)).toEqual([])
  })

  it('that fails at one alert for ever while it takes others is rid of it at last', async () => {
    phone.answer(({ id }) => (id === 'a' ? new SinkError('failed', 'it ended with exit status 1') : undefined))
    await tell('a', 'problem', [incident(1, 'timmy')])
    for (let number = 2; number < 30; number++) {
      await tell(`b-${number}`, 'problem', [incident(number, 'ezra')])
      await clock.advance(10 * minuteMs)
    }
    await tell('c', 'problem', [incident(40, 'timmy')])
    await clock.advance(hourMs)
    expect(taken()).toContain('c')
    expect(taken()).not.toContain('a')
  })

  it('is called off when the watch stops, and told again by the next', async () => {
    phone.hang()
    await tell('a', 'problem', [incident(1, 'timmy')])
    await sinks.stop()
    expect([phone.came.length, clock.pending(), log.messages()]).toEqual([1, 0, []])
    phone.answer(() => undefined)
    start(configOf(sinkConfig('phone', 0)))
    await clock.advance(0)
    expect(taken()).toEqual(['a'])
  })

  it('is told on while the ledger can not be written, and nothing again once it can', async () => {
    await tell('a', 'notice', [])
    await tell('b', 'notice', [])
    ledger.breakWrites(['told'])
    await tell('c', 'notice', [])
    await clock.advance(hourMs)
    expect(taken()).toEqual(['a', 'b', 'c'])
    ledger.mend()
    journal.flush()
    await clock.advance(hourMs)
    expect(taken()).toEqual(['a', 'b', 'c'])
  })

  it('waits for a ledger that can not be read', async () => {
    ledger.breakReads(['untold'])
    await tell('a', 'notice', [])
    ledger.mend()
    await clock.advance(minuteMs)
    expect(taken()).toEqual(['a'])
  })
})

describe('a sink for what lasts', () => {
  beforeEach(() => start(configOf(sinkConfig('phone', 5 * minuteMs))))

  it('is told of a problem that nobody looks after, when its time is over, with its age', async () => {
    const death = incident(1, 'timmy')
    await tell('a', 'problem', [death])
    await clock.advance(5 * minuteMs - 1)
    expect(phone.came).toEqual([])
    await clock.advance(1)
    expect(phone.taken).toMatchObject([
      { id: 'a', kind: 'problem', incidents: [1], text: 'timmy is still down, for 5 min: no heartbeat. To look after it, type: ack 1' },
    ])
    await tell('b', 'recovery', [closed(death)])
    expect(taken()).toEqual(['a', 'b'])
  })

  it('is not told of one that ended before, nor of its end', async () => {
    const death = incident(1, 'timmy')
    await tell('a', 'problem', [death])
    await clock.advance(minuteMs)
    await tell('b', 'recovery', [closed(death)])
    await clock.advance(hourMs)
    expect(phone.came).toEqual([])
    expect(ledger.untold('sink:phone', 9)).toEqual([])
  })

  it('is not told of one that somebody looks after; once he doesn’t any more, the reminder goes there, and then the end', async () => {
    const death = incident(1, 'timmy')
    await tell('a', 'problem', [death])
    const ack = { kind: 'normal', by: ada, atMs: clock.now(), untilMs: clock.now() + hourMs } as const
    await tell('b', 'acknowledged', [{ ...death, ack }])
    await clock.advance(hourMs)
    expect(phone.came).toEqual([])
    await tell('c', 'reminder', [{ ...death, ack }])
    await tell('d', 'recovery', [closed(death)])
    expect(taken()).toEqual(['c', 'd'])
  })

  it('that wants to hear of a problem later than the reminders come is not told twice then', async () => {
    await sinks.declare(configOf(sinkConfig('late', 5 * hourMs)))
    const death = incident(1, 'timmy')
    await tell('a', 'problem', [death])
    await clock.advance(4 * hourMs)
    await tell('b', 'reminder', [death])
    await clock.advance(2 * hourMs)
    expect(taken()).toEqual(['a'])
  })

  it('is told of those of many that are left, and of the end of those', async () => {
    const [timmy, ezra, bezalel] = [incident(1, 'timmy'), incident(2, 'ezra'), incident(3, 'bezalel')]
    await tell('a', 'problem', [timmy, ezra, bezalel])
    await clock.advance(minuteMs)
    await tell('b', 'recovery', [closed(timmy)])
    await clock.advance(4 * minuteMs)
    expect(phone.taken).toMatchObject([
      {
        id: 'a',
        incidents: [2, 3],
        subjects: [{ id: 'ezra' }, { id: 'bezalel' }],
        text: '2 agents are still down: ezra (#2, 5 min), bezalel (#3, 5 min).',
      },
    ])
    await tell('c', 'recovery', [closed(ezra), closed(bezalel)], { durationMs: 5 * minuteMs })
    expect(taken()).toEqual(['a', 'c'])
  })

  it('is told at once of what is no problem, though a problem waits', async () => {
    await tell('a', 'problem', [incident(1, 'timmy')])
    await tell('b', 'notice', [])
    expect(taken()).toEqual(['b'])
    // Flapping of somebody of whom it hasn't heard.
    await tell('c', 'notice', [incident(2, 'ezra')])
    expect(taken()).toEqual(['b'])
  })
})

it('sinks that fail at random lose nothing, turn nothing round, and repeat nothing that was taken', async () => {
  const step = fc.record({
    agent: fc.constantFrom('timmy', 'ezra', 'bezalel'),
    waitMs: fc.constantFrom(0, 500, 20_000, 400_000),
    fate: fc.constantFrom('well', 'fail', 'refuse', 'restart', 'redeclare'),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.integer({ min: 1, max: 2 ** 30 }), async (steps, seed) => {
      clock = virtualClock()
      ledger = brittleLedger()
      phone = fakeSink()
      let chance = seed
      random = () => {
        chance = (chance * 48_271) % 2_147_483_647
        return chance / 2_147_483_647
      }
      const config = configOf(sinkConfig('phone', 0))
      start(config)
      const open = new Map<string, Incident>()
      const expected = new Map<string, string[]>()
      for (const [index, { agent, waitMs, fate }] of steps.entries()) {
        if (fate === 'restart') {
          await sinks.stop()
          start(config)
        } else if (fate === 'redeclare') await sinks.declare(config)
        else phone.answer(() => (fate === 'well' ? undefined : new SinkError(fate === 'fail' ? 'failed' : 'refused', 'it was told to')))
        const before = open.get(agent)
        const id = `${agent}-${index}`
        const one = before ? closed(before) : incident(index + 1, agent)
        await tell(id, before ? 'recovery' : 'problem', [one])
        if (before) open.delete(agent)
        else open.set(agent, one)
        expected.set(agent, [...(expected.get(agent) ?? []), id])
        // Refusals for an hour would be given up, which is another matter.
        await clock.advance(fate === 'refuse' ? Math.min(waitMs, 20_000) : waitMs)
      }
      phone.answer(() => undefined)
      await clock.advance(hourMs)
      for (const [agent, ids] of expected) expect(taken().filter((id) => id.startsWith(agent))).toEqual(ids)
      await sinks.stop()
    }),
    { numRuns: Number(process.env['TOWERWATCH_RUNS'] ?? 150) },
  )
}, 600_000)
