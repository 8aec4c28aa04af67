/** A bad night, as it is heard: many deaths are few lines, for who wants it quiet most of all. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { testEngine } from '../support/engine.ts'
import { agentConfig, fleetConfig } from '../support/fleet.ts'

const hosts = Array.from({ length: 10 }, (_, index) => `h${index}`)
const agents = hosts.flatMap((host) => Array.from({ length: 10 }, (_, index) => ({ id: `${host}-a${index}`, host })))
/** As fleet.yaml has it where it says nothing. */
const alerts = { groupWaitMs: 300, groupIntervalMs: 5_000, remindMs: 4 * 3_600_000 }
const minute = 60_000

function fleet() {
  const config = fleetConfig(
    agents.map(({ id, host }) => agentConfig(id, { host })),
    { alerts },
  )
  const engine = testEngine(config)
  const heard: { kind: string; text: string }[] = []
  engine.notifier.on(({ kind, text }) => heard.push({ kind, text }))
  let lives = 0
  const live = (id: string) => engine.roster.observe(id, { kind: 'sighted', beat: { atMs: engine.clock.now(), epoch: `life-${lives++}` } })
  return {
    heard,
    clock: engine.clock,
    live,
    die: (id: string) => engine.roster.observe(id, { kind: 'sighted', gone: 'process-gone' }),
    lose: (host: string) => {
      engine.roster.observeHost(host, { kind: 'lost', sinceMs: engine.clock.now(), cause: 'timeout' })
      return host
    },
    answer: (host: string) => engine.roster.observeHost(host, { kind: 'answered' }),
    /** What somebody hears whose verbosity is `quiet` (world/evennia_towerwatch/verbosity.py). */
    quietly: () => heard.filter(({ kind }) => kind === 'problem' || kind === 'recovery'),
  }
}

describe('a night', () => {
  it('of 100 deaths on 10 hosts, one host after the other, and of all their returns is a handful of lines', async () => {
    const night = fleet()
    for (const { id } of agents) night.live(id)
    await night.clock.advance(minute)
    // Two seconds from host to host: a fault that spreads.
    for (const host of hosts) {
      for (const { id } of agents.filter((agent) => agent.host === host)) {
        night.die(id)
        await night.clock.advance(50)
      }
      await night.clock.advance(1_500)
    }
    await night.clock.advance(20 * minute)
    for (const { id } of agents) {
      night.live(id)
      await night.clock.advance(100)
    }
    await night.clock.advance(minute)

    const kinds = night.quietly().map(({ kind }) => kind)
    expect(kinds.filter((kind) => kind === 'problem').length).toBeLessThanOrEqual(6)
    expect(kinds.filter((kind) => kind === 'recovery').length).toBeLessThanOrEqual(4)
    // All 100 are in them, none twice.
    const count = (kind: string, word: RegExp) =>
      night.heard.filter((alert) => alert.kind === kind).reduce((sum, { text }) => sum + Number(word.exec(text)?.[1] ?? 1), 0)
    expect([count('problem', /^(\d+) agents are down/), count('recovery', /^(\d+) agents are back up/)]).toEqual([100, 100])
  })

  it('in which all ten hosts are lost at once is one line, and one more when they are back', async () => {
    const night = fleet()
    for (const host of hosts) night.answer(host)
    for (const { id } of agents) night.live(id)
    await night.clock.advance(minute)
    for (const host of hosts) night.lose(host)
    await night.clock.advance(10 * minute)
    for (const host of hosts) night.answer(host)
    for (const { id } of agents) night.live(id)
    await night.clock.advance(10 * minute)
    expect(night.quietly().map(({ kind, text }) => `${kind}: ${text.slice(0, 36)}`)).toEqual([
      'problem: 10 hosts are unreachable: h0 (no ans',
      'recovery: 10 hosts are reachable again: h0 aft',
    ])
  })

  it('of deaths and returns at any moments is never told in more than a line of a kind each five seconds', async () => {
    const mishaps = fc.array(fc.record({ agent: fc.nat(agents.length - 1), waitMs: fc.nat(4_000), dies: fc.boolean() }), {
      minLength: 20,
      maxLength: 60,
    })
    await fc.assert(
      fc.asyncProperty(mishaps, async (all) => {
        const night = fleet()
        const startMs = night.clock.now()
        for (const { agent, waitMs, dies } of all) {
          const id = agents[agent]?.id ?? ''
          night.live(id)
          if (dies) night.die(id)
          await night.clock.advance(waitMs)
        }
        await night.clock.advance(10_000)
        const most = Math.ceil((night.clock.now() - startMs) / alerts.groupIntervalMs) + 1
        for (const kind of ['problem', 'recovery'])
          expect(night.heard.filter((alert) => alert.kind === kind).length).toBeLessThanOrEqual(most)
      }),
      { numRuns: Number(process.env['TOWERWATCH_RUNS'] ?? 40) },
    )
  })
})
