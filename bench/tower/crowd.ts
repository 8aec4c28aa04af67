/**
 * A hundred players in the Watch Room, each on the channel too: how long one death takes to reach the last of them, turn about
 * with what one of them says; and how long one of them waits for a look at a full room.
 */
import type { Player } from '../../test/support/player.ts'
import type { Figure, Outcome } from '../benchmark.ts'
import { median } from '../statistics.ts'
import { answerOf, ask } from './ask.ts'
import type { BenchWatch } from './bench-watch.ts'
import { agentsPerHost, rackOf } from './fleet.ts'
import { pause } from './pause.ts'
import { openRawClient, type RawClient } from './raw-client.ts'
import type { Stage } from './stage.ts'

interface CrowdSize {
  players: number
  /** Deaths, and as many times that somebody speaks. */
  turns: number
  looks: number
}

interface Options {
  size: CrowdSize
  watch: BenchWatch
  warden: Player
  signal: AbortSignal
  say: (text: string) => void
}

const file = 'game/crowd.py'
const password = 'a-password-of-the-crowd'
/** Players who come in together: the game greets each after a third of a second. */
const atATime = 10
/** So that nothing is under way any more, in Evennia's own buffers either. */
const betweenMs = 300

export async function measureCrowd(stage: Stage, { size, watch, warden, signal, say }: Options): Promise<Outcome> {
  say(`crowd: ${size.players} players come in`)
  await answerOf(warden, file, `people(${JSON.stringify(password)}, ${size.players})`, /crowd: \d+ people/, 120_000)
  const players: RawClient[] = []
  try {
    for (let first = 0; first < size.players; first += atATime) {
      const numbers = Array.from({ length: Math.min(atATime, size.players - first) }, (_, index) => first + index)
      players.push(...(await Promise.all(numbers.map((number) => enter(stage, number, signal)))))
    }
    await pause(1_000, signal)
    const told = await measureTelling(players, watch, size.turns, signal)
    say(
      `crowd: a death reaches the last after ${median(told.death.last).toFixed(1)} ms, a say after ${median(told.said.last).toFixed(1)} ms`,
    )
    const looks = await measureLooks(players, warden, size.looks, signal)
    say(
      `crowd: a look at ${agentsPerHost} agents takes ${median(looks.full).toFixed(1)} ms, at nothing ${median(looks.empty).toFixed(1)} ms`,
    )
    return outcome(told, looks, size)
  } finally {
    for (const player of players) player.close()
  }
}

function enter(stage: Stage, number: number, signal: AbortSignal): Promise<RawClient> {
  return openRawClient(stage.game.websocketUrl, { account: `crowd${number}`, password }, { greeting: 'You become', signal })
}

/** In milliseconds, one of each a turn: until the middle one and until the last one of the players had the line. */
interface Told {
  middle: number[]
  last: number[]
}

async function measureTelling(players: RawClient[], watch: BenchWatch, turns: number, signal: AbortSignal) {
  const death: Told = { middle: [], last: [] }
  const said: Told = { middle: [], last: [] }
  const reach = async (told: Told, token: string, begin: () => void) => {
    const all = players.map((player) => player.hears(token))
    const fromMs = performance.now()
    begin()
    const tookMs = (await Promise.all(all)).map(({ atMs }) => atMs - fromMs)
    told.middle.push(median(tookMs))
    told.last.push(Math.max(...tookMs))
    await pause(betweenMs, signal)
  }
  for (let turn = 0; turn < turns; turn++) {
    const speaker = players[turn % players.length]
    const steps = [
      () => reach(death, `death-${turn}.`, () => die(watch, turn, `death-${turn}.`)),
      () => reach(said, `word-${turn}.`, () => speaker?.type(`say word-${turn}.`)),
    ]
    // Turn about, so that neither always comes first.
    for (const step of turn % 2 === 0 ? steps : steps.toReversed()) await step()
  }
  return { death, said }
}

