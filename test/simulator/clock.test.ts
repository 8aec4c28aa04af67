import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { simulatedClock } from '../../src/simulator/clock.ts'

const runs = Number(process.env['TOWERWATCH_RUNS'] ?? 500)

describe('simulated time', () => {
  it('goes from one callback to the next, and those of one moment come in the order given, lookers last', () => {
    const clock = simulatedClock(100)
    const seen: string[] = []
    clock.after(50, () => seen.push(`late ${clock.now()}`))
    clock.at(120, () => seen.push('looks'), 1)
    clock.at(120, () => seen.push('first'))
    clock.at(120, () => seen.push('second'))
    clock.at(90, () => seen.push(`past ${clock.now()}`))
    while (clock.nextMs() < 200) clock.runNext()
    expect(seen).toEqual(['past 100', 'first', 'second', 'looks', 'late 150'])
    expect(clock.nextMs()).toBe(Number.POSITIVE_INFINITY)
    clock.runNext()
    clock.moveTo(500)
    expect(clock.now()).toBe(500)
  })

  it('runs nothing that was cancelled', () => {
    const clock = simulatedClock(0)
    const seen: number[] = []
    const timers = [1, 2, 3].map((ms) => clock.after(ms, () => seen.push(ms)))
    timers[0]?.cancel()
    timers[1]?.cancel()
    expect(clock.nextMs()).toBe(3)
    clock.runNext()
    expect(seen).toEqual([3])
  })

  it('does not go back, nor past what is due', () => {
    const clock = simulatedClock(10)
    clock.after(5, () => {})
    expect(() => clock.moveTo(9)).toThrow(/can't go from 10 to 9/)
    expect(() => clock.moveTo(16)).toThrow(/the next callback is due at 15/)
  })

  it('is a sorted list, whatever is set and cancelled', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ ms: fc.nat(50), rank: fc.constantFrom(0 as const, 1 as const), isKept: fc.boolean() })),
        (entries) => {
          const clock = simulatedClock(0)
          const seen: number[] = []
          for (const [index, { ms, rank, isKept }] of entries.entries()) {
            const timer = clock.at(ms, () => seen.push(index), rank)
            if (!isKept) timer.cancel()
          }
          while (clock.nextMs() < 1_000) clock.runNext()
          const expected = entries
            .map((entry, index) => ({ ...entry, index }))
            .filter(({ isKept }) => isKept)
            .sort((a, b) => a.ms - b.ms || a.rank - b.rank || a.index - b.index)
          expect(seen).toEqual(expected.map(({ index }) => index))
        },
      ),
      { numRuns: runs },
    )
  })
})
