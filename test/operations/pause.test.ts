/** A person's pause: pause, resume. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { agentConfig } from '../support/fleet.ts'
import { openWorld, type World } from './world.ts'

let world: World
afterEach(() => world.stop())
beforeEach(async () => {
  world = openWorld([agentConfig('timmy'), agentConfig('ezra', { paused: 'on holiday' })])
  const pid = world.host('local').start('timmy')
  world.host('local').beat('timmy', { pid, epoch: 'a' })
  await world.clock.advance(0)
})
const state = (id: string) => world.roster.agent(id)?.status.state

describe('pause', () => {
  it('stops judging the agent until somebody resumes it', async () => {
    const { lines } = await world.ask('pause', { agent: 'tim', reason: 'learning' })
    expect(lines).toEqual(['timmy is paused until somebody resumes it: learning.', 'To end that early, type: resume timmy'])
    expect(state('timmy')).toBe('paused')
    world.host('local').kill('timmy')
    await world.clock.advance(600_000)
    expect([state('timmy'), world.roster.incidents()]).toEqual(['paused', []])
    expect((await world.ask('resume', { agent: 'timmy' })).lines).toEqual(['timmy is no longer paused.'])
    await world.clock.advance(2_000)
    expect(state('timmy')).toBe('down')
  })

  it('ends by itself after its time', async () => {
    const { lines, data } = await world.ask('pause', { agent: 'timmy', duration: '2h', reason: 'learning' })
    expect(lines[0]).toBe('timmy is paused for 2 h: learning.')
    expect(data).toEqual({ agent: 'timmy', until: new Date(world.clock.now() + 7_200_000).toISOString() })
    expect(world.roster.agent('timmy')?.facts.paused?.by.person).toEqual({ reason: 'learning', untilMs: world.clock.now() + 7_200_000 })
  })

  it('again replaces the former one, and says what that was', async () => {
    await world.ask('pause', { agent: 'timmy', reason: 'learning' })
    expect((await world.ask('pause', { agent: 'timmy', duration: '1h', reason: 'surgery' })).lines).toEqual([
      'timmy is paused for 1 h: surgery.',
      'It was paused already: learning.',
      'To end that early, type: resume timmy',
    ])
  })

  it('is in the audit before it is done', async () => {
    const before = world.ledger.written.length
    await world.ask('pause', { agent: 'timmy', reason: 'learning' })
    const written = world.ledger.written.slice(before).map((fact) => (fact.kind === 'operation' ? fact.operation.status : fact.kind))
    expect(written[0]).toBe('begun')
    expect(written).toContain('agent')
    expect(world.ledger.operations({ agent: 'timmy', limit: 1 })).toMatchObject([
      { operation: 'pause', arguments: { agent: 'timmy', reason: 'learning' }, status: 'ok' },
    ])
  })

  it('is not done where the audit can not be written', async () => {
    world.ledger.breakWrites()
    expect((await world.ask('pause', { agent: 'timmy', reason: 'learning' })).status).toBe('refused')
    expect(state('timmy')).toBe('up')
  })

  it.each([
    [{ agent: 'timmy' }, 'Say the reason, too. For example: pause ezra 2h learning a new model'],
    [{ agent: 'timmy', duration: '2h' }, 'Say the reason, too. For example: pause ezra 2h learning a new model'],
    [{ agent: 'timmy', duration: '60d', reason: 'x' }, 'The duration may be 30d at most. For example: pause ezra 2h learning a new model'],
    [{ agent: 'local', reason: 'x' }, 'There is no such agent. Known: timmy, ezra.'],
  ])('with %j is refused with what to type', async (args, sentence) => {
    expect(await world.ask('pause', args)).toMatchObject({ status: 'refused', lines: [sentence] })
  })
})

describe('resume', () => {
  it('is refused where nobody has paused the agent', async () => {
    expect(await world.ask('resume', { agent: 'timmy' })).toMatchObject({ status: 'refused', lines: ['timmy is not paused.'] })
  })

  it('is refused where only its declaration or a marker pauses it, and says what to do', async () => {
    const declared = 'fleet.yaml pauses it (on holiday): take "paused" out there and let the watch read it again (SIGHUP).'
    expect(await world.ask('resume', { agent: 'ezra' })).toMatchObject({
      status: 'refused',
      lines: ['ezra was not paused by a person.', declared],
    })
    world.roster.observe('ezra', { kind: 'paused', by: 'marker', reason: 'ezra.paused' })
    expect((await world.ask('resume', { agent: 'ezra' })).lines).toEqual([
      'ezra was not paused by a person.',
      declared,
      'A marker file beside its heartbeat pauses it (ezra.paused): remove that file.',
    ])
  })

  it('takes back what a person said, and says what still pauses the agent', async () => {
    await world.ask('pause', { agent: 'ezra', reason: 'learning' })
    expect(await world.ask('resume', { agent: 'ezra' })).toMatchObject({
      status: 'ok',
      lines: ['ezra is still paused.', expect.stringContaining('fleet.yaml pauses it')],
      data: { agent: 'ezra', isPaused: true },
    })
    expect(world.roster.agent('ezra')?.facts.paused?.by).toEqual({ config: { reason: 'on holiday' } })
  })
})
