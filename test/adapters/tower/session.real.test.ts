/** The session against a real game that is reloaded, killed and stopped under it, over both transports. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startTowerSession } from '../../../src/adapters/tower/session.ts'
import { telnetTransport } from '../../../src/adapters/tower/telnet.ts'
import { websocketTransport } from '../../../src/adapters/tower/websocket.ts'
import type { Clock } from '../../../src/ports/clock.ts'
import type { Log } from '../../../src/ports/log.ts'
import type { Alert, Result, Tower, TowerRequest } from '../../../src/ports/tower.ts'
import type { TowerTransport } from '../../../src/ports/tower-transport.ts'
import type { AgentView } from '../../../src/protocol/messages.ts'
import { virtualClock } from '../../fakes/virtual-clock.ts'
import { startEvennia, type TestGame } from '../../support/evennia.ts'
import { type Player, playerAt } from '../../support/player.ts'
import { realClock } from '../../support/real-clock.ts'
import { until } from '../../support/until.ts'
import { idleHandlers } from './idle-handlers.ts'

let game: TestGame
const toStop: (() => void | Promise<void>)[] = []

beforeAll(async () => {
  game = await startEvennia()
})
afterEach(async () => {
  for (const stop of toStop.splice(0).reverse()) await stop()
})
afterAll(async () => {
  await game?.stop()
})

const transports: [string, () => TowerTransport][] = [
  ['websocket', () => websocketTransport({ url: game.websocketUrl })],
  ['telnet', () => telnetTransport({ host: '127.0.0.1', port: game.ports.telnet })],
]

const agent = (state: AgentView['state']): AgentView => ({
  id: 'bezalel',
  name: 'Bezalel',
  host: 'bezalel',
  state,
  forMs: 0,
  beatAgeMs: 500,
  periodMs: 2_000,
  graceMs: 4_000,
  place: 'pane fleet:bezalel',
  policy: 'off',
})

interface Stage {
  session: Tower
  outbox: Map<string, Alert>
  requests: { request: TowerRequest; answer: (result: Result) => void }[]
  lines: string[]
  tell(id: string, text: string, kind?: Alert['kind']): void
  set(state: AgentView['state']): void
}

function stage(transport: TowerTransport, log?: Log, clock: Clock = realClock): Stage {
  const outbox = new Map<string, Alert>()
  const requests: Stage['requests'] = []
  const lines: string[] = []
  let bezalel = agent('up')
  const note = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`)
  const session = startTowerSession({
    transport,
    account: { name: game.accounts.bridge.account, password: game.accounts.bridge.password },
    handlers: {
      fleet: () => ({ hosts: [{ id: 'bezalel', name: 'Bezalel', state: 'up', forMs: 0 }], agents: [bezalel] }),
      history: () => Promise.withResolvers<never>().promise,
      unacknowledged: (limit) => [...outbox.values()].slice(0, limit),
      acknowledged: (id) => void outbox.delete(id),
      request: (request, answer) => void requests.push({ request, answer }),
      refused: () => {},
    },
    clock,
    random: Math.random,
    fleet: 'test',
    version: '0.1.0',
    hashes: game.hashes,
    log: log ?? { debug: note, info: note, warn: note, error: note },
  })
  toStop.push(() => session.stop())
  return {
    session,
    outbox,
    requests,
    lines,
    tell: (id, text, kind = 'problem') => {
      outbox.set(id, { id, kind, subjects: [{ kind: 'agent', id: 'bezalel', host: 'bezalel' }], incidents: [], at: Date.now(), text })
      session.alertsWaiting()
    },
    set: (state) => {
      bezalel = agent(state)
      session.changed({ agents: ['bezalel'], hosts: [] })
    },
  }
}

const connected = ({ session, lines }: Stage) =>
  until(() => session.link().state.kind === 'connected', { withinMs: 40_000, what: `a connection; the log:\n${lines.join('\n')}` })
const delivered = ({ outbox, lines }: Stage) =>
  until(() => outbox.size === 0, { withinMs: 40_000, what: `all alerts to be acknowledged; the log:\n${lines.join('\n')}` })

async function listener(): Promise<Player> {
  const player = await playerAt(game.ports.telnet, game.accounts.player)
  toStop.push(() => player.close())
  return player
}

describe.each(transports)('over %s', (name, transport) => {
  test('shows the fleet, is heard, is asked and answers', async () => {
    const watch = stage(transport())
    await connected(watch)
    const player = await listener()
    watch.set('down')
    watch.tell(`first-${name}`, `bezalel is down over ${name}`)
    await player.hears(`bezalel is down over ${name}`)
    player.send('fleet')
    await player.hears(/bezalel.*down/i)
    player.send('restart bezalel')
    const { request, answer } = await until(() => watch.requests[0], { withinMs: 10_000, what: 'the request' })
    expect(request).toMatchObject({ operation: 'restart', arguments: { agent: 'agent:bezalel' }, actor: { kind: 'account' } })
    const { id, operation, actor } = request
    answer({ id, operation, actor, status: 'running', lines: [`stopping over ${name}`] })
    await player.hears(`stopping over ${name}`)
    answer({ id, operation, actor, status: 'ok', lines: [`back over ${name}`] })
    await player.hears(`back over ${name}`)
    await delivered(watch)
  })

  test('an alert in the middle of a reload arrives afterwards, once, over the same connection', async () => {
    const watch = stage(transport())
    await connected(watch)
    const player = await listener()
    await game.reload(() => {
      watch.set('down')
      watch.tell(`reload-${name}`, `bezalel died in a reload over ${name}`)
    })
    await player.hears(`bezalel died in a reload over ${name}`, 30_000)
    await delivered(watch)
    watch.tell(`after-${name}`, `bezalel died after the reload over ${name}`)
    await player.hears(`bezalel died after the reload over ${name}`)
    player.send('fleet')
    await player.hears(/bezalel.*down/i)
    // In the room and on the channel: as often as one that met no reload, and by now all has come.
    expect(player.count(`died in a reload over ${name}`)).toBe(player.count(`died after the reload over ${name}`))
    expect(watch.lines.filter((line) => line.startsWith('Logged in')).length).toBe(1)
  })

  test('survives a server that is killed and started again', async () => {
    const watch = stage(transport())
    await connected(watch)
    await game.killServer()
    watch.tell(`killed-${name}`, `bezalel died while nobody was there (${name})`)
    await game.startServer()
    await delivered(watch)
    await connected(watch)
  })

  test('comes back by itself after the whole game was stopped', async () => {
    const watch = stage(transport())
    await connected(watch)
    await game.stopGame()
    await until(() => watch.session.link().state.kind === 'down', { withinMs: 30_000, what: 'the loss to be noticed' })
    watch.tell(`stopped-${name}`, `bezalel died while the Tower was closed (${name})`)
    await game.startGame()
    await delivered(watch)
    await connected(watch)
    expect(watch.lines.join('\n')).not.toContain(game.accounts.bridge.password)
  })

  test('of two watches the newer is heard, both are told, and the older one does not throw it out', async () => {
    const clock = virtualClock()
    const older = stage(transport(), undefined, clock)
    // Its clock stands still but for this.
    const ticking = (what: string, condition: () => boolean) =>
      until(
        async () => {
          await clock.advance(10)
          return condition()
        },
        { withinMs: 40_000, what: () => `${what}; the log:\n${older.lines.join('\n')}` },
      )
    await ticking('a connection', () => older.session.link().state.kind === 'connected')
    const newer = stage(transport())
    await connected(newer)
    await until(() => older.session.link().state.kind === 'down', { withinMs: 20_000, what: 'the older one to be told' })
    expect(older.session.link().state).toMatchObject({ reason: expect.stringMatching(/elsewhere/) })
    expect(newer.lines.join('\n')).toMatch(/took the place of another that was connected still/)
    const player = await listener()
    player.send('towerwatch')
    await player.hears(/took the place of another/)

    // Back after its two minutes and more, it is told why not.
    const { state } = older.session.link()
    await clock.advance(state.kind === 'down' ? state.retryInMs : 0)
    await ticking('the refusal', () => older.lines.some((line) => line.includes('another watch is connected to this game')))
    expect(older.session.link().state.kind).toBe('down')
    expect(newer.session.link().state.kind).toBe('connected')
    player.send('towerwatch')
    await player.hears(/wanted its place and was refused/)
  })

  test('a wrong password is refused by the game, and no second try follows within two minutes', async () => {
    const clock = virtualClock()
    const real = transport()
    let tries = 0
    const session = startTowerSession({
      transport: {
        kind: real.kind,
        connect: (account, listener_, bounds) => {
          tries += 1
          return real.connect(account, listener_, bounds)
        },
      },
      account: { name: game.accounts.bridge.account, password: 'not-the-pass-word' },
      handlers: idleHandlers,
      clock,
      random: () => 0,
      fleet: 'test',
      version: '0.1.0',
      hashes: game.hashes,
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    })
    toStop.push(() => session.stop())
    await clock.advance(0)
    await until(() => session.link().state.kind === 'down', { withinMs: 20_000, what: 'the refusal' })
    expect(session.link().state).toMatchObject({ reason: expect.stringMatching(/refused/), retryInMs: 120_000 })
    await clock.advance(119_999)
    expect(tries).toBe(1)
  })

  test('a plugin with other operations: one sentence on both sides, and no fleet is shown', async () => {
    const sentence: object[] = []
    const session = startTowerSession({
      transport: transport(),
      account: { name: game.accounts.bridge.account, password: game.accounts.bridge.password },
      handlers: { ...idleHandlers, fleet: () => ({ hosts: [], agents: [agent('up')] }) },
      clock: realClock,
      random: Math.random,
      fleet: 'test',
      version: '9.9.9',
      hashes: { ...game.hashes, operations: 'f'.repeat(64) },
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: (fields) => void sentence.push(fields) },
    })
    toStop.push(() => session.stop())
    const state = await until(
      () => {
        const link = session.link().state
        return link.kind === 'mismatch' ? link : undefined
      },
      { withinMs: 20_000, what: 'the mismatch' },
    )
    expect(state.sentence).toMatch(/9\.9\.9.*operations/)
    expect(sentence).toEqual([{ sentence: state.sentence }])
    const player = await listener()
    player.send('fleet')
    await player.hears(/9\.9\.9/)
  })
})
