import { describe, expect, test } from 'vitest'
import { type SessionOptions, startTowerSession } from '../../../src/adapters/tower/session.ts'
import type { Log } from '../../../src/ports/log.ts'
import type { Alert, Result, TowerRefusal, TowerRequest } from '../../../src/ports/tower.ts'
import type { AgentView, HostView, WatchMessage } from '../../../src/protocol/messages.ts'
import { fakeTower } from '../../fakes/tower.ts'
import { virtualClock } from '../../fakes/virtual-clock.ts'
import { idleHandlers } from './idle-handlers.ts'

const account = { name: 'towerwatch', password: 'right-words' }
const hashes = { protocol: 'a'.repeat(64), operations: 'b'.repeat(64) }

function agent(id: string, state: AgentView['state'] = 'up'): AgentView {
  return { id, name: id, host: 'ezra', state, forMs: 0, periodMs: 2_000, graceMs: 4_000, place: 'pane fleet', policy: 'off' }
}

function alert(number: number, ...ids: string[]): Alert {
  const subjects = (ids.length === 0 ? [`agent-${number}`] : ids).map((id) => ({ kind: 'agent' as const, id, host: 'h' }))
  return { id: `a-${number}`, kind: 'problem', subjects, incidents: [], at: 1, text: `alert ${number}` }
}

/** A session and its Tower, on a clock that stands still. */
function stage(change: Partial<SessionOptions> = {}, { note }: { note?: string } = {}) {
  const clock = virtualClock()
  const tower = fakeTower({ clock, account, hashes, ...(note === undefined ? {} : { note }) })
  const outbox = new Map<string, Alert>()
  const fleet = new Map<string, AgentView>([['bezalel', agent('bezalel')]])
  const hosts: HostView[] = [{ id: 'ezra', name: 'Ezra', state: 'up', forMs: 0 }]
  const requests: { request: TowerRequest; answer: (result: Result) => void }[] = []
  const refusals: TowerRefusal[] = []
  const lines: { level: string; fields: object; message: string }[] = []
  const record = (level: string) => (fields: object, message: string) => void lines.push({ level, fields, message })
  const log: Log = { debug: record('debug'), info: record('info'), warn: record('warn'), error: record('error') }
  const session = startTowerSession({
    transport: tower.transport,
    account,
    handlers: {
      fleet: () => ({ hosts, agents: [...fleet.values()] }),
      history: () => Promise.withResolvers<never>().promise,
      unacknowledged: (limit) => [...outbox.values()].slice(0, limit),
      acknowledged: (id) => void outbox.delete(id),
      request: (request, answer) => void requests.push({ request, answer }),
      refused: (refusal) => void refusals.push(refusal),
    },
    clock,
    random: () => 0.5,
    fleet: 'demo',
    version: '0.1.0',
    hashes,
    log,
    ...change,
  })
  const tell = (...alerts: Alert[]) => {
    for (const one of alerts) outbox.set(one.id, one)
    session.alertsWaiting()
  }
  const set = (...agents: AgentView[]) => {
    for (const one of agents) fleet.set(one.id, one)
    session.changed({ agents: agents.map(({ id }) => id), hosts: [] })
  }
  return { clock, tower, session, outbox, fleet, hosts, requests, refusals, lines, tell, set }
}

function request(id: string): { name: 'tower_request'; data: TowerRequest } {
  const actor = { kind: 'account', id: '7', name: 'Marcus' } as const
  return { name: 'tower_request', data: { v: 1, id, operation: 'restart', arguments: { agent: 'bezalel' }, actor, deadlineMs: 60_000 } }
}

const result = (id: string, status: Result['status'], line: string): Result => ({
  id,
  operation: 'restart',
  status,
  actor: { kind: 'account', id: '7', name: 'Marcus' },
  lines: [line],
})

