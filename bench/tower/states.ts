/**
 * How many agents' states a second reach the Tower: through the product's codec and transport into the real plugin, as the
 * product's session paces it; in the two ways that a bridge is usually written; and into an inputfunc that does nothing.
 */
import type { WatchMessage } from '../../src/protocol/messages.ts'
import type { Player } from '../../test/support/player.ts'
import { answerOf, ask } from './ask.ts'
import { startBareServer } from './bare-server.ts'
import { startBenchWatch } from './bench-watch.ts'
import { fleetOf, fleetSize, stateFrame } from './fleet.ts'
import { frameEveryMs, type Link, openLink } from './link.ts'
import { pause } from './pause.ts'
import type { Stage } from './stage.ts'

/** States a second; of the rounds, one figure each. */
export interface States {
  session: number
  plugin: number[]
  /** The same frames, game and connection, to an inputfunc that does nothing. */
  nothing: number[]
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
  running.defer(() => link.close())
  const bare = await startBareServer(signal)
  running.defer(() => bare.stop())

  const found: States = { session, plugin: [], nothing: [], onePerFrame: [], attributes: [], bareServer: [] }
  let seq = 0
  const batches = (round: string) =>
    Array.from({ length: framesPerRound }, (_, index) => stateFrame(link.boot, seq++, fleetOf(fleetSize, `batch ${round}.${index}`).agents))
  const states = framesPerRound * fleetSize
  for (let round = 1; round <= rounds; round++) {
    const plugin = async () => {
      const frames = batches(String(round))
      found.plugin.push(states / (await timed(() => pour(link, frames, { send: link.send, signal }))))
      await expectTold(warden, `batch ${round}.${framesPerRound - 1}:`, fleetSize)
    }
    const nothing = async () => {
      const frames = batches(`nothing ${round}`)
      found.nothing.push(states / (await timed(() => pour(link, frames, { send: link.sendToNothing, signal }))))
    }
    // Turn about, so that neither always comes first.
    for (const one of round % 2 === 1 ? [plugin, nothing] : [nothing, plugin]) await one()

    const singles = fleetOf(singlesPerRound, `single ${round}`).agents.map((agent) => stateFrame(link.boot, seq++, [agent]))
    const single = await timed(() => pour(link, singles, { send: link.send, signal }))
    // The game may count its seconds so that some are above its limit: only what arrived counts.
    found.onePerFrame.push((await told(warden, `single ${round}:`)) / single)

    found.attributes.push(await writeAttributes(warden))

    const same = batches(String(round))
    found.bareServer.push(states / (await timed(() => bare.send(same))))
    const [mine, empty] = [found.plugin, found.nothing].map((rates) => rates.at(-1)?.toFixed(0))
    say(`states: round ${round} of ${rounds}, ${mine} a second into the plugin, ${empty} into nothing`)
  }
  return found
}

/** As fast as the game takes them and Evennia's limit of frames a second allows; resolves when it has worked through them all. */
async function pour(
  link: Link,
  frames: WatchMessage[],
  { send, signal }: { send: (frame: WatchMessage) => void; signal: AbortSignal },
): Promise<void> {
  let dueMs = performance.now()
  for (const frame of frames) {
    const waitMs = dueMs - performance.now()
    if (waitMs > 0) await pause(waitMs, signal)
    while (link.bufferedBytes > maxBufferedBytes) await pause(2, signal)
    send(frame)
    dueMs = Math.max(dueMs, performance.now() - frameEveryMs) + frameEveryMs
  }
  await link.settled()
}

/** The product's own session, where every agent of the fleet changes ten times a second. */
async function measureSession(stage: Stage, warden: Player, signal: AbortSignal): Promise<number> {
  const frames: { atMs: number; states: number }[] = []
  const fleet = fleetOf(fleetSize, 'session')
  const ids = fleet.agents.map(({ id }) => id)
  const sent = (states: number) => void frames.push({ atMs: performance.now(), states })
  const watch = await startBenchWatch(stage, { fleet, warden, signal, sent })
  try {
    const fromMs = performance.now()
    while (performance.now() - fromMs < sessionMs + 1_500) {
      watch.changed(ids)
      await pause(100, signal)
    }
    // From one batch to another, the first not counted: both ends then lie where a batch was sent.
    const seen = frames.filter(({ atMs }) => atMs >= fromMs)
    const [first, last] = [seen[0], seen.at(-1)]
    if (!first || !last || first === last) throw new Error(`the session sent fewer than two batches; it said:${watch.complaints()}`)
    const states = seen.reduce((sum, frame) => sum + frame.states, 0) - first.states
    return (1_000 * states) / (last.atMs - first.atMs)
  } finally {
    await watch.stop()
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const fromMs = performance.now()
  await work()
  return (performance.now() - fromMs) / 1_000
}

const file = 'theirs/attributes.py'

async function writeAttributes(warden: Player): Promise<number> {
  const [, count, seconds] = /attributes: (\d+) in ([\d.]+) s/.exec(await answerOf(warden, file, 'write()', /attributes: \d+ in/)) ?? []
  if (Number(count) !== fleetSize) throw new Error(`attributes were written on ${count} of ${fleetSize} bodies`)
  return Number(count) / Number(seconds)
}

async function expectTold(warden: Player, prefix: string, expected: number): Promise<void> {
  const count = await told(warden, prefix)
  if (count !== expected) throw new Error(`the Tower knows ${count} of the ${expected} states "${prefix}"`)
}

async function told(warden: Player, prefix: string): Promise<number> {
  return Number(await ask(warden, file, `told(${JSON.stringify(prefix)})`, /told: (\d+)/))
}
