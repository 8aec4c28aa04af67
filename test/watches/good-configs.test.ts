import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ConfigSighting } from '../../src/ports/host.ts'
import { startGoodConfigs } from '../../src/watches/good-configs.ts'
import type { FakeHost } from '../fakes/host.ts'
import { openWorld, type World } from '../operations/world.ts'
import { agentConfig } from '../support/fleet.ts'

const minute = 60_000
const [first, second] = ['a'.repeat(64), 'b'.repeat(64)]

describe('settings that an agent lives well with', () => {
  let world: World
  let host: FakeHost
  let watch: { stop(): Promise<void> }
  let file: ConfigSighting
  let beating: { cancel(): void }
  let connection: ReturnType<FakeHost['link']> | undefined

  beforeEach(async () => {
    world = openWorld([agentConfig('timmy', { configs: ['/etc/timmy.yaml'] })])
    host = world.host('local')
    const [settings] = host.settings('timmy', [{ path: '/etc/timmy.yaml', hash: first, written: 'before', form: 'sound' }])
    if (!settings) throw new Error('no settings')
    file = settings
    watch = startGoodConfigs(() => world.config, {
      roster: world.roster,
      desk: world.desk,
      hands: () => connection,
      clock: world.clock,
      log: world.log,
    })
    await connect()
    begin()
    await world.clock.advance(1_000)
  })
  afterEach(async () => {
    beating.cancel()
    await watch.stop()
    await world.stop()
  })

  async function connect(): Promise<void> {
    connection = host.link()
    await connection.open({ agents: [], services: [], sockets: [] }, new AbortController().signal)
  }
  function begin(): void {
    const pid = host.start('timmy')
    const beat = () => {
      host.beat('timmy', { pid, epoch: `life-${pid}` })
      beating = world.clock.after(1_000, beat)
    }
    beat()
  }
  async function pass(minutes: number): Promise<void> {
    for (let passed = 0; passed < minutes * 6; passed++) await world.clock.advance(minute / 6)
  }
  const kept = () => world.ledger.operations({ operation: 'keep-settings', limit: 20 }).length

  it('are kept once it has been up with them for ten minutes, by an operation in the audit', async () => {
    await pass(9)
    expect(file.goodHash).toBeUndefined()
    await pass(12)
    expect(file.goodHash).toBe(first)
    expect(world.ledger.operations({ operation: 'keep-settings', limit: 20 })).toMatchObject([{ actor: { kind: 'watch' }, status: 'ok' }])
    await pass(30)
    expect(kept()).toBe(1)
  })

  it('are not kept while they were changed less than ten minutes ago', async () => {
    await pass(21)
    file.hash = second
    await pass(9)
    expect(file.goodHash).toBe(first)
    await pass(12)
    expect(file.goodHash).toBe(second)
  })

  it('are not kept where they were changed since it began, however long ago', async () => {
    file.written = 'after'
    await pass(40)
    expect(kept()).toBe(0)
  })

  it('are not kept where they are broken, or not there', async () => {
    file.form = 'broken'
    await pass(30)
    file.form = 'sound'
    delete file.hash
    await pass(30)
    expect(kept()).toBe(0)
  })

  it('are not kept of one that is down', async () => {
    await pass(8)
    beating.cancel()
    host.kill('timmy')
    await pass(30)
    expect(kept()).toBe(0)
  })

  it('are looked at again after a host did not answer', async () => {
    host.cut()
    await pass(21)
    expect(kept()).toBe(0)
    await connect()
    await pass(30)
    expect(file.goodHash).toBe(first)
  })
})