describe('connecting', () => {
  test('logs in, says hello, shows the whole fleet and is connected', async () => {
    const { clock, tower, session } = stage()
    expect(session.link().state).toEqual({ kind: 'down', reason: 'not connected yet', retryInMs: 0 })
    await clock.advance(100)
    expect(session.link().state).toEqual({ kind: 'connected', game: 'Fake Tower', plugin: '0.1.0', transport: 'websocket' })
    expect(tower.got('tower_hello')).toMatchObject([{ v: 1, watch: '0.1.0', fleet: 'demo', protocolHash: hashes.protocol }])
    expect([...tower.agents.keys()]).toEqual(['bezalel'])
    await clock.advance(900)
    expect(clock.now() - session.link().sinceMs).toBeGreaterThan(900)
  })

  test('a fleet of 1,200 goes in three parts, and only when all are acknowledged is it done', async () => {
    const { clock, tower, fleet } = stage()
    for (let index = 0; index < 1_199; index++) fleet.set(`x-${index}`, agent(`x-${index}`))
    await clock.advance(1_000)
    expect(tower.got('tower_snapshot').map(({ part, parts, agents }) => [part, parts, agents.length])).toEqual([
      [1, 3, 500],
      [2, 3, 500],
      [3, 3, 200],
    ])
    expect(tower.agents.size).toBe(1_200)
    await clock.advance(120_000)
    expect(tower.got('tower_snapshot').length).toBe(3)
  })

  test('an empty fleet is shown too, so that the Tower forgets who is gone', async () => {
    const { clock, tower, fleet, hosts } = stage()
    fleet.clear()
    hosts.length = 0
    await clock.advance(1_000)
    expect(tower.got('tower_snapshot')).toMatchObject([{ part: 1, parts: 1, agents: [], hosts: [] }])
  })

  test('a lost part brings a whole new snapshot after five seconds, then more and more rarely', async () => {
    const { clock, tower, fleet } = stage()
    for (let index = 0; index < 900; index++) fleet.set(`x-${index}`, agent(`x-${index}`))
    tower.loseWhen((message) => message.name === 'tower_snapshot' && message.data.part === 2)
    await clock.advance(4_900)
    expect(tower.got('tower_snapshot').length).toBe(2)
    await clock.advance(200)
    expect(tower.got('tower_snapshot').length).toBe(4)
    await clock.advance(10_100)
    expect(tower.got('tower_snapshot').length).toBe(6)
    tower.loseWhen(() => false)
    await clock.advance(60_000)
    expect(tower.got('tower_snapshot').length).toBe(8)
    expect(tower.agents.size).toBe(901)
    expect(new Set(tower.got('tower_snapshot').map(({ id }) => id)).size).toBe(8)
  })

  test('tries again with growing waits while the game is down, and is back soon after it is', async () => {
    const { clock, tower, session } = stage()
    tower.portalDown()
    await clock.advance(120_000)
    expect(session.link().state).toMatchObject({ kind: 'down', reason: expect.stringContaining('ECONNREFUSED') })
    tower.portalUp()
    await clock.advance(31_000)
    expect(session.link().state.kind).toBe('connected')
  })

  test('after a refused login it waits two minutes at least, and longer each time', async () => {
    const { clock, tower, session } = stage({ account: { ...account, password: 'wrong-words' } })
    await clock.advance(119_000)
    expect(tower.logins.length).toBe(1)
    expect(session.link().state).toMatchObject({ kind: 'down', reason: expect.stringContaining('incorrect') })
    await clock.advance(4 * 3_600_000)
    const gaps = tower.logins.slice(1).map((login, index) => login.at - (tower.logins[index]?.at ?? 0))
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(120_000)
    expect(gaps[1]).toBeGreaterThan(gaps[0] ?? 0)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(1_800_000 * 1.25 + 1_000)
  })

  test('the password stands in no line of the log and in no state of the link', async () => {
    const { clock, tower, session, lines } = stage({ account: { ...account, password: 'wrong-words' } })
    await clock.advance(400_000)
    tower.portalDown()
    await clock.advance(400_000)
    expect(lines.length).toBeGreaterThan(0)
    expect(JSON.stringify([lines, session.link()])).not.toContain('wrong-words')
  })

  test('a clean close by the game is no reason to stay away', async () => {
    const { clock, tower, session } = stage()
    await clock.advance(20_000)
    tower.portalDown()
    tower.portalUp()
    await clock.advance(2_000)
    expect(session.link().state.kind).toBe('connected')
    expect(tower.got('tower_snapshot').length).toBe(2)
  })

  test('thrown out by another login of the same account, it does not throw the other out in turn', async () => {
    const { clock, tower, session } = stage()
    await clock.advance(60_000)
    tower.kick('closed by the game (1000 Logged in from elsewhere. Disconnecting.)')
    await clock.advance(119_000)
    expect(tower.logins.length).toBe(1)
    expect(session.link().state.kind).toBe('down')
    await clock.advance(60_000)
    expect(session.link().state.kind).toBe('connected')
  })

  test('two that throw each other out come back more and more seldom, however long each was there', async () => {
    const { clock, tower, session } = stage()
    const waitsMin: number[] = []
    for (let duel = 0; duel < 6; duel++) {
      await clock.advance(150_000)
      expect(session.link().state.kind).toBe('connected')
      tower.kick('closed by the game (1000 Logged in from elsewhere. Disconnecting.)')
      const { state } = session.link()
      const retryInMs = state.kind === 'down' ? state.retryInMs : 0
      waitsMin.push(Math.floor(retryInMs / 60_000))
      await clock.advance(retryInMs)
    }
    expect(waitsMin).toEqual([2, 4, 9, 18, 33, 33])
    await clock.advance(3_700_000)
    tower.kick('closed by the game (1000 Logged in from elsewhere. Disconnecting.)')
    expect(session.link().state).toMatchObject({ kind: 'down', retryInMs: 135_000 })
  })

  test('a word of the welcome for who looks after it is in the log', async () => {
    const { clock, lines } = stage({}, { note: 'A watch took the place of another.' })
    await clock.advance(2_000)
    expect(lines).toContainEqual(expect.objectContaining({ level: 'warn', fields: { note: 'A watch took the place of another.' } }))
  })

  test('a transport that throws is a failure like any other', async () => {
    const { clock, session } = stage({
      transport: {
        kind: 'telnet',
        connect: () => {
          throw new Error('out of sockets')
        },
      },
    })
    await clock.advance(10_000)
    expect(session.link().state).toMatchObject({ kind: 'down', reason: 'out of sockets' })
  })
})

