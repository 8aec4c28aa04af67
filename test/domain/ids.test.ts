import { describe, expect, it } from 'vitest'
import { isId } from '../../src/domain/ids.ts'

describe('an id', () => {
  it.each(['a', '0', 'code-claw', 'a.b_c-d', 'x'.repeat(63)])('may be %j', (text) => {
    expect(isId(text)).toBe(true)
  })

  it.each(['', '-a', '.a', '_a', 'A', 'bezalel\n', '\nbezalel', 'a b', 'a/b', 'a;b', '$(id)', 'ä', 'a\u0000', 'x'.repeat(64)])(
    'may not be %j',
    (text) => {
      expect(isId(text)).toBe(false)
    },
  )
})
