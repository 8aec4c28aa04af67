/** A hundred agents on ten hosts, dead at one blow: told as one, and brought back with care. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../support/until.ts'
import { type HandsStage, openHands } from './stage.ts'

const hosts = Array.from({ length: 10 }, (_, index) => `h${index}`)
const agents = hosts.flatMap((host) => Array.from({ length: 10 }, (_, index) => ({ host, id: `${host}-a${index}` })))
const budget = 10
const atOnce = 2

let stage: HandsStage
let beating: NodeJS.Timeout

beforeAll(async () => {
  stage = await openHands({
    yaml: `remedies: { budget: ${budget}, agentBudget: 6, per: 1h, atOnce: ${atOnce}, crashLoop: off }`,
    // So slow a machine as it may be, all are seen dead within this.
    alerts: 'alerts: { groupWait: 10s, groupInterval: 5s, remind: off, flapping: off }',
    agentYaml: 'period: 20s, grace: 20s, startGrace: 30s, policy: auto',
    hosts: Object.fromEntries(
      hosts.map((host) => [
        host,
        { agents: Object.fromEntries(agents.filter((agent) => agent.host === host).map(({ id }) => [id, 'sleeper' as const])) },
      ]),
    ),
    before: async (host) => {
      const beat = () => {
        for (const id of hosts) host(id).beatForSleepers()
      }
      beat()
      beating = setInterval(beat, 500)
    },
  })
  await stage.watch.ready
  await until(() => agents.every(({ id }) => stage.tower.agents.get(id)?.state === 'up'), { withinMs: 60_000, what: 'all to be up' })
})
afterAll(async () => {
  clearInterval(beating)
  await stage?.close()
})

describe('a hundred agents on ten hosts that die at one blow', () => {
  it('are one alert; ten of them are brought back, two at a time, and each once', async () => {
    for (const { host, id } of agents) stage.host(host).kill(id)
    const restarts = () => stage.ledger.operations({ operation: 'restart', limit: 200 }).filter(({ status }) => status !== 'begun')
    await until(() => agents.every(({ id }) => stage.incidents('agent', id).length > 0), {
      withinMs: 30_000,
      what: 'all deaths to be noticed',
    })
    await until(() => restarts().length >= budget, {
      withinMs: 60_000,
      what: () => `${budget} restarts, of which there are ${restarts().length}`,
    })
    const asked = await until(() => stage.tower.alerts.find(({ text }) => /automatic restarts?/.test(text)), {
      withinMs: 20_000,
      what: () => `a person to be asked for the rest: ${stage.tower.said.join(' | ')}`,
    })
    expect(asked.text).toContain(String(budget))

    const problems = stage.tower.alerts.filter(({ kind, incidents }) => kind === 'problem' && incidents.length > 0)
    expect(
      problems.map(({ incidents }) => incidents.length),
      problems.map(({ text }) => text).join(' | '),
    ).toEqual([agents.length])
    // While the alert was gathered, the first ones came back.
    expect(problems[0]?.text).toMatch(/^\d+ agents are down: /)

    expect(restarts().map(({ status }) => status)).toEqual(Array(budget).fill('ok'))
    const spans = restarts().map(({ requestedMs, endedMs }) => ({ fromMs: requestedMs, toMs: endedMs ?? Number.POSITIVE_INFINITY }))
    for (const { fromMs } of spans)
      expect(spans.filter((other) => other.fromMs <= fromMs && fromMs < other.toMs).length).toBeLessThanOrEqual(atOnce)

    const started = hosts.flatMap((host) => stage.host(host).starts())
    expect(started).toHaveLength(agents.length + budget)
    const lives = agents.map(({ id }) => started.filter((name) => name === id).length)
    expect(lives.filter((count) => count === 2)).toHaveLength(budget)
    expect(Math.max(...lives)).toBe(2)
    for (const host of hosts) expect(stage.incidents('host', host)).toEqual([])
  })
})
