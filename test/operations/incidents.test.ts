/** What went wrong, and who looks after it: incidents, ack, unack. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Actor } from '../../src/domain/operation.ts'
import type { LedgerFact } from '../../src/ports/ledger.ts'
import { agentConfig } from '../support/fleet.ts'
import { openWorld, type World } from './world.ts'

const eve: Actor = { kind: 'account', id: '7', name: 'Eve' }
const minute = 60_000

let world: World
afterEach(() => world.stop())
/** timmy lives, on the host local; ezra was never seen, on a host of the same name. */
beforeEach(async () => {
  world = openWorld([agentConfig('timmy', { name: 'Tiny Tim' }), agentConfig('ezra', { host: 'ezra' })])
  revive('a')
  await world.clock.advance(0)
})

function revive(epoch: string): void {
  const pid = world.host('local').start('timmy')
  world.host('local').beat('timmy', { pid, epoch })
}
async function kill(): Promise<void> {
  world.host('local').kill('timmy')
  // Its host is asked twice before a death is believed.
  await world.clock.advance(2_000)
}
async function loseEzra(): Promise<void> {
  world.host('ezra').refuse('timeout')
  world.host('ezra').cut()
  await world.clock.advance(minute - 1_000)
}
/** Kinds of facts, in the order in which they were written; operations with their status. */
const facts = (from = 0) =>
  world.ledger.written.slice(from).map((fact: LedgerFact) => (fact.kind === 'operation' ? `operation ${fact.operation.status}` : fact.kind))
const lines = async (operation: string, args: Record<string, unknown> = {}) => (await world.ask(operation, args)).lines

