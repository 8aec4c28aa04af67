/** What somebody asked for is given up: what waits is not begun, what was told to a host is not undone. */
import { afterEach, describe, expect, it } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import type { Actor } from '../../src/domain/operation.ts'
import type { Outcome } from '../../src/operations/operation.ts'
import { ada, openWorld, theWatch, type World } from '../operations/world.ts'
import { agentConfig } from '../support/fleet.ts'

let world: World
afterEach(() => world.stop())

const bob: Actor = { kind: 'account', id: '7', name: 'bob' }
const ids = ['alma', 'bezalel', 'ezra', 'timmy']

/** Four agents that live, on one host; what is told to it is in `orders`. */
async function opened(config: Partial<Config> = {}): Promise<void> {
  world = openWorld(
    ids.map((id) => agentConfig(id, { startGraceMs: 60_000 })),
    { config },
  )
  const host = world.host('local')
  for (const id of ids) {
    host.beat(id, { pid: host.start(id), epoch: 'a' })
    // It starts, and does not beat.
    host.onStart(id, () => {})
  }
  await world.clock.advance(1_000)
}
const orders = () => world.host('local').acts.map(({ agent }) => agent)
/** Without waiting for its end. */
function begun(operation: string, args: Record<string, unknown>, actor: Actor = ada) {
  const asked: { outcome: Promise<Outcome & { progress: string[] }>; ended?: Outcome } = { outcome: world.ask(operation, args, actor) }
  void asked.outcome.then((outcome) => (asked.ended = outcome))
  return asked
}
const audited = (operation: string) =>
  world.ledger.operations({ operation, limit: 99 }).map(({ status, lines }) => `${status}: ${lines[0] ?? ''}`)

