import { describe, expect, it } from 'vitest'
import { steadiness, steadyAgainMs, type Unsteady } from '../../src/domain/flapping.ts'

const rule = { changes: 4, withinMs: 300, stableMs: 600 }

/** When it began to flap, with a change each `everyMs`. */
function begins(everyMs: number, count: number): number | undefined {
  let kept: Unsteady = {}
  for (let turn = 1; turn <= count; turn++) {
    const { after, began } = steadiness(kept, turn * everyMs, turn * everyMs, rule)
    kept = after
    if (began !== undefined) return turn
  }
  return undefined
}

describe('flapping', () => {
  it('begins with the fourth quick change', () => {
    expect(begins(60, 60)).toBe(4)
    expect(begins(99, 60)).toBe(4)
  })

  it('begins with the eighth slow one', () => {
    expect(begins(150, 60)).toBe(8)
    expect(begins(500, 60)).toBe(8)
  })

  it('never begins where changes are rare, or without a rule', () => {
    expect(begins(600, 200)).toBeUndefined()
    expect(steadiness({ changesMs: [1, 2, 3, 4, 5] }, 6, 6, undefined)).toEqual({ after: {} })
  })

  it('is over once nothing has changed for long enough, and every change puts that off', () => {
    const flapping: Unsteady = { changesMs: [100, 160, 220, 280], flapping: { sinceMs: 280 } }
    expect(steadyAgainMs(flapping, rule)).toBe(880)
    expect(steadiness(flapping, undefined, 879, rule).after.flapping).toBeDefined()
    expect(steadiness(flapping, undefined, 880, rule).after).toEqual({})
    expect(steadyAgainMs(steadiness(flapping, 500, 500, rule).after, rule)).toBe(1_100)
  })
})
