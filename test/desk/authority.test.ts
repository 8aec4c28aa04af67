/** Second persons, limits, dry runs, and what the audit says of all of it. */
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import type { Actor } from '../../src/domain/operation.ts'
import type { ActingOperation, Operation, Outcome } from '../../src/operations/operation.ts'
import { operations } from '../../src/operations/registry.ts'
import { ada, openWorld, theWatch, type World } from '../operations/world.ts'
import { agentConfig } from '../support/fleet.ts'

let world: World
afterEach(() => world.stop())

const bob: Actor = { kind: 'account', id: '7', name: 'bob', from: 'telnet 127.0.0.1' }
const ok: Outcome = { status: 'ok', lines: ['done'] }
const poke: ActingOperation = {
  name: 'poke',
  aliases: [],
  summary: '',
  help: '',
  arguments: [
    { name: 'subject', kind: 'subject', required: true, help: '' },
    { name: 'dryRun', kind: 'flag', required: false, help: '' },
  ],
  examples: ['poke bezalel'],
  effect: 'acts',
  role: 'operate',
  answeredBy: 'watch',
  deadlineMs: 1_000,
  plan: async () => ({ status: 'ok', lines: ['would be done'] }),
  run: async () => ok,
}

function opened(authority: Partial<Config['authority']>, run: ActingOperation['run'] = poke.run, more: readonly Operation[] = []): World {
  const confirm = operations.filter(({ name }) => name === 'confirm' || name === 'audit')
  let seed = 0
  world = openWorld([agentConfig('bezalel'), agentConfig('ezra', { host: 'far' })], {
    operations: [{ ...poke, run }, ...more, ...confirm],
    // Nothing here is about what hosts say.
    config: { pollMs: 3_600_000, authority: { confirm: [], withinMs: 120_000, changes: 10_000, perMs: 60_000, ...authority } },
    random: () => (seed = (seed + 0.37) % 1),
  })
  return world
}

const codeOf = ({ lines }: Outcome): string => /confirm (\w+)/.exec(lines.join(' '))?.[1] ?? ''
const events = () =>
  world.ledger
    .audit({ limit: 100 })
    .reverse()
    .map(({ number, event, operation }) => `${number} ${operation} ${event}`)

describe('what needs a second person', () => {
  it('waits, everybody is told, and the second one has it done', async () => {
    const done: string[] = []
    opened({ confirm: ['poke all'] }, async (args, { actor }) => {
      done.push(`${args['subject']} for ${actor.name}`)
      return ok
    })
    const waiting = await world.ask('poke', { subject: 'all' })
    expect(waiting).toMatchObject({
      status: 'waiting',
      lines: [expect.stringMatching(/^poke all needs a second person, who has 2 min to type: confirm [A-Z0-9]{6}$/), expect.anything()],
    })
    const code = codeOf(waiting)
    expect(world.told).toEqual([`ada asks for poke all: a second person can type "confirm ${code}" within 2 min.`])
    expect(done).toEqual([])
    expect(await world.ask('confirm', { code: code.toLowerCase() }, bob)).toMatchObject(ok)
    expect(done).toEqual(['all for ada'])
    expect(world.told[1]).toBe('poke all, asked for by ada and confirmed by bob: ok. done')
    expect(events()).toEqual(['1 poke waiting', '2 confirm begun', '1 poke begun', '1 poke ok', '2 confirm ok'])
    expect(world.ledger.audit({ number: 1, limit: 1 })).toMatchObject([{ actor: { name: 'ada' }, confirmedBy: bob }])
    // Once only.
    expect((await world.ask('confirm', { code }, bob)).status).toBe('refused')
    expect(done).toHaveLength(1)
  })

  it('is what fleet.yaml names: an operation, or one with what it is about', async () => {
    opened({ confirm: ['poke host far', 'poke bezalel'] })
    expect((await world.ask('poke', { subject: 'host far' })).status).toBe('waiting')
    expect((await world.ask('poke', { subject: 'Bezalel' })).status).toBe('waiting')
    expect((await world.ask('poke', { subject: 'ezra' })).status).toBe('ok')
    expect((await world.ask('poke', { subject: 'all' })).status).toBe('ok')
    await world.stop()
    opened({ confirm: ['poke'] })
    expect((await world.ask('poke', { subject: 'ezra' })).status).toBe('waiting')
  })

  it('is neither a dry run, nor what the watch does by itself', async () => {
    opened({ confirm: ['poke'] })
    expect(await world.ask('poke', { subject: 'all', dryRun: 'yes' })).toMatchObject({
      status: 'ok',
      lines: ['would be done', 'This was a dry run: nothing was changed.'],
    })
    expect((await world.ask('poke', { subject: 'all' }, theWatch)).status).toBe('ok')
  })

  it('is not done for the same person, whatever he is called and wherever he sits', async () => {
    opened({ confirm: ['poke'] })
    const code = codeOf(await world.ask('poke', { subject: 'all' }))
    for (const same of [ada, { ...ada, name: 'Ada the Second', from: 'tty9' }]) {
      expect(await world.ask('confirm', { code }, same)).toMatchObject({
        status: 'refused',
        lines: ['poke all was asked for by you: somebody else has to confirm it.'],
      })
    }
    expect((await world.ask('confirm', { code, dryRun: 'yes' }, bob)).lines[0]).toBe('poke all, asked for by ada, would be done.')
    expect((await world.ask('confirm', { code }, bob)).status).toBe('ok')
  })

  it('is not done with a wrong code, and not with the right one once too many were tried', async () => {
    opened({ confirm: ['poke'] })
    const code = codeOf(await world.ask('poke', { subject: 'all' }))
    for (let wrong = 0; wrong < 10; wrong++) {
      const outcome = await world.ask('confirm', { code: `AAAAA${wrong}` }, bob)
      expect(outcome).toMatchObject({ status: 'refused', lines: [expect.stringContaining('Nothing waits for that code')] })
    }
    expect(await world.ask('confirm', { code }, bob)).toMatchObject({
      status: 'refused',
      lines: [expect.stringMatching(/^Too many codes\. Wait /)],
    })
    const eve: Actor = { kind: 'account', id: '8', name: 'eve' }
    expect((await world.ask('confirm', { code }, eve)).status).toBe('ok')
  })

  it('is refused when nobody came in time, and everybody is told', async () => {
    opened({ confirm: ['poke'], withinMs: 60_000 })
    const code = codeOf(await world.ask('poke', { subject: 'all' }))
    await world.clock.advance(60_000)
    expect(await world.ask('confirm', { code }, bob)).toMatchObject({ status: 'refused' })
    expect(world.told[1]).toBe('poke all, asked for by ada, was confirmed by nobody: nothing was done.')
    expect(events().slice(0, 2)).toEqual(['1 poke waiting', '1 poke refused'])
  })

  it('is not even asked for where that can not be written down', async () => {
    opened({ confirm: ['poke'] })
    world.ledger.breakWrites()
    expect(await world.ask('poke', { subject: 'all' })).toMatchObject({
      status: 'refused',
      lines: [expect.stringContaining('The audit could not be written')],
    })
    expect(world.told).toEqual([])
  })
})

