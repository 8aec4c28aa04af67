/** Restarts: progress asked for, the last words of who does not come up, and many at once. */
import { afterEach, describe, expect, it } from 'vitest'
import type { AgentConfig, Config } from '../../src/config/config.ts'
import type { Outcome } from '../../src/operations/operation.ts'
import { HostError } from '../../src/ports/host.ts'
import type { FakeHost } from '../fakes/host.ts'
import { agentConfig } from '../support/fleet.ts'
import { openWorld, theWatch, type World } from './world.ts'

let world: World
let host: FakeHost
afterEach(() => world.stop())

function opened(agents: AgentConfig[], more: Partial<Config> = {}): void {
  world = openWorld(agents, { config: more })
  host = world.host('local')
}

async function ended<T>(asked: Promise<T>): Promise<T> {
  let found: { outcome: T } | undefined
  void asked.then((outcome) => {
    found = { outcome }
  })
  for (let passed = 0; passed <= 200_000; passed += 500) {
    await world.clock.advance(500)
    if (found) return found.outcome
  }
  throw new Error('it did not end')
}
const restarted = (subject = 'timmy', more: Record<string, string> = {}) => ended(world.ask('restart', { agent: subject, ...more }))

describe('a restart of an agent that tells of its progress', () => {
  async function living(beats: Record<string, unknown>): Promise<void> {
    opened([agentConfig('timmy')])
    const pid = host.start('timmy')
    host.beat('timmy', { pid, epoch: 'old', ...beats })
    await world.clock.advance(0)
  }
  /** Its new life beats each two seconds. */
  function beating(beat: (nth: number) => Record<string, unknown>): void {
    host.onStart('timmy', (pid) => {
      for (let nth = 0; nth < 20; nth++)
        world.clock.after(nth * 2_000, () => host.beat('timmy', { pid, epoch: 'new', seq: nth, ...beat(nth) }))
    })
  }

  it('is done when its progress has moved in the new life', async () => {
    await living({ progress: 70 })
    beating((nth) => ({ progress: nth < 3 ? 1 : 2 }))
    const { status, progress, lines } = await restarted()
    expect(status).toBe('ok')
    expect(progress.at(-1)).toBe('verify: it beats again; waiting for its progress, at most 30 s')
    expect(lines[0]).toMatch(/^timmy is back: a beat of its new life came after (6|7|8) s\.$/)
  })

  it('is not done where it beats and gets nowhere', async () => {
    await living({ progress: 70 })
    beating(() => ({ progress: 1 }))
    expect(await restarted()).toMatchObject({
      status: 'failed',
      lines: ['timmy was started, but failed at the step "verify": within 30 s it beat again, but its progress did not move.'],
      data: { agent: 'timmy', failure: { step: 'verify', kind: 'no-progress' } },
    })
  })

  it('is not done where it tells of no progress any more', async () => {
    await living({ progress: 70 })
    beating(() => ({}))
    expect((await restarted()).data).toMatchObject({ failure: { kind: 'no-progress' } })
  })

  it('is done by one beat where it says that it is idle', async () => {
    await living({ progress: 70 })
    beating(() => ({ progress: 1, busy: false }))
    expect((await restarted()).progress.at(-1)).toBe('verify: waiting for a beat of its new life, at most 30 s')
  })

  it('asks for it, too, where only the new life tells of it', async () => {
    await living({})
    beating((nth) => ({ progress: nth }))
    expect((await restarted()).progress.at(-1)).toContain('waiting for its progress')
  })

  it('is judged by the last life that began', async () => {
    await living({ progress: 70 })
    host.onStart('timmy', (pid) => {
      world.clock.after(1_000, () => host.beat('timmy', { pid, epoch: 'new', progress: 5 }))
      // It died and was started by somebody else meanwhile: another number is no progress.
      world.clock.after(3_000, () => host.beat('timmy', { pid, epoch: 'newer', progress: 1 }))
      world.clock.after(9_000, () => host.beat('timmy', { pid, epoch: 'newer', progress: 2 }))
    })
    expect((await restarted()).data).toMatchObject({ epoch: 'newer' })
  })
})

