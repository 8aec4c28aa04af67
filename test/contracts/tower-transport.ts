/** What every TowerTransport does, against a Tower that works: run on the fake and on both real ones. */
import { beforeEach, describe, expect, test } from 'vitest'
import { type TowerAccount, TowerConnectError, type TowerConnection, type TowerTransport } from '../../src/ports/tower-transport.ts'
import type { AgentView, TowerMessage, TowerMessageName, TowerMessages, WatchMessage } from '../../src/protocol/messages.ts'
import { recorder } from '../support/recorder.ts'
import { until } from '../support/until.ts'

export interface TransportUnderTest {
  transport: TowerTransport
  account: TowerAccount
  hashes: { protocol: string; operations: string }
  /** The same kind of transport towards a port where nobody listens. */
  nowhere: TowerTransport
  /** The same kind towards somebody who takes the connection and never says a word. */
  silent: TowerTransport
}

/** `get` is called when a test runs, so that the game may be started in a `beforeAll`. */
export function towerTransportContract(name: string, get: () => TransportUnderTest): void {
  describe(`${name} as a Tower transport`, () => {
    let under: TransportUnderTest
    beforeEach(() => {
      under = get()
    })

    test('logs in, and a hello is answered by a welcome with its id', async () => {
      const talk = await open(under)
      const welcome = await talk.welcome('hello-1')
      expect(welcome).toMatchObject({ v: 1, id: 'hello-1' })
      expect(welcome.protocolHash).toBe(under.hashes.protocol)
      expect(welcome.operationsHash).toBe(under.hashes.operations)
      talk.connection.close()
    })

    test('many pings under way at once are all answered, in order, with the boot of the welcome', async () => {
      const talk = await open(under)
      const { boot } = await talk.welcome('hello-2')
      const ids = Array.from({ length: 30 }, (_, index) => `ping-${index}`)
      for (const id of ids) talk.connection.send({ name: 'tower_ping', data: { v: 1, id } })
      await until(() => talk.all('tower_pong').length >= ids.length, { withinMs: 10_000, what: 'all pongs' })
      expect(talk.all('tower_pong').map((pong) => pong.id)).toEqual(ids)
      expect(new Set(talk.all('tower_pong').map((pong) => pong.boot))).toEqual(new Set([boot]))
      expect(talk.malformed).toEqual([])
      talk.connection.close()
    })

    test('a fleet of a thousand agents in two parts arrives whole, whatever script their names are in', async () => {
      const talk = await open(under)
      const { boot } = await talk.welcome('hello-3')
      for (const part of [1, 2]) {
        talk.connection.send({
          name: 'tower_snapshot',
          data: {
            v: 1,
            id: `snap.${part}`,
            boot,
            snapshot: 'snap',
            part,
            parts: 2,
            hosts: part === 1 ? [someHost] : [],
            agents: someAgents(500, part),
          },
        })
      }
      expect(await talk.ack('snap.1')).toMatchObject({ ok: true })
      expect(await talk.ack('snap.2')).toMatchObject({ ok: true })
      talk.connection.send(emptyFleet(boot, 'snap.3'))
      expect(await talk.ack('snap.3')).toMatchObject({ ok: true })
      talk.connection.close()
    })

    test('an alert is acknowledged, and acknowledged again when it is sent again', async () => {
      const talk = await open(under)
      const { boot } = await talk.welcome('hello-4')
      talk.connection.send(emptyFleet(boot, 'snap.4'))
      const alert = {
        name: 'tower_alert',
        data: {
          v: 1,
          id: `alert-${name.replaceAll(' ', '-')}`,
          kind: 'notice',
          subjects: [],
          incidents: [],
          at: 1_795_400_000_000,
          text: 'ÿ 🗼 |r{x} "quoted" \\ and a line\nof its own',
        },
      } satisfies WatchMessage
      talk.connection.send(alert)
      expect(await talk.ack(alert.data.id)).toMatchObject({ ok: true })
      talk.received.length = 0
      talk.connection.send(alert)
      expect(await talk.ack(alert.data.id)).toMatchObject({ ok: true })
      talk.connection.close()
    })

    test('the largest frames that may be are taken: a thousand agents, each with as much to say as it may', async () => {
      const talk = await open(under)
      const { boot } = await talk.welcome('hello-largest')
      const data = { v: 1 as const, boot, hosts: [someHost], agents: Array.from({ length: 1_000 }, (_, index) => wordyAgent(index)) }
      talk.connection.send({ name: 'tower_snapshot', data: { ...data, id: 'snap.large', snapshot: 'large', part: 1, parts: 1 } })
      expect(await talk.ack('snap.large')).toMatchObject({ ok: true })
      talk.connection.send({ name: 'tower_state', data: { ...data, seq: 0 } })
      talk.connection.send({ name: 'tower_ping', data: { v: 1, id: 'after-large' } })
      await until(() => talk.all('tower_pong').length === 1, { withinMs: 20_000, what: 'the pong behind it' })
      expect(talk.all('tower_error')).toEqual([])
      talk.connection.send(emptyFleet(boot, 'snap.after'))
      expect(await talk.ack('snap.after')).toMatchObject({ ok: true })
      talk.connection.close()
    })

    test('what is sent in one go is answered in its order, whatever it is', async () => {
      const talk = await open(under)
      const { boot } = await talk.welcome('hello-order')
      const ping = (id: string): WatchMessage => ({ name: 'tower_ping', data: { v: 1, id } })
      const wrong: WatchMessage = { name: 'tower_state', data: { v: 1, boot: 'of-yesterday', seq: 0, hosts: [], agents: [] } }
      talk.received.length = 0
      for (const message of [ping('1'), emptyFleet(boot, 'snap.order'), ping('2'), wrong, ping('3')]) talk.connection.send(message)
      await until(() => talk.all('tower_pong').length === 3, { withinMs: 10_000, what: 'the last answer' })
      expect(talk.received.map(({ name, data }) => ('id' in data ? `${name} ${data.id}` : name))).toEqual([
        'tower_pong 1',
        'tower_ack snap.order',
        'tower_pong 2',
        'tower_error',
        'tower_pong 3',
      ])
      talk.connection.close()
    })

    test('after a clean close the same account may come again at once', async () => {
      for (const id of ['hello-first', 'hello-second', 'hello-third']) {
        const talk = await open(under)
        await talk.welcome(id)
        talk.connection.close()
        expect(talk.closed).toEqual(['closed by us'])
      }
    })

    test('a state for another boot is answered by an error that says so', async () => {
      const talk = await open(under)
      await talk.welcome('hello-5')
      talk.connection.send({ name: 'tower_state', data: { v: 1, boot: 'of-yesterday', seq: 0, hosts: [], agents: [] } })
      const error = await until(() => talk.all('tower_error')[0], { withinMs: 10_000, what: 'an error' })
      expect(error.code).toBe('wrong-boot')
      talk.connection.close()
    })

    test('a wrong password is refused, with nothing of it in the error and nothing said to the listener', async () => {
      const { listener, received, malformed, closed } = recorder()
      const attempt = under.transport.connect({ ...under.account, password: 'not-the-pass-word' }, listener, bounds())
      const error = await rejection(attempt)
      expect(error.kind).toBe('refused')
      expect(error.message).not.toContain('not-the-pass-word')
      expect({ received, malformed, closed }).toEqual({ received: [], malformed: [], closed: [] })
    })

    test('where nobody listens it is unreachable', async () => {
      const error = await rejection(under.nowhere.connect(under.account, recorder().listener, bounds()))
      expect(error.kind).toBe('unreachable')
      expect(error.message).not.toContain(under.account.password)
    })

    test('where nobody answers it is a timeout, after the time that was given', async () => {
      const error = await rejection(under.silent.connect(under.account, recorder().listener, { ...bounds(), timeoutMs: 300 }))
      expect(error.kind).toBe('timeout')
    })

    test('an attempt can be called off, before it begins and while it goes on', async () => {
      const before = new AbortController()
      before.abort()
      expect((await rejection(under.transport.connect(under.account, recorder().listener, bounds(before.signal)))).kind).toBe('aborted')
      const during = new AbortController()
      const attempt = rejection(under.silent.connect(under.account, recorder().listener, bounds(during.signal)))
      during.abort()
      expect((await attempt).kind).toBe('aborted')
    })

    test('closing says so once, twice is safe, and what is sent afterwards goes nowhere', async () => {
      const talk = await open(under)
      await talk.welcome('hello-6')
      talk.connection.close()
      talk.connection.close()
      talk.connection.send({ name: 'tower_ping', data: { v: 1, id: 'too-late' } })
      expect(talk.closed).toEqual(['closed by us'])
      expect(talk.connection.bufferedBytes).toBe(0)
    })
  })
}