describe('a slow disk', () => {
  it('holds the act up until the audit has it, and the asking for a second person, too', async () => {
    let runs = 0
    opened({ confirm: ['poke all'] }, async () => {
      runs++
      return ok
    })
    world.ledger.hold()
    const poked = world.ask('poke', { subject: 'ezra' })
    const waiting = world.ask('poke', { subject: 'all' })
    await world.clock.advance(1_000)
    expect([runs, world.told]).toEqual([0, []])
    await world.ledger.release()
    expect([(await poked).status, (await waiting).status, runs]).toEqual(['ok', 'waiting', 1])
  })
})

describe('how much one person may ask for', () => {
  it('is bounded, plainly said, and leaves one entry for the first and one for the rest', async () => {
    opened({ changes: 3, perMs: 60_000 })
    const outcomes = []
    for (let n = 0; n < 50; n++) outcomes.push(await world.ask('poke', { subject: 'ezra' }))
    expect(outcomes.map(({ status }) => status)).toEqual([...Array(3).fill('ok'), ...Array(47).fill('refused')])
    expect(outcomes[3]).toMatchObject({
      lines: ['That is too much at once: 3 changes in 1 min. Wait 20 s. Nothing was done.'],
      passes: true,
    })
    // Others are not held up, and looking costs nothing.
    expect((await world.ask('poke', { subject: 'ezra' }, bob)).status).toBe('ok')
    expect((await world.ask('audit')).status).toBe('ok')
    expect((await world.ask('poke', { subject: 'ezra' }, theWatch)).status).toBe('ok')
    await world.clock.advance(60_000)
    const refused = world.ledger.audit({ limit: 100 }).filter(({ event }) => event === 'refused')
    expect(refused.map(({ lines }) => lines[0])).toEqual([
      'refused 46 more times, for asking too often',
      expect.stringContaining('That is too much at once'),
    ])
    expect((await world.ask('poke', { subject: 'ezra' })).status).toBe('ok')
  })

  it('bounds what the locks of the Tower refuse, too', async () => {
    opened({ changes: 5 })
    const asked = { operation: 'poke', arguments: { subject: 'x'.repeat(1_000) }, actor: bob, via: 'tower' as const }
    for (let n = 0; n < 30; n++) await world.desk.refusedElsewhere(asked, "the game's lock wants perm(Builder)")
    await world.clock.advance(60_000)
    const entries = world.ledger.audit({ limit: 100 })
    expect(entries).toHaveLength(7)
    expect(entries[0]).toMatchObject({ lines: ['refused 24 more times, for asking too often'] })
    expect(entries.at(-1)).toMatchObject({ event: 'refused', actor: bob, arguments: { subject: 'x'.repeat(200) } })
  })
})