describe('incidents', () => {
  it('are none at first', async () => {
    expect(await lines('incidents')).toEqual(['No incident so far.'])
    expect(await world.ask('incidents', { subject: 'ezra' })).toMatchObject({
      lines: ['No incident of ezra so far.'],
      data: { incidents: [] },
    })
    expect(await lines('incidents', { only: 'open' })).toEqual(['No open incident.'])
    expect(await lines('incidents', { only: 'open', subject: 'tim' })).toEqual(['No open incident of timmy.'])
  })

  it('are told with number, cause, beginning and length, the open one first, and with what to type next', async () => {
    await kill()
    await loseEzra()
    revive('b')
    await world.clock.advance(1_000)
    const { lines: said, data } = await world.ask('incidents')
    expect(said[0]).toMatch(/^number +who +why +began +lasted$/)
    expect(said[1]).toMatch(/^#2 +host ezra +no answer +1 min ago +still open$/)
    expect(said[2]).toMatch(/^#1 +timmy +its process is gone +1 min (1 s )?ago +(59 s|1 min)$/)
    expect(said[3]).toBe('To say that you look after one, type: ack 2')
    expect(data).toMatchObject({
      incidents: [
        { number: 2, host: 'ezra' },
        { number: 1, agent: 'timmy', durationMs: expect.any(Number) },
      ],
    })
    expect(await lines('incidents', { subject: 'timmy' })).toHaveLength(2)
    expect(await lines('incidents', { only: 'open' })).toHaveLength(3)
    expect(await lines('incidents', { only: 'open', subject: 'timmy' })).toEqual(['No open incident of timmy.'])
  })

  it('tell who looks after them and what keeps them quiet, in lines that fit a screen', async () => {
    await kill()
    await world.ask('ack', { incident: '1', kind: 'sticky', duration: '2h', comment: 'on it' }, eve)
    await world.ask('silence', { subject: 'host local', duration: '1h', reason: 'new disk' })
    await world.clock.advance(minute)
    const { lines: said, data } = await world.ask('incidents', { only: 'open' })
    expect(said.slice(2)).toEqual([
      '#1: acknowledged by Eve 1 min ago, until it is over, at most another 1 h 59 min: on it',
      '#1: kept quiet by silence 1, for another 59 min, by ada: new disk',
    ])
    for (const line of said.slice(0, 2)) expect(line.length).toBeLessThanOrEqual(80)
    expect(data).toMatchObject({ incidents: [{ number: 1, acknowledged: { by: 'Eve', isSticky: true, comment: 'on it' }, mute: 1 }] })
  })

  it('that flap, and what more is known of their cause, are told', async () => {
    await kill()
    const [incident] = world.roster.incidents()
    if (!incident) throw new Error('no incident')
    await world.roster.amend([{ ...incident, flapping: true, detail: 'job backup is overdue' }])
    const { lines: said, data } = await world.ask('incidents')
    expect(said.slice(2, 4)).toEqual(['#1: job backup is overdue', '#1: flapping: it stays open until that has been stable for a while'])
    expect(data).toMatchObject({ incidents: [{ isFlapping: true, detail: 'job backup is overdue' }] })
  })

  it('are told from memory while the ledger can not be written, and not at all where it can not be read', async () => {
    world.ledger.breakWrites()
    await kill()
    expect((await lines('incidents'))[1]).toMatch(/^#1 +timmy/)
    world.ledger.breakReads(['incidents'])
    expect(await world.ask('incidents')).toMatchObject({ status: 'failed', lines: [expect.stringContaining('could not be read')] })
  })

  it('are at most twenty, the open ones before all', async () => {
    await kill()
    const old = (number: number) => ({
      kind: 'incident' as const,
      incident: {
        number,
        subject: { kind: 'agent' as const, id: 'timmy' },
        cause: 'silent',
        openedMs: number,
        noticedMs: number,
        closedMs: number + 5,
      },
    })
    await world.ledger.write(Array.from({ length: 40 }, (_, n) => old(100 + n)))
    const { data } = await world.ask('incidents')
    const numbers = (data as { incidents: { number: number }[] }).incidents.map(({ number }) => number)
    expect(numbers).toEqual([1, ...Array.from({ length: 19 }, (_, n) => 139 - n)])
  })
})

describe('to acknowledge an incident', () => {
  beforeEach(kill)

  it.each([['1'], ['#1'], [1], ['timmy'], ['Tiny Tim'], ['tim'], ['agent:timmy']])('it may be named %j', async (incident) => {
    expect(await world.ask('ack', { incident })).toMatchObject({ status: 'ok', data: { incident: 1 } })
  })

  it('holds until its state changes, and says how to take it back', async () => {
    expect(await lines('ack', { incident: '1' })).toEqual([
      '#1 (timmy) is acknowledged until its state changes',
      'To take it back, type: unack 1',
    ])
    expect(world.roster.incident(1)?.ack).toEqual({
      kind: 'normal',
      by: { kind: 'shell', id: '1000', name: 'ada' },
      atMs: world.clock.now(),
    })
  })

  it('may hold until it is over, for a time, with a comment', async () => {
    expect((await world.ask('ack', { incident: '1', kind: 'sticky', duration: '2h', comment: ' on\n it ' }, eve)).lines[0]).toBe(
      '#1 (timmy) is acknowledged until it is over, at most another 2 h: on it',
    )
    expect(world.roster.incident(1)?.ack).toEqual({
      kind: 'sticky',
      by: eve,
      atMs: world.clock.now(),
      untilMs: world.clock.now() + 120 * minute,
      comment: 'on it',
    })
  })

  it('is in the audit before it is done, and in the ledger after', async () => {
    const before = world.ledger.written.length
    await world.ask('ack', { incident: 'timmy', comment: 'on it' })
    expect(facts(before)).toEqual(['operation begun', 'incident', 'operation ok'])
    expect(world.ledger.operations({ limit: 1 })).toMatchObject([
      { operation: 'ack', arguments: { incident: '1', comment: 'on it' }, status: 'ok' },
    ])
    expect(world.ledger.incidents({ number: 1, limit: 1 })).toMatchObject([{ number: 1, ack: { comment: 'on it' } }])
  })

  it('is not done where the audit can not be written', async () => {
    world.ledger.breakWrites()
    expect(await world.ask('ack', { incident: '1' })).toMatchObject({
      status: 'refused',
      lines: [expect.stringContaining('nothing was done')],
    })
    expect(world.roster.incident(1)?.ack).toBeUndefined()
  })

  it('again replaces the former one, and says whose that was', async () => {
    await world.ask('ack', { incident: '1', comment: 'mine' }, eve)
    await world.clock.advance(minute)
    expect(await lines('ack', { incident: '1', kind: 'sticky' })).toEqual([
      '#1 (timmy) is acknowledged until it is over',
      'Before, it was acknowledged by Eve 1 min ago, until its state changes: mine',
      'To take it back, type: unack 1',
    ])
  })

  it('is refused where there is none, or it is over', async () => {
    expect(await world.ask('ack', { incident: '99' })).toMatchObject({
      status: 'refused',
      lines: ['There is no incident #99. To see them, type: incidents'],
    })
    expect(await world.ask('ack', { incident: 'ezra' })).toMatchObject({
      status: 'refused',
      lines: ['ezra has no open incident. To see the former ones, type: incidents ezra'],
    })
    revive('b')
    await world.clock.advance(1_000)
    const over = await world.ask('ack', { incident: '1' })
    expect([over.status, over.lines[0]]).toEqual([
      'refused',
      expect.stringMatching(/^#1 \(timmy\) was over .* ago\.$|^There is no incident #1\./),
    ])
    expect((await world.ask('ack', { incident: 'timmy' })).lines[0]).toContain('timmy has no open incident')
  })

  it('of a name that an agent shares with its host is of the one that has an incident', async () => {
    await loseEzra()
    expect(await lines('ack', { incident: 'ezra' })).toEqual([
      '#2 (host ezra) is acknowledged until its state changes',
      'To take it back, type: unack 2',
    ])
  })

  it('of an agent that has none of its own says that its host has one', async () => {
    revive('b')
    await world.clock.advance(1_000)
    world.host('local').refuse('timeout')
    world.host('local').cut()
    await world.clock.advance(minute)
    expect(await world.ask('ack', { incident: 'timmy' })).toMatchObject({
      status: 'refused',
      lines: ['timmy has no open incident of its own, its host local has #2: name that one.'],
    })
    expect((await world.ask('ack', { incident: 'local' })).status).toBe('ok')
  })
})

describe('to take an acknowledgement back', () => {
  beforeEach(kill)

  it('leaves the incident as it was, and says whose it was', async () => {
    const incident = world.roster.incident(1)
    await world.ask('ack', { incident: '1', comment: 'mine' }, eve)
    expect(await lines('unack', { incident: 'timmy' })).toEqual([
      '#1 (timmy) is no longer acknowledged (it was by Eve under 1 s ago, until its state changes: mine).',
    ])
    expect(world.roster.incident(1)).toEqual(incident)
    expect(world.ledger.incidents({ number: 1, limit: 1 })[0]?.ack).toBeUndefined()
  })

  it('is refused where there is none', async () => {
    expect(await world.ask('unack', { incident: '1' })).toMatchObject({
      status: 'refused',
      lines: ['#1 (timmy) is not acknowledged. To do that, type: ack 1'],
    })
    expect((await world.ask('unack', { incident: '99' })).status).toBe('refused')
  })
})
