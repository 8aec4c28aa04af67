/**
 * From a death on a host to the decision in the watch: processes, then panes, killed one after the other on several hosts over
 * real sshds. It goes through the whole of what looks at a host, with the real ledger on a disk. Each host is looked at in turn
 * only every thirty seconds here, so that a death that was not pushed would show.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { systemClock } from '../../src/adapters/clock.ts'
import { createSshHost } from '../../src/adapters/hosts/ssh.ts'
import { openLedger } from '../../src/adapters/ledger/sqlite.ts'
import type { AgentConfig } from '../../src/config/config.ts'
import { openEngine } from '../../src/engine.ts'
import { startHostWatch } from '../../src/watches/host-watch.ts'
import type { RosterEvent } from '../../src/watches/roster.ts'
import { agentConfig, fleetConfig } from '../../test/support/fleet.ts'
import { keptLog } from '../../test/support/log.ts'
import { killHard } from '../../test/support/processes.ts'
import { programPath } from '../../test/support/programs.ts'
import { startTmux, type Tmux } from '../../test/support/tmux.ts'
import { until } from '../../test/support/until.ts'
import type { BenchmarkContext, Figure, Outcome } from '../benchmark.ts'
import { percentile } from '../statistics.ts'
import { pause } from '../tower/pause.ts'
import { type Farm, type FarmHost, openFarm, writeBeat } from './farm.ts'

const run = promisify(execFile)
const pollMs = 30_000
/** Whoever is not noticed by then was missed. */
const missedMs = 10_000
/** Steps of this size spread over the time between two deaths as evenly as any. */
const goldenMs = 61.8034
const timing = { periodMs: 3_600_000, graceMs: 3_600_000 }

interface Found {
  ms: number[]
  /** Until it was suspected, at the first look after it. */
  suspectedMs: number[]
  missed: number
}

/** A life on a host that can be ended and begun anew. */
interface Victim {
  agent: AgentConfig
  host: FarmHost
  /** Begins another life, with its first beat. */
  start(): Promise<void>
  kill(): void
}

/** Keys `process_death_p50_ms`, `process_death_p99_ms`, `process_deaths_missed`, and the same of panes. */
export async function measureDeaths({ hosts, each }: { hosts: number; each: number }, { say, signal }: BenchmarkContext): Promise<Outcome> {
  await using ending = new AsyncDisposableStack()
  const farm = await openFarm(hosts)
  ending.defer(() => farm.stop())
  const tmux = await startTmux(farm.folder)
  ending.defer(() => tmux.stop())
  const started: ChildProcess[] = []
  ending.defer(() => {
    for (const { pid } of started) if (pid !== undefined) killHard(pid)
  })
  const processes = farm.hosts.map((host) => processOn(host, started))
  const panes = await Promise.all(farm.hosts.map((host, index) => paneOn(host, tmux, index % 2 === 0 ? 'itself' : 'a worker in it')))
  const watch = await startWatch(farm, [...processes, ...panes], signal)
  ending.defer(() => watch.stop())
  const figures: Record<string, Figure> = {}
  for (const [name, what, victims] of [
    ['process', 'processes', processes],
    ['pane', 'panes (in every other one the agent is a worker below the process of the pane)', panes],
  ] as const) {
    const found: Found = { ms: [], suspectedMs: [], missed: 0 }
    await Promise.all(victims.map((victim, index) => deaths(victim, each, index, watch, found, signal)))
    say(
      `deaths of ${name}: p50 ${percentile(found.ms, 50).toFixed(1)} ms, p99 ${percentile(found.ms, 99).toFixed(1)} ms, ${found.missed} missed`,
    )
    Object.assign(figures, figuresOf(name, `${hosts * each} ${what}`, found))
  }
  return { figures, comparisons: {}, leftOut: [] }
}

function figuresOf(name: string, what: string, { ms, suspectedMs, missed }: Found): Record<string, Figure> {
  const figure = (value: number, means: string): Figure => ({ value, unit: 'ms', better: 'lower', whose: 'ours', means })
  return {
    [`${name}_death_p50_ms`]: figure(percentile(ms, 50), `kill -9 to "down" in the watch, asked twice, over ssh: ${what}`),
    [`${name}_death_p99_ms`]: figure(percentile(ms, 99), 'the same, the 99th percentile'),
    [`${name}_death_max_ms`]: figure(percentile(ms, 100), 'the same, the worst'),
    [`${name}_suspected_p50_ms`]: figure(percentile(suspectedMs, 50), 'kill -9 to the first look that finds it gone'),
    [`${name}_deaths_missed`]: {
      value: missed,
      unit: 'count',
      better: 'lower',
      whose: 'ours',
      means: `not told within ${missedMs / 1_000} s, with looks in turn every ${pollMs / 1_000} s`,
    },
  }
}

interface Watch {
  /** Milliseconds by performance.now(), of the next time that this is seen of the agent; undefined where it is not in time. */
  sees(agent: string, what: 'suspected' | 'down' | 'up'): Promise<number | undefined>
  stop(): Promise<void>
}

