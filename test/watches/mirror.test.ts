import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { agentView as agentSchema, hostView as hostSchema } from '../../src/protocol/messages.ts'
import { fleetView, sayPlace } from '../../src/watches/mirror.ts'
import { openRoster } from '../../src/watches/roster.ts'
import { brittleLedger } from '../fakes/brittle-ledger.ts'
import { virtualClock } from '../fakes/virtual-clock.ts'
import { agentConfig, fleetConfig } from '../support/fleet.ts'
import { keptLog } from '../support/log.ts'

describe('the fleet as a Tower is shown it', () => {
  it('has ages instead of instants, and the last incident', async () => {
    const clock = virtualClock()
    const config = fleetConfig([agentConfig('timmy', { name: 'Timmy', body: { kind: 'pane', socket: '/s', target: 'fleet:timmy' } })])
    const roster = openRoster(config, { ledger: brittleLedger(), clock, log: keptLog(), newId: () => 'x' })
    roster.observeHost('local', { kind: 'answered' })
    roster.observe('timmy', { kind: 'sighted', beat: { atMs: clock.now(), epoch: 'a', doing: 'issue 12', busy: true, model: 'm' } })
    await clock.advance(1_500)
    roster.observe('timmy', { kind: 'sighted', gone: 'process-gone' })
    await clock.advance(500)
    expect(fleetView(config, roster, clock.now())).toEqual({
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
          const roster = openRoster(config, { ledger, clock, log: keptLog(), newId: () => 'x' })
          roster.observe('timmy', { kind: 'sighted', beat: { atMs: clock.now() - ageMs, epoch: 'a', doing: doing.slice(0, 200) } })
          const { agents, hosts } = fleetView(config, roster, clock.now())
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
