import { beforeEach, describe, expect, it } from 'vitest'
import type { TowerLink } from '../../src/ports/tower.ts'
import { startReadiness } from '../../src/watches/readiness.ts'
import type { Roster } from '../../src/watches/roster.ts'
import { type VirtualClock, virtualClock } from '../fakes/virtual-clock.ts'
import { testEngine } from '../support/engine.ts'
import { agentConfig, fleetConfig } from '../support/fleet.ts'

const config = fleetConfig([agentConfig('timmy'), agentConfig('ezra', { host: 'far' })])
let clock: VirtualClock
let engine: ReturnType<typeof testEngine>
let roster: Roster
let tower: TowerLink | undefined
let isReady: boolean

beforeEach(() => {
  clock = virtualClock()
  engine = testEngine(config, { clock })
  roster = engine.roster
  tower = { kind: 'connecting' }
  isReady = false
})

function started() {
  const readiness = startReadiness({ roster, clock, config: () => config, tower: () => tower && { state: tower, sinceMs: 0 } })
  void readiness.ready.then(() => {
    isReady = true
  })
  return readiness
}
const ready = async () => {
  await clock.advance(200)
  return isReady
}
const answers = (host: string, agent: string) => {
  roster.observeHost(host, { kind: 'answered' })
  roster.observe(agent, { kind: 'sighted' })
}
const connected: TowerLink = { kind: 'connected', game: 'The Tower', plugin: '0.1.0', transport: 'websocket' }

describe('a watch is ready', () => {
  it('once the Tower is connected and every host was looked at', async () => {
    const readiness = started()
    expect(await ready()).toBe(false)
    answers('local', 'timmy')
    answers('far', 'ezra')
    expect(await ready()).toBe(false)
    tower = connected
    expect(await ready()).toBe(true)
    readiness.stop()
  })

  it('without a Tower where there is none', async () => {
    tower = undefined
    answers('local', 'timmy')
    answers('far', 'ezra')
    started()
    expect(await ready()).toBe(true)
  })

  it('when a host was found unreachable, but not while nobody knows', async () => {
    tower = connected
    answers('local', 'timmy')
    started()
    expect(await ready()).toBe(false)
    roster.observeHost('far', { kind: 'lost', sinceMs: 0, cause: 'unreachable' })
    expect(await ready()).toBe(true)
  })

  it('not by what the ledger remembers of yesterday', async () => {
    tower = connected
    answers('local', 'timmy')
    answers('far', 'ezra')
    roster.observe('timmy', { kind: 'sighted', beat: { atMs: clock.now(), epoch: 'a' } })
    roster.blind(clock.now())
    started()
    expect(await ready()).toBe(false)
  })

  it('or stops asking', async () => {
    started().stop()
    await engine.stop()
    await clock.advance(1_000)
    expect(clock.pending()).toBe(0)
  })
})
