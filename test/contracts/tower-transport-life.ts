/**
 * What a TowerTransport does through the life of a real game: floods, slowness, reloads, deaths. On both transports at once,
 * because each of these takes the game many seconds.
 */
import { afterEach, describe, expect, test } from 'vitest'
import { gameProcesses, signalAll } from '../../src/adapters/game/processes.ts'
import type { TowerAccount, TowerTransport } from '../../src/ports/tower-transport.ts'
import type { TestGame } from '../support/evennia.ts'
import { until } from '../support/until.ts'
import { open } from './tower-transport.ts'

interface LifeUnderTest {
  game: TestGame
  transports: TowerTransport[]
}

/** How many frames a second and session Evennia takes; the rest it drops. */
const THROTTLE = 80
/** So long a game that can't answer is waited for. */
const SILENCE_MS = 4_000

export function towerTransportLife(get: () => LifeUnderTest): void {
  describe('through the life of a game', () => {
    const toStop: (() => void | Promise<void>)[] = []
    afterEach(async () => {
      for (const stop of toStop.splice(0).reverse()) await stop()
    })

    /** One of each transport, logged in; only the last one may say hello, because a Tower has one watch. */
    async function talks() {
      const { game, transports } = get()
      const { account, password } = game.accounts.bridge
      const who: TowerAccount = { name: account, password }
      const opened = []
      for (const transport of transports) {
        const talk = await open({ transport, account: who, hashes: game.hashes })
        toStop.push(() => talk.connection.close())
        const ping = (id: string) => talk.connection.send({ name: 'tower_ping', data: { v: 1, id } })
        const pong = (id: string) => talk.all('tower_pong').find((one) => one.id === id)
        opened.push({ ...talk, kind: transport.kind, ping, pong })
      }
      return opened
    }

    /** Pings until one is answered, and tells the boot that it is answered from. */
    async function bootOf(talk: Awaited<ReturnType<typeof talks>>[number]): Promise<string> {
      let count = 0
      const prefix = `boot-${talk.received.length}`
      return until(
        () => {
          const answered = talk.all('tower_pong').find(({ id }) => id.startsWith(prefix))
          if (answered !== undefined) return answered.boot
          // Few: the throttle counts those that a server in its cradle finds waiting, too.
          if (count++ % 10 === 0) talk.ping(`${prefix}-${count}`)
          return undefined
        },
        { withinMs: 60_000, what: () => `a pong over ${talk.kind}; closed: ${talk.closed.join()}` },
      )
    }

    test('what goes beyond 80 frames a second is lost without a word to us, and nothing else is', async () => {
      for (const talk of await talks()) {
        await bootOf(talk)
        for (let number = 0; number < 3 * THROTTLE; number++) talk.ping(`flood-${number}`)
        // A second later it counts anew: what is answered then is behind all of the flood.
        await until(
          () => {
            talk.ping('behind')
            return talk.pong('behind')
          },
          { withinMs: 20_000, what: `an answer behind the flood over ${talk.kind}` },
        )
        const answered = talk.all('tower_pong').filter(({ id }) => id.startsWith('flood-')).length
        expect(answered).toBeGreaterThanOrEqual(20)
        expect(answered).toBeLessThan(3 * THROTTLE)
        expect({ malformed: talk.malformed, closed: talk.closed }).toEqual({ malformed: [], closed: [] })
      }
    })

    test('at the pace of a session, twenty frames a second, nothing is lost', async () => {
      const all = await talks()
      for (let number = 0; number < 60; number++) {
        for (const talk of all) talk.ping(`pace-${number}`)
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      for (const talk of all) {
        await until(() => talk.pong('pace-59'), { withinMs: 20_000, what: `the last pong over ${talk.kind}` })
        expect(talk.all('tower_pong').map(({ id }) => id)).toEqual(Array.from({ length: 60 }, (_, number) => `pace-${number}`))
      }
    })

    test('a portal that stands still is seen by what is queued, and gets all of it when it goes on', async () => {
      const { game } = get()
      for (const talk of await talks()) {
        const { boot } = await talk.welcome(`hello-slow-${talk.kind}`)
        const portal = (await gameProcesses(game.folder)).filter(({ part }) => part === 'portal')
        signalAll(portal, 'SIGSTOP')
        toStop.push(() => signalAll(portal, 'SIGCONT'))
        // More than the kernels on both sides hold for one connection.
        const filling = 'x'.repeat(200)
        const agents = Array.from({ length: 1_000 }, (_, index) => ({
          id: `a-${index}`,
          name: `a-${index}`,
          host: 'h',
          state: 'up' as const,
          forMs: 0,
          periodMs: 1,
          graceMs: 1,
          doing: filling,
          place: 'pane p',
          policy: 'off' as const,
        }))
        let sent = 0
        while (talk.connection.bufferedBytes < 512 * 1024 && sent < 60) {
          const id = `slow.${sent++}`
          talk.connection.send({ name: 'tower_snapshot', data: { v: 1, id, boot, snapshot: id, part: 1, parts: 1, hosts: [], agents } })
          await new Promise((resolve) => setImmediate(resolve))
        }
        expect(talk.connection.bufferedBytes).toBeGreaterThan(512 * 1024)
        signalAll(portal, 'SIGCONT')
        await until(() => talk.all('tower_ack').length === sent, {
          withinMs: 60_000,
          what: () => `${sent} acks over ${talk.kind}, got ${talk.all('tower_ack').length}; closed: ${talk.closed.join()}`,
        })
        expect(talk.connection.bufferedBytes).toBe(0)
        expect(talk.all('tower_ack').map(({ id, ok }) => [id, ok])).toEqual(
          Array.from({ length: sent }, (_, number) => [`slow.${number}`, true]),
        )
        talk.connection.close()
      }
    })

    test('a reload is told by nothing but another boot; the connection and the login last', async () => {
      const { game } = get()
      const all = await talks()
      const before = await Promise.all(all.map(bootOf))
      await game.reload()
      const after = await Promise.all(all.map(bootOf))
      for (const [index, boot] of after.entries()) expect(boot).not.toBe(before[index])
      expect(new Set(after).size).toBe(1)
      expect(all.map(({ closed }) => closed)).toEqual(all.map(() => []))
      expect((await all.at(-1)?.welcome('hello-reloaded'))?.boot).toBe(after[0])
    })

    test('a server that was killed is missed only by its pongs: the portal holds the connection and answers nothing', async () => {
      const { game } = get()
      const all = await talks()
      const before = await Promise.all(all.map(bootOf))
      await game.killServer()
      for (const talk of all) talk.ping('into-the-dark')
      await new Promise((resolve) => setTimeout(resolve, SILENCE_MS))
      expect(all.map((talk) => talk.pong('into-the-dark'))).toEqual(all.map(() => undefined))
      expect(all.map(({ closed }) => closed)).toEqual(all.map(() => []))
      await game.startServer()
      // Whether the login outlives it is the game's business: there is an answer, or an end.
      for (const [index, talk] of all.entries()) {
        const boot = await bootOf(talk)
        expect(boot).not.toBe(before[index])
      }
    })

    test('a portal that is killed ends the connection, and says so once', async () => {
      const { game } = get()
      const all = await talks()
      signalAll(
        (await gameProcesses(game.folder)).filter(({ part }) => part === 'portal'),
        'SIGKILL',
      )
      for (const talk of all) await until(() => talk.closed.length > 0, { withinMs: 20_000, what: `the end over ${talk.kind}` })
      for (const talk of all) {
        talk.ping('too-late')
        talk.connection.close()
        expect(talk.closed.length).toBe(1)
        expect(talk.connection.bufferedBytes).toBe(0)
      }
      await game.killServer()
      await game.startGame()
      for (const talk of await talks()) await bootOf(talk)
    })
  })
}