describe('a game without a plugin, or with another one', () => {
  test('nobody answers the hello: the reason says what to look at', async () => {
    const { clock, tower, session } = stage()
    tower.loseWhen((message) => message.name === 'tower_hello' || message.name === 'tower_ping')
    await clock.advance(15_500)
    expect(session.link().state).toMatchObject({ kind: expect.stringMatching(/down|connecting/) })
    expect(tower.logins.length).toBeGreaterThanOrEqual(1)
    tower.loseWhen(() => false)
    await clock.advance(31_000)
    expect(session.link().state.kind).toBe('connected')
  })

  test('a hello that is lost is said again', async () => {
    const { clock, tower, session } = stage()
    let lost = 0
    tower.loseWhen((message) => message.name === 'tower_hello' && lost++ < 1)
    await clock.advance(6_000)
    expect(session.link().state.kind).toBe('connected')
    expect(tower.logins.length).toBe(1)
  })

  test('other hashes: one sentence, the connection stays, nothing else is sent, and it asks again each minute', async () => {
    const { clock, tower, session, lines, tell, set } = stage()
    tower.update({ hashes: { ...hashes, operations: 'c'.repeat(64) } })
    tell(alert(1))
    await clock.advance(600_000)
    const { state } = session.link()
    expect(state).toMatchObject({ kind: 'mismatch', sentence: expect.stringMatching(/0\.1\.0.*operations.*differ/) })
    set(agent('bezalel', 'down'))
    await clock.advance(10_000)
    expect(new Set(tower.arrived.map(({ message }) => message.name))).toEqual(new Set(['tower_hello', 'tower_ping']))
    expect(tower.got('tower_hello').length).toBeLessThanOrEqual(12)
    expect(lines.filter(({ level }) => level === 'error').length).toBe(1)
    expect(tower.logins.length).toBe(1)
  })

  test('once the plugin is updated and the game reloaded, it is connected within seconds', async () => {
    const { clock, tower, session } = stage()
    tower.update({ hashes: { ...hashes, protocol: 'c'.repeat(64) } })
    await clock.advance(30_000)
    tower.update({ hashes })
    tower.serverDown()
    await clock.advance(4_000)
    tower.serverUp()
    await clock.advance(2_000)
    expect(session.link().state.kind).toBe('connected')
  })

  test('an account that the Tower does not allow waits as long as a refused one', async () => {
    const { clock, tower, session } = stage()
    await clock.advance(1_000)
    tower.send({ name: 'tower_error', data: { v: 1, code: 'not-allowed', text: 'not a bridge' } })
    await clock.advance(100_000)
    expect(session.link().state).toMatchObject({ kind: 'down', reason: expect.stringContaining('not a bridge') })
    expect(tower.logins.length).toBe(1)
  })
})

