/** Keeping things quiet for a while: silence, maintenance, silences, unsilence. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { agentConfig } from '../support/fleet.ts'
import { openWorld, type World } from './world.ts'

const hour = 3_600_000
const tim = { kind: 'agent', id: 'timmy' } as const
const ezra = { kind: 'agent', id: 'ezra' } as const

let world: World
afterEach(() => world.stop())
beforeEach(() => {
  world = openWorld([agentConfig('timmy'), agentConfig('ezra', { host: 'ezra' })], { config: { pollMs: hour } })
})
const now = () => world.clock.now()

describe.each(['silence', 'maintenance'] as const)('%s', (kind) => {
  it('holds for its time, of whom it names, with its reason and who said so', async () => {
    const { lines, data } = await world.ask(kind, { subject: 'timmy', duration: '2h', reason: 'disk is being swapped' })
    expect(lines).toEqual([
      kind === 'silence'
        ? 'No problem of timmy is told for 2 h: disk is being swapped.'
        : 'timmy is in maintenance for 2 h: disk is being swapped.',
      `This is ${kind} 1. To end it early, type: unsilence 1`,
    ])
    expect(data).toMatchObject({ number: 1, kind, subject: 'agent:timmy', isInForce: true, by: 'ada' })
    expect(world.mutes.of(tim, now())).toEqual({
      number: 1,
      kind,
      subject: tim,
      fromMs: now(),
      toMs: now() + 2 * hour,
      reason: 'disk is being swapped',
      by: { kind: 'shell', id: '1000', name: 'ada' },
    })
    expect(world.mutes.inMaintenance(tim, now())).toBe(kind === 'maintenance')
    expect([world.mutes.of(ezra, now()), world.mutes.of(tim, now() + 2 * hour)]).toEqual([undefined, undefined])
  })

  it.each([
    ['all', 'the whole fleet', true, true],
    ['host ezra', 'host ezra', false, true],
    ['host:local', 'host local', true, false],
    ['ez', 'ezra', false, true],
  ])('of %s is of %s', async (subject, said, isTims, isEzras) => {
    const { lines } = await world.ask(kind, { subject, duration: '1h', reason: 'x' })
    expect(lines[0]).toContain(said)
    expect([world.mutes.of(tim, now()) !== undefined, world.mutes.of(ezra, now()) !== undefined]).toEqual([isTims, isEzras])
  })

  it('is in the audit before it is done', async () => {
    await world.ask(kind, { subject: 'all', duration: '1h', reason: 'x' })
    expect(world.ledger.written.slice(-3).map((fact) => (fact.kind === 'operation' ? fact.operation.status : fact.kind))).toEqual([
      'begun',
      'mute',
      'ok',
    ])
    expect(world.ledger.operations({ limit: 1 })).toMatchObject([
      { operation: kind, arguments: { subject: 'all', duration: '1h', reason: 'x' } },
    ])
  })

  it('is not begun where the audit can not be written', async () => {
    world.ledger.breakWrites()
    expect((await world.ask(kind, { subject: 'all', duration: '1h', reason: 'x' })).status).toBe('refused')
    expect(world.mutes.list(now())).toEqual([])
  })

  it.each([
    [{}, /^Which subject\? For example: /],
    [{ subject: 'all' }, /^For how long\? For example: /],
    [{ subject: 'all', duration: '1h' }, /^Say the reason, too\. For example: /],
    [{ subject: 'all', duration: '31d', reason: 'x' }, /^The duration may be 30d at most\. /],
    [{ subject: 'all', duration: '0s', reason: 'x' }, /^The duration must be longer than nothing\. /],
    [{ subject: 'all', duration: 'forever', reason: 'x' }, /^The duration must be like 30m, 2h or 1d\. /],
    [{ subject: 'gandalf-the-grey', duration: '1h', reason: 'x' }, /^There is no such agent or host\. Known: timmy, ezra, local\.$/],
    [{ subject: 'host timmy', duration: '1h', reason: 'x' }, /^There is no such agent or host\. /],
  ])('with %j is refused with what to type', async (args, sentence) => {
    expect(await world.ask(kind, args)).toMatchObject({ status: 'refused', lines: [expect.stringMatching(sentence)] })
    expect(world.ledger.written).toMatchObject([{ kind: 'operation', operation: { status: 'refused' } }])
  })
})

describe('silences', () => {
  it('says so where there is none, and how to begin', async () => {
    expect(await world.ask('silences')).toMatchObject({ lines: [expect.stringContaining('type: silence')], data: { silences: [] } })
  })

  it('lists those in force and to come, also declared ones, in lines that fit a screen', async () => {
    await world.stop()
    const fromMs = 1_800_000_000_000 + hour
    world = openWorld([agentConfig('timmy'), agentConfig('ezra')], {
      config: { pollMs: hour },
      occurrences: [{ key: 'w', subjects: ['local'], reason: 'backup', fromMs, toMs: fromMs + hour }],
    })
    await world.ask('silence', { subject: 'timmy', duration: '30m', reason: 'r'.repeat(200) })
    await world.clock.advance(60_000)
    const { lines, data } = await world.ask('silences')
    expect(lines[0]).toMatch(/^number +kind +who +how long +why$/)
    expect(lines[1]).toMatch(/^1 +maintenance +host local +in 59 min for 1 h +backup \(fleet\.yaml\)$/)
    expect(lines[2]).toMatch(/^2 +silence +timmy +another 29 min +r+…$/)
    expect(lines[3]).toBe('To end one early, type: unsilence and its number')
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80)
    expect(data).toMatchObject({
      silences: [
        { number: 1, isInForce: false, subject: 'host:local' },
        { number: 2, reason: 'r'.repeat(200) },
      ],
    })
  })
})

describe('unsilence', () => {
  it('ends one early, of either kind, and says which', async () => {
    await world.ask('silence', { subject: 'timmy', duration: '1h', reason: 'disk' })
    await world.ask('maintenance', { subject: 'host ezra', duration: '2h', reason: 'kernel' })
    expect((await world.ask('unsilence', { number: '1' })).lines).toEqual(['Silence 1 of timmy ends 1 h early: disk (ada).'])
    expect((await world.ask('end-maintenance', { number: '#2' })).lines).toEqual([
      'Maintenance 2 of host ezra ends 2 h early: kernel (ada).',
    ])
    expect(world.mutes.list(now())).toEqual([])
    expect(world.ledger.mutes(0).map(({ toMs }) => toMs)).toEqual([now(), now()])
    expect(world.ledger.operations({ limit: 1 })).toMatchObject([{ operation: 'unsilence', arguments: { number: '2' } }])
  })

  it('is refused where there is none of that number, or it is over already', async () => {
    const refusal = { status: 'refused', lines: ['No silence or maintenance 1 is in force or to come. To see them, type: silences'] }
    expect(await world.ask('unsilence', { number: '1' })).toMatchObject(refusal)
    await world.ask('silence', { subject: 'timmy', duration: '1h', reason: 'disk' })
    await world.clock.advance(hour)
    expect(await world.ask('unsilence', { number: '1' })).toMatchObject(refusal)
    expect(await world.ask('unsilence', { number: 'timmy' })).toMatchObject({
      status: 'refused',
      lines: ['The number must be a number, like 3. For example: unsilence 3'],
    })
  })
})
