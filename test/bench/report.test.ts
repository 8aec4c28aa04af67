import { describe, expect, it } from 'vitest'
import { type Outcome, ratiosOf } from '../../bench/benchmark.ts'
import { type Run, report, rounded, table } from '../../bench/report.ts'

const outcome: Outcome = {
  figures: {
    speed_per_s: { value: 1234.5678, unit: '1/s', better: 'higher', whose: 'ours', means: 'how fast it is' },
    their_speed_per_s: { value: 617.2839, unit: '1/s', better: 'higher', whose: 'theirs', means: 'how fast they are' },
  },
  comparisons: {
    speed_vs_theirs: { ours: 'speed_per_s', theirs: 'their_speed_per_s' },
    speed_vs_nobody: { ours: 'speed_per_s', theirs: 'nobody_per_s' },
  },
  leftOut: ['nobody: he is not installed.'],
}
const machine = { cpu: 'A Processor', cores: 2, memoryMib: 4096, system: 'Linux 6', node: '24.0.0', loadBefore: 0.1, loadAfter: 1.5 }
const done: Run = { name: 'speed', machine, outcome }

describe('a report', () => {
  it('has the name, the machine, the figures and the ratios, and nothing else', () => {
    expect(report(done)).toEqual({
      name: 'speed',
      machine,
      figures: { speed_per_s: 1235, their_speed_per_s: 617.3 },
      ratios: { speed_vs_theirs: 2 },
    })
  })
})

describe('a ratio', () => {
  it('is ours over theirs, and better the way that ours is', () => {
    expect(ratiosOf(outcome)).toEqual({
      speed_vs_theirs: { ours: 'speed_per_s', theirs: 'their_speed_per_s', value: 2, better: 'higher' },
    })
  })

  it('of a figure that we do not have, or to nothing at all, is a mistake', () => {
    const { figures } = outcome
    expect(() => ratiosOf({ figures, comparisons: { odd: { ours: 'sped_per_s', theirs: 'speed_per_s' } } })).toThrow(/sped_per_s/)
    const none = { ...figures, none_per_s: { value: 0, unit: '1/s', better: 'higher', whose: 'theirs', means: '' } as const }
    expect(() => ratiosOf({ figures: none, comparisons: { odd: { ours: 'speed_per_s', theirs: 'none_per_s' } } })).toThrow(/zero/)
  })
})

describe('the table', () => {
  it('says on which machine, whose each figure is, which way is better, and what was left out', () => {
    expect(table(done)).toBe(
      [
        'speed, on A Processor, 2 cores, 4096 MiB, Linux 6, Node 24.0.0, load 0.1 before and 1.5 after',
        '',
        'figure             value  unit  whose',
        'speed_per_s         1235  1/s   ours    higher is better  how fast it is',
        'their_speed_per_s  617.3  1/s   theirs  higher is better  how fast they are',
        '',
        'ratio            ours / theirs',
        'speed_vs_theirs              2  higher is better  speed_per_s / their_speed_per_s',
        '',
        'Left out: nobody: he is not installed.',
      ].join('\n'),
    )
  })
})

it('a figure keeps four digits', () => {
  expect([1234.5678, 0.0123456, 12, 99_999.9].map(rounded)).toEqual([1235, 0.01235, 12, 100_000])
})
