/** A whole watch, put together as it runs, on hosts and a Tower in memory. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openLedger } from '../src/adapters/ledger/sqlite.ts'
import { startTowerSession } from '../src/adapters/tower/session.ts'
import { startWatch, type Watch } from '../src/app.ts'
import type { AgentConfig, Config } from '../src/config/config.ts'
import { operations } from '../src/operations/registry.ts'
import { type BrittleLedger, brittleLedger } from './fakes/brittle-ledger.ts'
import { type FakeHost, fakeHost } from './fakes/host.ts'
import { type FakeTower, fakeTower } from './fakes/tower.ts'
import { type VirtualClock, virtualClock } from './fakes/virtual-clock.ts'
import { agentConfig, fleetConfig } from './support/fleet.ts'
import { type KeptLog, keptLog } from './support/log.ts'

const account = { name: 'towerwatch', password: 'right' }
const hashes = { protocol: 'a'.repeat(64), operations: 'b'.repeat(64) }

let clock: VirtualClock
let ledger: BrittleLedger
let tower: FakeTower
let hosts: Map<string, FakeHost>
let log: KeptLog
let watch: Watch
let ids: number

beforeEach(() => {
  clock = virtualClock()
  ledger = brittleLedger({ ...openLedger(':memory:'), close: async () => {} })
  tower = fakeTower({ clock, account, hashes })
  hosts = new Map()
  ids = 1
})
afterEach(() => watch.stop())

function host(id: string): FakeHost {
  const found = hosts.get(id) ?? fakeHost(id, clock)
  hosts.set(id, found)
  return found
}

/** Agents that are there beat each second until they are killed; the watch is started on them. */
async function started(agents: AgentConfig[], ms = 5_000, more: Partial<Config> = {}): Promise<Config> {
  const config = fleetConfig(agents, more)
  log = keptLog()
  watch = startWatch(config, {
    ledger,
    clock,
    log,
    operations,
    host: (id) => host(id),
    sink: () => ({ tell: async () => {} }),
    random: () => 0.5,
    newId: () => `alert-${ids++}`,
    tower: (handlers) =>
      startTowerSession({
        transport: tower.transport,
        account,
        handlers,
        clock,
        random: () => 0.5,
        fleet: 'test',
        version: '0.1.0',
        hashes,
        log,
      }),
  })
  await clock.advance(ms)
  return config
}

/** Brings an agent to life, which beats from now on until it is killed. */
function live(agent: string, on = 'local'): void {
  const beatOn = (pid: number) => {
    if (!host(on).isAlive(agent, pid)) return
    host(on).beat(agent, { pid, epoch: `life-${pid}` })
    clock.after(1_000, () => beatOn(pid))
  }
  host(on).onStart(agent, beatOn)
  beatOn(host(on).start(agent))
}

