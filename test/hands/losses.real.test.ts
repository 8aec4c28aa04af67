/** Hosts that are lost while they are watched, in every way that a host is lost in. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../support/until.ts'
import { openRoad, type Road } from './blackhole.ts'
import { type HandsStage, openHands } from './stage.ts'

let stage: HandsStage
let road: Road

beforeAll(async () => {
  stage = await openHands({
    hosts: {
      good: { agents: { timmy: 'pane', ezra: 'process' } },
      frozen: { agents: { f1: 'pane', f2: 'process' } },
      swallowed: {
        agents: { s1: 'process' },
        behind: async (sshd) => {
          road = await openRoad(sshd)
          return road
        },
      },
      rekeyed: { agents: { r1: 'process' } },
      ending: { agents: { e1: 'pane', e2: 'process' } },
      cut: { agents: { c1: 'process' } },
    },
  })
  await stage.watch.ready
})
afterAll(async () => {
  await stage?.close()
  await road?.close()
})

const goodIsUnharmed = () => {
  for (const agent of ['timmy', 'ezra']) {
    expect(stage.incidents('agent', agent)).toEqual([])
    expect(stage.tower.agents.get(agent)?.state).toBe('up')
  }
}

async function lost(host: string, withinMs: number) {
  return until(() => stage.incidents('host', host)[0], { withinMs, what: `the loss of ${host}` })
}

const isUnseen = (agent: string) =>
  until(() => stage.state('agent', agent) === 'unreachable', { withinMs: 20_000, what: `${agent} to be out of sight with its host` })

async function back(host: string) {
  return until(
    () => {
      const incident = stage.incidents('host', host)[0]
      return incident?.closedMs === undefined ? undefined : incident
    },
    { withinMs: 40_000, what: `${host} to be back` },
  )
}

/** One problem and one recovery, and no word about any of its agents but that they can't be seen. */
async function wasOneProblem(host: string, agents: string[], tellings = 1): Promise<void> {
  const incidents = stage.incidents('host', host)
  expect(incidents).toHaveLength(1)
  await until(() => stage.told(incidents[0]).length > tellings, { withinMs: 20_000, what: `the end of ${host}'s problem to be told` })
  expect(stage.told(incidents[0]).map(({ kind }) => kind)).toEqual([...Array(tellings).fill('problem'), 'recovery'])
  for (const agent of agents) {
    expect(stage.incidents('agent', agent)).toEqual([])
    await until(() => stage.state('agent', agent) === 'up', { withinMs: 20_000, what: `${agent} to be up` })
  }
}

describe('a host that is lost', () => {
  it('without a word, frozen or behind a road that swallows all, is unreachable within ten seconds of silence', async () => {
    stage.host('frozen').freeze()
    road.swallow()
    const sinceMs = Date.now()
    for (const [host, agents] of [
      ['frozen', ['f1', 'f2']],
      ['swallowed', ['s1']],
    ] as const) {
      const incident = await lost(host, 25_000)
      // The last answer was up to one look earlier.
      expect(incident.noticedMs - incident.openedMs, host).toBeLessThanOrEqual(10_000)
      expect(incident.noticedMs - sinceMs, host).toBeLessThanOrEqual(10_000)
      for (const agent of agents) await isUnseen(agent)
    }
    goodIsUnharmed()
    stage.host('frozen').thaw()
    road.letThrough()
    await back('frozen')
    await back('swallowed')
    await wasOneProblem('frozen', ['f1', 'f2'])
    await wasOneProblem('swallowed', ['s1'])
  })

  it('by a connection that is cut is not even said to be lost when it can be had again at once', async () => {
    const before = stage.host('cut').logins()
    stage.host('cut').cut()
    await until(() => stage.host('cut').logins() > before, { withinMs: 20_000, what: 'the watch to connect again' })
    expect(stage.incidents('host', 'cut')).toEqual([])
  })

  it('to a key that is not its own is refused, told as that, and nothing is run there', async () => {
    const host = stage.host('rekeyed')
    await host.stopSshd()
    const before = host.log().length
    await host.startSshd({ otherKey: true })
    // In the moment between, nobody listened there at all: that is told of first, and then what it really is.
    const incident = await until(() => stage.incidents('host', 'rekeyed').find(({ cause }) => cause === 'host-key'), {
      withinMs: 20_000,
      what: 'the changed key to be noticed',
    })
    await until(
      () => stage.told(incident).some(({ text }) => text.includes('its host key is not the pinned one, so nothing was run there')),
      {
        withinMs: 20_000,
        what: 'the changed key to be told',
      },
    )
    const { lines } = await stage.ask('health', { subject: 'rekeyed' })
    expect(lines.join('\n')).toContain('its host key is not the pinned one, so nothing was run there')
    expect(host.log().slice(before)).toContain('Connection from')
    expect(host.log().slice(before)).not.toMatch(/Accepted|Starting session/)
    const problems = stage.told(incident).length
    await host.stopSshd()
    await host.startSshd()
    await stage.redeclare()
    await back('rekeyed')
    expect(problems).toBeLessThanOrEqual(2)
    await wasOneProblem('rekeyed', ['r1'], problems)
  })

  it('in order, its processes first, is the loss of a host and not the death of its agents', async () => {
    const host = stage.host('ending')
    host.fake('systemctl', 'case $* in is-system-running) echo stopping ;; *) exit 1 ;; esac')
    host.kill('e1')
    host.kill('e2')
    await until(() => stage.log.messages().includes('the host says that it is going down'), {
      withinMs: 20_000,
      what: 'the host to say so',
    })
    await host.stopSshd()
    await lost('ending', 20_000)
    for (const agent of ['e1', 'e2']) {
      expect(stage.incidents('agent', agent)).toEqual([])
      await isUnseen(agent)
    }
    host.fake('systemctl', undefined)
    await Promise.all(['e1', 'e2'].map(host.startAgent))
    await host.startSshd()
    await back('ending')
    await wasOneProblem('ending', ['e1', 'e2'])
    goodIsUnharmed()
  })
})
