import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nearest } from '../../src/domain/nearest.ts'

const names = ['bezalel', 'ezra', 'allegro', 'timmy', 'code-claw', 'gemini']

describe('the name that was meant', () => {
  it.each([
    ['bezalel', 'bezalel'],
    ['bezlael', 'bezalel'],
    ['Bezalel', 'bezalel'],
    ['ezar', 'ezra'],
    ['codeclaw', 'code-claw'],
    ['tim', undefined],
    ['x', undefined],
    ['', undefined],
    ['completely-different', undefined],
  ])('by %j is %j', (word, meant) => {
    expect(nearest(word, names)).toBe(meant)
  })

  it('is nobody where there is nobody', () => {
    expect(nearest('ezra', [])).toBeUndefined()
  })

  it('is found whatever one letter of it was mistyped', () => {
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.nat(), fc.constantFrom('drop', 'double', 'swap', 'change'), (name, where, how) => {
        const i = where % (name.length - 1)
        const at = name.charAt(i)
        const next = name.charAt(i + 1)
        const typed = {
          drop: name.slice(0, i) + name.slice(i + 1),
          double: name.slice(0, i) + at + name.slice(i),
          swap: name.slice(0, i) + next + at + name.slice(i + 2),
          change: `${name.slice(0, i)}#${name.slice(i + 1)}`,
        }[how]
        expect(nearest(typed, names)).toBe(name)
      }),
    )
  })
})
