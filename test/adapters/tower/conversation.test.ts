import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { converse, type WireEvents } from '../../../src/adapters/tower/conversation.ts'
import type { TowerConnectError } from '../../../src/ports/tower-transport.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A wire in the hand: what was done to it, and the events that come from it. */
function wire(timeoutMs = 10_000) {
  const done: string[] = []
  const closed: string[] = []
  const abort = new AbortController()
  let events: WireEvents | undefined
  const attempt = converse(
    'telnet',
    { name: 'towerwatch', password: 'right-words' },
    {
      message: () => void done.push('message'),
      malformed: () => void done.push('malformed'),
      closed: (reason) => void closed.push(reason),
    },
    { timeoutMs, signal: abort.signal },
    (told) => {
      events = told
      return {
        login: () => void done.push('login'),
        send: ({ name }) => void done.push(name),
        bufferedBytes: () => 7,
        end: (gently) => void done.push(gently ? 'end' : 'cut'),
      }
    },
  )
  const outcome = attempt.then(
    () => 'open',
    (error: TowerConnectError) => `${error.kind}: ${error.message}`,
  )
  const tell = (): WireEvents => {
    if (events === undefined) throw new Error('nothing was opened')
    return events
  }
  return { attempt, outcome, done, closed, abort, tell, say: (text: string) => tell().incoming({ kind: 'text', text }) }
}

describe('when the login goes out', () => {
  test('a moment after the last words of the greeting, however many they are', async () => {
    const { done, say, tell } = wire()
    say('Welcome')
    tell().ready()
    await vi.advanceTimersByTimeAsync(90)
    say('to the Tower')
    await vi.advanceTimersByTimeAsync(90)
    say('connect name password')
    await vi.advanceTimersByTimeAsync(90)
    expect(done).toEqual([])
    await vi.advanceTimersByTimeAsync(20)
    expect(done).toEqual(['login'])
  })

  test('to a game that greets with nothing, after three seconds', async () => {
    const { done, tell } = wire()
    tell().ready()
    await vi.advanceTimersByTimeAsync(2_900)
    expect(done).toEqual([])
    await vi.advanceTimersByTimeAsync(200)
    expect(done).toEqual(['login'])
  })

  test('not while the game says that we are queued: it would be lost', async () => {
    const { done, say, tell } = wire()
    tell().ready()
    say('The Tower DoS protection is active. You are queued to connect in 4 seconds ...')
    await vi.advanceTimersByTimeAsync(8_000)
    expect(done).toEqual([])
    say('Welcome')
    await vi.advanceTimersByTimeAsync(200)
    expect(done).toEqual(['login'])
  })

  test('once', async () => {
    const { done, say, tell } = wire()
    tell().ready()
    say('Welcome')
    await vi.advanceTimersByTimeAsync(200)
    say('again')
    tell().ready()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(done).toEqual(['login'])
  })
})

describe('how it ends', () => {
  const loggingIn = async (timeoutMs?: number) => {
    const hand = wire(timeoutMs)
    hand.tell().ready()
    hand.say('Welcome')
    await vi.advanceTimersByTimeAsync(200)
    return hand
  }

  test('words that we do not know, and then silence, are a refusal: another language may have said no', async () => {
    const { outcome, say, done } = await loggingIn()
    say('Benutzername oder Passwort falsch.')
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await outcome).toMatch(/^refused: .*Passwort falsch/)
    expect(done).toEqual(['login', 'cut'])
  })

  test('a game that restarts in the middle of the login has refused nothing', async () => {
    const { outcome, say } = await loggingIn()
    say(' Server restarting ...')
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await outcome).toMatch(/^timeout: .*did not answer the login/)
  })

  test.each([
    ['opening', 'did not open the connection'],
    ['greeting', 'said nothing'],
  ])('a timeout while %s says that the game %s', async (phase, words) => {
    const { outcome, tell } = wire(1_000)
    if (phase === 'greeting') tell().ready()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await outcome).toContain(words)
  })

  test('what comes after a failure is nothing any more', async () => {
    const { outcome, say, tell, done, closed } = await loggingIn()
    say('\u001b[31mUsername and/or password is incorrect.\u001b[0m')
    expect(await outcome).toBe('refused: The Tower refused the login: Username and/or password is incorrect.')
    tell().incoming({ kind: 'logged-in' })
    tell().ended('closed')
    tell().ready()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(done).toEqual(['login', 'cut'])
    expect(closed).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('an open connection has no timer left, and ends once', async () => {
    const { attempt, tell, done, closed } = await loggingIn()
    tell().incoming({ kind: 'malformed', text: 'not yet' })
    tell().incoming({ kind: 'logged-in' })
    const connection = await attempt
    expect(vi.getTimerCount()).toBe(0)
    expect(connection.bufferedBytes).toBe(7)
    connection.send({ name: 'tower_ping', data: { v: 1, id: 'p' } })
    tell().ended('the cable')
    tell().ended('again')
    connection.close()
    expect(done).toEqual(['login', 'tower_ping', 'cut'])
    expect(closed).toEqual(['the cable'])
  })

  test('called off, it cuts the wire', async () => {
    const { outcome, abort, done } = await loggingIn()
    abort.abort()
    expect(await outcome).toMatch(/^aborted/)
    expect(done).toEqual(['login', 'cut'])
    expect(vi.getTimerCount()).toBe(0)
  })
})
