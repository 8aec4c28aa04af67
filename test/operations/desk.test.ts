import { afterEach, describe, expect, it } from 'vitest'
import type { Operation, Outcome } from '../../src/operations/operation.ts'
import { agentConfig } from '../support/fleet.ts'
import { openWorld, theWatch, type World } from './world.ts'

let world: World
afterEach(() => world.stop())

const declaration = { aliases: [], summary: '', help: '', arguments: [], examples: ['poke'], deadlineMs: 1_000 }
const agentArgument = { name: 'agent', kind: 'agent', required: true, help: '' } as const

/** One operation that acts, `poke`, and one that sees, `peek`. */
function opened(poke: Operation['run'], peek: Operation['run'] = async () => ({ status: 'ok', lines: ['seen'] })): World {
  world = openWorld([agentConfig('bezalel'), agentConfig('ezra', { host: 'far' })], {
    operations: [
      {
        ...declaration,
        name: 'poke',
        aliases: ['prod'],
        effect: 'acts',
        answeredBy: 'watch',
        arguments: [agentArgument],
        examples: ['poke bezalel'],
        run: poke,
      },
      {
        ...declaration,
        name: 'peek',
        effect: 'sees',
        answeredBy: 'watch',
        arguments: [{ name: 'subject', kind: 'agent-or-host', required: false, help: '' }],
        examples: ['peek'],
        run: peek,
      },
      { ...declaration, name: 'demo', effect: 'acts', answeredBy: 'shell', run: poke },
    ],
  })
  return world
}
const ok: Outcome = { status: 'ok', lines: ['done'] }

describe('what is asked', () => {
  it('must exist, and the one that was meant is named', async () => {
    opened(async () => ok)
    expect(await world.ask('pokee')).toMatchObject({ status: 'refused', lines: ['There is no such operation. Did you mean poke?'] })
    expect(await world.ask('something-else-entirely')).toMatchObject({ lines: ['There is no such operation. There are: poke, peek.'] })
    expect(await world.ask('x'.repeat(100_000))).toMatchObject({ status: 'refused' })
  })

  it('may go by another name, and is in the audit by its own', async () => {
    opened(async () => ok)
    expect((await world.ask('prod', { agent: 'bezalel' })).status).toBe('ok')
    expect(world.ledger.operations({ operation: 'poke', limit: 9 })).toHaveLength(1)
  })

  it('is not what only the shell does', async () => {
    opened(async () => ok)
    expect((await world.ask('demo')).status).toBe('refused')
  })

  it.each([
    [{}, 'Which agent? For example: poke bezalel'],
    [{ agent: '' }, 'Which agent? For example: poke bezalel'],
    [{ agent: 'bezlael' }, 'There is no such agent. Did you mean bezalel?'],
    [{ agent: 'gandalf-the-grey' }, 'There is no such agent. Known: bezalel, ezra.'],
    [{ agent: 'far' }, 'There is no such agent. Did you mean ezra?'],
    [{ agent: 5 }, 'The agent must be a name. For example: poke bezalel'],
    [{ agent: 'bezalel', force: true }, 'poke takes no such argument. For example: poke bezalel'],
    [{ __proto__: null, constructor: 'x', agent: 'bezalel' }, 'poke takes no such argument. For example: poke bezalel'],
  ])('with %j is refused in a sentence, and nothing is done', async (args, sentence) => {
    let pokes = 0
    opened(async () => {
      pokes++
      return ok
    })
    const outcome = await world.ask('poke', args)
    expect(outcome.status).toBe('refused')
    if (sentence.includes('Did you mean ezra')) expect(outcome.lines[0]).toContain('There is no such agent.')
    else expect(outcome.lines).toEqual([sentence])
    expect([pokes, world.ledger.operations({ limit: 9 })]).toEqual([0, []])
  })

  it('never says again what was typed: it may be anything', async () => {
    opened(async () => ok)
    for (const word of ['$(id)', '|lc|', '\u001b[31m', '<b>', 'a\nb']) {
      for (const outcome of [await world.ask(word), await world.ask('poke', { agent: word }), await world.ask('poke', { [word]: 'x' })])
        expect(outcome.lines.join(' ')).not.toContain(word)
    }
  })

  it('names an agent in any case, with blanks around it', async () => {
    let asked = ''
    opened(async (args) => {
      asked = args['agent'] ?? ''
      return ok
    })
    await world.ask('poke', { agent: ' Bezalel ' })
    expect(asked).toBe('bezalel')
  })

  it('may name an agent or a host where either will do, or nobody', async () => {
    const seen: unknown[] = []
    opened(
      async () => ok,
      async (args) => {
        seen.push(args['subject'])
        return ok
      },
    )
    await world.ask('peek', { subject: 'far' })
    await world.ask('peek', { subject: 'ezra' })
    await world.ask('peek')
    expect(seen).toEqual(['far', 'ezra', undefined])
  })
})

