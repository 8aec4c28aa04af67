/** `towerwatch demo`: the demo with the bundled Tower and the real watch, and the screen that goes with them. */
import { fileURLToPath } from 'node:url'
import { startBundledTower } from '../adapters/game/bundled-tower.ts'
import { layoutIn } from './layout.ts'
import { paint, readyScreen } from './screen.ts'
import { type DemoOptions, startDemo } from './stage.ts'

/** How a lost host behaves: long enough to be looked at, short enough to be waited for. */
const HOST_RETURN_MS = 30_000
const WATCH_READY_WITHIN_MS = 60_000

/** Runs the demo until the signal fires; resolves when everything has stopped. Rejects with what would not start, and why. */
export async function runDemo(options: DemoOptions): Promise<void> {
  const { varDir, print, signal } = options
  const demo = await startDemo(options, {
    startTower: (aborted) => startBundledTower(varDir, { progress: (text) => print(`The Tower: ${text} ...`), signal: aborted }),
    watchCommand: (fleet) => [process.execPath, cliFile(), 'run', '--config', fleet],
    watchReadyWithinMs: WATCH_READY_WITHIN_MS,
    hostReturnMs: HOST_RETURN_MS,
    now: () => new Date(),
  })
  if (demo === 'aborted') {
    print('Stopped.')
    return
  }
  const info = demo.info()
  const colour = process.stdout.isTTY && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb' ? 'colour' : 'plain'
  const words = { command: 'npx towerwatch', attach: attachCommand(info.tmux.socket, process.env['TMUX']), log: layoutIn(varDir).watchLog }
  print(readyScreen(info, paint(colour), words))
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  print('Stopping the watch, the Tower, the agents and their hosts ...')
  await demo.stop()
  print('Stopped.')
}

/** As it can be typed into a shell; tmux refuses to be attached from inside another one, `outer`, unless told not to know. */
export function attachCommand(socket: string, outer: string | undefined): string {
  const word = /^[\w@%+:,./-]+$/.test(socket) ? socket : `'${socket.replaceAll("'", `'\\''`)}'`
  return `${outer ? 'TMUX= ' : ''}tmux -S ${word} attach`
}

/** As far away from the source as from what is built of it. */
const cliFile = () => fileURLToPath(new URL('../../bin/towerwatch.js', import.meta.url))
