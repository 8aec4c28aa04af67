/**
 * `tower`: what the Tower and its bridge cost and how fast they are, beside what a user would pick instead, on one stage and
 * in one run: from a death to the line that a player reads, states a second into the game, idle CPU and memory; a crowd that
 * hears of a death, a look at a full room, the page of the fleet, and what ten thousand agents cost the game.
 */
import { join } from 'node:path'
import type { Player } from '../test/support/player.ts'
import { descendants } from '../test/support/processes.ts'
import type { Benchmark, BenchmarkContext, Comparison, Figure, Outcome } from './benchmark.ts'
import { median, percentile } from './statistics.ts'
import { startBenchWatch } from './tower/bench-watch.ts'
import { measureCrowd } from './tower/crowd.ts'
import { type Deaths, measureDeaths, type Rival } from './tower/deaths.ts'
import { fleetOf, fleetSize, historyOf } from './tower/fleet.ts'
import { measureLoad } from './tower/load.ts'
import { measurePage } from './tower/page.ts'
import { pause } from './tower/pause.ts'
import { findMonit, makeFifo, type Program, startMonit, startMouth, startShellLoop } from './tower/programs.ts'
import { openStage, type Stage } from './tower/stage.ts'
import { measureStates, type States } from './tower/states.ts'
import { family, measureUsage, type Usage } from './tower/usage.ts'
import { measureValidator } from './tower/validator.ts'

/** For a quick run while something is being changed; kept results are of whole runs. */
const isQuick = process.env['TOWERWATCH_BENCH'] === 'quick'

const deaths = isQuick ? { atLeast: 3, forMs: 5_000 } : { atLeast: 20, forMs: 80_000 }
const idleMs = isQuick ? 3_000 : 20_000
const rounds = isQuick ? 1 : 3
const crowd = isQuick ? { players: 10, turns: 4, looks: 5 } : { players: 100, turns: 30, looks: 40 }
const visits = isQuick ? 10 : 100
const load = isQuick ? { agents: 1_500, forMs: 4_000 } : { agents: 10_000, forMs: 20_000 }
/** After the last death, before anybody is called idle. */
const settleMs = 3_000

export const tower: Benchmark = {
  name: 'tower',
  about: 'from a death to the line a player reads, states a second into the game, a crowd, a full room, the page, ten thousand agents',
  withinMs: 600_000,
  run,
}

async function run(context: BenchmarkContext): Promise<Outcome> {
  const { root, say, signal } = context
  const monit = await findMonit(join(root, 'var', 'bench', 'monit'), say)
  await using ending = new AsyncDisposableStack()
  const stage = await openStage(context)
  ending.defer(() => stage.close())
  const listener = await stage.enter('player')
  const speaker = await stage.enter('visitor')
  await listener.hears('Watch Room')

  const { loop, monits } = await startRivals(stage, 'path' in monit ? monit.path : undefined, listener, ending)
  const rivals: Rival[] = [{ name: 'shell_loop', said: 'shell-loop' }, ...(monits.length > 0 ? [{ name: 'monit', said: 'monit' }] : [])]
  const died = await measureDeaths(stage, { ...deaths, rivals, listener, speaker, signal, say })
  say(`idle: ${idleMs / 1_000} s in which nothing happens`)
  await pause(settleMs, signal)
  const used = await measureIdle(stage, loop, monits, signal)
  for (const program of [loop, ...monits]) await program.stop()
  await stage.endFleet()

  const warden = await stage.enter('superuser')
  const states = await measureStates(stage, { rounds, warden, signal, say })
  const game = await measureGame(stage, warden, context)
  return {
    figures: { ...deathFigures(died), ...stateFigures(states), ...usageFigures(used), ...game.figures },
    comparisons: { ...comparisons(), ...game.comparisons },
    leftOut: [...('missing' in monit ? [`Monit's figures: ${monit.missing}.`] : []), ...game.leftOut],
  }
}

