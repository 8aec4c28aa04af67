/** One place says how answers fit a screen; what every operation makes of it is in screens.test.ts. */
import { describe, expect, it } from 'vitest'
import { asIs, type Column, lay, wrapAll } from '../../src/operations/layout.ts'

const columns: Column[] = [
  { name: 'who', place: 'title' },
  { name: 'state', place: 'title' },
  { name: 'why', least: 8, say: asIs },
  { name: 'for' },
  { name: 'host', drop: 1, say: (host) => `on ${host}` },
]
const rows = [
  ['ezra', 'down', 'its pane is dead', '3 min', 'forge'],
  ['timmy', 'up', '', '2 d', '-'],
]

describe('a table', () => {
  it('is shown as it is where it fits, however narrow the screen', () => {
    const whole = [
      'who    state  why               for    host',
      'ezra   down   its pane is dead  3 min  forge',
      'timmy  up                       2 d    -',
    ]
    expect(lay(columns, rows, { columns: 132 })).toEqual(whole)
    expect(lay(columns, rows, { columns: 44 })).toEqual(whole)
    expect(lay(columns, rows)).toEqual(whole)
  })

  it('is a record for each row on a narrow screen, with everything in it', () => {
    expect(lay(columns, rows, { columns: 40 })).toEqual(['ezra  down', '  its pane is dead, for 3 min, on forge', 'timmy  up', '  for 2 d'])
  })

  it('is a sentence for each row for who has it read aloud', () => {
    expect(lay(columns, rows, { columns: 40, reader: true })).toEqual([
      'ezra down: its pane is dead, for 3 min, on forge.',
      'timmy up: for 2 d.',
    ])
  })

  it('has its cells cut first, then columns left out, where it is too wide', () => {
    const long = [['ezra', 'down', 'its pane is dead, and nobody knows why that could ever have happened', '3 min', 'forge']]
    expect(lay(columns, long, { columns: 60 })).toEqual([
      'who   state  why                                for    host',
      'ezra  down   its pane is dead, and nobody kno…  3 min  forge',
    ])
    const wide = [['ezra', 'down', 'its pane is dead', '3 min', 'a-host-with-a-name-that-is-far-longer-than-others']]
    expect(lay(columns, wide, { columns: 60 })).toEqual(['who   state  why               for', 'ezra  down   its pane is dead  3 min'])
  })

  it('shows one row as a record whose name alone is too long, and the others in their columns', () => {
    const name = 'an-agent-with-a-name-that-is-far-longer-than-anybody-needs'
    const more = [...rows, [name, 'late', 'silent', '5 s', 'forge'], ['alma', 'up', '', '1 s', 'forge']]
    expect(lay(columns, more, { columns: 60 })).toEqual([
      'who    state  why               for    host',
      'ezra   down   its pane is dead  3 min  forge',
      'timmy  up                       2 d    -',
      name,
      '  late',
      '  silent, for 5 s, on forge',
      'alma   up                       1 s    forge',
    ])
  })

  it('counts wide signs as a terminal does', () => {
    expect(
      lay(
        [{ name: 'who' }, { name: 'state' }],
        [
          ['漢字', 'up'],
          ['ezra', 'up'],
        ],
      ),
    ).toEqual(['who   state', '漢字  up', 'ezra  up'])
  })
})

describe('lines', () => {
  it('are wrapped at the width of the screen, and left alone where nobody knows it', () => {
    expect(wrapAll(['one two three four five'], { columns: 20 })).toEqual(['one two three four', '  five'])
    expect(wrapAll(['x'.repeat(500)], undefined)).toEqual(['x'.repeat(500)])
  })

  it('stay whole for who has them read aloud, as far as the wire takes them', () => {
    const line = 'word '.repeat(60).trim()
    expect(wrapAll([line], { columns: 40, reader: true })).toEqual([line])
    expect(wrapAll([`${line} ${line}`], { columns: 40, reader: true }).every((one) => one.length <= 400)).toBe(true)
  })
})