describe('mirroring', () => {
  test('the first change after a quiet second goes out at once, the next ones once a second, the latest wins', async () => {
    const { clock, tower, set } = stage()
    await clock.advance(5_000)
    const start = clock.now()
    set(agent('bezalel', 'late'))
    await clock.advance(10)
    expect(tower.agents.get('bezalel')?.state).toBe('late')
    for (const state of ['down', 'up', 'down'] as const) {
      set(agent('bezalel', state))
      await clock.advance(200)
    }
    expect(tower.got('tower_state').length).toBe(1)
    await clock.advance(500)
    expect(tower.got('tower_state').map(({ agents }) => agents[0]?.state)).toEqual(['late', 'down'])
    for (let step = 0; step < 100; step++) {
      set(agent('bezalel', step % 2 === 0 ? 'up' : 'late'))
      await clock.advance(100)
    }
    const seconds = (clock.now() - start) / 1_000
    expect(tower.got('tower_state').length).toBeLessThanOrEqual(seconds + 1)
    expect(tower.got('tower_state').map(({ seq }) => seq)).toEqual(tower.got('tower_state').map((_, index) => index))
  })

  test('a change that comes with an alert does not wait out the second: whoever hears it looks, and sees it', async () => {
    const { clock, tower, tell, set } = stage()
    await clock.advance(5_000)
    set(agent('bezalel', 'late'))
    await clock.advance(300)
    set(agent('bezalel', 'down'))
    tell(alert(1, 'bezalel'))
    await clock.advance(10)
    expect(tower.said).toEqual(['alert 1'])
    expect(tower.agents.get('bezalel')?.state).toBe('down')
  })

  test('a change of 2,500 agents goes in frames of at most a thousand, and nothing is sent where nothing changed', async () => {
    const { clock, tower, fleet, session } = stage()
    for (let index = 0; index < 2_500; index++) fleet.set(`x-${index}`, agent(`x-${index}`))
    await clock.advance(10_000)
    session.changed({ agents: [...fleet.keys()], hosts: ['ezra'] })
    session.changed({ agents: ['nobody'], hosts: ['nowhere'] })
    await clock.advance(10_000)
    expect(tower.got('tower_state').map(({ agents }) => agents.length)).toEqual([1_000, 1_000, 501])
    expect(tower.got('tower_state').map(({ hosts }) => hosts.length)).toEqual([1, 0, 0])
  })

  test('ten thousand agents that change at once go in frames of a size that the game reads quickly, the alert behind all of them', async () => {
    const { clock, tower, fleet, tell, set } = stage()
    const id = (index: number) => `x-${index}`
    const wordy = (index: number, state: AgentView['state']) => ({ ...agent(id(index), state), doing: '🗼'.repeat(100) })
    for (let index = 0; index < 10_000; index++) fleet.set(id(index), wordy(index, 'up'))
    await clock.advance(30_000)
    expect(tower.agents.size).toBe(10_001)
    const before = tower.arrived.length
    set(...Array.from({ length: 10_000 }, (_, index) => wordy(index, 'down')))
    tell(alert(1, 'x-0'), alert(2, 'x-9999'))
    await clock.advance(3_000)
    const since = tower.arrived.slice(before).map(({ message }) => message)
    const states = since.filter(({ name }) => name === 'tower_state')
    const sizes = states.map((message) => JSON.stringify(message.data).length)
    expect(Math.max(...sizes)).toBeLessThan(300 * 1024)
    expect(states.length).toBeGreaterThan(10)
    // Full, too: not one agent a frame.
    expect(states.length).toBeLessThan((2 * sizes.reduce((sum, size) => sum + size, 0)) / (256 * 1024))
    const order = since.map(({ name }) => name).filter((name) => name === 'tower_state' || name === 'tower_alert')
    expect(order).toEqual([...states.map(() => 'tower_state'), 'tower_alert', 'tower_alert'])
    expect([...tower.agents.values()].filter(({ state }) => state === 'down').length).toBe(10_000)
  })

  test('of the fleet only what changed is asked for', async () => {
    const asked: (number | 'all')[] = []
    const { clock, session } = stage({
      handlers: {
        ...idleHandlers,
        fleet: (only) => {
          asked.push(only?.agents.size ?? 'all')
          return { hosts: [], agents: [agent('bezalel')] }
        },
      },
    })
    await clock.advance(5_000)
    session.changed({ agents: ['bezalel', 'gone'], hosts: [] })
    await clock.advance(5_000)
    expect(asked).toEqual(['all', 2])
  })

  test('changes while the snapshot is under way are sent after it', async () => {
    const { clock, tower, set } = stage()
    tower.loseWhen((message) => message.name === 'tower_snapshot')
    await clock.advance(1_000)
    set(agent('bezalel', 'down'))
    await clock.advance(2_000)
    expect(tower.got('tower_state')).toEqual([])
    tower.loseWhen(() => false)
    await clock.advance(10_000)
    expect(tower.agents.get('bezalel')?.state).toBe('down')
  })

  test('a new declaration sends the whole fleet again', async () => {
    const { clock, tower, fleet, session } = stage()
    await clock.advance(1_000)
    fleet.delete('bezalel')
    fleet.set('gemini', agent('gemini'))
    session.redeclare()
    await clock.advance(1_000)
    expect([...tower.agents.keys()]).toEqual(['gemini'])
  })

  test('an agent that the wire would refuse is left out and named once in the log; the others are shown', async () => {
    const { clock, tower, set, lines } = stage()
    set({ ...agent('too-long'), place: 'p'.repeat(200) })
    await clock.advance(3_000)
    set({ ...agent('too-long'), place: 'p'.repeat(201) }, agent('bezalel', 'down'))
    await clock.advance(3_000)
    expect(tower.agents.get('bezalel')?.state).toBe('down')
    expect(tower.agents.has('too-long')).toBe(false)
    expect(lines.filter(({ level }) => level === 'error')).toEqual([
      { level: 'error', fields: { agent: 'too-long', faults: ['place'] }, message: 'The Tower cannot be shown this agent' },
    ])
  })
})

