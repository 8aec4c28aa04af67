import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AgentState } from '../../src/domain/agent.ts'
import {
  type AgentHistory,
  dayMs,
  measureAgent,
  measurePhase,
  type PhaseSnapshot,
  phaseReport,
  unmeasured,
  windowDays,
} from '../../src/domain/phase.ts'

const met: PhaseSnapshot = { fleet_operational: true, uptime_30d_percent: 97, days_at_95_percent: 30, capacity_utilization_percent: 71.5 }

describe('the phase report', () => {
  it('is ready when all three requirements are met', () => {
    expect(phaseReport(met).phase_2_ready).toBe(true)
  })

  it('has the three requirements in their order, with their targets', () => {
    expect(phaseReport(met).requirements).toEqual([
      { name: 'uptime_30d_percent', value: 97, target: 95, met: true },
      { name: 'days_at_95_percent', value: 30, target: 30, met: true },
      { name: 'capacity_utilization_percent', value: 71.5, target: 60, met: true },
    ])
  })

  it.each([
    ['uptime_30d_percent', 95, true],
    ['uptime_30d_percent', 94.97, false],
    ['uptime_30d_percent', 94.9999999, false],
    ['days_at_95_percent', 30, true],
    ['days_at_95_percent', 29, false],
    ['capacity_utilization_percent', 60, false],
    ['capacity_utilization_percent', 60.0001, true],
  ] as const)('with %s at %d: met is %s', (name, value, isMet) => {
    const report = phaseReport({ ...met, [name]: value })
    expect(report.requirements.find((requirement) => requirement.name === name)?.met).toBe(isMet)
    expect(report.phase_2_ready).toBe(isMet)
  })

  it('does not ask whether the fleet is operational at this moment', () => {
    expect(phaseReport({ ...met, fleet_operational: false }).phase_2_ready).toBe(true)
  })

  it('of a fleet that nobody has measured says operational and zeros', () => {
    expect(phaseReport(unmeasured)).toMatchObject({
      fleet_operational: true,
      uptime_30d_percent: 0,
      days_at_95_percent: 0,
      capacity_utilization_percent: 0,
      phase_2_ready: false,
    })
  })

  it('says again what it was given', () => {
    const percent = fc.double({ min: 0, max: 100, noNaN: true })
    fc.assert(
      fc.property(fc.boolean(), percent, fc.nat(400), percent, (operational, uptime, days, capacity) => {
        const snapshot = {
          fleet_operational: operational,
          uptime_30d_percent: uptime,
          days_at_95_percent: days,
          capacity_utilization_percent: capacity,
        }
        const report = phaseReport(snapshot)
        expect(report).toMatchObject(snapshot)
        expect(report.phase_2_ready).toBe(uptime >= 95 && days >= 30 && capacity > 60)
      }),
    )
  })
})

