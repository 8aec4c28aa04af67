import fc from 'fast-check'

/** Random times from 0 on, each at or after the one before. */
export function risingTimes(maxLength: number, maxGap = 40): fc.Arbitrary<number[]> {
  return fc.array(fc.integer({ min: 0, max: maxGap }), { maxLength }).map((gaps) => {
    let at = 0
    return gaps.map((gap) => {
      at += gap
      return at
    })
  })
}