/** Logged in, with everything that was heard since. */
export async function open(under: Pick<TransportUnderTest, 'transport' | 'account' | 'hashes'>) {
  const { listener, ...heard } = recorder()
  const connection: TowerConnection = await under.transport.connect(under.account, listener, bounds())
  const all = <Name extends TowerMessageName>(name: Name): TowerMessages[Name][] => {
    const found: TowerMessages[Name][] = []
    for (const message of heard.received) if (isNamed(message, name)) found.push(message.data)
    return found
  }
  return {
    connection,
    ...heard,
    all,
    welcome: (id: string) => {
      const { hashes } = under
      connection.send({
        name: 'tower_hello',
        data: { v: 1, id, watch: '0.1.0', fleet: 'contract', protocolHash: hashes.protocol, operationsHash: hashes.operations },
      })
      return until(() => all('tower_welcome').find((welcome) => welcome.id === id), { withinMs: 10_000, what: 'the welcome' })
    },
    ack: (id: string) => until(() => all('tower_ack').find((ack) => ack.id === id), { withinMs: 10_000, what: `the ack of ${id}` }),
  }
}

function isNamed<Name extends TowerMessageName>(
  message: TowerMessage,
  name: Name,
): message is TowerMessage & { name: Name; data: TowerMessages[Name] } {
  return message.name === name
}

