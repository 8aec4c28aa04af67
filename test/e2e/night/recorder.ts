/** Writes the night down, scene by scene: who typed what, and what each player heard meanwhile. */
import { until } from '../../support/until.ts'
import type { Role } from './cast.ts'
import type { Seat } from './seats.ts'

export interface Player {
  role: Role
  seat: Seat
}

export interface Scene {
  title: string
  /** `after`: how many lines he had heard in the scene by then. */
  typed: { who: string; line: string; after: number }[]
  /** By name. Empty lines and spaces at the ends of lines are left out. */
  heard: Map<string, string[]>
}

export interface Recorder {
  readonly scenes: readonly Scene[]
  /** What was heard until now belongs to no scene; from now on everything does. */
  begin(): Promise<void>
  /** All that happens in `act`, and until nobody has heard anything new for a moment, belongs to the scene. */
  scene(title: string, act: () => Promise<void>): Promise<void>
  types(who: string, line: string): Promise<void>
  /** The first line since the scene began that matches; waits for it. */
  hears(who: string, pattern: RegExp, withinMs?: number): Promise<string>
  /** Waits until each of them has heard such a line in this scene. */
  allHear(pattern: RegExp, whom: (role: Role) => boolean, withinMs?: number): Promise<void>
}

/** Nothing new for so long: what was on its way has come. */
const stillMs = 500

export function startRecorder(players: readonly Player[]): Recorder {
  const scenes: Scene[] = []
  let typed: Scene['typed'] = []
  /** How many lines of each player belong to what went before. */
  const from = new Map<string, number>()

  const find = (who: string) => {
    const player = players.find(({ role }) => role.name === who)
    if (!player) throw new Error(`nobody is called ${who}`)
    return player
  }
  const written = (lines: readonly string[]) => lines.map((line) => line.trimEnd()).filter((line) => line !== '')
  const heard = async ({ role, seat }: Player) => written((await seat.read()).slice(from.get(role.name) ?? 0))
  const counts = () => Promise.all(players.map(async ({ seat }) => (await seat.read()).length))
  async function settle(): Promise<void> {
    let before = await counts()
    let sinceMs = performance.now()
    const isStill = async () => {
      const now = await counts()
      if (now.some((count, index) => count !== before[index])) sinceMs = performance.now()
      before = now
      return performance.now() - sinceMs >= stillMs
    }
    await until(isStill, { withinMs: 30_000, what: 'the game to have nothing more to say' })
  }
  async function hears(who: string, pattern: RegExp, withinMs = 20_000): Promise<string> {
    const player = find(who)
    let lines: string[] = []
    const found = async () => {
      lines = await heard(player)
      const line = lines.find((each) => pattern.test(each))
      return line === undefined ? undefined : { line }
    }
    const { line } = await until(found, { withinMs, what: () => `${who} to hear ${pattern}; he heard:\n${lines.join('\n')}` })
    return line
  }

  return {
    scenes,
    begin: async () => {
      await settle()
      for (const { role, seat } of players) from.set(role.name, (await seat.read()).length)
    },
    scene: async (title, act) => {
      typed = []
      await act()
      await settle()
      const lines = new Map<string, string[]>()
      for (const player of players) {
        const { name } = player.role
        const all = await player.seat.read()
        lines.set(name, written(all.slice(from.get(name) ?? 0)))
        from.set(name, all.length)
      }
      scenes.push({ title, typed, heard: lines })
    },
    types: async (who, line) => {
      const player = find(who)
      typed.push({ who, line, after: (await heard(player)).length })
      await player.seat.type(line)
    },
    hears,
    allHear: async (pattern, whom, withinMs) => {
      await Promise.all(players.filter(({ role }) => whom(role)).map(({ role }) => hears(role.name, pattern, withinMs)))
    },
  }
}
