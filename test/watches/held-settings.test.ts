/** How often the watch comes back to an agent that it may not start with its settings. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ConfigSighting } from '../../src/ports/host.ts'
import { openHeldSettings } from '../../src/watches/held-settings.ts'
import { startRemedies } from '../../src/watches/remedies.ts'
import type { FakeHost } from '../fakes/host.ts'
import { openWorld, type World } from '../operations/world.ts'
import { agentConfig } from '../support/fleet.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
/** Only dead when its host says so. */
const timing = { periodMs: 30 * 24 * hourMs, graceMs: hourMs }
const file = '/etc/timmy.yaml'

let world: World
let host: FakeHost
let settings: ConfigSighting
let running: ReturnType<typeof startRemedies>
let pid: number
let isAway: boolean

beforeEach(async () => {
  isAway = false
  // Looks are rare: days have to pass.
  world = openWorld([agentConfig('timmy', { policy: 'auto', configs: [file], rollBack: 'auto', timing })], { config: { pollMs: 20_000 } })
  const { roster, desk, ledger, clock, log } = world
  const news = { givenUp: () => new Map(), giveUp: () => {}, recovered: () => {}, forget: () => {}, held: () => Number.POSITIVE_INFINITY }
  const held = openHeldSettings(() => world.config, { hands: (id) => (isAway ? undefined : world.hands(id)), ledger, clock, log })
  const ports = { roster, desk, news, held, ledger, clock, log, random: () => 0.5, inMaintenance: () => false }
  running = startRemedies(() => world.config, ports)
  host = world.host('local')
  await lives()
  const broken = { path: file, hash: 'b'.repeat(64), written: 'before', form: 'broken', detail: 'there is nothing in it' } as const
  const [kept] = host.settings('timmy', [broken])
  if (!kept) throw new Error('no settings')
  settings = kept
  await dies()
})
afterEach(async () => {
  running.stop()
  await world.stop()
})

async function lives(): Promise<void> {
  pid = host.start('timmy')
  host.beat('timmy', { pid, epoch: `life-${pid}` })
  await world.clock.advance(20_000)
}

async function dies(): Promise<void> {
  host.kill('timmy')
  await world.clock.advance(2 * minuteMs)
}

const entries = () => world.ledger.audit({ limit: 100 }).filter(({ event }) => event !== 'begun')
const mend = () => Object.assign(settings, { form: 'sound', hash: 'a'.repeat(64) })

describe('an agent that died of its settings', () => {
  it('is in the audit once, and told of once, while they are as they are, and in the audit again each day', async () => {
    expect(entries()).toMatchObject([{ operation: 'restart', event: 'refused' }])
    await world.clock.advance(23 * hourMs)
    expect(entries()).toHaveLength(1)
    await world.clock.advance(2 * hourMs)
    expect(entries()).toHaveLength(2)
    await world.clock.advance(24 * hourMs)
    expect(entries()).toHaveLength(3)
    expect(world.told).toHaveLength(1)
    expect(host.acts).toEqual([])
  })

  it('is in the audit once more for each other way in which they are broken', async () => {
    await world.clock.advance(hourMs)
    settings.hash = 'c'.repeat(64)
    await world.clock.advance(2 * minuteMs)
    expect(entries()).toHaveLength(2)
    await world.clock.advance(hourMs)
    expect(entries()).toHaveLength(2)
    expect(world.told).toHaveLength(2)
  })

  it('is started within two minutes once they are mended', async () => {
    await world.clock.advance(3 * hourMs)
    mend()
    await world.clock.advance(2 * minuteMs)
    expect(host.acts.length).toBeGreaterThan(0)
    expect(world.ledger.audit({ limit: 1 })[0]).toMatchObject({ operation: 'restart', arguments: { agent: 'timmy' } })
  })

  it('is asked for again where nobody can look at them', async () => {
    const before = entries().length
    isAway = true
    await world.clock.advance(5 * minuteMs)
    expect(entries().length).toBeGreaterThan(before)
  })

  it('is told of again when it dies of the same ones another time', async () => {
    const { hash, form } = settings
    mend()
    await lives()
    expect(world.roster.agent('timmy')?.status.state).toBe('up')
    Object.assign(settings, { hash, form })
    await dies()
    expect(world.told).toHaveLength(2)
    expect(world.told[1]).toBe(world.told[0])
  })
})
