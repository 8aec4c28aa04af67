import { beforeEach, describe, expect, it } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import type { Subject } from '../../src/domain/incident.ts'
import type { AlertRecord } from '../../src/ports/ledger.ts'
import { type Journal, openJournal } from '../../src/watches/journal.ts'
import { type Mutes, startMutes } from '../../src/watches/mutes.ts'
import { type Notifier, startNotifier } from '../../src/watches/notifier.ts'
import { type Outbox, openOutbox } from '../../src/watches/outbox.ts'
import { openRoster, type Roster } from '../../src/watches/roster.ts'
import { type BrittleLedger, brittleLedger } from '../fakes/brittle-ledger.ts'
import { type VirtualClock, virtualClock } from '../fakes/virtual-clock.ts'
import { agentConfig, fleetConfig } from '../support/fleet.ts'
import { keptLog } from '../support/log.ts'

const alerts = { groupWaitMs: 300, groupIntervalMs: 5_000, remindMs: 3_600_000 }
const ada = { kind: 'account', id: '7', name: 'Ada' } as const

let clock: VirtualClock
let ledger: BrittleLedger
let config: Config
let journal: Journal
let roster: Roster
let mutes: Mutes
let notifier: Notifier
let outbox: Outbox
let heard: AlertRecord[]
let ids: number
let lives = 1

beforeEach(async () => {
  clock = virtualClock()
  ledger = brittleLedger()
  config = fleetConfig(
    ['timmy', 'ezra', 'bezalel'].map((id) => agentConfig(id, id === 'timmy' ? {} : { host: 'far' })),
    { alerts },
  )
  ids = 1
  start()
  await clock.advance(0)
})

/** As a fresh watch would, on the ledger as it stands. */
function start(): void {
  const log = keptLog()
  heard = []
  journal = openJournal(ledger, log)
  roster = openRoster(config, { ledger, journal, clock, log })
  mutes = startMutes(() => config, { ledger, journal, clock, occurrences: () => [] })
  notifier = startNotifier(() => config, { roster, mutes, journal, ledger, clock, log, newId: () => `alert-${ids++}` })
  outbox = openOutbox({ ledger, journal, clock, log, unwritten: notifier.unwritten })
  notifier.on((alert) => heard.push(alert))
}

/** The watch dies: nothing of what it had in mind is left. */
async function restart(): Promise<void> {
  notifier.stop()
  mutes.stop()
  start()
  await clock.advance(0)
}

function beats(...agents: string[]): void {
  for (const agent of agents) roster.observe(agent, { kind: 'sighted', beat: { atMs: clock.now(), epoch: `life-${lives++}` } })
}
function die(...agents: string[]): void {
  for (const agent of agents) {
    if (!roster.agent(agent)?.facts.lastBeat) beats(agent)
    roster.observe(agent, { kind: 'sighted', gone: 'process-gone' })
  }
}
const subject = (id: string): Subject => ({ kind: 'agent', id })
const said = () => heard.map(({ kind, text }) => `${kind}: ${text.split(/[(.]/)[0]?.trim()}`)
const untold = (receiver = 'tower') => outbox.untold(receiver, 99).map(({ id }) => id)

describe('a death', () => {
  it('is told after the group wait, in the ledger with its incident before anybody hears of it', async () => {
    const seen: unknown[] = []
    notifier.on((alert) => seen.push(ledger.untold('tower', 9)[0]?.id, ledger.incidents({ limit: 9 })[0]?.told?.alertId, alert.id))
    die('timmy')
    await clock.advance(299)
    expect(heard).toEqual([])
    await clock.advance(1)
    expect(said()).toEqual(['problem: timmy is down: its process is gone'])
    expect(seen).toEqual(['alert-1', 'alert-1', 'alert-1'])
    expect(heard[0]).toMatchObject({ subjects: [{ kind: 'agent', id: 'timmy', host: 'local' }], incidents: [1], at: clock.now() })
  })

  it('of many at once is one alert, and so is their return', async () => {
    die('timmy', 'ezra', 'bezalel')
    await clock.advance(10_000)
    beats('timmy', 'ezra', 'bezalel')
    await clock.advance(10_000)
    expect(said()).toEqual([
      'problem: 3 agents are down',
      'recovery: 3 agents are back up: timmy after 10 s, ezra after 10 s, bezalel after 10 s',
    ])
    expect(heard[1]?.durationMs).toBe(10_000)
  })

  it('that comes right after another waits out the group interval', async () => {
    die('timmy')
    await clock.advance(1_300)
    die('ezra')
    await clock.advance(3_999)
    expect(heard.length).toBe(1)
    await clock.advance(1)
    expect(heard.map(({ incidents }) => incidents)).toEqual([[1], [2]])
  })

  it('that is over before the group wait is told all the same', async () => {
    die('timmy')
    beats('timmy')
    await clock.advance(1_000)
    expect(heard.map(({ kind }) => kind)).toEqual(['problem', 'recovery'])
  })

  it('on a lost host is told of the host alone', async () => {
    beats('ezra', 'bezalel')
    roster.observeHost('far', { kind: 'answered' })
    roster.observeHost('far', { kind: 'lost', sinceMs: clock.now(), cause: 'timeout' })
    await clock.advance(60_000)
    roster.observeHost('far', { kind: 'answered' })
    beats('ezra', 'bezalel')
    await clock.advance(60_000)
    expect(said()).toEqual(['problem: host far is unreachable: no answer', 'recovery: host far is reachable again after 1 min'])
  })
})

