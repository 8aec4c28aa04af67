import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clockAnchor } from '../../src/domain/clock-anchor.ts'

const mark = { atMs: 1_000_000, boot: 'a', bootMs: 5_000 }

describe("the watch's time at its start", () => {
  it('is that of the wall where nothing is known of before', () => {
    expect(clockAnchor(undefined, { boot: 'a', bootMs: 9_000, wallMs: 77 })).toBe(77)
  })

  it('goes on from the last mark of the same boot, whatever the wall shows', () => {
    fc.assert(
      fc.property(fc.nat(1e9), fc.integer(), (offMs, wallMs) => {
        expect(clockAnchor(mark, { boot: 'a', bootMs: mark.bootMs + offMs, wallMs })).toBe(mark.atMs + offMs)
      }),
    )
  })

  it('is that of the wall after another boot, but never before what was written', () => {
    expect(clockAnchor(mark, { boot: 'b', bootMs: 10, wallMs: 2_000_000 })).toBe(2_000_000)
    expect(clockAnchor(mark, { boot: 'b', bootMs: 10, wallMs: 0 })).toBe(mark.atMs)
  })

  it('takes a machine that was put back to an earlier moment for another boot', () => {
    expect(clockAnchor(mark, { boot: 'a', bootMs: 4_999, wallMs: 2_000_000 })).toBe(2_000_000)
  })

  it('carries nothing on where the system does not tell its boots', () => {
    expect(clockAnchor({ ...mark, boot: '' }, { boot: '', bootMs: 9_000, wallMs: 2_000_000 })).toBe(2_000_000)
  })
})
