/** Hosts that can't be looked at, each for a reason of its own, beside one that can: whoever operates them is told which. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../support/until.ts'
import { type HandsStage, openHands } from './stage.ts'

let stage: HandsStage
let doctor: Promise<string[]>

beforeAll(async () => {
  stage = await openHands({
    hosts: {
      good: { agents: { timmy: 'pane', ezra: 'process' } },
      hung: { agents: { a1: 'process' }, sshd: { forceCommand: 'sleep 120' } },
      locked: { agents: { a2: 'process' } },
      rekeyed: { agents: { a3: 'process' } },
      nologin: { agents: { a4: 'process' } },
      talks: { agents: { a5: 'process' }, sshd: { forceCommand: 'echo This account is currently not available.; exit 1' } },
      away: { agents: { a6: 'process' } },
    },
    before: async (host) => {
      host('locked').letIn('')
      if (host('nologin').account.isItsOwn) await host('nologin').setShell('/usr/sbin/nologin')
      await host('rekeyed').stopSshd()
      await host('rekeyed').startSshd({ otherKey: true })
      await host('away').stopSshd()
    },
  })
  doctor = stage.doctor()
})
afterAll(() => stage?.close())

const outcomes: [host: string, cause: string, says: string, remedy: string][] = [
  ['hung', 'timeout', 'no answer', 'look what keeps the host so busy'],
  ['locked', 'auth', 'it refused our key', 'let the host know the key'],
  ['rekeyed', 'host-key', 'its host key is not the pinned one, so nothing was run there', 'before you trust the new one in known_hosts'],
  ['nologin', 'gate', 'its gate refused, or is not the one that was expected', 'have /bin/sh on the host'],
  ['talks', 'gate', 'its gate refused, or is not the one that was expected', 'have /bin/sh on the host'],
  ['away', 'unreachable', 'no connection', 'look whether the host is on'],
]

describe('a host that cannot be looked at', () => {
  it.each(outcomes)('%s is one problem, of the cause %s, and is told so', async (host, cause, says) => {
    const incident = await until(() => stage.incidents('host', host)[0], { withinMs: 40_000, what: `the problem of ${host}` })
    expect(incident).toMatchObject({ cause })
    const told = await until(() => stage.told(incident)[0], { withinMs: 20_000, what: `the alert about ${host}` })
    expect(told.kind).toBe('problem')
    expect(told.text).toContain(host)
    expect(told.text).toContain(says)
    const health = await stage.ask('health', { subject: host })
    expect(health.lines.join('\n')).toContain(`unreachable (${says})`)
  })

  it('is said by the doctor with a remedy of its own for each', async () => {
    const said = await doctor
    for (const [host, , , remedy] of outcomes) {
      const about = said.slice(said.indexOf(`host ${host}: can't be asked`)).slice(0, 3)
      expect(about.join('\n')).toContain(remedy)
    }
  })

  it('harms none of the others', async () => {
    for (const agent of ['timmy', 'ezra']) expect(stage.incidents('agent', agent)).toEqual([])
    expect(stage.incidents('host', 'good')).toEqual([])
    for (const agent of ['timmy', 'ezra']) expect(stage.tower.agents.get(agent)?.state).toBe('up')
  })

  it('is no death of its agents, nor are they restarted', () => {
    for (const agent of ['a1', 'a2', 'a3', 'a4', 'a5', 'a6']) expect(stage.incidents('agent', agent)).toEqual([])
    expect(stage.ledger.operations({ limit: 10 })).toEqual([])
  })

  it('ran nothing where its key had changed', () => {
    expect(stage.host('rekeyed').log()).not.toMatch(/Accepted|Starting session/)
  })
})
