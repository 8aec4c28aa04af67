/** How a host watch asks for health beside its looks. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { HostHealth } from '../../src/ports/host.ts'
import { type HostWatch, startHostWatch } from '../../src/watches/host-watch.ts'
import { openJournal } from '../../src/watches/journal.ts'
import { openRoster } from '../../src/watches/roster.ts'
import { brittleLedger } from '../fakes/brittle-ledger.ts'
import { type FakeHost, fakeHost } from '../fakes/host.ts'
import { type VirtualClock, virtualClock } from '../fakes/virtual-clock.ts'
import { agentConfig, fleetConfig } from '../support/fleet.ts'
import { type KeptLog, keptLog } from '../support/log.ts'

let clock: VirtualClock
let host: FakeHost
let log: KeptLog
let watch: HostWatch
let heard: HostHealth[]

beforeEach(async () => {
  clock = virtualClock()
  host = fakeHost('local', clock)
  log = keptLog()
  heard = []
})
afterEach(() => watch.stop())

async function started(healthEveryMs: number): Promise<void> {
  const agents = [agentConfig('timmy')]
  const config = fleetConfig(agents)
  const ledger = brittleLedger()
  const roster = openRoster(config, { ledger, journal: openJournal(ledger, log), clock, log })
  const declared = config.hosts.get('local')
  if (!declared) throw new Error('no host')
  watch = startHostWatch(
    { host: declared, agents, pollMs: 1_000, firstDelayMs: 0, healthEveryMs },
    { host, roster, clock, log, random: () => 0, isActedOn: () => false, onHealth: (health) => void heard.push(health) },
  )
  await clock.advance(0)
}

describe('asking a host how it is', () => {
  it('is done as often as fleet.yaml says, and each answer is told on', async () => {
    await started(10_000)
    await clock.advance(45_000)
    expect(host.probes.length).toBeGreaterThanOrEqual(4)
    expect(host.probes.length).toBeLessThanOrEqual(5)
    expect(heard).toHaveLength(host.probes.length)
  })

  it('holds up no look: a disk that hangs must not hide a death', async () => {
    host.ponder(5_000)
    await started(60_000)
    host.start('timmy')
    await clock.advance(4_900)
    expect(watch.health()).toBeUndefined()
    expect(host.looks.length).toBeGreaterThanOrEqual(5)
    await clock.advance(200)
    expect(watch.health()).toBeDefined()
  })

  it('is no complaint where the connection breaks meanwhile', async () => {
    host.ponder(5_000)
    await started(60_000)
    host.cut()
    await clock.advance(10_000)
    expect(log.messages('warn')).not.toContain('the host did not say how it is')
  })

  it('by a person counts as well', async () => {
    await started(3_600_000)
    host.says({ cores: 7 })
    await watch.probe()
    expect(watch.health()?.health.cores).toBe(7)
    expect(heard.at(-1)?.cores).toBe(7)
  })
})
