import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromMemoryText, maxText, problemText, recoveryText, reminderText, sayCause, type Trouble } from '../../src/domain/alert.ts'

const id = fc.stringMatching(/^[a-z0-9][a-z0-9_.-]{0,62}$/)
const agentCauses = ['silent', 'process-gone', 'pane-dead', 'hung', 'failing']
const hostCauses = ['unreachable', 'auth', 'host-key', 'gate', 'refused', 'timeout', 'failed', 'closed']

function trouble(more: Partial<Trouble> = {}): Trouble {
  return {
    number: 1,
    subject: { kind: 'agent', id: 'bezalel' },
    host: 'ezra',
    cause: 'silent',
    lastedMs: 83_000,
    isOver: false,
    isDismissed: false,
    policy: 'off',
    agents: [],
    ...more,
  }
}
const lostHost = (more: Partial<Trouble> = {}) => trouble({ subject: { kind: 'host', id: 'ezra' }, cause: 'timeout', ...more })

describe('what is said aloud', () => {
  it('of a death has the id of the agent and then the word down, and nothing of being back', () => {
    fc.assert(
      fc.property(
        id,
        fc.constantFrom(...agentCauses),
        fc.option(fc.nat(1e9), { nil: undefined }),
        fc.constantFrom('auto' as const, 'ask' as const, 'off' as const),
        (agent, cause, beatAgeMs, policy) => {
          const age = beatAgeMs === undefined ? {} : { beatAgeMs }
          const said = problemText([trouble({ subject: { kind: 'agent', id: agent }, cause, policy, ...age })])
          expect(said.startsWith(`${agent} is down`)).toBe(true)
          expect(said.slice(agent.length)).not.toContain('back up')
          expect(said).not.toContain('\n')
        },
      ),
    )
  })

  it('of a death has the cause in somebody else’s words, where there are any, in one line', () => {
    const said = problemText([trouble({ cause: 'failing', detail: 'disk\n\u001b[2Jfull', beatAgeMs: 4_000 })])
    expect(said).toBe('bezalel is down: it says that it fails: disk [2Jfull (last beat 4 s ago). To bring it back, type: restart bezalel')
  })

  it('of a return has the id of the agent, then back up, and how long it was gone', () => {
    const said = recoveryText([trouble({ isOver: true })])
    expect(said).toBe('bezalel is back up after 1 min 23 s.')
    expect(said).not.toMatch(/\bdown\b/)
  })

  it('of a host names its agents without ever calling one of them down or back up', () => {
    fc.assert(
      fc.property(fc.constantFrom(...hostCauses), fc.nat(1e9), fc.array(id, { maxLength: 60 }), (cause, lastedMs, agents) => {
        // An agent may be called anything.
        const harmless = agents.map((name) => name.replaceAll('down', 'up'))
        for (const said of [
          problemText([lostHost({ cause, agents: harmless })]),
          recoveryText([lostHost({ lastedMs, isOver: true, agents: harmless })]),
        ]) {
          expect(said).not.toMatch(/\bdown\b|back up/)
          expect(said.startsWith('host ezra is ')).toBe(true)
          expect(said.length).toBeLessThanOrEqual(maxText)
        }
      }),
    )
    expect(problemText([lostHost({ agents: ['ezra', 'timmy'] })])).toContain('ezra, timmy')
  })

  it('of several says how many, where and why, then who', () => {
    const agent = (name: string, host: string, cause: string) => trouble({ subject: { kind: 'agent', id: name }, host, cause })
    expect(problemText([agent('a', 'ezra', 'process-gone'), agent('b', 'ezra', 'process-gone'), agent('c', 'far', 'silent')])).toBe(
      '3 agents are down (2 on ezra: its process is gone; 1 on far: no heartbeat): a, b, c.',
    )
    expect(problemText([agent('a', 'ezra', 'silent'), { ...agent('b', 'far', 'silent'), isOver: true }])).toBe(
      '1 agent is down (1 on ezra: no heartbeat): a. 1 more problem began and ended already: b.',
    )
    const gone = ['a', 'b'].map((name) => ({ ...agent(name, 'far', 'silent'), isOver: true }))
    expect(problemText(gone)).toBe('2 problems began and ended already: a, b.')
    expect(reminderText([agent('a', 'ezra', 'silent'), lostHost({ number: 7 })])).toBe(
      '1 host is still unreachable: ezra (#7, 1 min 23 s). 1 agent is still down: a (#1, 1 min 23 s).',
    )
  })

  it('promises a restart only where the watch will try one', () => {
    const said = (policy: 'auto' | 'ask' | 'off', cause: string) => problemText([trouble({ cause, policy })])
    expect(said('auto', 'process-gone')).toContain('I am restarting it')
    expect(said('auto', 'pane-dead')).toContain('I am restarting it')
    for (const cause of ['silent', 'hung', 'failing']) expect(said('auto', cause)).not.toContain('I am restarting it')
    expect(said('ask', 'process-gone')).toContain('restart bezalel')
    expect(said('off', 'process-gone')).toContain('restart bezalel')
  })

  it('from memory says so, and is no longer than any other', () => {
    expect(fromMemoryText('bezalel is down.')).toBe("bezalel is down. (the ledger can't be written: this may be told again)")
    expect(fromMemoryText('x'.repeat(maxText)).length).toBe(maxText)
  })

  it('has words for every cause', () => {
    for (const cause of [...agentCauses, ...hostCauses, 'host-unreachable', 'not-looking']) expect(sayCause(cause)).not.toBe(cause)
  })

  it('says a reason that a person gave as it is, even one that JavaScript knows', () => {
    for (const reason of ['being rebuilt', 'constructor', '__proto__', 'toString']) expect(sayCause(reason)).toBe(reason)
  })
})