describe('the audit', () => {
  it('is written before the act, and ended after it', async () => {
    const during: unknown[] = []
    opened(async (_args, context) => {
      during.push(...context.ledger.operations({ limit: 9 }).map(({ status }) => status))
      return ok
    })
    await world.ask('poke', { agent: 'bezalel' })
    expect(during).toEqual(['begun'])
    expect(world.ledger.operations({ limit: 9 })).toMatchObject([
      { operation: 'poke', arguments: { agent: 'bezalel' }, actor: { name: 'ada' }, via: 'shell', status: 'ok', lines: ['done'] },
    ])
  })

  it('that can not be written means that nothing is done', async () => {
    let pokes = 0
    opened(async () => {
      pokes++
      return ok
    })
    world.ledger.breakWrites()
    expect(await world.ask('poke', { agent: 'bezalel' })).toMatchObject({
      status: 'refused',
      passes: true,
      lines: [expect.stringContaining('nothing was done')],
    })
    expect(pokes).toBe(0)
    expect(world.desk.isActedOn('bezalel')).toBe(false)
    world.ledger.mend()
    expect((await world.ask('poke', { agent: 'bezalel' })).status).toBe('ok')
  })

  it('whose end can not be written does not hide what was done', async () => {
    opened(async () => ok)
    world.ledger.breakWrites(['endOperation'])
    expect((await world.ask('poke', { agent: 'bezalel' })).status).toBe('ok')
    expect(world.log.messages('error')).toHaveLength(1)
  })

  it('is not needed to look, so looking goes on without it', async () => {
    opened(async () => ok)
    world.ledger.breakWrites()
    expect((await world.ask('peek')).status).toBe('ok')
    world.ledger.mend()
    expect(world.ledger.operations({ limit: 9 })).toEqual([])
  })

  it('holds who was refused elsewhere, and survives that it can not', () => {
    opened(async () => ok)
    const request = {
      operation: 'poke',
      arguments: { agent: 'bezalel' },
      actor: { kind: 'account', id: '7', name: 'Eve' },
      via: 'tower',
    } as const
    world.desk.refusedElsewhere(request, 'you may only look')
    expect(world.ledger.operations({ limit: 9 })).toMatchObject([
      { status: 'refused', actor: { name: 'Eve' }, lines: ['you may only look'] },
    ])
    world.ledger.breakWrites()
    world.desk.refusedElsewhere(request, 'you may only look')
    expect(world.log.messages('error')).toHaveLength(1)
  })
})

describe('an operation that breaks', () => {
  it('gives the one who asked a plain sentence, and the operator the cause', async () => {
    opened(async () => {
      throw new TypeError('undefined is not a function')
    })
    const outcome = await world.ask('poke', { agent: 'bezalel' })
    expect(outcome).toMatchObject({ status: 'failed', lines: ['poke broke inside the watch; its log says how.'] })
    expect(world.log.lines.find(({ level }) => level === 'error')?.fields).toMatchObject({
      err: expect.stringContaining('undefined is not a function'),
    })
    expect(world.ledger.operations({ limit: 9 })[0]?.status).toBe('failed')
    expect(world.desk.isActedOn('bezalel')).toBe(false)
  })
})

describe('two acts on one agent at the same time', () => {
  it('are one: the second follows the first, with its progress and its outcome', async () => {
    const gate = Promise.withResolvers<void>()
    let pokes = 0
    opened(async (_args, context) => {
      pokes++
      await gate.promise
      context.progress('half way')
      return ok
    })
    const first = world.ask('poke', { agent: 'bezalel' })
    const second = world.ask('poke', { agent: 'bezalel' }, { kind: 'account', id: '7', name: 'Eve' })
    expect(world.desk.isActedOn('bezalel')).toBe(true)
    gate.resolve()
    expect((await first).progress).toEqual(['half way'])
    expect(await second).toMatchObject({ status: 'ok', progress: ['ada is already at it; I follow that one.', 'half way'] })
    expect([pokes, world.ledger.operations({ limit: 9 }).length]).toEqual([1, 1])
    expect((await world.ask('poke', { agent: 'bezalel' })).status).toBe('ok')
    expect(pokes).toBe(2)
  })

  it('are two where they are on two agents', async () => {
    const gate = Promise.withResolvers<void>()
    const poked: (string | undefined)[] = []
    opened(async (args) => {
      poked.push(args['agent'])
      await gate.promise
      return ok
    })
    const both = Promise.all([world.ask('poke', { agent: 'bezalel' }), world.ask('poke', { agent: 'ezra' })])
    gate.resolve()
    await both
    expect(poked).toEqual(['bezalel', 'ezra'])
  })

  it('are two where the first was the watch itself, which was refused what a person may', async () => {
    const gate = Promise.withResolvers<void>()
    opened(async (_args, { actor }) => {
      await gate.promise
      return actor.kind === 'watch' ? { status: 'refused', lines: ['it is alive'] } : ok
    })
    const watchs = world.ask('poke', { agent: 'bezalel' }, theWatch)
    const persons = world.ask('poke', { agent: 'bezalel' })
    gate.resolve()
    expect([(await watchs).status, (await persons).status]).toEqual(['refused', 'ok'])
    expect(world.ledger.operations({ limit: 9 }).map(({ actor }) => actor.kind)).toEqual(['shell', 'watch'])
  })
})