describe('an agent that does not come up', () => {
  const text = [
    ...Array.from({ length: 20 }, (_, index) => `line ${index}`),
    'OPENAI_API_KEY=sk-abcdefghijklmnopqrstuvwxyz',
    '\u001b[31mred\u001b[0m \u202eturned\u0007',
    'x'.repeat(900),
    '',
  ].join('\n')

  async function failing(error?: HostError): Promise<Outcome> {
    opened([agentConfig('timmy')])
    host.start('timmy')
    host.onTail('timmy', () => ({ text, from: 'log', cursor: 'log.1', isCut: false }))
    host.onStart('timmy', () => {})
    await world.clock.advance(0)
    if (error) host.failNextAct(error)
    return restarted()
  }

  it('at its start or after it is told with the last ten lines that it wrote, plain, cut, and without secrets', async () => {
    for (const error of [undefined, new HostError('failed', 'timmy ended at once with status 1: api_key=abcdef123456', 'start')]) {
      const { lines } = await failing(error)
      expect(lines[1]).toBe('The last of what timmy wrote:')
      expect(lines.slice(2)).toHaveLength(10)
      expect(lines[2]).toBe('  line 13')
      expect(lines.slice(-3, -1)).toEqual(['  OPENAI_API_KEY=[secret]', '  red turned'])
      expect(lines.at(-1)).toHaveLength(202)
      expect(lines.join('\n')).not.toContain('abcdef')
      await world.stop()
    }
  })

  it('is told without them where its log cannot be had', async () => {
    opened([agentConfig('timmy')])
    host.onTail('timmy', () => {
      throw new HostError('refused', 'there is no log')
    })
    host.onStart('timmy', () => {})
    await world.clock.advance(0)
    expect((await restarted()).lines).toHaveLength(1)
  })
})

describe('a restart of many', () => {
  const agents = ['ada', 'bob', 'eve'].map((id) => agentConfig(id, { host: id === 'eve' ? 'far' : 'local' }))

  it('restarts each by a restart of its own, tells of each, and counts', async () => {
    opened(agents)
    await world.clock.advance(0)
    const outcome = await restarted('all')
    expect(outcome).toMatchObject({ status: 'ok', lines: ['3 of 3 restarts ended well.'] })
    expect(outcome.progress).toContain('ada: verify: waiting for a beat of its new life, at most 30 s')
    expect(outcome.progress).toContain('eve: ok')
    const records = world.ledger.operations({ limit: 9 }).map(({ operation, arguments: args }) => `${operation} ${args['agent']}`)
    expect(records.sort()).toEqual(['restart ada', 'restart all', 'restart bob', 'restart eve'])
  })

  it('restarts those of one host, and names who did not come back', async () => {
    opened(agents)
    await world.clock.advance(0)
    host.onStart('bob', () => {})
    const outcome = await restarted('host local')
    expect(outcome.status).toBe('failed')
    expect(outcome.lines.slice(0, 2)).toEqual([
      '1 of 2 restarts ended well; not so: bob.',
      'bob was started, but failed at the step "verify": within 30 s no beat of a new life came.',
    ])
    expect(world.host('far').acts).toEqual([])
  })

  it('leaves alone who is paused', async () => {
    opened(agents)
    await world.clock.advance(0)
    await ended(world.ask('pause', { agent: 'bob', reason: 'surgery' }))
    expect((await restarted('all')).lines).toEqual(['2 of 2 restarts ended well.', 'Left alone, because paused: bob.'])
    expect(host.acts.map(({ agent }) => agent)).toEqual(['ada'])
  })

  it('has only so many under way at once, and two who ask for the same one do not do it twice', async () => {
    opened(agents, { remedies: { perMs: 3_600_000, atOnce: 1 } })
    await world.clock.advance(0)
    let underWay = 0
    let most = 0
    for (const { id, host: on } of agents) {
      world.host(on).onStart(id, (pid) => {
        most = Math.max(most, ++underWay)
        world.clock.after(3_000, () => {
          underWay--
          world.host(on).beat(id, { pid, epoch: `life-${pid}` })
        })
      })
    }
    const both = await ended(Promise.all([world.ask('restart', { agent: 'all' }), world.ask('restart', { agent: 'ada' })]))
    expect(both.map(({ status }) => status)).toEqual(['ok', 'ok'])
    expect(most).toBe(1)
    expect(host.acts.filter(({ agent }) => agent === 'ada')).toHaveLength(1)
  })

  it('tells in a dry run what it would do with each', async () => {
    opened(agents)
    await world.clock.advance(0)
    const outcome = await restarted('all', { dryRun: 'yes' })
    expect(outcome.status).toBe('ok')
    expect(outcome.lines.at(-1)).toBe('This was a dry run: nothing was changed.')
    expect(world.ledger.operations({ limit: 9 })).toHaveLength(4)
  })

  it('by the watch starts only the dead', async () => {
    opened(agents)
    for (const id of ['ada', 'bob']) host.start(id)
    await world.clock.advance(0)
    await ended(world.ask('restart', { agent: 'host local' }, theWatch))
    expect(new Set(host.acts.map(({ mode }) => mode))).toEqual(new Set(['only-dead']))
  })
})
