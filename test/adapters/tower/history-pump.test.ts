/** The history goes out in parts, after each welcome and every few minutes, and never makes anybody wait. */
import { expect, it } from 'vitest'
import { historyPump } from '../../../src/adapters/tower/history-pump.ts'
import type { HistoryPart } from '../../../src/ports/tower.ts'
import { keptLog } from '../../support/log.ts'

const budget = { totalS: 100, usedS: 10 }

function partOf(part: number, parts: number): HistoryPart {
  return {
    part,
    parts,
    at: 1_795_000_000_000,
    days: ['2026-11-23'],
    target: 0.95,
    fleet: { up: [1], busy: [-1], budget, requirements: [], ready: false },
    agents: [{ id: `a${part}`, upS: [10], downS: [0], unknownS: [0], excludedS: [0], budget }],
    incidents: [],
  }
}

function pumpOf(history: () => Promise<HistoryPart[]>) {
  const log = keptLog()
  let woken = 0
  let ids = 0
  const wake = () => {
    woken++
  }
  const pump = historyPump({ history }, () => `history-${++ids}`, wake, log)
  return { pump, log, woken: () => woken }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

it('sends nothing before a welcome', () => {
  const { pump } = pumpOf(async () => [partOf(1, 1)])
  expect(pump.next(0)).toBeUndefined()
  expect(pump.dueAt(0)).toBe(Number.POSITIVE_INFINITY)
})

it('sends all parts of one set under one name, and wakes the session when they are there', async () => {
  const { pump, woken } = pumpOf(async () => [partOf(1, 2), partOf(2, 2)])
  pump.start('boot-1', 0)
  expect(pump.next(0)).toBeUndefined()
  expect(pump.dueAt(0)).toBe(Number.POSITIVE_INFINITY)
  await settled()
  expect(woken()).toBe(1)
  const sent = [pump.next(1), pump.next(2), pump.next(3)]
  expect(sent.map((message) => message?.name)).toEqual(['tower_history', 'tower_history', undefined])
  expect(sent[0]?.data).toMatchObject({ boot: 'boot-1', history: 'history-1', part: 1, parts: 2 })
  expect(sent[1]?.data).toMatchObject({ boot: 'boot-1', history: 'history-1', part: 2 })
  expect(pump.dueAt(3)).toBe(300_000)
})

it('throws away a set that was begun before the game restarted', async () => {
  const first = Promise.withResolvers<HistoryPart[]>()
  const answers = [first.promise, Promise.resolve([partOf(1, 1)])]
  const { pump } = pumpOf(() => answers.shift() ?? Promise.resolve([]))
  pump.start('boot-1', 0)
  pump.next(0)
  pump.start('boot-2', 10)
  pump.next(10)
  first.resolve([partOf(1, 2), partOf(2, 2)])
  await settled()
  expect(pump.next(20)?.data).toMatchObject({ boot: 'boot-2', parts: 1 })
  expect(pump.next(20)).toBeUndefined()
})

it('is due soon after something happened, and not each time', async () => {
  const { pump } = pumpOf(async () => [partOf(1, 1)])
  pump.start('boot-1', 0)
  pump.next(0)
  await settled()
  pump.next(1)
  pump.changed(100)
  pump.changed(5_000)
  expect(pump.dueAt(5_000)).toBe(10_100)
})

it('says in the log that the ledger could not be read, and tries again', async () => {
  const { pump, log } = pumpOf(() => Promise.reject(new Error('disk is gone')))
  pump.start('boot-1', 0)
  pump.next(0)
  await settled()
  expect(JSON.stringify(log.lines)).toContain('disk is gone')
  expect(pump.dueAt(0)).toBe(30_000)
})

it('sends nothing that the wire would refuse', async () => {
  const { pump, log } = pumpOf(async () => [{ ...partOf(1, 2), target: 95 }, partOf(2, 2)])
  pump.start('boot-1', 0)
  pump.next(0)
  await settled()
  expect(pump.next(1)).toBeUndefined()
  expect(pump.next(2)).toBeUndefined()
  expect(JSON.stringify(log.lines)).toContain('target')
})
