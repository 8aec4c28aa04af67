import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type PhaseSnapshot, phaseReport, unmeasured } from '../../src/domain/phase.ts'
import { renderPhase } from '../../src/operations/phase-report.ts'

const seed: PhaseSnapshot = { fleet_operational: true, uptime_30d_percent: 78, days_at_95_percent: 0, capacity_utilization_percent: 35 }
const met: PhaseSnapshot = { fleet_operational: true, uptime_30d_percent: 97.25, days_at_95_percent: 31, capacity_utilization_percent: 71 }
const render = (snapshot: Partial<PhaseSnapshot> = {}) => renderPhase(phaseReport({ ...seed, ...snapshot }))
const section = (lines: string[], heading: string) => {
  const from = lines.indexOf(`## ${heading}`)
  const to = lines.findIndex((line, index) => index > from && line.startsWith('## '))
  return lines.slice(from + 1, to === -1 ? undefined : to).filter((line) => line !== '')
}

describe('the report', () => {
  it('has its headings, all of them, in their order', () => {
    expect(render().filter((line) => line.startsWith('## '))).toEqual([
      '## Phase Definition',
      '## Current Buildings',
      '## Current Resource Snapshot',
      '## Next Phase Trigger',
      '## Missing Requirements',
      '## Manual Clicker Interpretation',
      '## Manual Clicks Still Required',
      '## Notes',
    ])
  })

  it('of the fleet as it was on the first day says what was written by hand', () => {
    expect(section(render(), 'Current Resource Snapshot').slice(0, 6)).toEqual([
      '| Resource | Value | Target | Status |',
      '|---|---|---|---|',
      '| Fleet operational | Yes | Yes | MET |',
      '| Uptime (30d average) | 78.0% | >= 95% | NOT MET |',
      '| Days at 95%+ uptime | 0 | 30 | NOT MET |',
      '| Capacity utilization | 35.0% | > 60% | NOT MET |',
    ])
    expect(section(render(), 'Missing Requirements')).toEqual([
      '- Uptime 78.0% / 95.0%',
      '- Days at or above 95% uptime: 0/30',
      '- Capacity utilization 35.0% / >60.0%',
    ])
    expect(section(render(), 'Next Phase Trigger').at(-1)).toBe('Phase 2 trigger: NOT READY')
  })

  it('of a fleet that is ready has nothing missing', () => {
    const lines = render(met)
    expect(section(lines, 'Missing Requirements')).toEqual(['- None'])
    expect(section(lines, 'Next Phase Trigger').at(-1)).toBe('Phase 2 trigger: READY')
    expect(lines.join('\n')).not.toContain('NOT')
  })

  it('names a line per requirement that is missing, and no others', () => {
    expect(section(render({ ...met, capacity_utilization_percent: 60 }), 'Missing Requirements')).toEqual([
      '- Capacity utilization 60.0% / >60.0%',
    ])
    expect(section(render({ ...met, days_at_95_percent: 29 }), 'Missing Requirements')).toEqual(['- Days at or above 95% uptime: 29/30'])
  })

  it.each([
    [95, '95.0%'],
    [94.97, '94.97%'],
    [94.9999, '94.9999%'],
    [94.99999999, '94.99999999%'],
    [95.04, '95.0%'],
    [0, '0.0%'],
    [100, '100.0%'],
  ])('never rounds an uptime of %d over its target', (uptime, shown) => {
    expect(render({ uptime_30d_percent: uptime })).toContain(
      `| Uptime (30d average) | ${shown} | >= 95% | ${uptime >= 95 ? 'MET' : 'NOT MET'} |`,
    )
  })

  it.each([
    [60, '60.0%'],
    [60.04, '60.04%'],
    [60.000001, '60.000001%'],
    [59.96, '60.0%'],
  ])('never rounds a capacity of %d to the other side of its target', (capacity, shown) => {
    expect(render({ capacity_utilization_percent: capacity })).toContain(
      `| Capacity utilization | ${shown} | > 60% | ${capacity > 60 ? 'MET' : 'NOT MET'} |`,
    )
  })

  it('never shows a number that contradicts its status', () => {
    const percent = fc.oneof(
      fc.double({ min: 94.9, max: 95.1, noNaN: true }),
      fc.double({ min: 59.9, max: 60.1, noNaN: true }),
      fc.double({ min: 0, max: 100, noNaN: true }),
    )
    fc.assert(
      fc.property(percent, percent, (uptime, capacity) => {
        const text = render({ uptime_30d_percent: uptime, capacity_utilization_percent: capacity }).join('\n')
        expect(Number(/Uptime \(30d average\) \| ([\d.e+-]+)%/.exec(text)?.[1]) >= 95).toBe(uptime >= 95)
        expect(Number(/Capacity utilization \| ([\d.e+-]+)%/.exec(text)?.[1]) > 60).toBe(capacity > 60)
      }),
    )
  })

  it('of a fleet that nobody measured is operational, with zeros', () => {
    const lines = renderPhase(phaseReport(unmeasured))
    expect(lines).toContain('| Fleet operational | Yes | Yes | MET |')
    expect(lines).toContain('| Uptime (30d average) | 0.0% | >= 95% | NOT MET |')
  })

  it('counts what is still clicked by hand', () => {
    const clicks = section(render(), 'Manual Clicks Still Required')
    expect(clicks.length).toBeGreaterThan(0)
    for (const click of clicks) expect(click).toMatch(/^- /)
  })
})