const bounds = (signal = new AbortController().signal) => ({ timeoutMs: 20_000, signal })

async function rejection(attempt: Promise<TowerConnection>): Promise<TowerConnectError> {
  try {
    await attempt
  } catch (error) {
    if (error instanceof TowerConnectError) return error
    throw error
  }
  throw new Error('The connection was made, but should have failed.')
}

const someHost = { id: 'bezalel', name: 'בצלאל 🗼 ÿ', state: 'up', forMs: 0 } as const
const emptyFleet = (boot: string, id: string): WatchMessage => ({
  name: 'tower_snapshot',
  data: { v: 1, id, boot, snapshot: id, part: 1, parts: 1, hosts: [], agents: [] },
})

/** As long as the schema lets it be, in characters of four bytes. */
function wordyAgent(index: number): AgentView {
  const words = (length: number) => '🗼'.repeat(length / 2)
  return {
    id: `agent-${index}`,
    name: words(60),
    host: 'bezalel',
    state: 'down',
    forMs: index,
    cause: words(60),
    periodMs: 2_000,
    graceMs: 4_000,
    doing: words(200),
    model: words(100),
    place: words(120),
    policy: 'off',
    maintenance: words(200),
    incident: { number: index + 1, cause: words(60), openedAt: 1_795_400_000_000, acknowledgedBy: words(80) },
  }
}

function someAgents(count: number, part: number): AgentView[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `agent-${part}-${index}`,
    name: `山田 ${index} 🗼 ÿ`,
    host: 'bezalel',
    state: 'up',
    forMs: index,
    periodMs: 2_000,
    graceMs: 4_000,
    doing: 'quotes " backslash \\ newline \n tab \t nul \u0000 bar | brace {',
    place: 'pane fleet:bezalel',
    policy: 'off',
  }))
}