describe('alerts', () => {
  test('are said in their order, once each, and struck off the outbox', async () => {
    const { clock, tower, tell, outbox } = stage()
    tell(...Array.from({ length: 60 }, (_, index) => alert(index)))
    await clock.advance(10_000)
    expect(tower.said).toEqual(Array.from({ length: 60 }, (_, index) => `alert ${index}`))
    expect(outbox.size).toBe(0)
    expect(tower.got('tower_alert').length).toBe(60)
  })

  test('one goes out at once, without waiting for any timer', async () => {
    const { clock, tower, tell } = stage()
    await clock.advance(5_000)
    tell(alert(1))
    await clock.advance(5)
    expect(tower.said).toEqual(['alert 1'])
  })

  test('one that is lost is sent again under the same id after five seconds', async () => {
    const { clock, tower, tell } = stage()
    await clock.advance(1_000)
    let lost = 0
    tower.loseWhen((message) => message.name === 'tower_alert' && lost++ < 1)
    tell(alert(1))
    await clock.advance(4_900)
    expect(tower.said).toEqual([])
    await clock.advance(200)
    expect(tower.said).toEqual(['alert 1'])
    expect(tower.got('tower_alert').map(({ id }) => id)).toEqual(['a-1', 'a-1'])
  })

  test('two about one agent never overtake each other, also where the first is lost', async () => {
    const { clock, tower, tell } = stage()
    await clock.advance(1_000)
    let lost = 0
    tower.loseWhen((message) => message.name === 'tower_alert' && message.data.id === 'a-1' && lost++ < 2)
    tell(alert(1, 'bezalel'), alert(2, 'bezalel'), alert(3, 'ezra'))
    await clock.advance(30_000)
    expect(tower.said).toEqual(['alert 3', 'alert 1', 'alert 2'])
  })

  test('alerts of many subjects keep their order wherever they share one, also by way of a third', async () => {
    const { clock, tower, tell } = stage()
    await clock.advance(1_000)
    let lost = 0
    tower.loseWhen((message) => message.name === 'tower_alert' && message.data.id === 'a-1' && lost++ < 1)
    tell(alert(1, 'bezalel'), alert(2, 'bezalel', 'ezra'), alert(3, 'ezra'), alert(4, 'timmy'))
    await clock.advance(30_000)
    expect(tower.said).toEqual(['alert 4', 'alert 1', 'alert 2', 'alert 3'])
  })

  test('alerts about nobody, that is the watch itself, keep their order among themselves', async () => {
    const { clock, tower, tell } = stage()
    await clock.advance(1_000)
    let lost = 0
    tower.loseWhen((message) => message.name === 'tower_alert' && message.data.id === 'a-1' && lost++ < 1)
    tell({ ...alert(1), subjects: [] }, { ...alert(2), subjects: [] }, alert(3))
    await clock.advance(30_000)
    expect(tower.said).toEqual(['alert 3', 'alert 1', 'alert 2'])
  })

  test('two hundred of a night go at the pace of frames, not of answers: none waits for the one before', async () => {
    const clock = virtualClock()
    // A stock Evennia answers what comes right behind an answer after 44 ms; this one takes ten times as long.
    const slow = fakeTower({ clock, account, hashes, latencyMs: 220 })
    const { tell, outbox } = stage({ clock, transport: slow.transport })
    await clock.advance(10_000)
    const before = clock.now()
    tell(...Array.from({ length: 200 }, (_, index) => alert(index)))
    while (outbox.size > 0 && clock.now() - before < 60_000) await clock.advance(100)
    // Twenty frames a second, a few of them pings; one by one it would be 88 seconds.
    expect(clock.now() - before).toBeLessThan(13_000)
    expect(slow.said).toEqual(Array.from({ length: 200 }, (_, index) => `alert ${index}`))
    expect(slow.got('tower_alert').length).toBe(200)
  })

  test('sixteen are under way at once, not one by one and not all', async () => {
    const { clock, tower, tell } = stage()
    await clock.advance(5_000)
    tower.loseWhen((message) => message.name === 'tower_alert')
    tell(...Array.from({ length: 40 }, (_, index) => alert(index)))
    await clock.advance(1_500)
    expect(tower.got('tower_alert').length).toBe(16)
  })

  test('those that the Tower cannot take do not hold up the others, and are tried ever more rarely', async () => {
    const { clock, tower, tell, outbox } = stage()
    tower.refuseWhen((message) => message.name === 'tower_alert' && Number(message.data.id.slice(2)) < 20)
    tell(...Array.from({ length: 40 }, (_, index) => alert(index)))
    await clock.advance(60_000)
    expect(tower.said).toEqual(Array.from({ length: 20 }, (_, index) => `alert ${index + 20}`))
    const before = tower.got('tower_alert').length
    await clock.advance(60_000)
    expect(tower.got('tower_alert').length - before).toBeLessThanOrEqual(40)
    tower.refuseWhen(() => false)
    await clock.advance(61_000)
    expect(outbox.size).toBe(0)
  })

  test('an error that names an alert counts as a refusal of it: it is tried again, more rarely', async () => {
    const { clock, tower, tell } = stage()
    await clock.advance(1_000)
    tower.loseWhen((message) => message.name === 'tower_alert')
    tell(alert(1))
    await clock.advance(10)
    tower.send({ name: 'tower_error', data: { v: 1, id: 'a-1', code: 'invalid', text: 'text: too long' } })
    await clock.advance(9_900)
    expect(tower.got('tower_alert').length).toBe(1)
    await clock.advance(200)
    expect(tower.got('tower_alert').length).toBe(2)
  })

  test('one that is no legal message is named in the log and holds up nobody', async () => {
    const { clock, tower, tell, lines } = stage()
    tell({ ...alert(1), text: 'x'.repeat(500) }, alert(2))
    await clock.advance(5_000)
    expect(tower.said).toEqual(['alert 2'])
    expect(lines.filter(({ level }) => level === 'error').map(({ fields }) => fields)).toEqual([{ alert: 'a-1', faults: ['text'] }])
  })

  test('an outbox that cannot be told is told again, and the alert is not sent again meanwhile', async () => {
    let broken = true
    const outbox = new Map([['a-1', alert(1)]])
    const { clock, tower, session } = stage({
      handlers: {
        fleet: () => ({ hosts: [], agents: [] }),
        history: () => Promise.withResolvers<never>().promise,
        unacknowledged: (limit) => [...outbox.values()].slice(0, limit),
        acknowledged: (id) => {
          if (broken) throw new Error('disk is full')
          outbox.delete(id)
        },
        request: () => {},
        refused: () => {},
      },
    })
    await clock.advance(20_000)
    session.alertsWaiting()
    await clock.advance(20_000)
    expect(tower.got('tower_alert').length).toBe(1)
    broken = false
    await clock.advance(6_000)
    expect(outbox.size).toBe(0)
  })
})

