/** Programs of a host that never end when the gate asks them something: a dead NFS server is enough for that. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../support/until.ts'
import { commandOf, processesOf } from './process-start.ts'
import { type HandsStage, openHands } from './stage.ts'

let stage: HandsStage

/** Ignores what asks it to end, as who waits for a disk does. */
const hangs = "trap '' TERM\nsleep 300"
const programs = ['df', 'tmux', 'systemctl', 'ps']

beforeAll(async () => {
  stage = await openHands({
    // A look may take as long as each of its programs is given.
    agentYaml: 'period: 30s, grace: 30s, policy: off',
    healthEvery: '2s',
    hosts: {
      good: { agents: { timmy: 'pane', ezra: 'process' } },
      ...Object.fromEntries(
        programs.map((program, index) => [
          program,
          {
            agents: { [`a${index}`]: 'pane' as const },
            yaml: ', services: { gitea: { kind: unit, unit: gitea.service, scope: system }, web: { kind: http, url: "http://127.0.0.1:9/" } }',
          },
        ]),
      ),
    },
    before: async (host) => {
      for (const program of programs) host(program).fake(program, hangs)
    },
  })
  await stage.watch.ready
})
afterAll(() => stage?.close())

const gaps = (timesMs: readonly number[]) => timesMs.slice(1).map((ms, index) => ms - (timesMs[index] ?? ms))

describe('a program that hangs on a host', () => {
  it.each(programs)('%s ends none of the beats there', async (program) => {
    const agent = stage.host(program).agents[0] ?? ''
    const before = stage.beatsSeenMs(agent).length
    await until(() => stage.beatsSeenMs(agent).length > before + 1, { withinMs: 30_000, what: `two more beats of ${agent} to be seen` })
    expect(stage.incidents('host', program)).toEqual([])
    expect(stage.incidents('agent', agent)).toEqual([])
    expect(Math.max(...gaps(stage.beatsSeenMs(agent)))).toBeLessThan(15_000)
  })

  it('is not noticed on the other hosts', () => {
    for (const agent of ['timmy', 'ezra']) {
      expect(stage.beatsSeenMs(agent).length).toBeGreaterThan(5)
      expect(Math.max(...gaps(stage.beatsSeenMs(agent)))).toBeLessThan(8_000)
    }
  })

  it('is bounded on its host: they do not pile up', async () => {
    for (const program of programs) {
      const { uid, home } = stage.host(program).account
      const file = `${home}/bin/${program}`
      const running = () => processesOf(uid).filter((pid) => commandOf(pid).includes(file))
      await until(() => running().length <= 4, {
        withinMs: 20_000,
        what: () => `few of ${file} to run: ${running().map(commandOf).join('; ')}`,
      })
    }
  })
})
