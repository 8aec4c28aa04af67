import { describe, expect, it } from 'vitest'
import { type Bucket, personOf, spend } from '../../src/domain/authority.ts'

describe('a person', () => {
  it('is one, whatever he is called; a player and a user of this machine with the same number are two', () => {
    expect(personOf({ kind: 'account', id: '7', name: 'Ada' })).toBe(personOf({ kind: 'account', id: '7', name: 'Ada Lovelace' }))
    expect(personOf({ kind: 'account', id: '7', name: 'Ada' })).not.toBe(personOf({ kind: 'account', id: '8', name: 'Ada' }))
    expect(personOf({ kind: 'account', id: '7', name: 'Ada' })).not.toBe(personOf({ kind: 'shell', id: '7', name: 'Ada' }))
  })
})

describe('what one person may ask for', () => {
  const most = 4
  const perMs = 400
  /** At each of these moments one is asked for: how long to wait for it, 0 where it was there. */
  const waits = (...momentsMs: number[]) => {
    let bucket: Bucket | undefined
    return momentsMs.map((nowMs) => {
      const spent = spend(bucket, most, perMs, nowMs)
      bucket = spent.bucket
      return spent.waitMs
    })
  }

  it('is all of it at once, then one each time that a part of it has come back, and not before', () => {
    expect(waits(0, 0, 0, 0, 0, 75, 100, 100)).toEqual([0, 0, 0, 0, 100, 25, 0, 100])
  })

  it('is never more than all of it, however long nothing was asked for', () => {
    expect(waits(0, ...Array(5).fill(1_000_000))).toEqual([0, 0, 0, 0, 0, 100])
  })

  it('is neither more nor less because a clock was set back', () => {
    expect(waits(1_000, 0, 0, 0, 0)).toEqual([0, 0, 0, 0, 100])
  })
})