describe('a reload of the game', () => {
  test('an alert in the middle of it is said once afterwards, and the fleet is shown anew, over the same connection', async () => {
    const { clock, tower, tell, set, outbox, session } = stage()
    await clock.advance(30_000)
    tower.serverDown()
    await clock.advance(700)
    tell(alert(1))
    set(agent('bezalel', 'down'))
    await clock.advance(4_300)
    expect(tower.said).toEqual([])
    tower.serverUp()
    await clock.advance(1_500)
    expect(tower.said).toEqual(['alert 1'])
    expect(outbox.size).toBe(0)
    expect(tower.agents.get('bezalel')?.state).toBe('down')
    expect(tower.got('tower_hello').length).toBe(2)
    expect(tower.logins.length).toBe(1)
    expect(session.link().state.kind).toBe('connected')
  })

  test('a server that stays silent for fifteen seconds is given up, and found again when it is back', async () => {
    const { clock, tower, tell, session } = stage()
    await clock.advance(30_000)
    tower.serverDown()
    tell(alert(1))
    await clock.advance(19_000)
    expect(session.link().state.kind).not.toBe('connected')
    expect(tower.connections()).toBe(0)
    await clock.advance(60_000)
    tower.serverUp()
    await clock.advance(45_000)
    expect(session.link().state.kind).toBe('connected')
    expect(tower.said).toEqual(['alert 1'])
  })

  test('an error about another boot brings a hello and a snapshot', async () => {
    const { clock, tower, set } = stage()
    await clock.advance(30_000)
    // So short that no ping falls into it.
    tower.serverDown()
    tower.serverUp()
    set(agent('bezalel', 'down'))
    await clock.advance(500)
    expect(tower.agents.get('bezalel')?.state).toBe('down')
    expect(tower.got('tower_hello').length).toBe(2)
  })
})

