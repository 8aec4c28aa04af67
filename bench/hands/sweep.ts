/** What it costs to look at fifty hosts once, by our links and by others, on one farm and in one run, doing the same. */
import { join } from 'node:path'
import { readyVenvs } from '../../setup/python.mjs'
import type { BenchmarkContext, Comparison, Figure, Outcome } from '../benchmark.ts'
import { median } from '../statistics.ts'
import { familyCpuMs } from './cpu.ts'
import { type Farm, openFarm } from './farm.ts'
import { type Links, openLinks } from './links.ts'
import { openRivals, probeHere, type Rival, type Sweep } from './rivals.ts'

export interface SweepRounds {
  hosts: number
  /** Of ours in one turn, and of turns; each rival has one sweep in each turn. */
  ours: number
  turns: number
}

interface Measured {
  wallMs: number[]
  clientCpuMs: number[]
  /** sshd and whatever runs on the hosts. */
  serverCpuMs: number[]
}

const names = ['controlmaster', 'pssh', 'pssh_warm', 'check_by_ssh', 'ansible'] as const

export async function measureSweep(rounds: SweepRounds, { root, say, signal }: BenchmarkContext): Promise<Outcome> {
  await using ending = new AsyncDisposableStack()
  const farm = await openFarm(rounds.hosts)
  ending.defer(() => farm.stop())
  const links = await openLinks(farm, farm.hosts, signal)
  ending.defer(() => links.stop())
  say(`sweep: ${rounds.hosts} hosts, connected in ${(links.opened.wallMs / 1_000).toFixed(1)} s`)
  const python = readyVenvs({ root, varDir: join(root, 'var') })[0]?.python
  const rivals = await openRivals(farm, { folder: join(root, 'var', 'bench', 'hands'), python, say, ending })

  const ours = measured()
  const floors = { one: [] as Sweep[], all: [] as Sweep[] }
  const theirs = new Map(rivals.found.map((rival) => [rival, measured()]))
  for (let turn = 1; turn <= rounds.turns; turn++) {
    await oursInto(ours, farm, links, rounds.ours)
    floors.one.push(await probeHere(farm, 1))
    floors.all.push(await probeHere(farm, 2))
    for (const [rival, into] of theirs) {
      signal.throwIfAborted()
      const { serverCpuMs, sweep } = await withServer(farm, () => rival.sweep())
      into.wallMs.push(sweep.wallMs)
      into.clientCpuMs.push(sweep.cpuMs)
      into.serverCpuMs.push(serverCpuMs)
    }
    const others = [...theirs].map(([{ name }, { clientCpuMs }]) => `${name} ${clientCpuMs.at(-1)?.toFixed(0)}`)
    say(`sweep: turn ${turn} of ${rounds.turns}, ms of client CPU: ours ${ours.clientCpuMs.at(-1)?.toFixed(1)}, ${others.join(', ')}`)
  }
  return outcome(rounds.hosts, links, ours, floors, theirs, rivals.leftOut)
}

function measured(): Measured {
  return { wallMs: [], clientCpuMs: [], serverCpuMs: [] }
}

async function oursInto(into: Measured, farm: Farm, links: Links, count: number): Promise<void> {
  const { serverCpuMs, sweep } = await withServer(farm, () => links.sweep(count, 60))
  into.wallMs.push(...sweep.wallMs)
  into.clientCpuMs.push(sweep.cpuMs)
  into.serverCpuMs.push(serverCpuMs / count)
}

async function withServer<T>(farm: Farm, work: () => Promise<T>): Promise<{ serverCpuMs: number; sweep: T }> {
  const beforeMs = familyCpuMs(farm.pids)
  const sweep = await work()
  return { serverCpuMs: familyCpuMs(farm.pids) - beforeMs, sweep }
}

function outcome(
  hosts: number,
  links: Links,
  ours: Measured,
  floors: { one: Sweep[]; all: Sweep[] },
  theirs: ReadonlyMap<Rival, Measured>,
  leftOut: string[],
): Outcome {
  const ms = (value: number, whose: Figure['whose'], means: string): Figure => ({ value, unit: 'ms', better: 'lower', whose, means })
  const mib = (value: number, means: string): Figure => ({ value, unit: 'MiB', better: 'lower', whose: 'ours', means })
  const figures: Record<string, Figure> = {
    sweep_wall_ms: ms(
      median(ours.wallMs),
      'ours',
      `one look at ${hosts} hosts with two agents each, all at once, over links that stay open`,
    ),
    sweep_client_cpu_ms: ms(median(ours.clientCpuMs), 'ours', 'CPU of our process and its ssh clients for such a look at all'),
    sweep_server_cpu_ms: ms(median(ours.serverCpuMs), 'ours', 'CPU of sshd and the gates for it'),
    connect_wall_ms: ms(links.opened.wallMs, 'ours', `opening the links to ${hosts} hosts, once, eight at a time`),
    connect_client_cpu_ms: ms(links.opened.cpuMs, 'ours', 'CPU of our process and its ssh clients for that'),
    rss_per_host_mib: mib(
      links.opened.rssMib / hosts,
      'memory on our side for each host: its ssh client, and its share of what our process grew by',
    ),
    pss_per_host_mib: mib(links.opened.pssMib / hosts, 'the same, with shared pages divided by those who share them'),
    local_floor_ms: ms(
      median(floors.one.map(({ wallMs }) => wallMs)),
      'floor',
      `the same probe run ${hosts} times here, one after the other, without ssh`,
    ),
    local_floor_two_at_once_ms: ms(median(floors.all.map(({ wallMs }) => wallMs)), 'floor', 'the same, two at a time'),
    local_floor_cpu_ms: ms(median(floors.one.map(({ cpuMs }) => cpuMs)), 'floor', 'CPU of that'),
  }
  for (const [{ name, means, connect }, found] of theirs) {
    figures[`${name}_client_cpu_ms`] = ms(median(found.clientCpuMs), 'theirs', `CPU of the client for ${hosts} hosts: ${means}`)
    figures[`${name}_wall_ms`] = ms(median(found.wallMs), 'theirs', 'how long that took')
    figures[`${name}_server_cpu_ms`] = ms(median(found.serverCpuMs), 'theirs', 'CPU of sshd and the probes for it')
    if (connect) figures[`${name}_connect_client_cpu_ms`] = ms(connect.cpuMs, 'theirs', 'CPU of the client for connecting once')
  }
  const comparisons: Record<string, Comparison> = Object.fromEntries(
    names.map((name) => [`client_cpu_vs_${name}`, { ours: 'sweep_client_cpu_ms', theirs: `${name}_client_cpu_ms` }]),
  )
  comparisons['wall_vs_local_floor'] = { ours: 'sweep_wall_ms', theirs: 'local_floor_ms' }
  comparisons['wall_vs_local_floor_two_at_once'] = { ours: 'sweep_wall_ms', theirs: 'local_floor_two_at_once_ms' }
  return { figures, comparisons, leftOut }
}
