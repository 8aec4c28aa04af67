import { expect, it } from 'vitest'
import { inPieces } from '../../src/operations/in-pieces.ts'
import { agentConfig } from '../support/fleet.ts'
import { openWorld } from './world.ts'

/** How much of `work` was done when, by the turns of the event loop that came meanwhile. */
async function doneByTurn(begin: () => Promise<unknown>, done: () => number): Promise<number[]> {
  const byTurn: number[] = []
  let isOver = false
  const turn = () => {
    byTurn.push(done())
    if (!isOver) setImmediate(turn)
  }
  setImmediate(turn)
  await begin().finally(() => {
    isOver = true
  })
  return byTurn
}

const longestPiece = (byTurn: readonly number[], all: number) =>
  Math.max(...[...byTurn, all].map((done, index) => done - (byTurn[index - 1] ?? 0)))

it('does long work in order, and lets others have their turn after every few', async () => {
  let done = 0
  let results: number[] = []
  const byTurn = await doneByTurn(
    async () => {
      results = await inPieces(Array(95).keys(), (item) => {
        done++
        return item * 2
      })
    },
    () => done,
  )
  expect(results).toEqual(Array.from({ length: 95 }, (_, index) => index * 2))
  expect(longestPiece(byTurn, 95)).toBeLessThanOrEqual(10)
})

it.each(['phase', 'uptime'])('%s of a big fleet leaves the watch its turns', async (operation) => {
  const world = openWorld(Array.from({ length: 200 }, (_, index) => agentConfig(`agent-${index}`)))
  const { timeline } = world.ledger
  let read = 0
  world.ledger.timeline = (...asked) => {
    read++
    return timeline(...asked)
  }
  const byTurn = await doneByTurn(
    () => world.ask(operation),
    () => read,
  )
  expect(read).toBeGreaterThanOrEqual(200)
  expect(longestPiece(byTurn, read)).toBeLessThanOrEqual(11)
  await world.stop()
})