describe('what asks for something else', () => {
  const all = (request: ActingOperation['run']): ActingOperation => ({ ...poke, name: 'all', run: request, plan: request })

  it('has an entry of its own for each, that says what it is a part of; a dry run has dry runs only', async () => {
    const parts: ActingOperation['run'] = async (_args, context) => {
      const found = [await context.request('poke', { subject: 'ezra' }), await context.request('poke', { subject: 'bezalel' })]
      return { status: 'ok', lines: found.flatMap(({ lines }) => lines) }
    }
    opened({ confirm: ['poke'], changes: 1 }, poke.run, [all(parts)])
    expect((await world.ask('all', { subject: 'all' })).lines).toEqual(['done', 'done'])
    expect(world.ledger.audit({ limit: 9 }).map(({ number, partOf }) => [number, partOf])).toEqual([
      [1, undefined],
      [3, 1],
      [3, 1],
      [2, 1],
      [2, 1],
      [1, undefined],
    ])
    const dry = await world.ask('all', { subject: 'all', dryRun: 'yes' }, bob)
    expect(dry.lines.filter((line) => line === 'would be done')).toHaveLength(2)
    expect(world.ledger.audit({ limit: 6 }).every(({ isDryRun }) => isDryRun)).toBe(true)
  })

  it('comes to an end where it asks for itself', async () => {
    let runs = 0
    const circle: ActingOperation['run'] = async (_args, context) => {
      runs++
      return context.request('all', { subject: 'all' })
    }
    opened({}, poke.run, [all(circle)])
    expect(await world.ask('all', { subject: 'all' })).toMatchObject({ status: 'refused', lines: [expect.stringContaining('in a circle')] })
    expect(runs).toBe(3)
  })
})

describe('any sequence of requests of several people', () => {
  const people = [ada, bob, { kind: 'account', id: '8', name: 'eve' }, theWatch] as const
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('poke' as const),
        who: fc.nat(3),
        subject: fc.constantFrom('all', 'ezra', 'bezalel', 'nobody-at-all', ''),
        dry: fc.boolean(),
        fails: fc.constantFrom('', 'throws', 'failed', 'refused'),
      }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('confirm' as const), who: fc.nat(3), right: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 150_000 }) }) },
  )

  it('has every act in the audit before it ran, every outcome after it, and a whole chain', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        let fails = ''
        let ran = 0
        let begunBefore = 0
        opened({ confirm: ['poke all'], changes: 8 }, async (_args, { attempt }) => {
          ran++
          const [last] = world.ledger.audit({ number: attempt.number, limit: 1 })
          if (last?.event === 'begun') begunBefore++
          if (fails === 'throws') throw new Error('broken')
          return fails === '' ? ok : { status: fails as 'failed' | 'refused', lines: ['not done'] }
        })
        try {
          const codes: string[] = []
          let answered = 0
          for (const one of steps) {
            const before = world.ledger.audit({ limit: 1 })[0]?.seq ?? 0
            if (one.kind === 'wait') {
              await world.clock.advance(one.ms)
              continue
            }
            const who = people[one.who] ?? ada
            if (one.kind === 'poke') {
              fails = one.fails
              const outcome = await world.ask('poke', { subject: one.subject, ...(one.dry && { dryRun: 'yes' }) }, who)
              if (outcome.status === 'waiting') codes.push(codeOf(outcome))
              // Only the rest of a flood has no entry of its own.
              const isFlood = outcome.lines[0]?.startsWith('That is too much at once') === true
              const after = world.ledger.audit({ limit: 1 })[0]?.seq ?? 0
              if (!isFlood) expect(after).toBeGreaterThan(before)
              else answered++
            } else await world.ask('confirm', { code: one.right ? (codes.at(-1) ?? 'NONE') : 'WRONG' }, who)
          }
          await world.clock.advance(150_000)
          expect(begunBefore).toBe(ran)
          const entries = world.ledger.audit({ limit: 10_000 }).reverse()
          const lastOf = new Map(entries.map((entry) => [entry.number, entry.event]))
          // Nothing is left open.
          expect([...lastOf.values()].filter((event) => event === 'begun' || event === 'waiting')).toEqual([])
          expect(await world.ledger.verifyAudit()).toMatchObject({ kind: 'whole', entries: entries.length })
          // Every refusal for asking too often is in the audit, by itself or counted.
          const told = entries.filter(({ lines }) => /too much at once|for asking too often/.test(lines[0] ?? ''))
          const counted = told.reduce((sum, { lines }) => sum + Number(/^refused (\d+) more/.exec(lines[0] ?? '')?.[1] ?? 1), 0)
          expect(counted).toBeGreaterThanOrEqual(answered)
        } finally {
          await world.stop()
        }
      }),
      { numRuns: Number(process.env['TOWERWATCH_RUNS'] ?? 100) },
    )
  }, 120_000)
})
