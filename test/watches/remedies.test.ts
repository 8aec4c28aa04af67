import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AgentConfig, Config } from '../../src/config/config.ts'
import type { DeskRequest } from '../../src/desk/job.ts'
import type { Policy } from '../../src/domain/remedy.ts'
import { type Engine, openEngine } from '../../src/engine.ts'
import type { Outcome } from '../../src/operations/operation.ts'
import type { AlertRecord } from '../../src/ports/ledger.ts'
import { startRemedies } from '../../src/watches/remedies.ts'
import { openRemedyNews } from '../../src/watches/remedy-news.ts'
import type { Roster } from '../../src/watches/roster.ts'
import { type BrittleLedger, brittleLedger } from '../fakes/brittle-ledger.ts'
import { type VirtualClock, virtualClock } from '../fakes/virtual-clock.ts'
import { agentConfig, fleetConfig } from '../support/fleet.ts'
import { keptLog } from '../support/log.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const start = virtualClock().now()
let clock: VirtualClock
let ledger: BrittleLedger
let engine: Engine
let roster: Roster
let config: Config
let isMaintained: boolean
let running: ReturnType<typeof startRemedies>
let lives = 0
/** What was asked of the desk, and when in s. */
let asked: (DeskRequest & { atS: number })[]
/** What the desk answers; the audit is written as it would be. */
let answer: (request: DeskRequest) => Outcome | Promise<Outcome>
let alerts: AlertRecord[]

/** Only seen to be dead when its host says so: silence for a year is none. */
const lasting = { periodMs: 365 * 24 * hourMs, graceMs: hourMs }
const declared = (more: Partial<AgentConfig> = {}, limits: Partial<Config['remedies']> = {}) =>
  fleetConfig([agentConfig('timmy', { policy: 'auto', ...more }), agentConfig('ezra')], {
    remedies: { perMs: hourMs, atOnce: 100, ...limits },
  })
const failed: Outcome = { status: 'failed', lines: ['no'] }
const refused: Outcome = { status: 'refused', lines: ['it is alive'] }

/** A life of the watch begins, on the ledger as it stands. */
function begin(): void {
  const log = keptLog()
  const life = ++lives
  let ids = 0
  engine = openEngine(config, {
    ledger,
    clock,
    log,
    newId: () => `alert-${life}-${++ids}`,
    isGivenUp: (agent) => news.givenUp().has(agent),
  })
  engine.notifier.on((alert) => void alerts.push(alert))
  roster = engine.roster
  const request = async (request: DeskRequest) => {
    asked.push({ ...request, atS: (clock.now() - start) / 1_000 })
    const { operation, arguments: args, actor, via } = request
    const number = ledger.nextNumber('operation')
    const record = {
      number,
      operation,
      arguments: { ...args, agent: whom(request) },
      actor,
      via,
      requestedMs: clock.now(),
      status: 'begun',
      lines: [],
    }
    const outcome = await answer(request)
    if (!outcome.passes) await ledger.write([{ kind: 'operation', operation: { ...record, status: outcome.status } }])
    return outcome
  }
  const news = openRemedyNews(() => config.remedies, { ...engine, ledger, clock, log })
  running = startRemedies(() => config, {
    roster,
    desk: { request },
    news,
    held: { asked: () => {}, isInDoubt: () => false, isHeld: async () => false, forget: () => {} },
    ledger,
    clock,
    log,
    random: () => 0.999999,
    inMaintenance: () => isMaintained,
  })
}

async function end(): Promise<void> {
  running.stop()
  await engine.stop()
}

beforeEach(() => {
  clock = virtualClock()
  ledger = brittleLedger()
  config = declared()
  asked = []
  alerts = []
  isMaintained = false
  answer = () => failed
  begin()
})
afterEach(end)

const notices = () => alerts.filter(({ kind }) => kind === 'notice').map(({ text }) => text)
const beats = (agent = 'timmy') => roster.observe(agent, { kind: 'sighted', beat: { atMs: clock.now(), epoch: String(clock.now()) } })
const dies = (agent = 'timmy') => roster.observe(agent, { kind: 'sighted', gone: 'process-gone' })
const whom = (request: DeskRequest) => String(request.arguments['agent']).replace(/^agent:/, '')
const times = () => asked.map(({ atS }) => Math.round(atS))

