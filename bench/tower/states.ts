/**
 * How many agents' states a second reach the Tower: through the product's codec and transport into the real plugin, as the
 * product's session paces it; and in the two ways that a bridge is usually written.
 */
import { join } from 'node:path'
import { startTowerSession } from '../../src/adapters/tower/session.ts'
import { websocketTransport } from '../../src/adapters/tower/websocket.ts'
import type { TowerTransport } from '../../src/ports/tower-transport.ts'
import type { Player } from '../../test/support/player.ts'
import { realClock } from '../../test/support/real-clock.ts'
import { until } from '../../test/support/until.ts'
import { startBareServer } from './bare-server.ts'
import { bridgeOf, fleet, fleetSize, frameEveryMs, hosts, type Link, openLink, stateFrame } from './link.ts'
import { pause } from './pause.ts'
import type { Stage } from './stage.ts'

/** States a second; of the rounds, one figure each. */
export interface States {
  session: number
  plugin: number[]
  onePerFrame: number[]
  attributes: number[]
  bareServer: number[]
}

interface Options {
  rounds: number
  /** The superuser, who may ask the game itself. */
  warden: Player
  signal: AbortSignal
  say: (text: string) => void
}

const framesPerRound = 20
const singlesPerRound = 150
const sessionMs = 4_000
const maxBufferedBytes = 512 * 1024

/** The watch must be off the bridge's account: two of them would throw each other out. */
export async function measureStates(stage: Stage, { rounds, warden, signal, say }: Options): Promise<States> {
  say(`states: a fleet of ${fleetSize} agents moves in`)
  const session = await measureSession(stage, warden, signal)
  say(`states: the session mirrors ${session.toFixed(0)} a second`)
  await using running = new AsyncDisposableStack()
  const link = await openLink(stage, signal)
  running.defer(() => link.connection.close())
  const bare = await startBareServer(signal)
  running.defer(() => bare.stop())

  const found: States = { session, plugin: [], onePerFrame: [], attributes: [], bareServer: [] }
  let seq = 0
  const batches = (round: number) =>
    Array.from({ length: framesPerRound }, (_, index) => stateFrame(link.boot, seq++, fleet(`batch ${round}.${index}`)))
  for (let round = 1; round <= rounds; round++) {
    const frames = batches(round)
    const mine = await timed(() => sendAll(link, frames, signal))
    await expectTold(warden, `batch ${round}.${framesPerRound - 1}:`, fleetSize)
    found.plugin.push((framesPerRound * fleetSize) / mine)

    const singles = fleet(`single ${round}`)
      .slice(0, singlesPerRound)
      .map((agent) => stateFrame(link.boot, seq++, [agent]))
    const single = await timed(() => sendAll(link, singles, signal))
    // The game may count its seconds so that some are above its limit: only what arrived counts.
    found.onePerFrame.push((await told(warden, `single ${round}:`)) / single)

    found.attributes.push(await writeAttributes(warden))

    const same = batches(round)
    found.bareServer.push((framesPerRound * fleetSize) / (await timed(() => bare.send(same))))
    say(`states: round ${round} of ${rounds}, ${found.plugin.at(-1)?.toFixed(0)} a second into the plugin`)
  }
  return found
}

/** As fast as the plugin takes them and Evennia's limit of frames a second allows; resolves when it has worked through them all. */
async function sendAll(link: Link, frames: ReturnType<typeof stateFrame>[], signal: AbortSignal): Promise<void> {
  let dueMs = performance.now()
  for (const frame of frames) {
    const waitMs = dueMs - performance.now()
    if (waitMs > 0) await pause(waitMs, signal)
    while (link.connection.bufferedBytes > maxBufferedBytes) await pause(2, signal)
    link.connection.send(frame)
    dueMs = Math.max(dueMs, performance.now() - frameEveryMs) + frameEveryMs
  }
  await link.settled()
}

