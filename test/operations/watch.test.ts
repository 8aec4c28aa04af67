import { afterEach, expect, it } from 'vitest'
import type { Actor } from '../../src/domain/operation.ts'
import type { Outcome } from '../../src/operations/operation.ts'
import { HostError, type Tail } from '../../src/ports/host.ts'
import { agentConfig } from '../support/fleet.ts'
import { ada, openWorld, type World } from './world.ts'

let world: World
/** What stands in the pane of each. */
let screen: string[]
afterEach(() => world.stop())

const socket = '/tmp/tmux-1000/default'
const ids = ['timmy', 'ezra', 'allegro', 'gemini', 'scribe']
const ben: Actor = { kind: 'account', id: '7', name: 'ben' }

async function opened(): Promise<void> {
  screen = []
  world = openWorld(ids.map((id) => agentConfig(id, { body: { kind: 'pane', socket, target: `wizards:${id}` } })))
  const shown = (): Tail => ({ text: screen.join('\n'), from: 'pane', cursor: 'pane.1', isCut: false })
  for (const id of ids) world.host('local').onTail(id, shown)
  await world.clock.advance(0)
}

/** Watches, and tells meanwhile what was said. */
function watching(agent: string, actor = ada, away?: AbortSignal) {
  const said: string[] = []
  const request = { operation: 'watch', arguments: { agent }, actor, via: 'shell' as const, ...(away && { away }) }
  let outcome: Outcome | undefined
  const done = world.desk
    .request(request, (line) => void said.push(line))
    .then((found) => {
      outcome = found
      return found
    })
  return { said, done, outcome: () => outcome }
}

it('shows the last ten lines, then what is new, until it is stopped', async () => {
  await opened()
  screen = Array.from({ length: 24 }, (_, index) => `line ${index}`)
  const { said, done } = watching('timmy')
  await world.clock.advance(0)
  expect(said[0]).toBe('You watch timmy (its pane) for 10 min. To end it, type: watch stop')
  expect(said.slice(1)).toEqual(screen.slice(-10).map((line) => `timmy: ${line}`))
  said.length = 0
  screen = [...screen.slice(2), 'one more', '', 'and another']
  await world.clock.advance(1_000)
  await world.clock.advance(5_000)
  expect(said).toEqual(['timmy: one more', 'timmy: and another'])
  expect(await world.ask('watch', { what: 'stop' })).toMatchObject({ status: 'ok', lines: ['You watch timmy no more.'] })
  expect(await done).toEqual({ status: 'ok', lines: [] })
  expect(await world.ask('watch', { what: 'stop' })).toMatchObject({ status: 'refused', lines: ['You watch nobody.'] })
})

it('shows at most ten lines at a time, and how many it leaves out', async () => {
  await opened()
  const { said } = watching('timmy')
  await world.clock.advance(0)
  said.length = 0
  screen = Array.from({ length: 46 }, (_, index) => `line ${index}`)
  await world.clock.advance(1_000)
  expect(said).toEqual(['timmy: … 37 lines left out', ...screen.slice(-9).map((line) => `timmy: ${line}`)])
})

it('makes each line plain, and no longer than two hundred columns', async () => {
  await opened()
  screen = ['\u001b[31mred\u001b[0m\u0007 |r{{red', 'x'.repeat(500)]
  const { said } = watching('timmy')
  await world.clock.advance(0)
  expect(said.slice(1)).toEqual(['timmy: red  |r{{red', `timmy: ${'x'.repeat(199)}…`])
})

it('shows no secrets, neither those that would be cut in two nor those that come in pieces', async () => {
  await opened()
  screen = [`${'x'.repeat(190)} token=abcdefgh12345678`, 'Authorization: Bearer abcdefgh12345678']
  const { said } = watching('timmy')
  const pieces = ['-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\n', 'hkiG9w0BAQEFAASC\n', '-----END PRIVATE KEY-----\nall is well\n']
  world.host('local').onTail('ezra', () => ({ text: pieces.shift() ?? '', from: 'log', cursor: 'log.1.1', isCut: false }))
  const other = watching('ezra')
  await world.clock.advance(0)
  for (let second = 0; second < 3; second++) await world.clock.advance(1_000)
  const all = [...said, ...other.said].join('\n')
  for (const secret of ['abcd', 'MIIE', 'hkiG']) expect(all).not.toContain(secret)
  expect(other.said.at(-1)).toBe('ezra: all is well')
})