describe('requests', () => {
  test('their results do not wait for one another to be acknowledged', async () => {
    const clock = virtualClock()
    const slow = fakeTower({ clock, account, hashes, latencyMs: 1_000 })
    const { requests } = stage({ clock, transport: slow.transport })
    await clock.advance(10_000)
    for (let index = 0; index < 10; index++) slow.send(request(`r-${index}`))
    await clock.advance(1_000)
    for (const { request: asked, answer } of requests) answer(result(asked.id, 'ok', 'done'))
    await clock.advance(1_900)
    expect(slow.results.map(({ id }) => id)).toEqual(Array.from({ length: 10 }, (_, index) => `r-${index}`))
    expect(slow.got('tower_result').length).toBe(10)
  })

  test('are handed on once however often they come, and answered each time', async () => {
    const { clock, tower, requests } = stage()
    await clock.advance(1_000)
    tower.send(request('r-1'))
    await clock.advance(10)
    requests[0]?.answer(result('r-1', 'accepted', 'on it'))
    requests[0]?.answer(result('r-1', 'running', 'stopping'))
    await clock.advance(10)
    tower.send(request('r-1'))
    await clock.advance(10)
    expect(tower.results.map(({ lines }) => lines[0])).toEqual(['on it', 'stopping', 'stopping'])
    requests[0]?.answer(result('r-1', 'ok', 'done'))
    requests[0]?.answer(result('r-1', 'failed', 'too late'))
    await clock.advance(10)
    tower.send(request('r-1'))
    await clock.advance(10)
    expect(tower.results.slice(3).map(({ status }) => status)).toEqual(['ok', 'ok'])
    expect(requests.length).toBe(1)
  })

  test('a final result is sent until it is acknowledged, also over a reload, but not for ever', async () => {
    const { clock, tower, requests } = stage()
    await clock.advance(1_000)
    tower.send(request('r-1'))
    await clock.advance(10)
    tower.serverDown()
    requests[0]?.answer(result('r-1', 'ok', 'done'))
    await clock.advance(4_000)
    tower.serverUp()
    await clock.advance(2_000)
    expect(tower.results.map(({ status }) => status)).toEqual(['ok'])
    tower.send(request('r-2'))
    await clock.advance(10)
    tower.loseWhen((message) => message.name === 'tower_result')
    requests[1]?.answer(result('r-2', 'ok', 'done'))
    await clock.advance(3_600_000)
    const tries = tower.got('tower_result').filter(({ id }) => id === 'r-2').length
    expect(tries).toBeGreaterThan(10)
    await clock.advance(3_600_000)
    expect(tower.got('tower_result').filter(({ id }) => id === 'r-2').length).toBe(tries)
  })

  test('a result finds the one who asked, whatever the answer says, and is cut to what the wire takes', async () => {
    const { clock, tower, requests } = stage()
    await clock.advance(1_000)
    tower.send(request('r-1'))
    await clock.advance(10)
    const many = Array.from({ length: 1_000 }, () => 'x'.repeat(1_000))
    requests[0]?.answer({ id: 'other', operation: 'dance', status: 'ok', actor: { kind: 'shell', id: '', name: '' }, lines: many })
    await clock.advance(10)
    expect(tower.results).toMatchObject([{ id: 'r-1', operation: 'restart', actor: { id: '7' } }])
    expect(tower.results[0]?.lines.length).toBe(400)
    expect(tower.results[0]?.lines.at(-1)).toContain('601 more')
  })

  test('a handler that throws is a failed request and no end of the session', async () => {
    const { clock, tower, session } = stage({
      handlers: {
        ...idleHandlers,
        request: () => {
          throw new Error('boom')
        },
        refused: () => {
          throw new Error('boom')
        },
      },
    })
    await clock.advance(1_000)
    tower.send(request('r-1'))
    const { id: _id, deadlineMs: _deadline, ...rest } = request('r-1').data
    tower.send({ name: 'tower_refused', data: { ...rest, reason: 'locks' } })
    await clock.advance(30_000)
    expect(tower.results).toMatchObject([{ id: 'r-1', status: 'failed' }])
    expect(session.link().state.kind).toBe('connected')
  })

  test('an operation that the locks refused is told for the audit', async () => {
    const { clock, tower, refusals } = stage()
    await clock.advance(1_000)
    const { id: _id, deadlineMs: _deadline, ...rest } = request('r-1').data
    tower.send({ name: 'tower_refused', data: { ...rest, reason: 'needs Builder' } })
    await clock.advance(10)
    expect(refusals).toMatchObject([{ operation: 'restart', reason: 'needs Builder' }])
  })
})