describe('a watch', () => {
  it('is ready once the Tower is there and everybody was seen, and shows them', async () => {
    live('timmy')
    let isReady = false
    await started([agentConfig('timmy')], 0)
    void watch.ready.then(() => {
      isReady = true
    })
    expect(isReady).toBe(false)
    await clock.advance(5_000)
    expect(isReady).toBe(true)
    expect(tower.agents.get('timmy')).toMatchObject({ state: 'up' })
  })

  it('says a death and a return once each, and brings back by itself who may be', async () => {
    live('timmy')
    await started([agentConfig('timmy', { policy: 'auto' })])
    host('local').kill('timmy')
    await clock.advance(10_000)
    expect(tower.said).toEqual([
      expect.stringMatching(/^timmy is down: its process is gone .* I am restarting it\.$/),
      expect.stringMatching(/^timmy is back up after /),
    ])
    expect(tower.agents.get('timmy')?.state).toBe('up')
    expect(host('local').acts).toEqual([{ agent: 'timmy', mode: 'only-dead' }])
    expect(ledger.operations({ limit: 9 })).toMatchObject([{ operation: 'restart', actor: { kind: 'watch' }, status: 'ok' }])
  })

  it('gives up whom five restarts did not bring back, says so once, and tries once an hour', async () => {
    live('timmy')
    const crashLoop = { starts: 5, withinMs: 900_000, retryMs: 3_600_000 }
    const remedies = { budget: 10, agentBudget: 6, perMs: 3_600_000, atOnce: 2, crashLoop }
    await started([agentConfig('timmy', { policy: 'auto', startGraceMs: 10_000 })], 5_000, { remedies, pollMs: 10_000 })
    host('local').onStart('timmy', () => host('local').kill('timmy'))
    host('local').kill('timmy')
    const givenUp = () => tower.said.filter((text) => text.includes('given up'))
    await clock.advance(600_000)
    expect(host('local').acts).toHaveLength(5)
    expect(givenUp()).toEqual([
      'timmy is down again after 5 restarts within 15 min: given up, one try each 1 h. To try now, type: restart timmy',
    ])
    await clock.advance(3_600_000)
    expect(host('local').acts).toHaveLength(6)
    // A person is held up by none of this.
    const asked = watch.desk.request(
      { operation: 'restart', arguments: { agent: 'timmy' }, actor: { kind: 'shell', id: '0', name: 'ada' }, via: 'shell' },
      () => {},
    )
    await clock.advance(1_000)
    expect(host('local').acts).toHaveLength(7)
    await clock.advance(20_000)
    expect((await asked).status).toBe('failed')
    live('timmy')
    await clock.advance(700_000)
    expect(tower.said.filter((text) => text.includes('given up no longer'))).toHaveLength(1)
    expect([host('local').acts.length, givenUp().length]).toEqual([7, 2])
  })

  it('does what a player asks, and answers him step by step', async () => {
    live('timmy')
    await started([agentConfig('timmy')])
    host('local').kill('timmy')
    await clock.advance(3_000)
    expect(host('local').acts).toEqual([])
    const request = {
      v: 1,
      id: 'r-1',
      operation: 'restart',
      arguments: { agent: 'timmy' },
      actor: { kind: 'account', id: '7', name: 'Ada' },
      deadlineMs: 60_000,
    } as const
    tower.send({ name: 'tower_request', data: request })
    await clock.advance(5_000)
    expect(tower.results.map(({ status }) => status)).toEqual(['accepted', ...tower.results.slice(1, -1).map(() => 'running'), 'ok'])
    expect(tower.results.at(-1)?.lines[0]).toMatch(/^timmy is back/)
    expect(ledger.operations({ limit: 9 })).toMatchObject([{ via: 'tower', actor: { kind: 'account', id: '7', name: 'Ada' } }])
  })

  it('says nothing twice and loses nothing when it is started anew in the middle of a problem', async () => {
    live('timmy')
    await started([agentConfig('timmy')])
    host('local').kill('timmy')
    await clock.advance(3_000)
    await watch.stop()
    await clock.advance(60_000)
    await started([agentConfig('timmy')], 10_000)
    live('timmy')
    await clock.advance(5_000)
    expect(tower.said).toEqual([expect.stringMatching(/^timmy is down/), expect.stringMatching(/^timmy is back up after 1 min/)])
    expect(ledger.incidents({ limit: 9 })).toHaveLength(1)
  })

  it('tells a Tower that was away what it missed, in order, once', async () => {
    live('timmy')
    await started([agentConfig('timmy')])
    tower.portalDown()
    host('local').kill('timmy')
    await clock.advance(20_000)
    live('timmy')
    await clock.advance(5_000)
    tower.portalUp()
    await clock.advance(120_000)
    expect(tower.said).toEqual([expect.stringMatching(/^timmy is down/), expect.stringMatching(/^timmy is back up/)])
  })

  it('makes one problem of a lost host, and restarts nobody there', async () => {
    live('timmy', 'far')
    live('ezra', 'far')
    await started([agentConfig('timmy', { host: 'far', policy: 'auto' }), agentConfig('ezra', { host: 'far', policy: 'auto' })])
    for (const agent of ['timmy', 'ezra']) host('far').kill(agent)
    host('far').refuse('unreachable')
    host('far').cut()
    await clock.advance(300_000)
    expect(tower.said).toEqual([expect.stringMatching(/^host far is unreachable/)])
    expect(host('far').acts).toEqual([])
  })

  it('with a full disk goes on watching and telling, and changes nothing', async () => {
    live('timmy')
    await started([agentConfig('timmy', { policy: 'auto' })])
    ledger.breakWrites()
    host('local').kill('timmy')
    await clock.advance(60_000)
    expect(tower.said).toEqual([expect.stringMatching(/^timmy is down/)])
    expect(host('local').acts).toEqual([])
    const asked = {
      operation: 'restart',
      arguments: { agent: 'timmy' },
      actor: { kind: 'shell' as const, id: '1', name: 'ada' },
      via: 'shell' as const,
    }
    expect((await watch.desk.request(asked, () => {})).status).toBe('refused')
    ledger.mend()
    await clock.advance(60_000)
    expect(host('local').acts).toHaveLength(1)
    expect(tower.agents.get('timmy')?.state).toBe('up')
  })
})

