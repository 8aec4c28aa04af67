/** A judge that finds nothing wrong is worth as much as what it would have found. */
import { describe, expect, it } from 'vitest'
import type { AgentState } from '../../src/domain/agent.ts'
import type { Incident } from '../../src/domain/incident.ts'
import { alertOf, incidentOf } from '../support/ledger-facts.ts'
import { type Outage, type Truth, wrongAlerts, wrongIncidents, wrongStretches } from './truth.ts'

const s = 1_000
/** Dead from 20 s to 30 s; the watch looked until 50 s, was away until 60 s, and had said so last at 48 s. */
const truth = (shows: Outage['shows'] = 'at-once'): Truth => ({
  agent: 'timmy',
  silentAfterMs: 3 * s,
  outages: [{ fromMs: 20 * s, toMs: 30 * s, lastBeatMs: 19.8 * s, shows }],
  looked: [
    { fromMs: 0, toMs: 50 * s },
    { fromMs: 60 * s, toMs: 100 * s },
  ],
  mayBeUnknown: [{ fromMs: 48 * s, toMs: 60 * s }],
})
const steps = (...steps: [number, AgentState][]) => steps.map(([atS, state]) => ({ atMs: atS * s, state }))
const right = steps([0, 'up'], [20.3, 'down'], [30.2, 'up'], [48, 'unknown'], [60.2, 'up'])
const found = (timeline: ReturnType<typeof steps>, of = truth()) =>
  wrongStretches(of, timeline, { fromMs: 0, toMs: 100 * s }).map(({ fromMs, toMs, why }) => [fromMs / s, toMs / s, why])

describe('the judge of the ledger', () => {
  it('has nothing against one that is right but for less than a second', () => {
    expect(found(right)).toEqual([])
    expect(found(steps([0, 'up'], [22.8, 'down'], [30, 'up'], [49.5, 'unknown'], [60, 'up']), truth('by-silence'))).toEqual([])
  })

  it.each<[string, ReturnType<typeof steps>, [number, number, string]]>([
    [
      'a death that is recorded late',
      steps([0, 'up'], [21.5, 'down'], [30, 'up'], [50, 'unknown'], [60, 'up']),
      [20, 21.5, 'up, though it was dead'],
    ],
    [
      'a death that lasts too long',
      steps([0, 'up'], [20, 'down'], [31.5, 'up'], [50, 'unknown'], [60, 'up']),
      [30, 31.5, 'down, though it worked'],
    ],
    [
      'an invented death',
      steps(
        ...([
          [0, 'up'],
          [20, 'down'],
          [30, 'up'],
          [40, 'down'],
          [42, 'up'],
          [50, 'unknown'],
          [60, 'up'],
        ] as [number, AgentState][]),
      ),
      [40, 42, 'down, though it worked'],
    ],
    ['a claim on what nobody saw', steps([0, 'up'], [20, 'down'], [30, 'up']), [50, 60, 'up, though nobody looked']],
    [
      'what was seen, and is said to be unknown',
      steps([0, 'up'], [20, 'down'], [30, 'up'], [45, 'unknown'], [60, 'up']),
      [45, 48, 'unknown, though the watch looked'],
    ],
    ['nothing at all', [], [0, 48, 'unknown, though the watch looked']],
  ])('finds %s', (_, timeline, fault) => {
    expect(found(timeline)).toContainEqual(fault)
  })

  it('finds a silence that is called a death before its time', () => {
    expect(found(steps([0, 'up'], [20.5, 'down'], [30, 'up'], [50, 'unknown'], [60, 'up']), truth('by-silence'))).toEqual([
      [20.5, 22.8, 'down, though it was not silent for so long'],
    ])
  })

  it('lets the machine be slow by as much as it was', () => {
    const timeline = steps([0, 'up'], [22, 'down'], [30, 'up'], [50, 'unknown'], [60, 'up'])
    expect(wrongStretches(truth(), timeline, { fromMs: 0, toMs: 100 * s }, () => 1_500)).toEqual([])
  })
})

describe('the judge of incidents and alerts', () => {
  const incident = (openedS: number, closedS?: number): Incident =>
    incidentOf(1, { openedMs: openedS * s, ...(closedS !== undefined && { closedMs: closedS * s }) })
  const certain = () => true

  it('has nothing against one incident for one outage', () => {
    expect(wrongIncidents(truth(), [incident(20.2, 30.1)], certain)).toEqual([])
    expect(wrongIncidents(truth(), [], () => false)).toEqual([])
  })

  it('finds the lost and the invented', () => {
    expect(wrongIncidents(truth(), [], certain)).toEqual([expect.stringContaining('is lost')])
    expect(wrongIncidents(truth(), [incident(20.2, 30), incident(70, 71)], certain)).toEqual([expect.stringContaining('is invented')])
  })

  it('finds what was told twice, not at all, out of turn, or is in no ledger', () => {
    const over = [incident(20, 30)]
    const problem = { ...alertOf('a'), kind: 'problem' as const }
    const recovery = { ...alertOf('b'), kind: 'recovery' as const }
    expect(wrongAlerts(over, [problem, recovery])).toEqual([])
    for (const said of [[], [problem], [recovery, problem], [problem, { ...problem, id: 'c' }, recovery]])
      expect(wrongAlerts(over, said)).toEqual([expect.stringMatching(/^#1 of timmy was told as: /)])
    expect(wrongAlerts(over, [problem, problem, recovery])).toContain('an id was told twice')
    expect(wrongAlerts([], [problem])).toEqual([expect.stringContaining('which is in no ledger')])
  })
})
