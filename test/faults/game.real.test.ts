/** A real game: its server reloads, and the watch is killed, while agents die and return. What a player hears is what counts. */
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AlertRecord } from '../../src/ports/ledger.ts'
import { type Random, seededRandom } from '../../src/simulator/random.ts'
import { startEvennia, type TestGame } from '../support/evennia.ts'
import { type Player, playerAt } from '../support/player.ts'
import { until } from '../support/until.ts'
import type { FaultAgent } from './agents.ts'
import { seen, settled } from './judge.ts'
import { type Daemon, openStage, type Stage } from './stage.ts'
import { tellOnFailure } from './story.ts'
import { wrongAlerts } from './truth.ts'

/** TOWERWATCH_RELOADS=20 and TOWERWATCH_GAME_KILLS=100 for the long run; TOWERWATCH_SEED to choose the moments. */
const reloads = Number(process.env['TOWERWATCH_RELOADS'] ?? 3)
const kills = Number(process.env['TOWERWATCH_GAME_KILLS'] ?? 4)
const seed = Number(process.env['TOWERWATCH_SEED'] ?? Date.now() % 1_000_000)
const random = seededRandom(seed)

let game: TestGame
let stage: Stage
let daemon: Daemon
let player: Player

beforeAll(async () => {
  game = await startEvennia()
  stage = await openStage({
    title: `a real game, seed ${seed}`,
    agents: { ann: 'json', bea: 'json', cid: 'mtime' },
    tower: { url: game.websocketUrl, ...game.accounts.bridge },
  })
  player = await playerAt(game.ports.telnet, game.accounts.player)
  await player.hears('Watch Room')
  await Promise.all(stage.agents.map((agent) => agent.start()))
  daemon = stage.startDaemon()
  await seen(stage)
  await daemon.says('The Tower welcomed the watch', 60_000)
})
afterAll(async () => {
  player?.close()
  await stage?.close()
  await game?.stop()
})

/** Dies and returns until it is over; then it lives. */
async function live(agent: FaultAgent, chance: Random, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await wait(chance.whole(500, 4_000))
    await agent.kill()
    await wait(chance.whole(500, 4_000))
    await agent.start()
  }
}

/** What `happens` while all agents die and return; resolves when all is over and told. */
async function among(happens: () => Promise<void>): Promise<void> {
  const over = new AbortController()
  const lives = stage.agents.map((agent, index) => live(agent, seededRandom(seed, index + 1), over.signal))
  try {
    await happens()
  } finally {
    over.abort()
    await Promise.all(lives)
  }
  await settled(stage)
}

/** Lines that the player heard in the room. */
function heard(): string[] {
  return player.lines.filter((line) => / (is down: |is back up |are down|are back up|was down )/.test(line) && !line.includes('[Fleet]'))
}

/** Every alert of the ledger was heard once, and of each agent in the order in which it was made. */
function expectHeardOnce(): void {
  const { incidents, alerts } = stage.ledger((ledger) => ({
    incidents: ledger.incidents({ limit: 10_000 }),
    // To somebody who was told nothing, all of them are still to be told.
    alerts: ledger.untold('nobody', 10_000),
  }))
  expect(wrongAlerts(incidents, alerts)).toEqual([])
  const lines = heard()
  expect(lines).toHaveLength(alerts.length)
  for (const { id } of stage.agents) {
    const about = alerts.filter(({ subjects }) => subjects.some((subject) => subject.id === id))
    expect(lines.filter((line) => new RegExp(`\\b${id}\\b`).test(line))).toEqual(about.map(asHeard))
  }
}

/** As the Tower says it: with the numbers of its incidents, which tell two of the same words apart. */
function asHeard({ text, incidents }: AlertRecord): string {
  return `${text} (incident${incidents.length === 1 ? '' : 's'} ${incidents.map((number) => `#${number}`).join(', ')})`
}

describe('a player in a real game hears each death and each return once, in order,', () => {
  it(`while the game reloads ${reloads} times`, { timeout: reloads * 60_000 + 120_000 }, async (context) => {
    tellOnFailure(context, stage.story)
    console.log(`seed ${seed}: TOWERWATCH_SEED=${seed} chooses the same moments`)
    await among(async () => {
      for (let reload = 1; reload <= reloads; reload++) {
        await wait(random.whole(0, 3_000))
        stage.story.note(`reload ${reload} begins`)
        await game.reload(() => stage.story.note('the old server is gone'))
        stage.story.note(`reload ${reload} is over`)
      }
      await wait(2_000)
    })
    for (const line of heard()) stage.story.note(`heard: ${line}`)
    expectHeardOnce()
    expect(heard().length).toBeGreaterThan(2 * reloads)
  })

  it(`while the watch is killed ${kills} times`, { timeout: kills * 60_000 + 120_000 }, async (context) => {
    tellOnFailure(context, stage.story)
    const before = heard().length
    await among(async () => {
      for (let kill = 1; kill <= kills; kill++) {
        const lines = heard().length
        // In the middle of the telling, or at any other moment.
        if (random.chance(0.5)) await until(() => heard().length > lines, { withinMs: 60_000, what: 'anything to be told' })
        await wait(random.chance(0.5) ? random.whole(0, 50) : random.whole(0, 3_000))
        daemon.signal('SIGKILL')
        await daemon.ended
        daemon = stage.startDaemon()
        await daemon.says('watching')
      }
      await wait(2_000)
    })
    for (const line of heard().slice(before)) stage.story.note(`heard: ${line}`)
    expectHeardOnce()
    expect(heard().length).toBeGreaterThan(before + kills)
    expect(stage.integrity()).toBe('ok')
  })
})
