/** What a Tower is told of 30 days, on the real engine and a virtual clock. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { watchMessages } from '../../src/protocol/messages.ts'
import { historyParts } from '../../src/watches/history.ts'
import { testEngine } from '../support/engine.ts'
import { agentConfig, fleetConfig } from '../support/fleet.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const slow = { periodMs: 60 * dayMs, graceMs: 60 * dayMs }

function fleetOf(ids: string[]) {
  const config = fleetConfig(
    ids.map((id) => agentConfig(id, { timing: slow })),
    { timeZone: 'Etc/UTC' },
  )
  const engine = testEngine(config)
  const up = (id: string) =>
    engine.roster.observe(id, { kind: 'sighted', beat: { atMs: engine.clock.now(), epoch: `life-${engine.clock.now()}` } })
  const gone = (id: string) => engine.roster.observe(id, { kind: 'sighted', gone: 'process-gone' })
  const parts = () => historyParts(config, engine)
  return { engine, up, gone, parts }
}

const sum = (numbers: readonly number[] = []) => numbers.reduce((total, one) => total + one, 0)

it('has thirty whole days and today, the oldest first, and what was up, down and not seen in each', async () => {
  const { engine, up, gone, parts } = fleetOf(['ezra'])
  await engine.clock.advance(10 * dayMs)
  up('ezra')
  await engine.clock.advance(5 * dayMs)
  gone('ezra')
  await engine.clock.advance(2 * hourMs)
  up('ezra')
  await engine.clock.advance(dayMs)
  const [part] = await parts()
  expect(part?.days).toHaveLength(31)
  expect([...(part?.days ?? [])].sort()).toEqual(part?.days)
  const ezra = part?.agents[0]
  expect(sum(ezra?.downS)).toBe(7_200)
  expect(sum(ezra?.upS)).toBe((6 * dayMs) / 1_000)
  expect(ezra?.budget).toEqual({ totalS: 129_600, usedS: 7_200 })
  expect(part?.fleet.up.filter((share) => share >= 0)).not.toHaveLength(0)
  expect(part?.fleet.up[0]).toBe(-1)
})

it('tells of incidents by the clock on the wall, the newest first, with who looks after them', async () => {
  const { engine, up, gone, parts } = fleetOf(['ezra', 'timmy'])
  up('ezra')
  up('timmy')
  await engine.clock.advance(hourMs)
  gone('ezra')
  await engine.clock.advance(60_000)
  up('ezra')
  gone('timmy')
  const open = engine.roster.lastIncident({ kind: 'agent', id: 'timmy' })
  if (!open) throw new Error('timmy has no incident')
  const by = { kind: 'account' as const, id: '7', name: 'Ada' }
  await engine.roster.amend([{ ...open, ack: { kind: 'normal', by, atMs: engine.clock.now() } }])
  await engine.clock.advance(1_000)
  const [part] = await parts()
  const [newest, older] = part?.incidents ?? []
  expect(newest).toMatchObject({ number: 2, subject: { kind: 'agent', id: 'timmy' }, acknowledgedBy: 'Ada' })
  expect(newest).not.toHaveProperty('durationMs')
  expect(older).toMatchObject({ number: 1, cause: 'its process is gone', durationMs: 60_000 })
  expect(older?.openedAt).toBe(Math.round(engine.clock.wall() - 61_000))
})

it('comes in parts of two hundred agents, the incidents in the first', async () => {
  const ids = Array.from({ length: 401 }, (_, index) => `a${index}`)
  const { gone, up, parts } = fleetOf(ids)
  up('a0')
  gone('a0')
  const told = await parts()
  expect(told.map(({ part, agents }) => [part, agents.length])).toEqual([
    [1, 200],
    [2, 200],
    [3, 1],
  ])
  expect(told.map(({ incidents }) => incidents.length)).toEqual([1, 0, 0])
})

it('is one part with nobody in it for a fleet of nobody', async () => {
  const [part, ...more] = await fleetOf([]).parts()
  expect(more).toEqual([])
  expect(part?.agents).toEqual([])
  expect(part?.fleet.budget).toEqual({ totalS: 0, usedS: 0 })
})

it('is legal on the wire, and its buckets fill each day, whatever happened', async () => {
  const steps = fc.array(fc.record({ afterMs: fc.integer({ min: 0, max: 3 * dayMs }), isUp: fc.boolean() }), { maxLength: 20 })
  await fc.assert(
    fc.asyncProperty(steps, async (story) => {
      const { engine, up, gone, parts } = fleetOf(['ezra'])
      for (const { afterMs, isUp } of story) {
        await engine.clock.advance(afterMs)
        if (isUp) up('ezra')
        else gone('ezra')
      }
      for (const part of await parts()) {
        expect(watchMessages.tower_history.safeParse({ v: 1, boot: 'b', history: 'h', ...part }).error).toBeUndefined()
        const { upS = [], downS = [], unknownS = [], excludedS = [] } = part.agents[0] ?? {}
        const filled = upS.map((_, day) => sum([upS, downS, unknownS, excludedS].map((seconds) => seconds[day] ?? 0)))
        for (const seconds of filled.slice(0, -1)) expect(Math.abs(seconds - 86_400)).toBeLessThanOrEqual(2)
      }
    }),
    { numRuns: 30 },
  )
}, 60_000)