/** As a watch does it: the changed state, and right behind it the alert. */
function die(watch: BenchWatch, turn: number, token: string): void {
  const agent = watch.fleet.agents[turn % watch.fleet.agents.length]
  if (!agent) throw new Error('nobody is left to die')
  Object.assign(agent, { state: 'down', forMs: 0, cause: 'its process is gone' })
  watch.changed([agent.id])
  watch.alert({
    id: `bench-${turn}`,
    kind: 'problem',
    subjects: [{ kind: 'agent', id: agent.id, host: agent.host }],
    incidents: [turn + 1],
    at: Date.now(),
    text: `${agent.name} on ${agent.host} is down: its process is gone. ${token}`,
  })
}

async function measureLooks([player]: RawClient[], warden: Player, count: number, signal: AbortSignal) {
  if (!player) throw new Error('nobody is there to look')
  const looks = async (where: string, sees: string) => {
    await answerOf(warden, file, `go("crowd0", ${JSON.stringify(where)})`, /went: /)
    const tookMs: number[] = []
    let frame = ''
    for (let look = 0; look < count; look++) {
      const heard = player.hears(sees)
      const fromMs = performance.now()
      player.type('look')
      const seen = await heard
      tookMs.push(seen.atMs - fromMs)
      frame = seen.frame
      await pause(100, signal)
    }
    return { tookMs, kb: Buffer.byteLength(frame) / 1_000 }
  }
  const full = await looks(rackOf(0), 'Host Rack 0')
  const roomMs = Number(await ask(warden, file, 'looked("crowd0")', /looked: ([\d.]+) ms/))
  const empty = await looks('nowhere', 'An empty room')
  return { full: full.tookMs, empty: empty.tookMs, roomMs, kb: full.kb }
}

function outcome(
  { death, said }: { death: Told; said: Told },
  looks: { full: number[]; empty: number[]; roomMs: number; kb: number },
  size: CrowdSize,
): Outcome {
  const ms = (value: number, whose: Figure['whose'], means: string): Figure => ({ value, unit: 'ms', better: 'lower', whose, means })
  const all = `${size.players} players`
  return {
    figures: {
      [`death_to_${size.players}_players_ms`]: ms(
        median(death.last),
        'ours',
        `one death until the last of ${all} has the line, median of ${size.turns}`,
      ),
      [`death_to_middle_player_ms`]: ms(median(death.middle), 'ours', `the same until half of them have it`),
      [`floor_say_to_${size.players}_players_ms`]: ms(
        median(said.last),
        'floor',
        `a player's \`say\` in the same room until the last has it`,
      ),
      floor_say_to_middle_player_ms: ms(median(said.middle), 'floor', 'the same until half of them have it'),
      [`look_${agentsPerHost}_ms`]: ms(
        median(looks.full),
        'ours',
        `from \`look\` in a room of ${agentsPerHost} agents to the text at the client, median of ${size.looks}`,
      ),
      [`look_${agentsPerHost}_room_ms`]: ms(
        looks.roomMs,
        'ours',
        'the part of it in which the room describes itself, taken inside the game',
      ),
      [`look_${agentsPerHost}_kb`]: {
        value: looks.kb,
        unit: 'kB',
        better: 'lower',
        whose: 'ours',
        means: 'what a client of the websocket gets then',
      },
      floor_look_empty_ms: ms(median(looks.empty), 'floor', 'from `look` in a plain room with nothing in it to the text at the client'),
    },
    comparisons: {
      [`death_to_${size.players}_players_vs_say`]: {
        ours: `death_to_${size.players}_players_ms`,
        theirs: `floor_say_to_${size.players}_players_ms`,
      },
      death_to_middle_player_vs_say: { ours: 'death_to_middle_player_ms', theirs: 'floor_say_to_middle_player_ms' },
      [`look_${agentsPerHost}_vs_empty`]: { ours: `look_${agentsPerHost}_ms`, theirs: 'floor_look_empty_ms' },
    },
    leftOut: [],
  }
}