/** What the game does with a fleet behind the product's own session: first of a thousand agents, then of many. */
async function measureGame(stage: Stage, warden: Player, context: BenchmarkContext): Promise<Outcome> {
  const { signal, say } = context
  const fleet = fleetOf(fleetSize, 'at rest')
  const watch = await startBenchWatch(stage, { fleet, history: historyOf(fleet), warden, signal })
  try {
    const parts = [
      await measureValidator(warden, context),
      await measurePage(stage, { visits, agents: fleetSize }, say),
      await measureCrowd(stage, { size: crowd, watch, warden, signal, say }),
      await measureLoad(stage, watch, load, { signal, say }),
    ]
    return {
      figures: Object.assign({}, ...parts.map(({ figures }) => figures)),
      comparisons: Object.assign({}, ...parts.map(({ comparisons }) => comparisons)),
      leftOut: parts.flatMap(({ leftOut }) => leftOut),
    }
  } finally {
    await watch.stop()
  }
}

/** They look on from here on; monit needs its mouth in the game, and is two programs for that. */
async function startRivals(stage: Stage, monit: string | undefined, listener: Player, ending: AsyncDisposableStack) {
  const loop = await startShellLoop(stage)
  ending.defer(() => loop.stop())
  const monits: Program[] = []
  if (monit !== undefined) {
    const fifo = join(stage.folder, 'mouth')
    await makeFifo(fifo)
    for (const begin of [() => startMouth(stage, fifo), () => startMonit(stage, monit, 'bezalel', fifo)]) {
      const program = await begin()
      ending.defer(() => program.stop())
      monits.push(program)
    }
  }
  await listener.hears('shell-loop: watching', 20_000)
  return { loop, monits }
}

type Users = 'watch' | 'ssh' | 'hosts' | 'shellLoop' | 'monit'

function measureIdle(stage: Stage, loop: Program, monits: Program[], signal: AbortSignal): Promise<Record<Users, Usage>> {
  const watch = stage.watchPid()
  const children = descendants(watch)
  const ssh = children.filter(({ name }) => name === 'ssh').map(({ pid }) => pid)
  const localGate = children.filter(({ name }) => name !== 'ssh').map(({ pid }) => pid)
  const sessions = stage.info().hosts.flatMap(({ sshdPid }) => descendants(sshdPid).map(({ pid }) => pid))
  const groups = {
    watch: [watch],
    ssh,
    hosts: [...localGate, ...sessions],
    shellLoop: family(loop.pid),
    monit: monits.flatMap(({ pid }) => family(pid)),
  }
  return measureUsage(groups, () => pause(idleMs, signal))
}

function deathFigures({ ours, noticed, theirs, floor }: Deaths): Record<string, Figure> {
  const ms = (value: number, whose: Figure['whose'], means: string): Figure => ({ value, unit: 'ms', better: 'lower', whose, means })
  const figures: Record<string, Figure> = {
    death_to_line_p50_ms: ms(
      percentile(ours, 50),
      'ours',
      `kill -9 of a worker on an SSH host to the line a player reads, ${ours.length} deaths`,
    ),
    death_to_line_p99_ms: ms(percentile(ours, 99), 'ours', 'the same, the 99th percentile (of fewer than 100 deaths: the worst)'),
    death_to_ledger_p50_ms: ms(percentile(noticed, 50), 'ours', 'the part of it until the watch has decided'),
  }
  const said: Record<string, string> = {
    shell_loop: 'a loop over tmux list-panes each second, said through a telnet login',
    monit: 'monit with a cycle of 1 s, said through a telnet login',
  }
  for (const [name, samples] of theirs) {
    figures[`${name}_death_to_line_p50_ms`] = ms(percentile(samples, 50), 'theirs', said[name] ?? name)
    figures[`${name}_death_to_line_p99_ms`] = ms(percentile(samples, 99), 'theirs', 'the same, the 99th percentile')
  }
  figures['floor_line_p50_ms'] = ms(percentile(floor, 50), 'floor', "a player's `say` to the line another reads: the game alone")
  return figures
}