describe('an agent that died', () => {
  it('is restarted at once by the same operation as a person would ask for', async () => {
    beats()
    dies()
    await clock.advance(0)
    expect(asked).toEqual([
      {
        operation: 'restart',
        arguments: { agent: 'agent:timmy' },
        actor: { kind: 'watch', id: 'watch', name: 'the watch' },
        via: 'watch',
        why: 'incident #1',
        atS: 0,
      },
    ])
  })

  it.each(['ask', 'off'] as const)('is left to a person where its policy is %s', async (policy) => {
    config = declared({ policy })
    beats()
    dies()
    await clock.advance(3_600_000)
    expect(asked).toEqual([])
  })

  it('is tried again with a growing wait, for as long as it is down', async () => {
    beats()
    dies()
    await clock.advance(1_200_000)
    expect(times()).toEqual([0, 5, 15, 35, 75, 155, 315, 615, 915])
    beats()
    await clock.advance(3_600_000)
    expect(asked).toHaveLength(9)
  })

  it('that keeps dying soon after it came back waits longer each time, and begins anew once it was stable', async () => {
    answer = () => {
      beats()
      return { status: 'ok', lines: [] }
    }
    for (let i = 0; i < 4; i++) {
      beats()
      await clock.advance(1_000)
      dies()
      await clock.advance(60_000)
    }
    const gaps = times().map((atS, index) => atS - (1 + index * 61))
    expect(gaps).toEqual([0, 5, 10, 20])
    await clock.advance(600_000)
    beats()
    dies()
    await clock.advance(1_000)
    expect(asked).toHaveLength(5)
  })

  it('waits as long after a restart of the watch: what was tried stands in the ledger', async () => {
    beats()
    dies()
    await clock.advance(40_000)
    expect(times()).toEqual([0, 5, 15, 35])
    await end()
    begin()
    beats()
    dies()
    await clock.advance(39_000)
    expect(asked).toHaveLength(4)
    await clock.advance(2_000)
    expect(asked).toHaveLength(5)
  })

  it('is not restarted by the watch once a person has changed its policy, although a restart was planned', async () => {
    beats()
    dies()
    await clock.advance(6_000)
    expect(asked).toHaveLength(2)
    config = declared({ policy: 'off' })
    await clock.advance(3_600_000)
    expect(asked).toHaveLength(2)
  })

  it('is not restarted while its host can not be seen, and is as soon as it is seen to be dead there', async () => {
    beats()
    dies()
    roster.observeHost('local', { kind: 'lost', sinceMs: clock.now(), cause: 'timeout' })
    await clock.advance(600_000)
    expect(asked).toEqual([])
    dies()
    await clock.advance(0)
    expect(asked).toHaveLength(1)
  })
})

describe('an agent that is silent, but alive', () => {
  beforeEach(async () => {
    answer = () => refused
    beats()
    await clock.advance(10_000)
    roster.observe('timmy', { kind: 'sighted' })
    await clock.advance(0)
  })

  it('is asked about once and then left to a person', async () => {
    expect(asked).toHaveLength(1)
    await clock.advance(3_600_000)
    expect(asked).toHaveLength(1)
  })

  it('is restarted once it has died indeed', async () => {
    answer = () => failed
    dies()
    await clock.advance(6_000)
    expect(asked.length).toBeGreaterThan(1)
  })
})

it('an agent that died while the refusal was under way is not forgotten', async () => {
  const slow = Promise.withResolvers<Outcome>()
  answer = () => slow.promise
  beats()
  await clock.advance(10_000)
  roster.observe('timmy', { kind: 'sighted' })
  await clock.advance(0)
  dies()
  slow.resolve(refused)
  await clock.advance(6_000)
  expect(asked).toHaveLength(2)
})

it('an agent whose restart could not be audited is tried again later, not over and over', async () => {
  answer = () => ({ ...refused, passes: true })
  beats()
  dies()
  await clock.advance(300_000)
  expect(asked.length).toBeGreaterThanOrEqual(3)
  expect(asked.length).toBeLessThanOrEqual(11)
})

it('an agent that is dead, and whose restart was refused, is tried again: another act may have been under way there', async () => {
  answer = () => ({ status: 'refused', lines: ['another act on timmy is under way (pid 12)'] })
  beats()
  dies()
  await clock.advance(10 * minuteMs)
  expect(times()).toEqual([0, 10, 30, 70, 150, 310])
})

