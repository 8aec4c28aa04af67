import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Subject } from '../../src/domain/incident.ts'
import type { Tally } from '../../src/domain/uptime.ts'
import { agentConfig } from '../support/fleet.ts'
import { openWorld, type World } from './world.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs

let world: World
let now: number
beforeEach(() => {
  world = openWorld([agentConfig('timmy'), agentConfig('ezra', { host: 'vps' })])
  now = world.clock.now()
})
afterEach(() => world.stop())

/** [how long ago, state, cause?], oldest first. */
async function lived(subject: Subject, ...steps: [number, string, string?][]): Promise<void> {
  await world.ledger.write(
    steps.map(([agoMs, to, cause]) => ({
      kind: 'transition',
      subject,
      transition: { from: 'new', to, atMs: now - agoMs, noticedMs: now - agoMs, ...(cause && { cause }) },
    })),
  )
}
const timmy = { kind: 'agent', id: 'timmy' } as const
const ezra = { kind: 'agent', id: 'ezra' } as const
const vps = { kind: 'host', id: 'vps' } as const

type Figures = Tally & {
  availability: number
  coverage: number
  daysInARow: number
  downBy: Record<string, number>
  budget: Record<string, unknown>
}

async function about(subject?: string) {
  const { lines, data } = await world.ask('uptime', subject === undefined ? {} : { subject })
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80)
  return {
    lines,
    data: data as Figures & { agent?: string; host?: string; fleet: Figures; agents: (Figures & { agent: string })[]; hosts: Figures[] },
  }
}

describe('uptime', () => {
  it('of one agent tells how much, how sure, why not, and what is left', async () => {
    await lived(timmy, [40 * dayMs, 'up'], [10 * dayMs, 'down', 'silent'], [9.5 * dayMs, 'up'], [5 * dayMs, 'unknown'], [4 * dayMs, 'up'])
    await lived(timmy, [3 * hourMs, 'down', 'process-gone'], [hourMs, 'up'])
    const { lines, data } = await about('agent:timmy')
    expect(data).toMatchObject({
      agent: 'timmy',
      upMs: 30 * dayMs - dayMs - 14 * hourMs,
      downMs: 14 * hourMs,
      unknownMs: dayMs,
      excludedMs: 0,
      downBy: { silent: 12 * hourMs, 'process-gone': 2 * hourMs },
      budget: { totalMs: 36 * hourMs, usedMs: 14 * hourMs, leftMs: 22 * hourMs, burnRate: 0 },
    })
    expect(lines).toEqual([
      'timmy, over 30 days: up 97.98 % of the 96.66 % that was seen.',
      'Had somebody seen all of it: between 94.72 % and 98.05 %.',
      expect.stringMatching(/^ +time +share$/),
      expect.stringMatching(/^up +28 d 10 h +94\.72 %$/),
      expect.stringMatching(/^down +14 h +1\.94 %$/),
      expect.stringMatching(/^ {2}no heartbeat +12 h +1\.66 %$/),
      expect.stringMatching(/^ {2}its process is gone +2 h +0\.27 %$/),
      expect.stringMatching(/^not seen +1 d +3\.33 %$/),
      expect.stringMatching(/^paused, maintenance +0 +0\.00 %$/),
      'Budget at 95 %: 14 h of 1 d 12 h used, 22 h left.',
      expect.stringMatching(/^If it goes on like this, it is used up in \d+ d/),
      'Days in a row with 95 % and more: 3 of 30.',
    ])
  })

  it('of the fleet puts the worst first, and its hosts behind', async () => {
    await lived(timmy, [40 * dayMs, 'up'])
    await lived(ezra, [40 * dayMs, 'up'], [2 * dayMs, 'down', 'silent'], [dayMs, 'up'])
    await lived(vps, [40 * dayMs, 'up'], [5 * dayMs, 'unreachable', 'timeout'], [4 * dayMs, 'up'])
    const { lines, data } = await about()
    expect(lines.map((line) => line.split(/ {2,}/))).toEqual([
      ['who', 'up', 'seen', 'down', 'budget left', 'days'],
      ['the fleet', '98.33 %', '100.00 %', '1 d', '2 d', expect.any(String)],
      ['ezra', '96.66 %', '100.00 %', '1 d', '12 h', expect.any(String)],
      ['timmy', '100.00 %', '100.00 %', '0', '1 d 12 h', '30'],
      ['host vps', '96.66 %', '100.00 %', '1 d', '12 h', expect.any(String)],
      ['host local', '-', '0.00 %', '0', '1 d 12 h', '0'],
      ['Over 30 days. For more about one of them, type: uptime ezra'],
    ])
    expect(data.fleet).toMatchObject({ upMs: 59 * dayMs, downMs: dayMs, budget: { totalMs: 72 * hourMs } })
    expect(data.agents.map(({ agent }) => agent)).toEqual(['timmy', 'ezra'])
    for (const part of [...data.agents, ...data.hosts]) expect(part.upMs + part.downMs + part.unknownMs + part.excludedMs).toBe(30 * dayMs)
  })

  it('leaves out maintenance of the agent’s host, and counts what an agent proves to have lived through', async () => {
    await lived(ezra, [40 * dayMs, 'up'], [3 * dayMs, 'down', 'silent'], [2 * dayMs, 'unknown'], [dayMs, 'up'])
    const span = { fromMs: now - 3 * dayMs, toMs: now - 2 * dayMs }
    const by = { kind: 'shell', id: '1', name: 'ada' } as const
    await world.ledger.write([
      { kind: 'mute', mute: { number: 1, kind: 'maintenance', subject: vps, ...span, reason: 'disk', by } },
      { kind: 'mute', mute: { number: 2, kind: 'silence', subject: { kind: 'fleet', id: '' }, fromMs: 0, toMs: now, reason: 'quiet', by } },
      { kind: 'proof', agent: 'ezra', fromMs: now - 2 * dayMs, toMs: now - 1.5 * dayMs },
    ])
    const { data } = await about('agent:ezra')
    expect(data).toMatchObject({ upMs: 28.5 * dayMs, downMs: 0, unknownMs: 0.5 * dayMs, excludedMs: dayMs })
    // The phase is worked out from the same.
    expect((await world.ask('phase')).data).toMatchObject({ uptime_30d_percent: 100 })
  })

  it('claims nothing of an agent that nobody ever saw', async () => {
    const { lines, data } = await about('agent:timmy')
    expect(lines[0]).toBe('Nothing was seen of timmy in 30 days.')
    expect(data).toMatchObject({ availability: null, unknownMs: 30 * dayMs, daysInARow: 0, budget: { burnRate: null, runsOutAt: null } })
  })

  it('says what is overspent, and how fast', async () => {
    await lived(timmy, [40 * dayMs, 'up'], [2 * dayMs, 'down', 'hung'])
    const { lines, data } = await about('agent:timmy')
    expect(lines).toContain('Budget at 95 %: 2 d of 1 d 12 h used, 12 h too much.')
    expect(lines).toContain('In the last hour it was used 20.0 times as fast as the target allows.')
    expect(data.budget).toMatchObject({ leftMs: -12 * hourMs, runsOutAt: new Date(now).toISOString() })
  })

  it('of hundreds of agents fits a screen', async () => {
    await world.stop()
    world = openWorld(Array.from({ length: 200 }, (_, i) => agentConfig(`agent-with-a-very-long-name-${i}`)))
    const { lines } = await about('all')
    expect(lines.length).toBeLessThan(40)
    expect(lines).toContain('170 more agents that were up no less.')
  })
})
