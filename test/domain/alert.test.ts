import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { agentDownSentence, agentUpSentence, hostBackSentence, hostLostSentence, sayCause } from '../../src/domain/alert.ts'

const id = fc.stringMatching(/^[a-z0-9][a-z0-9_.-]{0,62}$/)
const agentCauses = ['silent', 'process-gone', 'pane-dead']
const hostCauses = ['unreachable', 'auth', 'host-key', 'gate', 'refused', 'timeout', 'failed', 'closed']

describe('what is said aloud', () => {
  it('of a death has the id of the agent and then the word down, and nothing of being back', () => {
    fc.assert(
      fc.property(
        id,
        fc.constantFrom(...agentCauses),
        fc.option(fc.nat(1e9), { nil: undefined }),
        fc.constantFrom('auto' as const, 'ask' as const, 'off' as const),
        (agent, cause, beatAgeMs, policy) => {
          const said = agentDownSentence({ id: agent, cause, beatAgeMs, policy })
          expect(said.startsWith(`${agent} is down`)).toBe(true)
          expect(said.slice(agent.length)).not.toContain('back up')
          expect(said).not.toContain('\n')
        },
      ),
    )
  })

  it('of a return has the id of the agent, then back up, and how long it was gone', () => {
    expect(agentUpSentence('bezalel', 83_000)).toBe('bezalel is back up after 1 min 23 s.')
    expect(agentUpSentence('bezalel', 83_000)).not.toMatch(/\bdown\b/)
  })

  it('of a host names its agents without ever calling one of them down or back up', () => {
    fc.assert(
      fc.property(fc.constantFrom(...hostCauses), fc.nat(1e9), (cause, downMs) => {
        for (const said of [
          hostLostSentence('ezra', cause, ['ezra', 'timmy']),
          hostLostSentence('ezra', cause, []),
          hostBackSentence('ezra', downMs),
        ]) {
          expect(said).not.toMatch(/\bdown\b|back up/)
          expect(said.startsWith('host ezra is ')).toBe(true)
        }
      }),
    )
    expect(hostLostSentence('ezra', 'timeout', ['ezra', 'timmy'])).toContain('ezra, timmy')
  })

  it('promises a restart only where the watch will try one', () => {
    const said = (policy: 'auto' | 'ask' | 'off', cause: string) => agentDownSentence({ id: 'ezra', cause, beatAgeMs: 5_000, policy })
    expect(said('auto', 'process-gone')).toContain('I am restarting it')
    expect(said('auto', 'silent')).not.toContain('I am restarting it')
    expect(said('ask', 'process-gone')).toContain('restart ezra')
    expect(said('off', 'process-gone')).toContain('restart ezra')
  })

  it('has words for every cause', () => {
    for (const cause of [...agentCauses, ...hostCauses, 'host-unreachable', 'not-looking']) expect(sayCause(cause)).not.toBe(cause)
  })

  it('says a reason that a person gave as it is, even one that JavaScript knows', () => {
    for (const reason of ['being rebuilt', 'constructor', '__proto__', 'toString']) expect(sayCause(reason)).toBe(reason)
  })
})