describe('bounds', () => {
  test('never more than twenty frames in any second, whatever there is to say', async () => {
    const { clock, tower, tell, set, requests } = stage()
    await clock.advance(2_000)
    tell(...Array.from({ length: 300 }, (_, index) => alert(index)))
    for (let index = 0; index < 30; index++) tower.send(request(`r-${index}`))
    await clock.advance(50)
    for (const { request: asked, answer } of requests) for (let step = 0; step < 5; step++) answer(result(asked.id, 'running', `${step}`))
    for (let step = 0; step < 200; step++) {
      set(agent('bezalel', step % 2 === 0 ? 'up' : 'down'))
      await clock.advance(100)
    }
    await clock.advance(10_000)
    const times = tower.arrived.map(({ at }) => at)
    const most = Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 1_000).length))
    expect(most).toBeLessThanOrEqual(20)
    expect(tower.said.length).toBe(300)
    expect(tower.got('tower_ping').length).toBeGreaterThan(3)
  })

  test('a game that reads slowly gets nothing but pings until it has caught up', async () => {
    const clock = virtualClock()
    const sent: WatchMessage[] = []
    let bufferedBytes = 10_000_000
    const slow: SessionOptions['transport'] = {
      kind: 'telnet',
      connect: async () => ({
        send: (message) => void sent.push(message),
        get bufferedBytes() {
          return bufferedBytes
        },
        close: () => {},
      }),
    }
    stage({ clock, transport: slow })
    await clock.advance(3_000)
    expect(new Set(sent.map(({ name }) => name))).toEqual(new Set(['tower_ping']))
    bufferedBytes = 0
    await clock.advance(500)
    expect(sent.map(({ name }) => name)).toContain('tower_hello')
  })

  test('a handler of the watch that throws stops neither the pings nor the alerts', async () => {
    const outbox = new Map([['a-1', alert(1)]])
    const { clock, tower, session, lines } = stage({
      handlers: {
        fleet: () => {
          throw new Error('boom')
        },
        history: () => Promise.withResolvers<never>().promise,
        unacknowledged: () => [...outbox.values()],
        acknowledged: (id) => void outbox.delete(id),
        request: () => {},
        refused: () => {},
      },
    })
    await clock.advance(60_000)
    expect(tower.said).toEqual(['alert 1'])
    expect(session.link().state.kind).toBe('connected')
    expect(lines.filter(({ level }) => level === 'error').length).toBeLessThan(20)
  })

  test('stopping leaves no timer and no connection, at whatever moment, and twice is safe', async () => {
    for (const moment of [0, 1, 2, 3, 4, 5, 10, 5_000]) {
      const { clock, tower, session, tell } = stage()
      await clock.advance(moment)
      tell(alert(1))
      await session.stop()
      await session.stop()
      session.changed({ agents: ['bezalel'], hosts: [] })
      session.alertsWaiting()
      session.redeclare()
      const arrived = tower.arrived.length
      // What the fake had under way itself.
      await clock.advance(30_000)
      expect(clock.pending()).toBe(0)
      expect(tower.connections()).toBe(0)
      expect(tower.arrived.length).toBe(arrived)
      expect(session.link().state).toMatchObject({ kind: 'down', reason: 'the watch has stopped' })
    }
  })

  test('through an hour of a bad network every alert is said once and the fleet ends up right', async () => {
    const { clock, tower, tell, set, outbox } = stage()
    let seed = 7
    const chance = () => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
      return seed / 2 ** 31
    }
    tower.loseWhen(() => chance() < 0.2)
    for (let minute = 0; minute < 60; minute++) {
      tell(alert(minute * 2), alert(minute * 2 + 1))
      set(agent('bezalel', minute % 2 === 0 ? 'up' : 'down'))
      const event = chance()
      if (event < 0.2) tower.serverDown()
      else if (event < 0.3) tower.portalDown()
      await clock.advance(chance() * 30_000)
      if (event < 0.2) tower.serverUp()
      else if (event < 0.3) tower.portalUp()
      await clock.advance(30_000)
    }
    tower.loseWhen(() => false)
    set(agent('bezalel', 'paused'))
    await clock.advance(120_000)
    expect(outbox.size).toBe(0)
    expect([...tower.said].sort()).toEqual(Array.from({ length: 120 }, (_, index) => `alert ${index}`).sort())
    expect(tower.agents.get('bezalel')?.state).toBe('paused')
  })
})
