import { afterEach, describe, expect, it } from 'vitest'
import type { ActingOperation, CheckedArguments, Outcome } from '../../src/operations/operation.ts'
import { LedgerError } from '../../src/ports/ledger.ts'
import { openWorld, theWatch, type World } from '../operations/world.ts'
import { agentConfig } from '../support/fleet.ts'

let world: World
afterEach(() => world.stop())

const declaration = {
  role: 'operate' as const,
  plan: async (): Promise<Outcome> => ({ status: 'ok', lines: ['would'] }),
  aliases: [],
  summary: '',
  help: '',
  arguments: [],
  examples: ['poke'],
  deadlineMs: 1_000,
}
const agentArgument = { name: 'agent', kind: 'agent', required: true, help: '' } as const

/** One operation that acts, `poke`, and one that sees, `peek`. */
function opened(
  poke: ActingOperation['run'],
  peek: (args: CheckedArguments) => Promise<Outcome> = async () => ({ status: 'ok', lines: ['seen'] }),
): World {
  world = openWorld([agentConfig('bezalel'), agentConfig('ezra', { host: 'far' })], {
    operations: [
      {
        ...declaration,
        name: 'poke',
        aliases: ['prod'],
        effect: 'acts',
        answeredBy: 'watch',
        oneAtATime: 'agent',
        arguments: [agentArgument],
        examples: ['poke bezalel'],
        run: poke,
      },
      {
        ...declaration,
        name: 'note',
        effect: 'acts',
        answeredBy: 'watch',
        arguments: [
          { name: 'incident', kind: 'incident', required: true, help: '' },
          { name: 'kind', kind: 'choice', words: ['sticky'], required: false, help: '' },
          { name: 'duration', kind: 'duration', required: true, help: '' },
          { name: 'reason', kind: 'text', required: true, help: '' },
        ],
        examples: ['note 12 2h because'],
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

describe('what is answered', () => {
  it('is wrapped for the screen of the one who asked, and stands in the audit as it was said', async () => {
    const long = 'one two three four five six seven eight nine ten'
    opened(async (_, { progress }) => {
      progress(long)
      return { status: 'ok', lines: [long] }
    })
    const progress: string[] = []
    const actor = { kind: 'account', id: '7', name: 'Eve' } as const
    const asked = { operation: 'poke', arguments: { agent: 'bezalel' }, actor, via: 'tower', screen: { columns: 30 } } as const
    const { lines } = await world.desk.request(asked, (line) => void progress.push(line))
    expect(lines).toEqual(['one two three four five six', '  seven eight nine ten'])
    expect(progress).toEqual(lines)
    expect(world.ledger.operations({ limit: 1 })).toMatchObject([{ lines: [long] }])
  })

  it('says of what can never be asked that it is wrong, and not only that it is refused', async () => {
    opened(async () => ({ status: 'refused', lines: ['not now'] }))
    expect(await world.ask('poke', { agent: 'gandalf' })).toMatchObject({ status: 'refused', isWrongInput: true })
    expect(await world.ask('peek', { subject: 'gandalf' })).toMatchObject({ status: 'refused', isWrongInput: true })
    expect(await world.ask('poke', { agent: 'bezalel' })).not.toHaveProperty('isWrongInput')
    expect(await world.ask('note', { incident: 'bezalel', duration: '2h', reason: 'x' })).not.toHaveProperty('isWrongInput')
  })
})

describe('what is asked', () => {
  it('must exist, and the one that was meant is named', async () => {
    opened(async () => ok)
    expect(await world.ask('pokee')).toMatchObject({ status: 'refused', lines: ['There is no such operation. Did you mean poke?'] })
    expect(await world.ask('something-else-entirely')).toMatchObject({
      lines: ['There is no such operation. There are: poke, note, peek.'],
    })
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
    expect(pokes).toBe(0)
    expect(world.ledger.operations({ limit: 9 })).toMatchObject([{ operation: 'poke', status: 'refused', lines: outcome.lines }])
  })

  it.each([
    [{}, 'Which incident? For example: note 12 2h because'],
    [{ incident: '1' }, 'For how long? For example: note 12 2h because'],
    [{ incident: '1', duration: '2h' }, 'Say the reason, too. For example: note 12 2h because'],
    [{ incident: '1', duration: 'soon', reason: 'x' }, 'The duration must be like 30m, 2h or 1d. For example: note 12 2h because'],
    [{ incident: '1', duration: '31d', reason: 'x' }, 'The duration may be 30d at most. For example: note 12 2h because'],
    [{ incident: '1', duration: 7_200_000, reason: 'x' }, 'The duration must be text. For example: note 12 2h because'],
    [{ incident: true, duration: '2h', reason: 'x' }, 'The incident must be a number. For example: note 12 2h because'],
    [{ incident: 1.5, duration: '2h', reason: 'x' }, 'The incident must be a number. For example: note 12 2h because'],
    [{ incident: '1', kind: 'firm', duration: '2h', reason: 'x' }, 'The kind must be sticky. For example: note 12 2h because'],
    [{ incident: '1', duration: '2h', reason: '\u0000' }, 'The reason must say something. For example: note 12 2h because'],
    [
      { incident: '1', duration: '2h', reason: 'x'.repeat(201) },
      'The reason may have 200 characters at most. For example: note 12 2h because',
    ],
    [{ incident: 'gandalf-the-grey', duration: '2h', reason: 'x' }, 'There is no such agent or host. Known: bezalel, ezra, local, far.'],
    [{ incident: 'bezalel', duration: '2h', reason: 'x' }, 'bezalel has no open incident. To see the former ones, type: incidents bezalel'],
  ])('with %j is refused in a sentence that says what to type', async (args, sentence) => {
    opened(async () => ok)
    expect(await world.ask('note', args)).toMatchObject({ status: 'refused', lines: [sentence] })
    expect(world.ledger.operations({ limit: 9 })).toMatchObject([{ operation: 'note', status: 'refused', lines: [sentence] }])
  })

  it('may begin a name only, where that leaves no doubt', async () => {
    const asked: unknown[] = []
    world = openWorld([agentConfig('ezra'), agentConfig('ezekiel'), agentConfig('code-claw', { name: 'Code Claw' })], {
      operations: [
        {
          ...declaration,
          name: 'poke',
          effect: 'acts',
          answeredBy: 'watch',
          arguments: [agentArgument],
          run: async ({ agent }) => {
            asked.push(agent)
            return ok
          },
        },
      ],
    })
    for (const agent of ['ezr', 'code claw', 'Code', 'EZEK']) await world.ask('poke', { agent })
    expect(asked).toEqual(['ezra', 'code-claw', 'code-claw', 'ezekiel'])
    expect(await world.ask('poke', { agent: 'ez' })).toMatchObject({
      status: 'refused',
      lines: ['That is the beginning of several names: ezra, ezekiel. Type more of it.'],
    })
    expect(world.ledger.operations({ limit: 9 }).map(({ arguments: args }) => args)).toEqual(
      ['ez', 'ezekiel', 'code-claw', 'code-claw', 'ezra'].map((agent) => ({ agent })),
    )
  })

  it('names at most twenty of many', async () => {
    world = openWorld(
      Array.from({ length: 30 }, (_, n) => agentConfig(`worker-${n}`)),
      {
        operations: [
          { ...declaration, name: 'poke', effect: 'acts', answeredBy: 'watch', arguments: [agentArgument], run: async () => ok },
        ],
      },
    )
    expect((await world.ask('poke', { agent: 'work' })).lines[0]).toMatch(/worker-19 and 10 more\. Type more of it\.$/)
    expect((await world.ask('poke', { agent: 'gandalf-the-grey' })).lines[0]).toMatch(/worker-19 and 10 more\.$/)
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
    opened(async () => {
      world.ledger.breakWrites()
      return ok
    })
    expect((await world.ask('poke', { agent: 'bezalel' })).status).toBe('ok')
    world.ledger.mend()
    expect(world.ledger.operations({ limit: 9 })[0]?.status).toBe('begun')
    expect(world.log.messages('error')).toHaveLength(1)
  })

  it('is not needed to look, so looking goes on without it', async () => {
    opened(async () => ok)
    world.ledger.breakWrites()
    expect((await world.ask('peek')).status).toBe('ok')
    world.ledger.mend()
    expect(world.ledger.operations({ limit: 9 })).toEqual([])
  })

  it('holds who was refused elsewhere, and survives that it can not', async () => {
    opened(async () => ok)
    const request = {
      operation: 'poke',
      arguments: { agent: 'bezalel' },
      actor: { kind: 'account', id: '7', name: 'Eve' },
      via: 'tower',
    } as const
    await world.desk.refusedElsewhere(request, 'you may only look')
    expect(world.ledger.operations({ limit: 9 })).toMatchObject([
      { status: 'refused', actor: { name: 'Eve' }, lines: ['you may only look'] },
    ])
    world.ledger.breakWrites()
    await world.desk.refusedElsewhere(request, 'you may only look')
    expect(world.log.messages('error')).toHaveLength(1)
  })
})

describe('an operation that breaks', () => {
  it('over the ledger says so', async () => {
    const breaks = async () => {
      throw new LedgerError('disk full')
    }
    opened(breaks, breaks)
    expect(await world.ask('poke', { agent: 'ezra' })).toMatchObject({
      status: 'failed',
      lines: [expect.stringContaining('could not be written')],
    })
    expect(await world.ask('peek')).toMatchObject({ status: 'failed', lines: [expect.stringContaining('could not be read')] })
  })

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
    expect(pokes).toBe(1)
    expect(world.ledger.operations({ limit: 9 }).map(({ actor, status }) => [actor.name, status])).toEqual([
      ['Eve', 'followed'],
      ['ada', 'ok'],
    ])
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

  it('are two where they are not of the kind that excludes another', async () => {
    const gate = Promise.withResolvers<void>()
    let notes = 0
    opened(async () => {
      notes++
      await gate.promise
      return ok
    })
    const note = { incident: '1', duration: '2h', reason: 'x' }
    const both = Promise.all([world.ask('note', note), world.ask('note', note)])
    gate.resolve()
    await both
    expect([notes, world.ledger.operations({ limit: 9 }).length]).toEqual([2, 2])
    expect(new Set(world.ledger.operations({ limit: 9 }).map(({ number }) => number)).size).toBe(2)
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
