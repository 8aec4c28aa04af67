/** The session towards Towers that misbehave for hours: it comes back soon once they are well, and neither hammers nor chatters meanwhile. */
import { describe, expect, test } from 'vitest'
import { startTowerSession } from '../../../src/adapters/tower/session.ts'
import type { Log } from '../../../src/ports/log.ts'
import type { Alert } from '../../../src/ports/tower.ts'
import { TowerConnectError, type TowerConnection, type TowerListener, type TowerTransport } from '../../../src/ports/tower-transport.ts'
import type { TowerMessage, WatchMessage } from '../../../src/protocol/messages.ts'
import { fakeTower } from '../../fakes/tower.ts'
import { virtualClock } from '../../fakes/virtual-clock.ts'

const account = { name: 'towerwatch', password: 'right-words' }
const hashes = { protocol: 'a'.repeat(64), operations: 'b'.repeat(64) }
const HOUR_MS = 3_600_000

/** Where a Tower is bad, it stands behind a transport whose connections are given to `behave`. */
function stage(behave?: (listener: TowerListener) => TowerConnection | TowerConnectError) {
  const clock = virtualClock()
  const tower = fakeTower({ clock, account, hashes })
  const attempts: number[] = []
  const bad: TowerListener[] = []
  let isBad = behave !== undefined
  const transport: TowerTransport = {
    kind: 'telnet',
    connect: async (who, listener, bounds) => {
      attempts.push(clock.now())
      if (!isBad || behave === undefined) return tower.transport.connect(who, listener, bounds)
      const outcome = behave(listener)
      if (outcome instanceof Error) throw outcome
      bad.push(listener)
      return outcome
    },
  }
  const lines: string[] = []
  const record = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`)
  const log: Log = { debug: record, info: record, warn: record, error: record }
  const outbox = new Map<string, Alert>()
  let seed = 7
  const session = startTowerSession({
    transport,
    account,
    handlers: {
      fleet: () => ({ hosts: [], agents: [] }),
      history: () => Promise.resolve([]),
      unacknowledged: (limit) => [...outbox.values()].slice(0, limit),
      acknowledged: (id) => void outbox.delete(id),
      request: () => {},
      refused: () => {},
    },
    clock,
    random: () => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
      return seed / 2 ** 31
    },
    fleet: 'demo',
    version: '0.1.0',
    hashes,
    log,
  })
  const tell = (id: string) => {
    outbox.set(id, { id, kind: 'problem', subjects: [], incidents: [], at: 1, text: id })
    session.alertsWaiting()
  }
  const mend = () => {
    isBad = false
    for (const listener of bad.splice(0)) listener.closed('the game was mended')
  }
  return { clock, tower, session, attempts, lines, outbox, tell, mend }
}

const taking = (send: (message: WatchMessage) => void = () => {}): TowerConnection => ({ send, bufferedBytes: 0, close: () => {} })

describe.each<[string, (listener: TowerListener) => TowerConnection | TowerConnectError]>([
  [
    'closes each connection at once',
    (listener) => {
      queueMicrotask(() => listener.closed('closed by the game (1000)'))
      return taking()
    },
  ],
  ['lets nobody in', () => new TowerConnectError('unreachable', 'connect ECONNREFUSED 127.0.0.1:4002')],
  ['lets us in and never answers', () => taking()],
  [
    'answers everything with garbage',
    (listener) =>
      taking(() => {
        for (let count = 0; count < 50; count++) listener.malformed(`frame ${count} is not JSON`)
      }),
  ],
  [
    'says in ever new words that it is of another version',
    (listener) => {
      let count = 0
      return taking(({ name }) => {
        if (name !== 'tower_ping') return
        for (let time = 0; time < 50; time++)
          listener.message({ name: 'tower_error', data: { v: 1, code: 'version', text: `version ${count++}` } })
      })
    },
  ],
  [
    'claims with each pong to have restarted',
    (listener) => {
      let boot = 0
      return taking((message) => {
        const answer = answerOf(message, `b-${boot++}`)
        if (answer) queueMicrotask(() => listener.message(answer))
      })
    },
  ],
  [
    'refuses everything but the hello',
    (listener) =>
      taking((message) => {
        const answer = answerOf(message, 'b')
        if (answer) queueMicrotask(() => listener.message(answer))
        else if ('id' in message.data) {
          const { id } = message.data
          queueMicrotask(() => listener.message({ name: 'tower_ack', data: { v: 1, id, ok: false, error: 'no' } }))
        }
      }),
  ],
])('a Tower that %s for an hour', (_what, behave) => {
  test('is tried at most every few seconds, fills no log, and is in use soon after it is mended', async () => {
    const { clock, tower, session, attempts, lines, outbox, tell, mend } = stage(behave)
    for (let minute = 0; minute < 60; minute++) {
      tell(`a-${minute}`)
      await clock.advance(60_000)
    }
    // With full jitter under a cap of ten seconds: five on average, after the first few.
    expect(attempts.length).toBeLessThan(900)
    for (const from of attempts) expect(attempts.filter((at) => at >= from && at < from + 1_000).length).toBeLessThanOrEqual(6)
    // Twenty of one sentence in ten minutes.
    expect(lines.length).toBeLessThan(1_000)
    expect(lines.join('\n')).not.toContain(account.password)
    mend()
    await clock.advance(180_000)
    expect(session.link().state.kind).toBe('connected')
    // Those that a Tower refuses again and again are tried once a minute.
    expect([...outbox.keys()]).toEqual([])
    expect(tower.said.length).toBe(60)
  })
})

test('a connection on which nobody ever answered was no good one: the waits between such grow as between others', async () => {
  const { clock, attempts } = stage(() => taking())
  await clock.advance(HOUR_MS)
  const waits = attempts.slice(1).map((at, index) => at - (attempts[index] ?? 0) - 15_000)
  expect(Math.max(...waits)).toBeGreaterThan(5_000)
})

function answerOf(message: WatchMessage, boot: string): TowerMessage | undefined {
  if (message.name === 'tower_ping') return { name: 'tower_pong', data: { v: 1, id: message.data.id, boot } }
  if (message.name !== 'tower_hello') return undefined
  const { id, protocolHash, operationsHash } = message.data
  return { name: 'tower_welcome', data: { v: 1, id, boot, plugin: '0.1.0', game: 'Bad Tower', protocolHash, operationsHash } }
}

describe('the clock', () => {
  test('jumps by a night, as when the machine slept: it connects anew, and says what waits', async () => {
    const { clock, tower, session, tell } = stage()
    await clock.advance(60_000)
    expect(session.link().state.kind).toBe('connected')
    clock.sleep(9 * HOUR_MS)
    clock.wake()
    clock.stall(9 * HOUR_MS)
    tell('morning')
    await clock.advance(30_000)
    expect(session.link().state.kind).toBe('connected')
    expect(tower.said).toEqual(['morning'])
  })

  test('on the wall is nothing that the session goes by', async () => {
    const { clock, tower, session, attempts, tell } = stage()
    await clock.advance(60_000)
    for (const step of [-400 * 86_400_000, 800 * 86_400_000]) {
      clock.stepWall(step)
      await clock.advance(60_000)
    }
    tell('as-before')
    await clock.advance(10)
    expect(tower.said).toEqual(['as-before'])
    expect(attempts.length).toBe(1)
    expect(session.link().state.kind).toBe('connected')
  })

  test('loses a minute to a stall: one look for what came meanwhile, no storm of frames', async () => {
    const { clock, tower, session } = stage()
    await clock.advance(60_000)
    const before = tower.arrived.length
    clock.stall(60_000)
    await clock.advance(2_000)
    expect(tower.arrived.length - before).toBeLessThanOrEqual(41)
    await clock.advance(20_000)
    expect(session.link().state.kind).toBe('connected')
  })
})
