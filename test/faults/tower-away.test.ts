/** The Tower is away for an hour, or comes and goes, while agents die and return: the whole watch on virtual time. */
import { describe, expect, it } from 'vitest'
import { openLedger } from '../../src/adapters/ledger/sqlite.ts'
import { startTowerSession } from '../../src/adapters/tower/session.ts'
import { startWatch } from '../../src/app.ts'
import { operations } from '../../src/operations/registry.ts'
import { type Random, seededRandom } from '../../src/simulator/random.ts'
import { type FakeHost, fakeHost } from '../fakes/host.ts'
import { type FakeTower, fakeTower } from '../fakes/tower.ts'
import { type VirtualClock, virtualClock } from '../fakes/virtual-clock.ts'
import { agentConfig, fleetConfig } from '../support/fleet.ts'
import { keptLog } from '../support/log.ts'
import { wrongAlerts } from './truth.ts'

const account = { name: 'towerwatch', password: 'right' }
const hashes = { protocol: 'a'.repeat(64), operations: 'b'.repeat(64) }
const agents = ['ann', 'bea', 'cid', 'dot', 'eve', 'fay']
const hourMs = 3_600_000
const minuteMs = 60_000
/** TOWERWATCH_RUNS=20 for twenty different hours of each kind. */
const seeds = Array.from({ length: Number(process.env['TOWERWATCH_RUNS'] ?? 1) }, (_, index) => 1 + index)

/** Lives for up to ten minutes, is dead for up to three, and so on until `untilMs`. */
function live(agent: string, host: FakeHost, clock: VirtualClock, random: Random, untilMs: number): void {
  const beatOn = (pid: number) => {
    if (!host.isAlive(agent, pid)) return
    host.beat(agent, { pid, epoch: `life-${pid}` })
    clock.after(1_000, () => beatOn(pid))
  }
  const born = () => {
    beatOn(host.start(agent))
    if (clock.now() < untilMs) clock.after(random.whole(10_000, 10 * minuteMs), dies)
  }
  const dies = () => {
    host.kill(agent)
    clock.after(random.whole(2_000, 3 * minuteMs), born)
  }
  born()
}

/** Six agents for an hour, in which `trouble` befalls the Tower; then ten quiet minutes. */
async function hour(seed: number, trouble: (tower: FakeTower, clock: VirtualClock, random: Random) => Promise<void>) {
  const clock = virtualClock()
  const ledger = openLedger(':memory:')
  const tower = fakeTower({ clock, account, hashes })
  const host = fakeHost('local', clock)
  const random = seededRandom(seed)
  const log = keptLog()
  let ids = 0
  for (const [index, agent] of agents.entries()) live(agent, host, clock, seededRandom(seed, index + 1), clock.now() + hourMs)
  const watch = startWatch(
    fleetConfig(
      agents.map((agent) => agentConfig(agent)),
      { alerts: { groupWaitMs: 300, groupIntervalMs: 5_000 } },
    ),
    {
      ledger: { ...ledger, close: async () => {} },
      clock,
      log,
      operations,
      host: () => host,
      sink: () => ({ tell: async () => {} }),
      random: random.next,
      newId: () => `alert-${++ids}`,
      tower: (handlers) =>
        startTowerSession({
          transport: tower.transport,
          account,
          handlers,
          clock,
          random: random.next,
          fleet: 'test',
          version: '0.1.0',
          hashes,
          log,
        }),
    },
  )
  await clock.advance(10_000)
  await trouble(tower, clock, random)
  await clock.advance(hourMs + 10 * minuteMs - (clock.now() % 1_000))
  const incidents = ledger.incidents({ limit: 10_000 })
  const untold = ledger.untold('tower', 10)
  const stopped = watch.stop()
  await clock.advance(1_000)
  await stopped
  return { incidents, untold, said: tower.alerts }
}

async function expectAllTold(seed: number, trouble: Parameters<typeof hour>[1]): Promise<void> {
  const { incidents, untold, said } = await hour(seed, trouble)
  const story = () => `seed ${seed}; the Tower said:\n${said.map(({ text }) => text).join('\n')}`
  expect(incidents.length, story()).toBeGreaterThan(20)
  expect(incidents.filter(({ closedMs }) => closedMs === undefined)).toEqual([])
  expect(wrongAlerts(incidents, said), story()).toEqual([])
  expect(untold, story()).toEqual([])
  for (const agent of agents) {
    const about = said.filter(({ subjects }) => subjects.some(({ id }) => id === agent))
    expect(
      about.map(({ at }) => at),
      story(),
    ).toEqual(about.map(({ at }) => at).sort((a, b) => a - b))
  }
}

describe('whoever is in the Tower hears everything, in order, once,', () => {
  it.each(seeds)('when it was away for an hour (seed %i)', (seed) =>
    expectAllTold(seed, async (tower, clock) => {
      tower.portalDown()
      await clock.advance(hourMs)
      expect(tower.said).toEqual([])
      tower.portalUp()
    }),
  )

  it.each(seeds)('when its server reloads again and again, and loses what comes meanwhile (seed %i)', (seed) =>
    expectAllTold(seed, async (tower, clock, random) => {
      for (let reload = 0; reload < 60; reload++) {
        await clock.advance(random.whole(1_000, 55_000))
        tower.serverDown()
        await clock.advance(random.whole(500, 12_000))
        tower.serverUp()
      }
    }),
  )

  it.each(seeds)('when it loses acknowledgements, refuses, and breaks off in the middle (seed %i)', (seed) =>
    expectAllTold(seed, async (tower, clock, random) => {
      tower.loseWhen(({ name }) => name === 'tower_alert' && random.chance(0.3))
      tower.refuseWhen(({ name }) => name === 'tower_alert' && random.chance(0.3))
      for (let cut = 0; cut < 30; cut++) {
        await clock.advance(random.whole(1_000, 2 * minuteMs))
        tower.kick('the line is cut')
      }
      tower.loseWhen(() => false)
      tower.refuseWhen(() => false)
    }),
  )
})
