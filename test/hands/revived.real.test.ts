/** What the watch itself does about agents in panes: those that are no more, those that nobody lives in any more, those that stand still. */
import { readlinkSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { programPath } from '../support/programs.ts'
import { until } from '../support/until.ts'
import { type HandsStage, openHands } from './stage.ts'

let stage: HandsStage
const remade = ['alone', 'second', 'third']

beforeAll(async () => {
  stage = await openHands({
    hosts: {
      panes: { agents: { alone: 'remade', second: 'remade', third: 'remade' } },
      inside: { agents: { below: 'below', still: 'still' } },
    },
    agentYaml: 'period: 5s, grace: 30s, startGrace: 40s, policy: auto',
  })
  await stage.watch.ready
  await until(() => [...remade, 'below', 'still'].every((agent) => stage.tower.agents.get(agent)?.state === 'up'), {
    withinMs: 30_000,
    what: 'all to be up',
  })
})
afterAll(() => stage?.close())

const tmux = (host: string, ...words: string[]) =>
  stage.host(host).run(programPath('tmux'), '-u', '-S', stage.host(host).socket, '-f', '/dev/null', ...words)
const restartsOf = (agent: string) =>
  stage.ledger
    .operations({ operation: 'restart', limit: 100 })
    .filter(({ arguments: args, status }) => args['agent'] === agent && status !== 'begun')

/** The watch has seen them dead, started each once, seen them alive, and told both. Before: their pids. */
async function areBack(host: string, before: ReadonlyMap<string, number>): Promise<void> {
  for (const [agent, pid] of before) {
    const [incident] = await until(
      () => {
        const all = stage.incidents('agent', agent)
        return all.length > 0 && all.every(({ closedMs }) => closedMs !== undefined) && stage.host(host).pid(agent) !== pid && all
      },
      {
        withinMs: 60_000,
        what: () => `${agent} to be dead and back: ${JSON.stringify([stage.incidents('agent', agent), restartsOf(agent)])}`,
      },
    )
    // The beat of its new life ends the incident; that the restart has ended is in the audit a moment later.
    await until(() => restartsOf(agent).length >= stage.incidents('agent', agent).length, { withinMs: 20_000, what: 'its restart to end' })
    expect(restartsOf(agent)).toHaveLength(stage.incidents('agent', agent).length)
    expect(restartsOf(agent)[0]).toMatchObject({ status: 'ok', actor: { kind: 'watch' }, why: `incident #${incident?.number}` })
    await until(() => stage.told(incident).some(({ kind }) => kind === 'recovery'), {
      withinMs: 20_000,
      what: `${agent}'s return to be told`,
    })
  }
}

const pids = (agents: readonly string[]) => new Map(agents.map((agent) => [agent, stage.host('panes').pid(agent)]))

describe('an agent with a declared start', () => {
  it.each([
    ['pane', ['alone'], ['kill-pane', '-t', 'fleet:alone']],
    ['window', ['second'], ['kill-window', '-t', 'fleet:second']],
    ['session', remade, ['kill-session', '-t', 'fleet']],
    ['tmux server', remade, ['kill-server']],
  ] as const)('whose %s is no more is made again by the watch, in its folder, once', async (what, agents, kill) => {
    // Else the end of the session would be that of the server.
    if (what === 'session') await tmux('panes', 'new-session', '-d', '-s', 'other', 'exec sleep 100000')
    const before = pids(agents)
    await tmux('panes', ...kill)
    await areBack('panes', before)
    const shown = (await tmux('panes', 'list-panes', '-a', '-F', '#{session_name}:#{window_name} #{pane_dead}')).split('\n')
    for (const agent of agents) {
      expect(shown.filter((line) => line.startsWith(`fleet:${agent} `))).toEqual([`fleet:${agent} 0`])
      expect(readlinkSync(`/proc/${stage.host('panes').pid(agent)}/cwd`)).toBe(stage.host('panes').account.home)
    }
  })
})

describe('an agent in a pane that is alive', () => {
  it('is found gone below the shell that outlives it, and its pane is begun anew', async () => {
    const pid = stage.host('inside').pid('below')
    stage.host('inside').kill('below')
    await areBack('inside', new Map([['below', pid]]))
    expect(stage.incidents('agent', 'below')[0]).toMatchObject({ cause: 'process-gone' })
  })

  it('and neither writes a word nor gets on is told to be hung, and left to a person', async () => {
    const incident = await until(() => stage.incidents('agent', 'still')[0], { withinMs: 20_000, what: 'it to be told' })
    expect(incident).toMatchObject({ cause: 'hung' })
    const told = await until(() => stage.told(incident)[0], { withinMs: 20_000, what: 'that it hangs is told' })
    expect(told).toMatchObject({ kind: 'problem', text: expect.stringContaining('still is down: it beats but makes no progress') })
    expect(restartsOf('still').filter(({ status }) => status !== 'refused')).toEqual([])
  })
})
