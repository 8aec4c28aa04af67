/**
 * From the death of an agent to the line that a player reads. Each death is one event that the product and the others watch
 * for at the same time, so that whatever else the machine does at that moment slows all of them.
 */
import type { Player } from '../../test/support/player.ts'
import { until } from '../../test/support/until.ts'
import { lastNoticedMs } from '../noticed.ts'
import { pause } from './pause.ts'
import type { Stage } from './stage.ts'

/** Whose lines are waited for; `said` begins what he says in the game. */
export interface Rival {
  name: string
  said: string
}

export interface Deaths {
  /** Milliseconds from the kill to the line, one for each death. */
  ours: number[]
  /** As far as the watch's decision was in its ledger. */
  noticed: number[]
  /** By the rival's name. */
  theirs: Map<string, number[]>
  /** Milliseconds from a player's `say` to the line that another player reads: what the game alone takes. */
  floor: number[]
}

const agent = 'bezalel'
const saysPerDeath = 3
/** Now and then monit, or what says in the game what it found, says nothing. That is left out of its figures, and told. */
const mostUnheard = 2
/** Steps of this size spread over a second as evenly as any, however many there are. */
const goldenMs = 618.034

export async function measureDeaths(stage: Stage, { atLeast, forMs, rivals, listener, speaker, signal, say }: Options): Promise<Deaths> {
  const found: Deaths = { ours: [], noticed: [], theirs: new Map(rivals.map(({ name }) => [name, []])), floor: [] }
  let unheard = 0
  const fromMs = performance.now()
  for (let number = 1; number <= atLeast || performance.now() - fromMs < forMs; number++) {
    for (let said = 1; said <= saysPerDeath; said++)
      found.floor.push(await measureSay(listener, speaker, `floor ${number} ${said}`, signal))
    // Everybody looks once a second: a death must come at any moment of that second.
    await pause((number * goldenMs) % 1_000, signal)
    const { ours, missed } = await measureDeath(stage, listener, rivals, found, signal)
    say(`death ${number}: ${ours.toFixed(0)} ms${missed.map((name) => `; nothing was heard of ${name}`).join('')}`)
    unheard += missed.length
    if (unheard > mostUnheard) throw new Error(`${unheard} deaths were not heard of from those who are measured beside us`)
  }
  return found
}

interface Options {
  /** Deaths, however long they take; more of them for as long as `forMs`. */
  atLeast: number
  forMs: number
  rivals: Rival[]
  listener: Player
  speaker: Player
  signal: AbortSignal
  say: (text: string) => void
}

async function measureDeath(
  stage: Stage,
  listener: Player,
  rivals: Rival[],
  found: Deaths,
  signal: AbortSignal,
): Promise<{ ours: number; missed: string[] }> {
  const { pid } = stage.agent(agent)
  const from = listener.lines.length
  const killedMs = performance.now()
  process.kill(pid, 'SIGKILL')
  const heard: Rival[] = []
  const [ours] = await Promise.all([
    arrival(listener, from, new RegExp(`^${agent} is down`), signal),
    ...rivals.map(async (rival) => {
      const atMs = await arrival(listener, from, `${rival.said}: ${agent} is dead`, signal).catch((error) => {
        if (signal.aborted) throw error
      })
      if (atMs === undefined) return
      found.theirs.get(rival.name)?.push(atMs - killedMs)
      heard.push(rival)
    }),
  ])
  found.ours.push(ours - killedMs)
  found.noticed.push(((await lastNoticedMs(stage.ledgerFile, agent, 'down')) ?? Number.NaN) - (performance.timeOrigin + killedMs))

  // All are to have seen it alive before it dies again.
  const next = listener.lines.length
  listener.send(`restart ${agent}`)
  await Promise.all([
    arrival(listener, next, new RegExp(`^${agent} is back up after`), signal),
    ...heard.map(({ said }) => arrival(listener, next, `${said}: ${agent} is back`, signal)),
    until(() => stage.agent(agent).pid !== pid, { withinMs: 30_000, what: `${agent} to run as another process than ${pid}` }),
  ])
  return { ours: ours - killedMs, missed: rivals.filter((rival) => !heard.includes(rival)).map(({ name }) => name) }
}

/** The gaps between two are wide enough for a stock Evennia: a message right behind an answer waits 44 ms for an acknowledgement of TCP. */
async function measureSay(listener: Player, speaker: Player, text: string, signal: AbortSignal): Promise<number> {
  const from = listener.lines.length
  const saidMs = performance.now()
  speaker.send(`say ${text}`)
  const heardMs = await arrival(listener, from, `"${text}"`, signal)
  await pause(100 + 100 * Math.random(), signal)
  return heardMs - saidMs
}

/** When the first line that matches, at `from` or later, was read. Waits for it. */
async function arrival(player: Player, from: number, pattern: RegExp | string, signal: AbortSignal): Promise<number> {
  const matches = (line: string) => (typeof pattern === 'string' ? line.includes(pattern) : pattern.test(line))
  const heardMs = await until(
    () => {
      if (signal.aborted) return 'aborted' as const
      const index = player.lines.findIndex((line, number) => number >= from && matches(line))
      return index === -1 ? undefined : player.heardAtMs[index]
    },
    { withinMs: 30_000, what: () => `a line with ${pattern}; the last ones are:\n${player.lines.slice(-15).join('\n')}` },
  )
  if (heardMs === 'aborted') throw signal.reason
  return heardMs
}