describe('a silence', () => {
  const silence = (forMs: number) =>
    mutes.add({ kind: 'silence', subject: subject('timmy'), fromMs: clock.now(), toMs: clock.now() + forMs, reason: 'moving', by: ada })

  it('keeps a death quiet until it ends, and whoever is back by then is not spoken of', async () => {
    await silence(60_000)
    die('timmy')
    await clock.advance(20_000)
    beats('timmy')
    await clock.advance(20_000)
    die('timmy')
    await clock.advance(19_999)
    expect(heard).toEqual([])
    await clock.advance(1)
    expect(heard).toMatchObject([{ kind: 'problem', incidents: [2] }])
    expect(ledger.incidents({ number: 1, limit: 1 })).toMatchObject([{ dropped: true }])
  })

  it('that begins later does not keep the return quiet', async () => {
    die('timmy')
    await clock.advance(1_000)
    await silence(3_600_000)
    beats('timmy')
    await clock.advance(1_000)
    expect(heard.map(({ kind }) => kind)).toEqual(['problem', 'recovery'])
  })
})

describe('reminders', () => {
  it('come each hour, until somebody looks after it', async () => {
    die('timmy')
    await clock.advance(2 * 3_600_000 + 1_000)
    expect(heard.map(({ kind }) => kind)).toEqual(['problem', 'reminder', 'reminder'])
    const [incident] = roster.incidents()
    if (incident) await roster.amend([{ ...incident, ack: { kind: 'sticky', by: ada, atMs: clock.now() } }])
    await clock.advance(5 * 3_600_000)
    expect(said().slice(3)).toEqual(['acknowledged: Ada looks after #1'])
  })
})

describe('a watch that dies', () => {
  it('tells what it had not told, and nothing twice', async () => {
    die('timmy')
    await clock.advance(100)
    await restart()
    await clock.advance(1_000)
    expect(untold()).toEqual(['alert-1'])
    await restart()
    await clock.advance(60_000)
    expect([heard, untold()]).toEqual([[], ['alert-1']])
  })

  it('between the writing and the telling has it in the outbox', async () => {
    die('timmy')
    ledger.hold()
    await clock.advance(1_000)
    expect(heard).toEqual([])
    await ledger.release()
    await restart()
    await clock.advance(1_000)
    expect(untold().length).toBe(1)
  })

  it('goes on with the group interval', async () => {
    die('timmy')
    await clock.advance(1_000)
    await restart()
    die('ezra')
    await clock.advance(4_200)
    expect(untold().length).toBe(1)
    await clock.advance(100)
    expect(untold().length).toBe(2)
  })
})

describe('while the ledger can not be written', () => {
  it('alerts are told from memory, in order, and say so; then they are written, and not told again', async () => {
    ledger.breakWrites()
    die('timmy')
    await clock.advance(1_300)
    beats('timmy')
    await clock.advance(1_000)
    expect(heard.map(({ kind }) => kind)).toEqual(['problem', 'recovery'])
    expect(outbox.untold('tower', 9).map(({ text }) => text)).toEqual([
      expect.stringMatching(/^timmy is down.*\(the ledger can't be written: this may be told again\)$/),
      expect.stringMatching(/^timmy is back up.*told again\)$/),
    ])
    outbox.told('tower', 'alert-1')
    expect([untold(), untold('sink:phone')]).toEqual([['alert-2'], ['alert-1', 'alert-2']])
    ledger.mend()
    journal.flush()
    await clock.advance(1_000)
    expect([untold(), untold('sink:phone')]).toEqual([['alert-2'], ['alert-1', 'alert-2']])
    expect(ledger.untold('tower', 9)).toMatchObject([{ id: 'alert-2', text: expect.stringMatching(/^timmy is back up after [^(]*$/) }])
    expect(heard.length).toBe(2)
    await restart()
    expect(untold()).toEqual(['alert-2'])
  })

  it('an alert that was on its way is told from memory within a second', async () => {
    die('timmy')
    await clock.advance(0)
    ledger.breakWrites(['alert'])
    await clock.advance(300)
    expect(heard).toEqual([])
    await clock.advance(1_000)
    expect(heard.length).toBe(1)
  })
})

describe('a notice', () => {
  it('of somebody else goes to everybody but whom it excepts', async () => {
    notifier.notice({ subjects: [subject('ezra')], text: 'the phone does not answer', except: ['sink:phone'] })
    await clock.advance(0)
    expect(heard).toMatchObject([
      { kind: 'notice', subjects: [{ id: 'ezra', host: 'far' }], incidents: [], text: 'the phone does not answer' },
    ])
    expect([untold(), untold('sink:phone'), untold('sink:mail')]).toEqual([['alert-1'], [], ['alert-1']])
  })
})

it('an outbox that can not be read offers what is in memory', async () => {
  die('timmy')
  await clock.advance(1_000)
  ledger.breakReads(['untold'])
  expect(untold()).toEqual([])
  ledger.mend()
  expect(untold()).toEqual(['alert-1'])
})
