/** What a large fleet costs the game: CPU while each of its agents is updated every ten seconds, and memory. */
import { readFileSync } from 'node:fs'
import { gameProcesses } from '../../src/adapters/game/processes.ts'
import type { BenchmarkContext, Figure, Outcome } from '../benchmark.ts'
import type { BenchWatch } from './bench-watch.ts'
import { agentOf, fleetOf } from './fleet.ts'
import { pause } from './pause.ts'
import type { Stage } from './stage.ts'
import { measureUsage, rssMibOf, type Usage } from './usage.ts'

export interface LoadSize {
  /** After the fleet that is there already. */
  agents: number
  forMs: number
}

const roundMs = 10_000
const stepMs = 100
/** The game's work on what is new is done, and its buffers are empty. */
const settleMs = 3_000

export async function measureLoad(
  stage: Stage,
  watch: BenchWatch,
  { agents, forMs }: LoadSize,
  { signal, say }: Pick<BenchmarkContext, 'signal' | 'say'>,
): Promise<Outcome> {
  const pids = await pidsOf(stage)
  const before = watch.fleet.agents.length
  const beforeMib = rssOf(pids.server)
  say(`load: the fleet grows from ${before} to ${agents} agents`)
  const fromMs = performance.now()
  await watch.show(fleetOf(agents, 'grown'))
  say(`load: they have moved in after ${((performance.now() - fromMs) / 1_000).toFixed(0)} s`)
  await pause(settleMs, signal)
  const mibPerThousand = (1_000 * (rssOf(pids.server) - beforeMib)) / (agents - before)

  const groups = { server: [pids.server], portal: [pids.portal] }
  const idle = await measureUsage(groups, () => pause(forMs, signal))
  const busy = await measureUsage(groups, () => update(watch, forMs, signal))
  const over = (name: keyof typeof groups) => busy[name].cpuPercent - idle[name].cpuPercent
  say(`load: ${over('server').toFixed(1)} % of a core in the Server, ${over('portal').toFixed(1)} % in the Portal`)
  return outcome({ server: over('server'), portal: over('portal'), idle, agents, mibPerThousand })
}

/** Each once in ten seconds, one after the other, as a watch sees them: it sends a batch a second. */
async function update(watch: BenchWatch, forMs: number, signal: AbortSignal): Promise<void> {
  const { agents } = watch.fleet
  const share = (agents.length * stepMs) / roundMs
  const fromMs = performance.now()
  let done = 0
  for (let step = 1; performance.now() - fromMs < forMs; step++) {
    const ids: string[] = []
    for (; done < step * share; done++) {
      const index = done % agents.length
      const agent = agentOf(index, `update ${done}`)
      agents[index] = agent
      ids.push(agent.id)
    }
    watch.changed(ids)
    await pause(Math.max(0, fromMs + step * stepMs - performance.now()), signal)
  }
}

async function pidsOf(stage: Stage): Promise<{ server: number; portal: number }> {
  const processes = await gameProcesses(stage.game.folder)
  const pidOf = (name: 'server' | 'portal') => {
    const found = processes.find(({ part }) => part === name)
    if (!found) throw new Error(`the game has no ${name}`)
    return found.pid
  }
  return { server: pidOf('server'), portal: pidOf('portal') }
}

function rssOf(pid: number): number {
  return rssMibOf(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))
}

interface Found {
  server: number
  portal: number
  idle: Record<'server' | 'portal', Usage>
  agents: number
  mibPerThousand: number
}

function outcome({ server, portal, idle, agents, mibPerThousand }: Found): Outcome {
  const percent = (value: number, whose: Figure['whose'], means: string): Figure => ({ value, unit: '%', better: 'lower', whose, means })
  const each = `${agents / 1_000}k_agents`
  return {
    figures: {
      [`cpu_percent_${each}`]: percent(
        server,
        'ours',
        `${agents} agents that change every 10 s: CPU of the game's Server above that of the same game when nothing changes, of one core`,
      ),
      [`portal_cpu_percent_${each}`]: percent(
        portal,
        'floor',
        "the same of its Portal, where nothing is ours: Evennia's own work on the frames",
      ),
      floor_server_idle_cpu_percent: percent(idle.server.cpuPercent, 'floor', 'CPU of the Server when nothing changes'),
      mib_per_1000_agents: {
        value: mibPerThousand,
        unit: 'MiB',
        better: 'lower',
        whose: 'ours',
        means: `memory of the Server for each 1,000 agents with their bodies, from the growth to ${agents}`,
      },
    },
    comparisons: {},
    leftOut: [],
  }
}
