/** The second way to a Tower, telnet with GMCP: the same fleet, the same deaths and returns. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openStage, reborn, type Stage } from './stage.ts'

let stage: Stage

beforeAll(async () => {
  stage = await openStage({ transport: 'telnet' })
})

afterAll(async () => {
  await stage?.close()
})

it('over telnet a death is heard, shown and undone by restart, and an alert that falls into a reload is told once', async () => {
  const player = await stage.keeper()
  await player.hears(/VPS Bezalel \(up\): Bezalel \(up\)/)

  const first = stage.agent('bezalel').pid
  process.kill(first, 'SIGKILL')
  await player.hears(/^bezalel is down: its pane is dead/)
  player.send('look')
  await player.hears(/Bezalel \(down\)/)
  player.send('restart bezalel')
  await player.hears(/^bezalel is back up after /, 30_000)
  await reborn(stage, 'bezalel', first)

  const second = stage.agent('bezalel').pid
  await stage.game.reload(() => process.kill(second, 'SIGKILL'))
  await player.hears(/^bezalel is down: its pane is dead/, 40_000)
  player.send('restart bezalel')
  await player.hears(/^bezalel is back up after /, 40_000)
  expect(player.count(/^bezalel is down/)).toBe(2)
})
