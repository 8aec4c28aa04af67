import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AgentConfig, Config } from '../../src/config/config.ts'
import type { Desk, DeskRequest } from '../../src/operations/desk.ts'
import type { Outcome } from '../../src/operations/operation.ts'
import { openJournal } from '../../src/watches/journal.ts'
import { startRespawn } from '../../src/watches/respawn.ts'
import { openRoster, type Roster } from '../../src/watches/roster.ts'
import { type BrittleLedger, brittleLedger } from '../fakes/brittle-ledger.ts'
import { type VirtualClock, virtualClock } from '../fakes/virtual-clock.ts'
import { agentConfig, fleetConfig } from '../support/fleet.ts'
import { keptLog } from '../support/log.ts'

const start = virtualClock().now()
let clock: VirtualClock
let ledger: BrittleLedger
let roster: Roster
let config: Config
let isMaintained: boolean
let running: ReturnType<typeof startRespawn>
/** What was asked of the desk, and when in s. */
let asked: (DeskRequest & { atS: number })[]
/** What the desk answers; the audit is written as it would be. */
let answer: (request: DeskRequest) => Outcome | Promise<Outcome>

const declared = (more: Partial<AgentConfig> = {}) => fleetConfig([agentConfig('timmy', { policy: 'auto', ...more }), agentConfig('ezra')])
const failed: Outcome = { status: 'failed', lines: ['no'] }
const refused: Outcome = { status: 'refused', lines: ['it is alive'] }

beforeEach(() => {
  clock = virtualClock()
  ledger = brittleLedger()
  config = declared()
  asked = []
  isMaintained = false
  answer = () => failed
  const log = keptLog()
  roster = openRoster(config, { ledger, journal: openJournal(ledger, log), clock, log })
  const desk: Desk = {
    request: async (request) => {
      asked.push({ ...request, atS: (clock.now() - start) / 1_000 })
      const { operation, arguments: args, actor, via } = request
      const outcome = await answer(request)
      const record = { operation, arguments: args, actor, via, requestedMs: clock.now(), status: 'begun', lines: [] }
      if (!outcome.passes) await ledger.write([{ kind: 'operation', operation: { number: ledger.nextNumber('operation'), ...record } }])
      return outcome
    },
    refusedElsewhere: async () => {},
    isActedOn: () => false,
  }
  running = startRespawn(() => config, { roster, desk, ledger, clock, log, random: () => 0.999999, inMaintenance: () => isMaintained })
})
afterEach(() => running.stop())

const beats = (agent = 'timmy') => roster.observe(agent, { kind: 'sighted', beat: { atMs: clock.now(), epoch: String(clock.now()) } })
const dies = (agent = 'timmy') => roster.observe(agent, { kind: 'sighted', gone: 'process-gone' })
const times = () => asked.map(({ atS }) => Math.round(atS))

describe('an agent that died', () => {
  it('is restarted at once by the same operation as a person would ask for', async () => {
    beats()
    dies()
    await clock.advance(0)
    expect(asked).toEqual([
      {
        operation: 'restart',
        arguments: { agent: 'timmy' },
        actor: { kind: 'watch', id: 'watch', name: 'the watch' },
        via: 'watch',
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
    running.stop()
    running = startRespawn(() => config, {
      roster,
      desk: { request: async () => failed, refusedElsewhere: async () => {}, isActedOn: () => false },
      ledger,
      clock,
      log: keptLog(),
      random: () => 0.999999,
      inMaintenance: () => false,
    })
    beats()
    dies()
    const before = clock.pending()
    await clock.advance(30_000)
    expect(clock.pending()).toBe(before)
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
  expect([asked.length, clock.pending()]).toEqual([0, 0])
})
