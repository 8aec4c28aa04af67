import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sayBytes, sayShare } from '../../src/domain/amount.ts'

describe('amounts', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [102_400, '100 KiB'],
    [2 ** 20 - 1, '1.0 MiB'],
    [100 * 2 ** 30, '100 GiB'],
    [3 * 2 ** 60, '3072 PiB'],
  ])('of %d bytes are said as %s', (bytes, said) => {
    expect(sayBytes(bytes)).toBe(said)
  })

  it.each([
    [0, '0 %'],
    [0.001, 'under 1 %'],
    [0.5, '50 %'],
    [0.999, '99 %'],
    [1, '100 %'],
    [-1, '0 %'],
    [7, '100 %'],
  ])('of a share of %d are said as %s', (share, said) => {
    expect(sayShare(share)).toBe(said)
  })

  it('are short whatever they are', () => {
    fc.assert(fc.property(fc.double({ min: 0, max: 2 ** 59, noNaN: true }), (bytes) => sayBytes(bytes).length <= 8))
  })
})
