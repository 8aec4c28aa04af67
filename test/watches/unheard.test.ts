import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AgentConfig } from '../../src/config/config.ts'
import { type Engine, openEngine } from '../../src/engine.ts'
import type { AlertRecord } from '../../src/ports/ledger.ts'
import { startUnheard } from '../../src/watches/unheard.ts'
import { type BrittleLedger, brittleLedger } from '../fakes/brittle-ledger.ts'
import { type VirtualClock, virtualClock } from '../fakes/virtual-clock.ts'
import { agentConfig, fleetConfig } from '../support/fleet.ts'
import { keptLog } from '../support/log.ts'

const minuteMs = 60_000
let clock: VirtualClock
let ledger: BrittleLedger
let engine: Engine
let running: { stop(): void }
let alerts: AlertRecord[]
let agents: AgentConfig[]
let inMaintenance: boolean

/** A life of the watch begins, on the ledger as it stands. */
function begin(): void {
  const config = fleetConfig(agents)
  const log = keptLog()
  engine = openEngine(config, { ledger, clock, log, newId: () => `id-${clock.now()}-${alerts.length}` })
  engine.notifier.on((alert) => void alerts.push(alert))
  running = startUnheard(() => fleetConfig(agents), { ...engine, ledger, clock, log, inMaintenance: () => inMaintenance })
}
async function end(): Promise<void> {
  running.stop()
  await engine.stop()
}
beforeEach(() => {
  clock = virtualClock()
  ledger = brittleLedger()
  alerts = []
  agents = [agentConfig('ezra')]
  inMaintenance = false
  begin()
})
afterEach(end)

const answered = () => engine.roster.observeHost('local', { kind: 'answered' })
const beats = (agent = 'ezra') => engine.roster.observe(agent, { kind: 'sighted', beat: { atMs: clock.now(), epoch: 'one' } })
const texts = () => alerts.map(({ kind, text }) => `${kind}: ${text}`)
const restarted = async (more: AgentConfig[]) => {
  await end()
  agents = more
  begin()
  answered()
}

describe('an agent of which no beat was ever seen', () => {
  it('is told of once, after five minutes in which its host answered, and is no incident', async () => {
    answered()
    await clock.advance(5 * minuteMs)
    expect(texts()).toEqual([])
    await clock.advance(minuteMs)
    expect(texts()).toEqual([
      'notice: ezra has never been heard of, in 5 min of looking: nothing is known of its life. "towerwatch doctor ezra" says why.',
    ])
    await clock.advance(60 * minuteMs)
    expect(texts()).toHaveLength(1)
    expect(engine.roster.agent('ezra')?.status.state).toBe('new')
    expect(engine.roster.incidents()).toEqual([])
  })

  it('is given its period and grace where they are longer', async () => {
    await restarted([agentConfig('ezra', { timing: { periodMs: 20 * minuteMs, graceMs: 10 * minuteMs } })])
    await clock.advance(30 * minuteMs)
    expect(texts()).toEqual([])
    await clock.advance(minuteMs)
    expect(texts()).toEqual([expect.stringContaining('in 30 min of looking')])
  })

  it('is not told of again by the next life of the watch', async () => {
    answered()
    await clock.advance(6 * minuteMs)
    await restarted(agents)
    await clock.advance(60 * minuteMs)
    expect(texts()).toHaveLength(1)
  })

  it('is told of again where it was taken out of the fleet and put in once more', async () => {
    answered()
    await clock.advance(6 * minuteMs)
    agents = []
    await clock.advance(minuteMs)
    await restarted([agentConfig('ezra')])
    await clock.advance(6 * minuteMs)
    expect(texts()).toHaveLength(2)
  })

  it('is told of with the others', async () => {
    await restarted(['ezra', 'timmy', 'bezalel'].map((id) => agentConfig(id)))
    await clock.advance(6 * minuteMs)
    expect(texts()).toEqual([
      expect.stringMatching(/^notice: ezra, timmy, bezalel have never been heard of, .* "towerwatch doctor ezra" says why\.$/),
    ])
  })

  it('is looked for while its host answers, nobody works there, and nobody has paused it', async () => {
    await clock.advance(10 * minuteMs)
    expect(texts()).toEqual([])
    answered()
    inMaintenance = true
    await clock.advance(10 * minuteMs)
    inMaintenance = false
    engine.roster.observe('ezra', { kind: 'paused', by: 'person', reason: 'moving it' })
    await clock.advance(10 * minuteMs)
    expect(texts()).toEqual([])
    engine.roster.observe('ezra', { kind: 'resumed', by: 'person' })
    await clock.advance(6 * minuteMs)
    expect(texts()).toHaveLength(1)
  })

  it('is looked for by the watch itself where it posts its beats, whatever its host does', async () => {
    await restarted([agentConfig('ezra', { heartbeat: { kind: 'push', token: expect.anything() }, host: 'away' })])
    await clock.advance(6 * minuteMs)
    expect(texts()).toHaveLength(1)
  })
})

it('an agent that was heard of is not told of, however long it is silent then', async () => {
  answered()
  beats()
  await clock.advance(60 * minuteMs)
  expect(alerts.filter(({ kind }) => kind === 'notice')).toEqual([])
})
