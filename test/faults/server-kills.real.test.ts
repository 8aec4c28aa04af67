/**
 * A real game whose server is killed in the middle of telling, again and again: each alert is heard, and twice only what was
 * being said when it died. TOWERWATCH_SERVER_KILLS=100 for the long run; TOWERWATCH_SEED to choose the moments.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { gameProcesses } from '../../src/adapters/game/processes.ts'
import { startTowerSession } from '../../src/adapters/tower/session.ts'
import { websocketTransport } from '../../src/adapters/tower/websocket.ts'
import type { Alert, Tower } from '../../src/ports/tower.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { startEvennia, type TestGame } from '../support/evennia.ts'
import { type Player, playerAt } from '../support/player.ts'
import { realClock } from '../support/real-clock.ts'
import { until } from '../support/until.ts'

const kills = Number(process.env['TOWERWATCH_SERVER_KILLS'] ?? 3)
const seed = Number(process.env['TOWERWATCH_SEED'] ?? Date.now() % 1_000_000)
/** As many as go out in one breath. */
const burst = 12

let game: TestGame
let player: Player
let session: Tower
const outbox = new Map<string, Alert>()
const lines: string[] = []

beforeAll(async () => {
  game = await startEvennia()
  player = await playerAt(game.ports.telnet, game.accounts.player)
  await player.hears('Watch Room')
  const note = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`)
  session = startTowerSession({
    transport: websocketTransport({ url: game.websocketUrl }),
    account: { name: game.accounts.bridge.account, password: game.accounts.bridge.password },
    handlers: {
      fleet: () => ({ hosts: [], agents: [] }),
      history: () => Promise.withResolvers<never>().promise,
      unacknowledged: (limit) => [...outbox.values()].slice(0, limit),
      acknowledged: (id) => void outbox.delete(id),
      request: () => {},
      refused: () => {},
    },
    clock: realClock,
    random: Math.random,
    fleet: 'test',
    version: '0.1.0',
    hashes: game.hashes,
    log: { debug: note, info: note, warn: note, error: note },
  })
})
afterAll(async () => {
  await session?.stop()
  player?.close()
  await game?.stop()
})

const settled = () =>
  until(() => outbox.size === 0 && session.link().state.kind === 'connected', {
    withinMs: 90_000,
    what: () => `all alerts to be acknowledged, ${outbox.size} are not; the log:\n${lines.slice(-20).join('\n')}`,
  })
const heard = (text: string) => player.lines.filter((line) => line.endsWith(text) && !line.includes('[Fleet]')).length

it(`${kills} kills lose no alert, and double what was being said at most`, { timeout: 120_000 + kills * 40_000 }, async () => {
  console.log(`TOWERWATCH_SEED=${seed} chooses the same moments`)
  const random = seededRandom(seed)
  await settled()
  let doubled = 0
  for (let kill = 1; kill <= kills; kill++) {
    const server = (await gameProcesses(game.folder)).find(({ part }) => part === 'server')
    const texts = Array.from({ length: burst }, (_, index) => `kill ${kill} news ${index} ends`)
    for (const [index, text] of texts.entries()) {
      const id = `kill-${kill}-${index}`
      outbox.set(id, { id, kind: 'notice', subjects: [{ kind: 'agent', id: `a${index}`, host: 'h' }], incidents: [], at: Date.now(), text })
    }
    session.alertsWaiting()
    // In the middle of it, or as soon as the first one is heard.
    if (random.chance(0.7)) await wait(random.whole(0, 80))
    else await until(() => texts.some((text) => heard(text) > 0), { withinMs: 20_000, what: 'the first of them' })
    process.kill(server?.pid ?? Number.NaN, 'SIGKILL')
    await game.killServer()
    await game.startServer()
    await settled()
    const last = texts.at(-1) ?? ''
    await until(() => heard(last) > 0, { withinMs: 5_000, what: 'the last of them' }).catch(() => false)
    const counts = texts.map(heard)
    expect(counts.map((count, index) => `${texts[index]}: ${count > 0}`)).toEqual(texts.map((text) => `${text}: true`))
    doubled += counts.filter((count) => count > 1).length
    expect(Math.max(...counts)).toBeLessThanOrEqual(2)
  }
  if (process.env['TOWERWATCH_SERVER_KILLS'] !== undefined) console.log(`${doubled} of ${kills * burst} alerts were heard twice`)
})