function stateFigures({ session, plugin, nothing, onePerFrame, attributes, bareServer }: States): Record<string, Figure> {
  const perS = (value: number, whose: Figure['whose'], means: string): Figure => ({ value, unit: '1/s', better: 'higher', whose, means })
  return {
    states_per_s: perS(
      median(plugin),
      'ours',
      'frames of 1,000 agents into the real plugin, until the pong behind the last; median of the rounds',
    ),
    session_states_per_s: perS(
      session,
      'ours',
      '1,000 agents that change 10 times a second: the session sends each once a second, latest wins',
    ),
    empty_inputfunc_states_per_s: perS(
      median(nothing),
      'floor',
      'the same frames to an inputfunc of the same game that does nothing, turn about with the plugin',
    ),
    one_per_frame_states_per_s: perS(median(onePerFrame), 'theirs', "one state a frame, within Evennia's 80 frames a second"),
    attribute_states_per_s: perS(median(attributes), 'theirs', 'one Evennia attribute written per state, inside the game'),
    floor_states_per_s: perS(median(bareServer), 'floor', 'the same frames to a bare ws server that parses them'),
  }
}

function usageFigures({ watch, ssh, hosts, shellLoop, monit }: Record<Users, Usage>): Record<string, Figure> {
  const pair = (name: string, usage: Usage, whose: Figure['whose'], means: string): Record<string, Figure> => ({
    [`${name}idle_cpu_percent`]: { value: usage.cpuPercent, unit: '%', better: 'lower', whose, means: `${means}: CPU, of one core` },
    [`${name}rss_mib`]: { value: usage.rssMib, unit: 'MiB', better: 'lower', whose, means: `${means}: memory` },
  })
  const all = [watch, ssh, hosts].reduce((sum, each) => ({
    cpuPercent: sum.cpuPercent + each.cpuPercent,
    rssMib: sum.rssMib + each.rssMib,
  }))
  return {
    ...pair('', watch, 'ours', 'the watch with 6 agents on 4 hosts'),
    ...pair('ssh_', ssh, 'ours', 'its three ssh clients'),
    ...pair('hosts_', hosts, 'ours', 'gates and sshd sessions on the four hosts, with what they run'),
    ...pair('all_', all, 'ours', 'the three above together'),
    ...pair('shell_loop_', shellLoop, 'theirs', 'the shell loop, with what it runs'),
    ...(monit.rssMib > 0 && pair('monit_', monit, 'theirs', 'monit and its login')),
  }
}

function comparisons(): Record<string, Comparison> {
  const against = (name: string, ours: string, theirs: string): Record<string, Comparison> => ({ [name]: { ours, theirs } })
  const peers = (['shell_loop', 'monit'] as const).flatMap((peer) => [
    against(`death_to_line_p50_vs_${peer}`, 'death_to_line_p50_ms', `${peer}_death_to_line_p50_ms`),
    against(`death_to_line_p99_vs_${peer}`, 'death_to_line_p99_ms', `${peer}_death_to_line_p99_ms`),
    against(`idle_cpu_vs_${peer}`, 'idle_cpu_percent', `${peer}_idle_cpu_percent`),
    against(`all_idle_cpu_vs_${peer}`, 'all_idle_cpu_percent', `${peer}_idle_cpu_percent`),
    against(`rss_vs_${peer}`, 'rss_mib', `${peer}_rss_mib`),
  ])
  return Object.assign(
    {},
    ...peers,
    against('death_to_line_p50_vs_floor', 'death_to_line_p50_ms', 'floor_line_p50_ms'),
    against('states_per_s_vs_one_per_frame', 'states_per_s', 'one_per_frame_states_per_s'),
    against('states_vs_empty_inputfunc', 'states_per_s', 'empty_inputfunc_states_per_s'),
    against('states_per_s_vs_attributes', 'states_per_s', 'attribute_states_per_s'),
    against('states_per_s_vs_floor', 'states_per_s', 'floor_states_per_s'),
  )
}