describe('another declaration', () => {
  it('is taken over: newcomers are looked at, those who left are not', async () => {
    live('timmy')
    live('ezra')
    await started([agentConfig('timmy')])
    await watch.redeclare(fleetConfig([agentConfig('ezra')]))
    await clock.advance(5_000)
    expect([...tower.agents.keys()]).toEqual(['ezra'])
    host('local').kill('timmy')
    await clock.advance(60_000)
    expect(tower.said).toEqual([])
  })

  it('is no reason to call anybody dead', async () => {
    live('timmy')
    await started([agentConfig('timmy')])
    await watch.redeclare(fleetConfig([agentConfig('timmy', { name: 'Timmy' })]))
    await clock.advance(60_000)
    expect(tower.said).toEqual([])
    expect(tower.agents.get('timmy')).toMatchObject({ name: 'Timmy', state: 'up' })
  })

  it('that comes while another is taken over waits for it, and no host is watched twice', async () => {
    live('timmy')
    await started([agentConfig('timmy')])
    await Promise.all([
      watch.redeclare(fleetConfig([agentConfig('timmy', { name: 'One' })])),
      watch.redeclare(fleetConfig([agentConfig('timmy', { name: 'Two' })])),
      watch.redeclare(fleetConfig([agentConfig('timmy', { name: 'Three' })])),
    ])
    await clock.advance(5_000)
    expect(host('local').connections()).toBe(1)
    expect(tower.agents.get('timmy')?.name).toBe('Three')
  })

  it('is taken over as well while the ledger can not be used', async () => {
    live('timmy')
    await started([agentConfig('timmy')])
    ledger.breakWrites()
    ledger.breakReads(['remembered'])
    await watch.redeclare(fleetConfig([agentConfig('timmy', { name: 'Timmy' }), agentConfig('ezra')]))
    await clock.advance(5_000)
    expect(host('local').connections()).toBe(1)
    expect(tower.agents.get('timmy')?.state).toBe('up')
  })
})

describe('the end of a watch', () => {
  it('leaves no connection and no timer, not even in the middle of a restart', async () => {
    live('timmy')
    await started([agentConfig('timmy', { policy: 'auto', startGraceMs: 600_000 })])
    host('local').onStart('timmy', () => {})
    host('local').kill('timmy')
    await clock.advance(2_000)
    expect(watch.desk.isActedOn('timmy')).toBe(true)
    const stopped = watch.stop()
    await clock.advance(1_000)
    await stopped
    await clock.advance(0)
    expect([host('local').connections(), tower.connections()]).toEqual([0, 0])
    expect(watch.desk.isActedOn('timmy')).toBe(false)
    expect(ledger.operations({ limit: 9 })[0]?.lines[0]).toContain('the watch was stopped before')
    await clock.advance(60_000)
    expect(clock.pending()).toBe(0)
  })

  it('says until when it has been looking', async () => {
    live('timmy')
    await started([agentConfig('timmy')])
    const stopped = watch.stop()
    await clock.advance(1_000)
    await stopped
    expect(clock.now() - (ledger.looking()?.atMs ?? 0)).toBeLessThanOrEqual(1_000)
  })
})
