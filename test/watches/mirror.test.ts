import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { agentView as agentSchema, hostView as hostSchema } from '../../src/protocol/messages.ts'
import { fleetView, sayPlace } from '../../src/watches/mirror.ts'
import { brittleLedger } from '../fakes/brittle-ledger.ts'
import { virtualClock } from '../fakes/virtual-clock.ts'
import { testEngine } from '../support/engine.ts'
import { agentConfig, fleetConfig } from '../support/fleet.ts'

describe('the fleet as a Tower is shown it', () => {
  it('has ages instead of instants, and the last incident', async () => {
    const config = fleetConfig([agentConfig('timmy', { name: 'Timmy', body: { kind: 'pane', socket: '/s', target: 'fleet:timmy' } })])
    const engine = testEngine(config)
    const { roster, clock } = engine
    roster.observeHost('local', { kind: 'answered' })
    roster.observe('timmy', { kind: 'sighted', beat: { atMs: clock.now(), epoch: 'a', doing: 'issue 12', busy: true, model: 'm' } })
    await clock.advance(1_500)
    roster.observe('timmy', { kind: 'sighted', gone: 'process-gone' })
    await clock.advance(500)
    expect(fleetView(config, engine, clock.now(), clock.now())).toEqual({
      hosts: [{ id: 'local', name: 'local', state: 'up', forMs: 2_000 }],
      agents: [
        {
          id: 'timmy',
          name: 'Timmy',
          host: 'local',
          state: 'down',
          forMs: 500,
          cause: 'its process is gone',
          beatAgeMs: 2_000,
          periodMs: 2_000,
          graceMs: 4_000,
          doing: 'issue 12',
          busy: true,
          model: 'm',
          place: 'pane fleet:timmy',
          policy: 'off',
          incident: { number: 1, cause: 'its process is gone', openedAt: clock.now() - 500 },
        },
      ],
    })
  })

  it('is told in part to who asks for a part, and whoever is not in it any more is left out', () => {
    const config = fleetConfig([agentConfig('timmy'), agentConfig('ezra')])
    const engine = testEngine(config)
    const now = engine.clock.now()
    const whole = fleetView(config, engine, now, now)
    const only = { hosts: new Set(['lost']), agents: new Set(['ezra', 'gone']) }
    expect(fleetView(config, engine, now, now, only)).toEqual({ hosts: [], agents: whole.agents.filter(({ id }) => id === 'ezra') })
    expect(whole.agents.map(({ id }) => id)).toEqual(['timmy', 'ezra'])
  })

  it('tells who looks after a problem, who is in maintenance and why, and who flaps', async () => {
    const rule = { changes: 2, withinMs: 60_000, stableMs: 60_000 }
    const config = fleetConfig([agentConfig('timmy', { timing: { periodMs: 2_000, graceMs: 4_000, flapping: rule } })])
    const engine = testEngine(config)
    const { roster, mutes, clock } = engine
    roster.observe('timmy', { kind: 'sighted', beat: { atMs: clock.now(), epoch: 'a' } })
    roster.observe('timmy', { kind: 'sighted', gone: 'process-gone' })
    const by = { kind: 'account' as const, id: '1', name: 'Ada' }
    const [open] = roster.incidents()
    if (open) await roster.amend([{ ...open, ack: { kind: 'sticky', by, atMs: clock.now() } }])
    await clock.advance(1_000)
    roster.observe('timmy', { kind: 'sighted', beat: { atMs: clock.now(), epoch: 'b' } })
    const until = clock.now() + 7_200_000
    const subject = { kind: 'host' as const, id: 'local' }
    await mutes.add({ kind: 'maintenance', subject, fromMs: clock.now(), toMs: until, reason: 'new disk', by })
    expect(fleetView(config, engine, clock.now(), clock.now()).agents[0]).toMatchObject({
      state: 'up',
      flapping: true,
      maintenance: expect.stringMatching(/^new disk \(until \d{4}-\d\d-\d\d \d\d:\d\d Europe\/Berlin\)$/),
      incident: { acknowledgedBy: 'Ada' },
    })
  })

  it('tells until when somebody is paused, by the clocks of the fleet: what is left of the time would be old soon', () => {
    const config = fleetConfig([agentConfig('timmy')], { timeZone: 'Asia/Kolkata' })
    const { roster, mutes, clock } = testEngine(config)
    const nowMs = clock.now()
    const pause = { kind: 'paused', by: 'person', reason: 'x'.repeat(80) } as const
    roster.observe('timmy', { ...pause, untilMs: nowMs + 60_000 })
    const cause = () => fleetView(config, { roster, mutes }, nowMs, Date.UTC(2026, 10, 23, 20, 0)).agents[0]?.cause
    expect(cause()).toBe(`${'x'.repeat(36)}, until 2026-11-24 01:31`)
    roster.observe('timmy', pause)
    expect(cause()).toBe('x'.repeat(60))
  })

  it('fits on the wire, whatever is declared and beaten', () => {
    const ledger = brittleLedger()
    const text = (max: number) => fc.string({ unit: 'binary', minLength: 1, maxLength: max })
    fc.assert(
      fc.property(
        text(60),
        text(200),
        text(200),
        text(300),
        fc.double({ min: -1e9, max: 1e9, noNaN: true }),
        (name, paused, doing, program, ageMs) => {
          const clock = virtualClock()
          const body = { kind: 'process' as const, start: [program], pidFile: '/p', log: '/l' }
          const config = fleetConfig([agentConfig('timmy', { name, body }), agentConfig('ezra', { paused })])
          const engine = testEngine(config, { ledger, clock })
          engine.roster.observe('timmy', { kind: 'sighted', beat: { atMs: clock.now() - ageMs, epoch: 'a', doing: doing.slice(0, 200) } })
          const { agents, hosts } = fleetView(config, engine, clock.now(), clock.now())
          expect(agents).toHaveLength(2)
          for (const agent of agents) expect(agentSchema.safeParse(agent).error).toBeUndefined()
          for (const host of hosts) expect(hostSchema.safeParse(host).error).toBeUndefined()
        },
      ),
      { numRuns: 40 },
    )
  })

  it('names where an agent runs as a person would', () => {
    expect(sayPlace({ kind: 'service', unit: 'hermes.service', scope: 'user' })).toBe('service hermes.service')
    expect(sayPlace({ kind: 'command', start: ['/usr/local/bin/ctl', 'restart'] })).toBe('command ctl')
    expect(sayPlace({ kind: 'process', start: ['/home/a/run'], pidFile: '/p', log: '/l' })).toBe('process run')
  })
})
