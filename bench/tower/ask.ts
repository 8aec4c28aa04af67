/** Asks the game itself: a superuser's `py` runs a function of a file of ours in its server. */
import { join } from 'node:path'
import type { Player } from '../../test/support/player.ts'

/** The line of the answer that the pattern matches; `call` is `name(arguments in Python)`. */
export function answerOf(warden: Player, file: string, call: string, pattern: RegExp, withinMs = 60_000): Promise<string> {
  const name = call.slice(0, call.indexOf('('))
  const path = join(import.meta.dirname, file)
  warden.send(`py/noecho __import__("runpy").run_path(${JSON.stringify(path)})["${name}"]${call.slice(name.length)}`)
  return warden.hears(pattern, withinMs)
}

/** What the pattern catches of it. */
export async function ask(warden: Player, file: string, call: string, pattern: RegExp, withinMs?: number): Promise<string> {
  return pattern.exec(await answerOf(warden, file, call, pattern, withinMs))?.[1] ?? ''
}