/** The product's own session, where every agent of the fleet changes ten times a second. */
async function measureSession(stage: Stage, warden: Player, signal: AbortSignal): Promise<number> {
  const frames: { atMs: number; states: number }[] = []
  const agents = fleet('session')
  const ids = agents.map(({ id }) => id)
  let complaints = ''
  const complain = (fields: object, text: string) => {
    complaints = `${complaints}\n${text} ${JSON.stringify(fields)}`.slice(-1_000)
  }
  const session = startTowerSession({
    transport: counting(websocketTransport({ url: stage.game.websocketUrl }), (states) => frames.push({ atMs: performance.now(), states })),
    account: bridgeOf(stage),
    handlers: {
      fleet: () => ({ hosts, agents }),
      history: () => Promise.withResolvers<never>().promise,
      unacknowledged: () => [],
      acknowledged: () => {},
      request: () => {},
      refused: () => {},
    },
    clock: realClock,
    random: Math.random,
    fleet: 'bench',
    version: 'bench',
    hashes: stage.game.hashes,
    log: { debug: () => {}, info: () => {}, warn: complain, error: complain },
  })
  try {
    // The plugin gives each agent a body in its database first, which is done once in the life of a fleet.
    await until(async () => signal.aborted || Number(await ask(warden, 'count()', /bodies: (\d+)/)) === fleetSize, {
      withinMs: 120_000,
      what: () => `${fleetSize} agents to have a body; the session said:${complaints}`,
    })
    const fromMs = performance.now()
    while (performance.now() - fromMs < sessionMs + 1_500) {
      session.changed({ agents: ids, hosts: [] })
      await pause(100, signal)
    }
    // From one batch to another, the first not counted: both ends then lie where a batch was sent.
    const seen = frames.filter(({ atMs }) => atMs >= fromMs)
    const [first, last] = [seen[0], seen.at(-1)]
    if (!first || !last || first === last) throw new Error(`the session sent fewer than two batches; it said:${complaints}`)
    const states = seen.reduce((sum, frame) => sum + frame.states, 0) - first.states
    return (1_000 * states) / (last.atMs - first.atMs)
  } finally {
    await session.stop()
  }
}

/** Tells of each `tower_state` that goes out. */
function counting(transport: TowerTransport, sent: (states: number) => void): TowerTransport {
  return {
    kind: transport.kind,
    connect: async (account, listener, bounds) => {
      const connection = await transport.connect(account, listener, bounds)
      return {
        get bufferedBytes() {
          return connection.bufferedBytes
        },
        close: () => connection.close(),
        send: (message) => {
          if (message.name === 'tower_state') sent(message.data.agents.length)
          connection.send(message)
        },
      }
    },
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const fromMs = performance.now()
  await work()
  return (performance.now() - fromMs) / 1_000
}

async function writeAttributes(warden: Player): Promise<number> {
  const [, count, seconds] = /attributes: (\d+) in ([\d.]+) s/.exec(await answer(warden, 'write()', /attributes: \d+ in/)) ?? []
  if (Number(count) !== fleetSize) throw new Error(`attributes were written on ${count} of ${fleetSize} bodies`)
  return Number(count) / Number(seconds)
}

async function expectTold(warden: Player, prefix: string, expected: number): Promise<void> {
  const count = await told(warden, prefix)
  if (count !== expected) throw new Error(`the Tower knows ${count} of the ${expected} states "${prefix}"`)
}

async function told(warden: Player, prefix: string): Promise<number> {
  return Number(await ask(warden, `told(${JSON.stringify(prefix)})`, /told: (\d+)/))
}

/** What the pattern catches of the answer. */
async function ask(warden: Player, call: string, pattern: RegExp): Promise<string> {
  return pattern.exec(await answer(warden, call, pattern))?.[1] ?? ''
}

/** Calls a function of theirs/attributes.py inside the game. */
function answer(warden: Player, call: string, pattern: RegExp): Promise<string> {
  const [name = '', argument = ''] = call.split(/[()]/)
  const file = join(import.meta.dirname, 'theirs', 'attributes.py')
  warden.send(`py/noecho __import__("runpy").run_path(${JSON.stringify(file)})["${name}"](${argument})`)
  return warden.hears(pattern, 60_000)
}