it('goes on in a log from where it was, and says where something is left out', async () => {
  await opened()
  const cursors: (string | undefined)[] = []
  const pieces: Tail[] = [
    { text: 'a\nb\n', from: 'log', cursor: 'log.1.4', isCut: false },
    { text: '', from: 'log', cursor: 'log.1.4', isCut: false },
    { text: 'b\nb\n', from: 'log', cursor: 'log.1.8', isCut: false },
    { text: 'z\n', from: 'log', cursor: 'log.2.2', isCut: true },
  ]
  world.host('local').onTail('timmy', (cursor) => {
    cursors.push(cursor)
    return pieces.shift() ?? { text: '', from: 'log', cursor: 'log.2.2', isCut: false }
  })
  const { said } = watching('timmy')
  await world.clock.advance(0)
  for (let second = 0; second < 3; second++) await world.clock.advance(1_000)
  expect(cursors.slice(0, 4)).toEqual([undefined, 'log.1.4', 'log.1.4', 'log.1.8'])
  expect(said.slice(1)).toEqual(['timmy: a', 'timmy: b', 'timmy: b', 'timmy: b', 'timmy: … something is left out', 'timmy: z'])
})

it('ends after ten minutes, before the Tower gives up waiting', async () => {
  await opened()
  const { done } = watching('timmy')
  await world.clock.advance(601_000)
  expect(await done).toMatchObject({ status: 'ok', lines: ['That were 10 min of timmy. To go on, type: watch timmy'] })
})

it('ends when the host is lost', async () => {
  await opened()
  const { done } = watching('timmy')
  await world.clock.advance(0)
  world.host('local').refuse('unreachable')
  world.host('local').cut()
  await world.clock.advance(3_000)
  expect(await done).toMatchObject({ status: 'failed', lines: [expect.stringContaining('timmy is watched no more')] })
})

it('says so once where there is nothing to see for a while, and goes on when there is', async () => {
  await opened()
  screen = ['before']
  const { said } = watching('timmy')
  await world.clock.advance(0)
  world.host('local').onTail('timmy', () => {
    throw new HostError('refused', 'there is no pane wizards:timmy')
  })
  await world.clock.advance(3_000)
  world.host('local').onTail('timmy', () => ({ text: 'before\nafter', from: 'pane', cursor: 'pane.2', isCut: false }))
  await world.clock.advance(1_000)
  expect(said.slice(1)).toEqual(['timmy: before', 'timmy: (there is no pane wizards:timmy)', 'timmy: after'])
})

it('is refused where there is nothing to see from the start', async () => {
  await opened()
  world.host('local').onTail('timmy', () => {
    throw new HostError('refused', 'what timmy writes is not known')
  })
  const { done } = watching('timmy')
  await world.clock.advance(0)
  expect(await done).toMatchObject({ status: 'refused', lines: ["timmy can't be watched: what timmy writes is not known."] })
})

it('ends when the one who asked went away, or the watch stops', async () => {
  await opened()
  const away = new AbortController()
  const [one, other] = [watching('timmy', ada, away.signal), watching('ezra')]
  await world.clock.advance(0)
  away.abort()
  expect(await one.done).toEqual({ status: 'ok', lines: [] })
  expect(other.outcome()).toBeUndefined()
  world.stopping.abort()
  expect(await other.done).toMatchObject({ status: 'failed' })
})

it('lets a person watch three at once, and stops one of them or all, never those of others', async () => {
  await opened()
  const mine = ['timmy', 'ezra', 'allegro'].map((agent) => watching(agent))
  const others = watching('timmy', ben)
  await world.clock.advance(0)
  expect((await world.ask('watch', { agent: 'gemini' })).lines[0]).toContain('You watch 3 already (timmy, ezra, allegro).')
  expect((await world.ask('watch', { agent: 'timmy' })).lines[0]).toContain('You watch timmy already.')
  expect((await world.ask('watch')).lines[0]).toContain('You watch timmy, ezra, allegro.')
  expect((await world.ask('watch', { agent: 'ezra', what: 'stop' })).lines).toEqual(['You watch ezra no more.'])
  expect((await world.ask('watch', { what: 'stop' })).lines).toEqual(['You watch timmy, allegro no more.'])
  await Promise.all(mine.map(({ done }) => done))
  await world.clock.advance(2_000)
  expect(others.outcome()).toBeUndefined()
})

it('lets ten be watched by everybody together', async () => {
  await opened()
  for (let person = 0; person < 5; person++) {
    const actor: Actor = { kind: 'account', id: String(person), name: `p${person}` }
    for (const agent of ['timmy', 'ezra']) watching(agent, actor)
  }
  await world.clock.advance(0)
  expect((await world.ask('watch', { agent: 'timmy' })).lines[0]).toContain('10 are being watched already')
})

it('says what to type where nobody is named', async () => {
  await opened()
  expect(await world.ask('watch')).toMatchObject({ status: 'refused', lines: ['Watch whom? For example: watch bezalel'] })
})