async function startWatch(farm: Farm, victims: Victim[], signal: AbortSignal): Promise<Watch> {
  const ledger = openLedger(join(farm.folder, 'ledger.sqlite'))
  const config = fleetConfig(victims.map(({ agent }) => agent))
  const log = keptLog()
  const engine = openEngine(config, { ledger, clock: systemClock, log, newId: () => crypto.randomUUID() })
  const waiting = new Map<string, (atMs: number) => void>()
  const tell = (agent: string, what: string) => waiting.get(`${what} ${agent}`)?.(performance.now())
  engine.roster.on((event: RosterEvent) => {
    if (event.kind === 'transition' && event.subject.kind === 'agent') tell(event.subject.id, event.transition.to)
  })
  const roster = {
    ...engine.roster,
    observe: (...call: Parameters<typeof engine.roster.observe>) => {
      if (call[1].kind === 'suspected') tell(call[0], 'suspected')
      engine.roster.observe(...call)
    },
  }
  const watches = farm.hosts.map((host) => {
    const agents = victims.filter((victim) => victim.host === host).map(({ agent }) => agent)
    return startHostWatch(
      { host: { kind: 'local', id: host.id, name: host.id, services: [], thresholds: {}, sockets: [] }, agents, pollMs, firstDelayMs: 0 },
      {
        host: createSshHost(host.id, { ...farm.ssh, address: host.address }),
        roster,
        clock: systemClock,
        log,
        random: Math.random,
        isActedOn: () => false,
      },
    )
  })
  const sees = async (agent: string, what: string): Promise<number | undefined> => {
    const { promise, resolve } = Promise.withResolvers<number | undefined>()
    const key = `${what} ${agent}`
    waiting.set(key, resolve)
    const timer = setTimeout(() => resolve(undefined), missedMs)
    const stop = () => resolve(undefined)
    signal.addEventListener('abort', stop)
    const atMs = await promise
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
    waiting.delete(key)
    signal.throwIfAborted()
    return atMs
  }
  const stop = async () => {
    await Promise.all(watches.map((watch) => watch.stop()))
    await engine.stop()
    await ledger.close()
  }
  const isUp = () => victims.every(({ agent }) => engine.roster.agent(agent.id)?.status.state === 'up')
  try {
    await until(isUp, { withinMs: 60_000, what: () => `the watch sees all agents up: ${log.messages('warn').slice(0, 3).join('; ')}` })
  } catch (error) {
    await stop()
    throw error
  }
  return { sees, stop }
}

async function deaths(victim: Victim, count: number, index: number, watch: Watch, found: Found, signal: AbortSignal): Promise<void> {
  const { id } = victim.agent
  for (let number = 1; number <= count; number++) {
    await pause(300 + ((number * goldenMs + index * 131) % 500), signal)
    const [down, suspected] = [watch.sees(id, 'down'), watch.sees(id, 'suspected')]
    const killedMs = performance.now()
    victim.kill()
    const [downMs, suspectedMs] = await Promise.all([down, suspected])
    if (downMs === undefined) found.missed++
    else found.ms.push(downMs - killedMs)
    if (suspectedMs !== undefined) found.suspectedMs.push(suspectedMs - killedMs)
    const up = watch.sees(id, 'up')
    await victim.start()
    if ((await up) === undefined) throw new Error(`${id} was not seen to be back within ${missedMs} ms`)
  }
}

function processOn(host: FarmHost, started: ChildProcess[]): Victim {
  const folder = join(host.folder, 'one')
  const agent = agentConfig(`process-${host.id}`, {
    host: host.id,
    heartbeat: { kind: 'file', file: join(folder, 'beat'), format: 'json' },
    timing,
    body: { kind: 'process', start: ['true'], pidFile: join(folder, 'pid'), log: join(folder, 'log') },
  })
  let pid = host.pids['one'] ?? 0
  let seq = 0
  return {
    agent,
    host,
    kill: () => process.kill(pid, 'SIGKILL'),
    start: async () => {
      const child = spawn('sleep', ['3600'], { stdio: 'ignore' })
      started.push(child)
      if (child.pid === undefined) throw new Error('sleep could not be started')
      pid = child.pid
      writeFileSync(join(folder, 'pid'), `${pid}\n`)
      writeBeat(join(folder, 'beat'), pid, ++seq)
    },
  }
}

async function paneOn(host: FarmHost, tmux: Tmux, who: 'itself' | 'a worker in it'): Promise<Victim> {
  const name = `pane-${host.id}`
  const folder = join(host.folder, name)
  mkdirSync(folder)
  const workerFile = join(folder, 'worker')
  const argv = who === 'itself' ? ['sleep', '3600'] : ['/bin/sh', '-c', 'sleep 3600 & echo $! >"$1"; wait', 'sh', workerFile]
  const agent = agentConfig(name, {
    host: host.id,
    heartbeat: { kind: 'file', file: join(folder, 'beat'), format: 'json' },
    timing,
    body: { kind: 'pane', socket: tmux.socket, target: `${tmux.session}:${name}` },
  })
  const { id } = await tmux.open(name, argv)
  let pid = 0
  let seq = 0
  const beat = async () => {
    const { stdout } = await run(programPath('tmux'), ['-S', tmux.socket, 'display-message', '-p', '-t', id, '#{pane_pid}'])
    pid = Number(stdout)
    const worker = who === 'itself' ? pid : await until(() => workerIn(workerFile), { withinMs: 10_000, what: 'the worker of a pane' })
    writeBeat(join(folder, 'beat'), worker, ++seq)
  }
  await beat()
  return {
    agent,
    host,
    kill: () => process.kill(pid, 'SIGKILL'),
    start: async () => {
      rmSync(workerFile, { force: true })
      await run(programPath('tmux'), ['-S', tmux.socket, 'respawn-pane', '-k', '-t', id, '--', ...argv])
      await beat()
    },
  }
}

function workerIn(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8'))
    return pid > 0 ? pid : undefined
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
