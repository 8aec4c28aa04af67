import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { afterFailure, afterRefusal, afterUntrusted, type Backoff, freshBackoff } from '../../../src/adapters/tower/backoff.ts'

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

function run(step: typeof afterFailure, chances: number[]): number[] {
  let backoff: Backoff = freshBackoff
  return chances.map((random) => {
    const { waitMs, next } = step(backoff, random)
    backoff = next
    return waitMs
  })
}

describe('after a failure', () => {
  test('the bound doubles from half a second to ten seconds', () => {
    const almostOne = 1 - Number.EPSILON
    expect(
      run(
        afterFailure,
        Array.from({ length: 9 }, () => almostOne),
      ),
    ).toEqual([500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000, 10_000])
  })

  test('any wait from a tenth of a second up to the bound may come, however long it goes on', () => {
    fc.assert(
      fc.property(fc.array(chance, { maxLength: 100 }), (chances) => run(afterFailure, chances).every((ms) => ms >= 100 && ms <= 30_000)),
    )
  })
})

describe('after a refused login', () => {
  test('never less than two minutes, never more than half an hour and a quarter', () => {
    fc.assert(
      fc.property(fc.array(chance, { minLength: 1, maxLength: 100 }), (chances) =>
        run(afterRefusal, chances).every((ms) => ms >= 120_000 && ms <= 2_250_000),
      ),
    )
  })

  test('never so often that an address is locked out: five in five minutes', () => {
    fc.assert(
      fc.property(fc.array(chance, { minLength: 4, maxLength: 4 }), (chances) => {
        const [first = 0, second = 0] = run(afterRefusal, chances)
        return first + second > 300_000
      }),
    )
  })

  test('refusals and failures are counted apart', () => {
    const { next } = afterRefusal(freshBackoff, 0)
    expect(afterFailure(next, 1 - Number.EPSILON).waitMs).toBe(500)
  })
})

test('a certificate that is not trusted is looked at once a minute or a little more, and changes nothing for other failures', () => {
  for (const random of [0, 0.5, 0.999]) {
    const { waitMs, next } = afterUntrusted({ failures: 3, refusals: 2 }, random)
    expect(waitMs).toBeGreaterThanOrEqual(60_000)
    expect(waitMs).toBeLessThanOrEqual(75_000)
    expect(next).toEqual({ failures: 3, refusals: 2 })
  }
})