it('an agent whose people are at work on it is left alone until they are done', async () => {
  beats()
  isMaintained = true
  dies()
  await clock.advance(600_000)
  expect(asked).toEqual([])
  isMaintained = false
  await clock.advance(60_000)
  expect(asked).toHaveLength(1)
})

it('nothing is restarted after the end', async () => {
  beats()
  dies()
  running.stop()
  await clock.advance(60_000)
  beats()
  dies()
  await clock.advance(60_000)
  expect(asked).toEqual([])
})

describe('a crash loop', () => {
  const limits = { crashLoop: { starts: 5, withinMs: 15 * minuteMs, retryMs: hourMs } }
  beforeEach(async () => {
    await end()
    config = declared({ timing: lasting }, limits)
    begin()
  })

  it('is given up after five restarts that failed, told once, and tried once an hour', async () => {
    beats()
    dies()
    await clock.advance(5 * hourMs)
    expect(times().slice(0, 5)).toEqual([0, 5, 15, 35, 75])
    const tries = times().slice(5)
    expect(tries).toHaveLength(4)
    for (const [index, atS] of tries.entries()) expect(atS).toBe(75 + (index + 1) * 3_600)
    expect(notices()).toEqual([
      'timmy is down again after 5 restarts within 15 min: given up, one try each 1 h. To try now, type: restart timmy',
    ])
  })

  it('is given up as well where each restart works and it dies again, and is over after ten stable minutes', async () => {
    answer = () => {
      beats()
      return { status: 'ok', lines: [] }
    }
    beats()
    for (let i = 0; i < 8; i++) {
      await clock.advance(30_000)
      dies()
      await clock.advance(100_000)
    }
    expect(asked).toHaveLength(5)
    await clock.advance(hourMs)
    // The half-open try brought it back: for ten minutes that is no news yet.
    expect(asked).toHaveLength(6)
    expect(notices()).toHaveLength(1)
    await clock.advance(10 * minuteMs)
    expect(notices()).toHaveLength(2)
    expect(notices()[1]).toBe('timmy has lived for 10 min: it is given up no longer.')
    dies()
    await clock.advance(0)
    expect(asked).toHaveLength(7)
  })

  it('stays given up when the try did not last, and is told of no second time', async () => {
    beats()
    dies()
    await clock.advance(30 * minuteMs)
    answer = () => {
      beats()
      return { status: 'ok', lines: [] }
    }
    await clock.advance(32 * minuteMs)
    expect(asked).toHaveLength(6)
    await clock.advance(4 * minuteMs)
    dies()
    await clock.advance(30 * minuteMs)
    expect(asked).toHaveLength(6)
    expect(notices()).toHaveLength(1)
    // Nobody hears that it is being restarted, who is not.
    const problems = alerts.filter(({ kind }) => kind === 'problem').map(({ text }) => text)
    expect(problems.at(0)).toMatch(/I am restarting it\.$/)
    expect(problems.at(-1)).toMatch(/To bring it back, type: restart timmy$/)
  })

  it('is neither told again nor forgotten by the next life of the watch, a day later', async () => {
    beats()
    dies()
    await clock.advance(30 * hourMs + 10 * minuteMs)
    const before = asked.length
    await end()
    begin()
    beats()
    dies()
    await clock.advance(10 * minuteMs)
    expect(asked.length).toBe(before)
    await clock.advance(hourMs)
    expect(asked.length).toBe(before + 1)
    expect(notices()).toHaveLength(1)
  })

  it('is forgotten without a word where somebody decides that the watch is to leave it alone', async () => {
    beats()
    dies()
    await clock.advance(30 * minuteMs)
    config = declared({ timing: lasting, policy: 'ask' }, limits)
    await clock.advance(2 * hourMs)
    config = declared({ timing: lasting }, limits)
    engine.declare(config)
    await clock.advance(hourMs)
    expect(asked.length).toBeGreaterThan(5 + 2)
    expect(notices()).toHaveLength(1)
  })
})

