import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { linesOf, newest, newLines, plainLine } from '../../src/domain/tail.ts'

const runs = { numRuns: Number(process.env['TOWERWATCH_RUNS'] ?? 2_000) }

describe('what is new in a pane', () => {
  it.each([
    ['nothing, where nothing was written', ['a', 'b'], ['a', 'b'], []],
    ['what was added at the end', ['a', 'b'], ['a', 'b', 'c', 'd'], ['c', 'd']],
    ['what was added while others were pushed out at the top', ['a', 'b', 'c'], ['b', 'c', 'd'], ['d']],
    ['the last line, where it has grown', ['a', '$ mak'], ['a', '$ make', 'ok'], ['$ make', 'ok']],
    ['everything, where nothing was there before', [], ['a', 'b'], ['a', 'b']],
    ['everything, where all was pushed out', ['a', 'b'], ['c', 'd'], ['c', 'd']],
    ['nothing, where the screen was cleared', ['a', 'b'], [], []],
    ['the line that was drawn anew, not those around it', ['title', 'at 10 %', 'quit: q'], ['title', 'at 20 %', 'quit: q'], ['at 20 %']],
    ['a line that comes again', ['a', 'b', 'a'], ['a', 'b', 'a', 'a'], ['a']],
  ])('is %s', (_, before, now, expected) => {
    expect(newLines(before, now)).toEqual(expected)
  })

  it('is every line once and in order, however a stream of lines comes through a window that holds what was new', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 30 }), fc.integer({ min: 10, max: 30 }), (steps, height) => {
        const written: string[] = []
        const told: string[] = []
        let before: string[] = []
        for (const step of steps) {
          for (let count = 0; count < step; count++) written.push(`line ${written.length} of it`)
          const now = written.slice(-height)
          told.push(...newLines(before, now))
          before = now
        }
        expect(told).toEqual(written)
      }),
      runs,
    )
  })

  it('is never a line that does not stand there, and nothing where nothing changed', () => {
    const screen = fc.array(fc.constantFrom<string>('', 'a', 'b', 'ab', 'c'), { maxLength: 12 })
    fc.assert(
      fc.property(screen, screen, (before, now) => {
        const left = [...now]
        for (const line of newLines(before, now)) {
          const place = left.indexOf(line)
          expect(place).toBeGreaterThanOrEqual(0)
          left.splice(0, place + 1)
        }
        expect(newLines(now, now)).toEqual([])
      }),
      runs,
    )
  })
})

describe('a line of outside text', () => {
  it.each([
    ['\u001b[31mred\u001b[0m', 'red'],
    ['\u001b]0;a title\u0007shown', 'shown'],
    ['\u001b]8;;http://evil.example\u001b\\click\u001b]8;;\u001b\\', 'click'],
    ['a\tb', 'a    b'],
    ['bell\u0007 back\b', 'bell  back'],
    ['\u202eturned', 'turned'],
    ['  indented  ', '  indented'],
  ])('%j is shown as %j', (text, expected) => {
    expect(plainLine(text, 200)).toBe(expected)
  })

  it('is cut to the width it may have', () => {
    expect(plainLine('x'.repeat(300), 200)).toBe(`${'x'.repeat(199)}…`)
    expect(plainLine('✓'.repeat(201), 200)).toHaveLength(200)
  })

  it('holds no control sign, nor more signs than it may, whatever it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), fc.integer({ min: 1, max: 100 }), (text, width) => {
        const shown = plainLine(text, width)
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
        expect([...shown].length).toBeLessThanOrEqual(width)
      }),
      runs,
    )
  })
})

describe('lines', () => {
  it('end where the text does, without the blank ones of an empty screen', () => {
    expect(linesOf('a\n\nb  \n\n \n')).toEqual(['a', '', 'b'])
    expect(linesOf('')).toEqual([])
  })

  it('that are too many are the newest, and how many are left out', () => {
    const lines = Array.from({ length: 46 }, (_, index) => String(index))
    expect(newest(lines, 10)).toEqual(['… 37 lines left out', ...lines.slice(-9)])
    expect(newest(lines.slice(0, 10), 10)).toEqual(lines.slice(0, 10))
  })
})
