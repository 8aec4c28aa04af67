import { beforeEach, describe, expect, it } from 'vitest'
import { tellOnce } from '../../../src/adapters/tower/tell-once.ts'
import { TowerConnectError } from '../../../src/ports/tower-transport.ts'
import { type FakeTower, fakeTower } from '../../fakes/tower.ts'
import { type VirtualClock, virtualClock } from '../../fakes/virtual-clock.ts'

const account = { name: 'towerwatch', password: 'right' }
const hashes = { protocol: 'a'.repeat(64), operations: 'b'.repeat(64) }

let clock: VirtualClock
let tower: FakeTower
beforeEach(() => {
  clock = virtualClock()
  tower = fakeTower({ clock, account, hashes })
})

function tell(id: string, password = 'right') {
  const told = tellOnce({
    transport: tower.transport,
    account: { ...account, password },
    clock,
    introduction: { watch: '0.1.0', fleet: 'test', protocolHash: hashes.protocol, operationsHash: hashes.operations },
    alert: { id, kind: 'notice', subjects: [], incidents: [], at: 1, text: 'The watch is dead.' },
    timeoutMs: 15_000,
  })
  return told.then(
    () => 'told',
    (error: unknown) => error,
  )
}

describe('telling the Tower one thing', () => {
  it('ends with its acknowledgement and leaves no connection', async () => {
    const told = tell('one')
    await clock.advance(1_000)
    expect(await told).toBe('told')
    expect(tower.said).toEqual(['The watch is dead.'])
    expect([tower.connections(), clock.pending()]).toEqual([0, 0])
  })

  it('is heard once, however often it is told', async () => {
    for (const _ of [1, 2]) {
      const told = tell('one')
      await clock.advance(1_000)
      expect(await told).toBe('told')
    }
    expect(tower.said).toHaveLength(1)
  })

  it.each<[string, () => void, string, TowerConnectError['kind'], RegExp]>([
    ['that refuses the login', () => {}, 'wrong', 'refused', /refused the login/],
    ['that is not there', () => tower.portalDown(), 'right', 'unreachable', /ECONNREFUSED/],
    ['whose server is away', () => tower.serverDown(), 'right', 'timeout', /in time|within 15 s/],
    ['that loses the alert', () => tower.loseWhen(({ name }) => name === 'tower_alert'), 'right', 'timeout', /within 15 s/],
    ['that can’t take it', () => tower.refuseWhen(() => true), 'right', 'unreachable', /told to refuse/],
  ])('fails at a Tower %s, with why, and leaves no connection', async (_name, break_, password, kind, words) => {
    break_()
    const told = tell('one', password)
    await clock.advance(20_000)
    const error = await told
    expect(error).toBeInstanceOf(TowerConnectError)
    expect(error).toMatchObject({ kind, message: expect.stringMatching(words) })
    expect([tower.connections(), clock.pending()]).toEqual([0, 0])
  })

  it('fails where the connection ends in between', async () => {
    tower.loseWhen(({ name }) => name === 'tower_alert')
    const told = tell('one')
    await clock.advance(1_000)
    tower.kick('closed by the game (1000)')
    expect(await told).toMatchObject({ kind: 'unreachable', message: expect.stringContaining('closed by the game') })
  })
})
