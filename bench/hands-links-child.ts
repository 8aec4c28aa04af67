/**
 * The hands of a watch and nothing else: links to many hosts that stay open, asked over and over. In a process of its own, so
 * that what it uses is theirs alone.
 */
import { createSshHost } from '../src/adapters/hosts/ssh.ts'
import type { HostLink } from '../src/ports/host.ts'
import { descendants } from '../test/support/processes.ts'
import { memoryMibOf, ownCpuMs } from './hands/cpu.ts'
import { type Farm, type FarmHost, writeBeat } from './hands/farm.ts'
import type { Opened, Swept } from './hands/links.ts'

interface Call {
  open?: { hosts: FarmHost[]; ssh: Farm['ssh'] }
  sweep?: { rounds: number; pauseMs: number }
}

/** As many key exchanges at once: more would only wait for one another. */
const atOnce = 8

let hosts: FarmHost[] = []
let links: HostLink[] = []
let clients: number[] = []
let seq = 0

/** Of this process and its ssh clients. */
const cpuMs = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000 + clients.reduce((sum, pid) => sum + ownCpuMs(pid), 0)
}

async function open(more: FarmHost[], ssh: Farm['ssh']): Promise<Opened> {
  hosts = more
  const before = { cpuMs: cpuMs(), fromMs: performance.now(), memory: memoryMibOf([process.pid]) }
  links = hosts.map(({ id, address }) => createSshHost(id, { ...ssh, address }).link())
  const todo = links.map((link, index) => ({ link, agents: hosts[index]?.agents ?? [] }))
  const worker = async () => {
    for (let next = todo.shift(); next; next = todo.shift()) {
      await next.link.open({ agents: next.agents, services: [], sockets: [] }, new AbortController().signal, () => {})
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  const wallMs = performance.now() - before.fromMs
  clients = descendants(process.pid).map(({ pid }) => pid)
  const connectCpuMs = cpuMs() - before.cpuMs
  // Once, so that what is measured is the steady state: every gate has set up what waits for a death.
  await sweep()
  const own = memoryMibOf([process.pid])
  const theirs = memoryMibOf(clients)
  const rss = theirs.rss + own.rss - before.memory.rss
  const pss = theirs.pss + own.pss - before.memory.pss
  return { wallMs, cpuMs: connectCpuMs, rssMib: rss, pssMib: pss }
}

/** Answers how long it took; throws where a host did not say all that it was asked for. */
async function sweep(): Promise<{ wallMs: number; cpuMs: number }> {
  seq++
  for (const host of hosts) for (const { id, heartbeatFiles } of host.agents) writeBeat(heartbeatFiles[0] ?? '', host.pids[id] ?? 0, seq)
  const [fromMs, fromCpuMs] = [performance.now(), cpuMs()]
  const looks = await Promise.all(links.map((link, index) => link.beats(new Map(Object.entries(hosts[index]?.pids ?? {})))))
  const took = { wallMs: performance.now() - fromMs, cpuMs: cpuMs() - fromCpuMs }
  const isWhole = looks.every(({ agents }) =>
    agents.every(({ process: { kind }, files }) => kind === 'alive' && files.every((file) => file.kind === 'content')),
  )
  if (!isWhole) throw new Error('a host did not tell all of its agents')
  return took
}

async function sweeps(rounds: number, pauseMs: number): Promise<Swept> {
  const wallMs: number[] = []
  let total = 0
  for (let round = 0; round < rounds; round++) {
    const took = await sweep()
    wallMs.push(took.wallMs)
    total += took.cpuMs
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
  return { wallMs, cpuMs: total / rounds }
}

process.on('message', (call: Call) => {
  const work = async () => {
    if (call.open) process.send?.({ opened: await open(call.open.hosts, call.open.ssh) })
    if (call.sweep) process.send?.({ swept: await sweeps(call.sweep.rounds, call.sweep.pauseMs) })
  }
  work().catch((error: unknown) => process.send?.({ trouble: error instanceof Error ? error.stack : String(error) }))
})
// It must not outlive the benchmark; its ssh clients and gates end with their pipes.
process.on('disconnect', () => process.exit())
process.send?.({ ready: true })