describe('the phase, measured', () => {
  const nowMs = 100 * dayMs
  const days = Array.from({ length: windowDays }, (_, ago) => ({ fromMs: nowMs - (ago + 1) * dayMs, toMs: nowMs - ago * dayMs }))
  const agent = (timeline: [number, AgentState][], more: Partial<AgentHistory> = {}): AgentHistory => ({
    state: 'up',
    timeline: timeline.map(([atMs, state]) => ({ atMs, state })),
    busy: [],
    ...more,
  })
  const measured = (...agents: AgentHistory[]) =>
    measurePhase(
      agents.map((one) => measureAgent(one, { nowMs, days })),
      { nowMs, days },
    )
  /** Up for ever, but in `state` for a share of the day that began `daysAgo` days ago. */
  const spell = (daysAgo: number, state: AgentState, share: number) =>
    agent([
      [0, 'up'],
      [nowMs - daysAgo * dayMs, state],
      [nowMs - (daysAgo - share) * dayMs, 'up'],
    ])

  it('of a fleet that was always up is 100 % for 30 days', () => {
    expect(measured(agent([[0, 'up']]))).toMatchObject({ uptime_30d_percent: 100, days_at_95_percent: 30 })
  })

  it('is operational with at least one agent up or late', () => {
    const states = (...found: AgentState[]) => measured(...found.map((state) => agent([], { state }))).fleet_operational
    expect(states('down', 'late')).toBe(true)
    expect(states('down', 'up', 'unknown')).toBe(true)
    expect(states('down', 'new', 'unreachable', 'paused', 'unknown')).toBe(false)
    expect(states()).toBe(false)
  })

  it('counts the whole fleet as one: time up over time up and down', () => {
    const half = agent([
      [0, 'up'],
      [nowMs - 15 * dayMs, 'down'],
    ])
    expect(measured(agent([[0, 'up']]), half).uptime_30d_percent).toBe(75)
  })

  it('meets exactly 95 %', () => {
    const snapshot = measured(
      agent([
        [0, 'up'],
        [nowMs - 1.5 * dayMs, 'down'],
      ]),
    )
    expect(snapshot.uptime_30d_percent).toBe(95)
    expect(phaseReport(snapshot).requirements[0]?.met).toBe(true)
  })

  it('ends the row of days with the first that is under 95 %', () => {
    expect(measured(spell(3, 'down', 0.05)).days_at_95_percent).toBe(30)
    expect(measured(spell(3, 'down', 0.0501)).days_at_95_percent).toBe(2)
    expect(measured(spell(1, 'down', 0.0501)).days_at_95_percent).toBe(0)
  })

  it('ends the row with a day of which less than 90 % was seen', () => {
    expect(measured(spell(3, 'unknown', 0.1)).days_at_95_percent).toBe(30)
    expect(measured(spell(3, 'unknown', 0.11)).days_at_95_percent).toBe(2)
    expect(measured(spell(3, 'unreachable', 0.11)).days_at_95_percent).toBe(2)
  })

  it('does not ask to have seen what was paused, but something', () => {
    expect(measured(spell(3, 'paused', 0.5)).days_at_95_percent).toBe(30)
    expect(measured(spell(3, 'paused', 1)).days_at_95_percent).toBe(2)
  })

  it('has no row before the first record', () => {
    expect(measured(agent([[nowMs - 4.5 * dayMs, 'up']]))).toMatchObject({ uptime_30d_percent: 100, days_at_95_percent: 4 })
  })

  it('measures capacity by the time that was seen, within the window only', () => {
    const busy = [
      { fromMs: nowMs - 40 * dayMs, toMs: nowMs - 20 * dayMs },
      { fromMs: nowMs - 5 * dayMs, toMs: nowMs + dayMs },
    ]
    expect(measured(agent([[0, 'up']], { busy })).capacity_utilization_percent).toBe(50)
    expect(measured(agent([[nowMs - 20 * dayMs, 'up']], { busy: busy.slice(1) })).capacity_utilization_percent).toBe(25)
  })

  it('is never more than all of it, also of one that was busy when nobody saw it', () => {
    const busy = [{ fromMs: nowMs - 20 * dayMs, toMs: nowMs }]
    expect(measured(agent([[nowMs - 5 * dayMs, 'up']], { busy })).capacity_utilization_percent).toBe(100)
  })

  it('does not meet exactly 60 %', () => {
    const snapshot = measured(agent([[0, 'up']], { busy: [{ fromMs: nowMs - 18 * dayMs, toMs: nowMs }] }))
    expect(snapshot.capacity_utilization_percent).toBe(60)
    expect(phaseReport(snapshot).requirements[2]?.met).toBe(false)
  })

  it('of a fleet without agents, or that was never seen, is zeros', () => {
    const zeros = { fleet_operational: false, uptime_30d_percent: 0, days_at_95_percent: 0, capacity_utilization_percent: 0 }
    expect(measured()).toEqual(zeros)
    expect(measured(agent([], { state: 'unknown', busy: [{ fromMs: 0, toMs: nowMs }] }))).toEqual(zeros)
  })
})
