import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openTurns } from '../../src/desk/turns.ts'

const never = new AbortController().signal
const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('turns', () => {
  it('are given at once while there are some, then in order, people before the watch', async () => {
    const turns = openTurns(() => 2)
    const got: string[] = []
    const told: string[] = []
    const ends = new Map<string, () => void>()
    for (const name of ['a', 'b', 'watch-1', 'c', 'watch-2', 'd']) {
      const who = name.startsWith('watch') ? 'watch' : 'person'
      void turns
        .take(who, (underWay) => told.push(`${name}: ${underWay}`), never)
        .then((end) => {
          got.push(name)
          ends.set(name, end ?? (() => {}))
        })
    }
    await settled()
    expect(got).toEqual(['a', 'b'])
    expect(told).toEqual(['watch-1: 2', 'c: 2', 'watch-2: 2', 'd: 2'])
    for (const name of ['b', 'a', 'c', 'd', 'watch-1']) {
      ends.get(name)?.()
      // Given back twice is given back once.
      ends.get(name)?.()
      await settled()
    }
    expect(got).toEqual(['a', 'b', 'c', 'd', 'watch-1', 'watch-2'])
  })

  it('are not given to who has gone, nor lost by that', async () => {
    const turns = openTurns(() => 1)
    const first = await turns.take('person', () => {}, never)
    const leaving = new AbortController()
    const left = turns.take('person', () => {}, leaving.signal)
    const next = turns.take('watch', () => {}, never)
    leaving.abort()
    expect(await left).toBeUndefined()
    expect(await turns.take('person', () => {}, leaving.signal)).toBeUndefined()
    first?.()
    expect(await next).toBeTypeOf('function')
  })

  it('are never more than allowed, and everybody gets one', async () => {
    const runs = Number(process.env['TOWERWATCH_RUNS'] ?? 300)
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('person', 'watch', 'end', 'fewer', 'more'), { maxLength: 60 }),
        fc.integer({ min: 1, max: 4 }),
        async (steps, begin) => {
          let atOnce = begin
          const turns = openTurns(() => atOnce)
          const held: (() => void)[] = []
          let asked = 0
          let got = 0
          for (const step of steps) {
            if (step === 'person' || step === 'watch') {
              asked++
              const before = got
              void turns
                .take(step, () => {}, never)
                .then((end) => {
                  got++
                  if (end) held.push(end)
                })
              await settled()
              if (got > before) expect(held.length).toBeLessThanOrEqual(atOnce)
            } else if (step === 'end') held.shift()?.()
            else atOnce = Math.max(1, atOnce + (step === 'more' ? 1 : -1))
            await settled()
          }
          while (held.length > 0) {
            held.shift()?.()
            await settled()
          }
          expect(got).toBe(asked)
        },
      ),
      { numRuns: Math.min(runs, 5_000) },
    )
  })
})