describe('a budget', () => {
  const names = Array.from({ length: 100 }, (_, index) => `agent-${String(index).padStart(2, '0')}`)
  const fleet = (limits: Partial<Config['remedies']>, policy: Policy = 'auto') =>
    fleetConfig(
      names.map((name, index) => agentConfig(name, { policy, timing: lasting, host: `host-${index % 10}` })),
      { remedies: { perMs: hourMs, atOnce: 2, budget: 10, ...limits } },
    )
  const revives = (request: DeskRequest): Outcome => {
    beats(whom(request))
    return { status: 'ok', lines: [] }
  }
  async function everybodyDies(limits: Partial<Config['remedies']>): Promise<void> {
    await end()
    config = fleet(limits)
    begin()
    for (const name of names) beats(name)
    for (const name of names) dies(name)
    await clock.advance(0)
  }

  it('lets ten of a hundred agents be restarted in an hour that died at once, tells that once, and the rest after them', async () => {
    answer = async (request) => {
      await new Promise<void>((resolve) => clock.after(20_000, resolve))
      return revives(request)
    }
    await everybodyDies({})
    await clock.advance(0)
    expect(asked).toHaveLength(2)
    await clock.advance(59 * minuteMs)
    expect(asked.map(whom)).toEqual(names.slice(0, 10))
    expect(notices()).toHaveLength(1)
    expect(notices()[0]).toMatch(
      /^90 agents wait to be restarted \(agent-10, agent-11, .* more\): the budget of 10 automatic restarts in the fleet within 1 h is used up; the next one in 5\d min( \d+ s)?\. Not to wait, type: restart agent-10$/,
    )
    expect(alerts.find(({ kind }) => kind === 'notice')?.subjects).toHaveLength(90)
    // The problem itself: one alert for all of them.
    expect(alerts.filter(({ kind }) => kind === 'problem')).toHaveLength(1)
    await clock.advance(10 * hourMs)
    expect(asked.map(whom)).toEqual(names)
    for (const { atS } of asked) {
      const inWindow = asked.filter((other) => other.atS > atS - 3_600 && other.atS <= atS)
      expect(inWindow.length).toBeLessThanOrEqual(10)
    }
    expect(notices().slice(1)).toEqual(['The budget of automatic restarts in the fleet holds nobody back any more.'])
  })

  it('goes on in the next life of the watch, which tells nothing again', async () => {
    answer = revives
    await everybodyDies({})
    await clock.advance(10 * minuteMs)
    expect([asked.length, notices().length]).toEqual([10, 1])
    await end()
    begin()
    for (const name of names.slice(10)) dies(name)
    await clock.advance(40 * minuteMs)
    expect([asked.length, notices().length]).toEqual([10, 1])
    await clock.advance(11 * minuteMs)
    expect([asked.length, notices().length]).toEqual([20, 1])
  })

  it('of one agent holds that one alone', async () => {
    await everybodyDies({ budget: 1_000, agentBudget: 3, atOnce: 100 })
    await clock.advance(5 * minuteMs)
    for (const name of names.slice(1)) beats(name)
    await clock.advance(50 * minuteMs)
    const mine = asked.filter((request) => whom(request) === 'agent-00')
    expect(mine).toHaveLength(3)
    expect(notices()[0]).toMatch(/^100 agents wait .* the budget of 3 automatic restarts of one agent within 1 h is used up/)
    expect(notices()).toHaveLength(1)
  })

  it('is not used by what was refused', async () => {
    answer = () => ({ ...refused, passes: true })
    await everybodyDies({ budget: 3, atOnce: 1 })
    await clock.advance(30 * minuteMs)
    expect(asked.length).toBeGreaterThan(10)
    expect(notices()).toEqual([])
  })

  it('is not used either by what was refused in an earlier life of the watch', async () => {
    answer = () => refused
    await everybodyDies({ budget: 3, atOnce: 1 })
    await clock.advance(10 * minuteMs)
    const before = asked.length
    expect(before).toBeGreaterThan(3)
    await end()
    begin()
    answer = revives
    for (const name of names) dies(name)
    await clock.advance(0)
    expect(asked.length - before).toBe(3)
  })

  it('is nothing to whom the watch may not restart', async () => {
    await end()
    config = fleet({ budget: 1 }, 'ask')
    begin()
    for (const name of names) beats(name)
    for (const name of names) dies(name)
    await clock.advance(2 * hourMs)
    expect([asked.length, notices().length]).toEqual([0, 0])
  })

  it('is not told of where those who had to wait came back by themselves meanwhile', async () => {
    answer = revives
    await everybodyDies({ budget: 98 })
    await clock.advance(5_000)
    for (const name of names) beats(name)
    await clock.advance(2 * hourMs)
    expect(notices()).toEqual([])
  })
})

it('names the incident that it acts on', async () => {
  beats()
  dies()
  await clock.advance(0)
  expect(asked[0]?.why).toMatch(/^incident #\d+$/)
})