describe('cancel', () => {
  it('has nothing to give up where nothing is asked for, and says of whom that was meant', async () => {
    await opened()
    expect(await world.ask('cancel')).toMatchObject({ status: 'refused', lines: ['Nothing that you asked for is left to be done.'] })
    expect((await world.ask('cancel', { subject: 'ezra' })).lines).toEqual(['Nothing that you asked for about ezra is left to be done.'])
    expect((await world.ask('cancel', { subject: 'all' })).lines).toEqual(['Nothing that anybody asked for is left to be done.'])
  })

  it('of a restart ends the waiting for its beat, and says that the host was told already', async () => {
    await opened()
    const restart = begun('restart', { agent: 'ezra' })
    await world.clock.advance(1_000)
    expect(orders()).toEqual(['ezra'])
    expect(await world.ask('cancel', { dryRun: 'yes' })).toMatchObject({
      lines: [expect.stringContaining('restart ezra would be waited for no longer.'), expect.stringContaining('dry run')],
    })
    expect(restart.ended).toBeUndefined()
    expect(await world.ask('cancel')).toMatchObject({
      status: 'ok',
      lines: ['restart ezra is waited for no longer. What its host has been told already is not undone.'],
    })
    expect(await restart.outcome).toMatchObject({
      status: 'failed',
      lines: ['ezra was started; whether it came to life was not waited for: it was called off.'],
      data: { failure: { step: 'verify', kind: 'cancelled' } },
    })
    // Nothing more was told to the host.
    expect(orders()).toEqual(['ezra'])
    expect(audited('cancel')[0]).toMatch(/^ok: restart ezra is waited for no longer/)
    expect(audited('restart')[0]).toMatch(/^failed: .*called off/)
  })

  it('half-way through a restart of all leaves those alone that have not begun', async () => {
    await opened({ remedies: { ...(await defaults()).remedies, atOnce: 2 } })
    const restart = begun('restart', { agent: 'all' })
    await world.clock.advance(1_000)
    expect(orders()).toEqual(['alma', 'bezalel'])
    const { lines } = await world.ask('cancel')
    expect(lines).toEqual([
      'Not begun, and given up: restart ezra, restart timmy.',
      'restart alma is waited for no longer. What its host has been told already is not undone.',
      'restart bezalel is waited for no longer. What its host has been told already is not undone.',
    ])
    const { lines: said } = await restart.outcome
    expect(said[0]).toBe('0 of 4 restarts ended well; not so: alma, bezalel, ezra, timmy.')
    expect(said).toContain('restart ezra was called off before it began: nothing was done.')
    await world.clock.advance(60_000)
    expect(orders()).toEqual(['alma', 'bezalel'])
    // The queue has forgotten them: the next one begins at once.
    const next = begun('restart', { agent: 'timmy' })
    await world.clock.advance(1_000)
    expect(orders()).toEqual(['alma', 'bezalel', 'timmy'])
    await world.ask('cancel')
    await next.outcome
  })

  it('of what waits for a second person has it forgotten, and everybody is told', async () => {
    await opened({ authority: { confirm: ['restart all'], withinMs: 120_000, changes: 100, perMs: 60_000 } })
    const { lines, data } = await world.ask('restart', { agent: 'all' })
    expect(lines[0]).toContain('needs a second person')
    expect((await world.ask('cancel')).lines).toEqual(['restart all is given up; it waited for a second person, and nothing was done.'])
    expect(world.told.at(-1)).toBe('restart all, asked for by ada, was called off by ada: nothing was done.')
    expect(audited('restart')).toEqual(['refused: restart all, asked for by ada, was called off by ada: nothing was done.'])
    const code = (data as { code: string }).code
    expect(await world.ask('confirm', { code }, bob)).toMatchObject({ status: 'refused' })
    await world.clock.advance(130_000)
    expect(world.told).toHaveLength(2)
    expect(orders()).toEqual([])
  })

  it('ends what was confirmed, too, by either of the two', async () => {
    await opened({ authority: { confirm: ['restart ezra'], withinMs: 120_000, changes: 100, perMs: 60_000 } })
    for (const [index, who] of [ada, bob].entries()) {
      const { data } = await world.ask('restart', { agent: 'ezra' })
      const confirmed = begun('confirm', { code: (data as { code: string }).code }, bob)
      await world.clock.advance(1_000)
      expect(orders()).toHaveLength(index + 1)
      expect((await world.ask('cancel', {}, who)).status).toBe('ok')
      expect((await confirmed.outcome).lines[0]).toContain('called off')
    }
  })

  it('is about what this person asked for, unless it is of everybody', async () => {
    await opened()
    const hers = begun('restart', { agent: 'ezra' })
    const his = begun('restart', { agent: 'timmy' }, bob)
    const own = begun('restart', { agent: 'alma' }, theWatch)
    await world.clock.advance(1_000)
    expect((await world.ask('cancel', { subject: 'timmy' })).status).toBe('refused')
    expect((await world.ask('cancel', {}, { ...bob, id: '8' })).status).toBe('refused')
    expect((await world.ask('cancel', { subject: 'tim' }, bob)).lines).toEqual([expect.stringContaining('restart timmy')])
    expect((await his.outcome).status).toBe('failed')
    expect(hers.ended).toBeUndefined()
    expect((await world.ask('cancel', { subject: 'all' }, bob)).lines).toEqual([expect.stringContaining('restart ezra (of ada)')])
    await hers.outcome
    // What the watch does by itself is none of it.
    expect(own.ended?.lines ?? []).not.toContainEqual(expect.stringContaining('called off'))
  })

  it('by who follows somebody else ends the following, and by the other one hands it on where nothing was done', async () => {
    await opened({ remedies: { ...(await defaults()).remedies, atOnce: 1 } })
    const host = world.host('local')
    host.onStart('timmy', (pid) => host.beat('timmy', { pid, epoch: 'b' }))
    const first = begun('restart', { agent: 'ezra' })
    const hers = begun('restart', { agent: 'timmy' })
    const his = begun('restart', { agent: 'timmy' }, bob)
    const another = begun('restart', { agent: 'timmy' }, { ...bob, id: '8', name: 'eve' })
    await world.clock.advance(1_000)
    expect(orders()).toEqual(['ezra'])
    await world.ask('cancel', {}, { ...bob, id: '8', name: 'eve' })
    expect((await another.outcome).lines).toEqual(['restart of timmy by ada goes on, and you follow it no more.'])
    await world.ask('cancel')
    await Promise.all([first.outcome, hers.outcome])
    await world.clock.advance(1_000)
    expect(orders()).toEqual(['ezra', 'timmy'])
    await world.clock.advance(2_000)
    expect((await his.outcome).lines[0]).toContain('timmy is back')
  })

  it('ends what one watches', async () => {
    await opened()
    const watching = begun('watch', { agent: 'ezra' })
    await world.clock.advance(1_000)
    expect((await world.ask('cancel')).lines).toEqual(['watch ezra is ended.'])
    await world.clock.advance(1_000)
    expect(watching.ended?.status).toBe('ok')
  })
})

async function defaults(): Promise<Config> {
  const other = openWorld([agentConfig('alma')])
  await other.stop()
  return other.config
}
