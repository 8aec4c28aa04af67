/**
 * The daemon killed while it restarts an agent: before the host has heard of it, between the intent and the act, in the act,
 * between the act and the record. Each agent counts its starts itself.
 */
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Random } from '../../src/simulator/random.ts'
import { descendants, isAlive, killHard } from '../support/processes.ts'
import { programPath } from '../support/programs.ts'
import { until } from '../support/until.ts'
import { type Daemon, openStage, type Stage } from './stage.ts'

/**
 * begun: the intent is in the ledger. noted: the host has noted the order. starting, slowly: right before the start; the
 * act then goes on at once, or after the next life of the watch has looked. started: the agent runs, nobody was told.
 * beaten: its first beat is there. random: some moment after its death.
 */
const moments = ['begun', 'noted', 'starting', 'slowly', 'started', 'beaten', 'random'] as const
type Moment = (typeof moments)[number]

export interface HandsCrashes {
  /** How often the daemon was killed at each moment. */
  kills: Record<string, number>
  /** How many times a start was asked for by the watch, and how many of those were interrupted. */
  orders: number
  interrupted: number
  faults: string[]
}

const agentsOf = (folder: string) => join(folder, 'agents')
const nameOf = (index: number) => `agent-${String(index).padStart(3, '0')}`

/** A fleet of so many, nobody of whom lives yet. */
export async function openHandsStage(title: string, count: number): Promise<Stage> {
  return openStage({
    title,
    agents: {},
    yaml: 'remedies: { budget: off, agentBudget: off, crashLoop: off }',
    moreAgents: (folder) => {
      writePrograms(folder)
      return Array.from({ length: count }, (_, index) => {
        const place = join(agentsOf(folder), nameOf(index))
        mkdirSync(place, { recursive: true })
        const restart = `{ kind: process, start: [${join(folder, 'agent.sh')}, ${place}], pidFile: ${place}/pid, log: ${place}/log }`
        return `  ${nameOf(index)}: { host: local, heartbeat: { file: ${place}/beat, format: json }, period: 60s, grace: 60s, startGrace: 20s, policy: auto, restart: ${restart} }`
      })
    },
  })
}

/** `armed-MOMENT` holds the pid of a daemon: whoever comes by at that moment kills it, once. */
function writePrograms(folder: string): void {
  const strike = (moment: Moment) => `if mv "${folder}/armed-${moment}" "${folder}/struck-${moment}" 2>/dev/null; then
  kill -KILL "$(cat "${folder}/struck-${moment}")"
fi`
  const programs = join(folder, 'bin')
  mkdirSync(programs)
  const write = (file: string, text: string) => {
    writeFileSync(file, `#!/bin/sh\n${text}\n`)
    chmodSync(file, 0o755)
  }
  write(join(programs, 'sync'), `${strike('noted')}\nexec ${programPath('sync')} "$@"`)
  write(
    join(programs, 'setsid'),
    `${strike('starting')}\nif [ -e "${folder}/armed-slowly" ]; then\n${strike('slowly')}\nsleep 4\nfi\nexec ${programPath('setsid')} "$@"`,
  )
  write(
    join(folder, 'agent.sh'),
    `echo "$$" >>"$1/starts"
${strike('started')}
printf '{"pid":%s}' "$$" >"$1/beat.new"
mv -f "$1/beat.new" "$1/beat"
${strike('beaten')}
while :; do sleep 20; touch "$1/beat"; done`,
  )
}

export async function handsCrashes(stage: Stage, kills: number, random: Random): Promise<HandsCrashes> {
  const { folder, story } = stage
  const counts: Record<string, number> = {}
  const faults: string[] = []
  const env = { PATH: `${join(folder, 'bin')}:${process.env['PATH']}`, HOME: folder }
  const place = (id: string, file: string) => join(agentsOf(folder), id, file)
  const starts = (id: string) => lines(place(id, 'starts')).map(Number)
  let daemon = stage.startDaemon({ env })
  await daemon.says('watching')
  try {
    for (let index = 0; index < kills; index++) {
      const id = nameOf(index)
      const moment = moments[index < moments.length ? index : random.whole(0, moments.length - 1)] ?? 'random'
      counts[moment] = (counts[moment] ?? 0) + 1
      const first = await begin(stage, id)
      await until(() => stateOf(stage, id) === 'up', { withinMs: 60_000, what: `${id} to be seen` })
      story.note(`${id} dies, and the daemon at the moment "${moment}"`)
      await struck(stage, daemon, id, first, moment, random)
      if (random.chance(0.5)) await wait(random.whole(0, 800))
      daemon = stage.startDaemon({ env })
      await daemon.says('watching')
      await until(() => starts(id).length >= 2 && stateOf(stage, id) === 'up' && !isUnderWay(stage, id), {
        withinMs: 90_000,
        what: `${id} to be back`,
      })
    }
    // What was still on its way has had its time: nobody may have been started once more.
    await wait(5_000)
    for (let index = 0; index < kills; index++) {
      const id = nameOf(index)
      const pids = starts(id)
      if (pids.length !== 2) faults.push(`${id} was started ${pids.length - 1} times after its death`)
      if (!isAlive(pids.at(-1) ?? 0)) faults.push(`${id} does not live`)
    }
    const orders = stage.ledger((ledger) => ledger.operations({ operation: 'restart', actorKind: 'watch', limit: 10_000 }))
    for (const { number, status } of orders) if (status === 'begun') faults.push(`#${number} has never ended`)
    const interrupted = orders.filter(({ status }) => status === 'interrupted').length
    return { kills: counts, orders: orders.length, interrupted, faults }
  } finally {
    // First the one who would start them again, then what its last act may still start.
    daemon.signal('SIGKILL')
    await daemon.ended
    await wait(1_000)
    for (let index = 0; index < kills; index++) {
      for (const pid of starts(nameOf(index))) for (const own of [...descendants(pid), { pid }]) killHard(own.pid)
    }
  }
}

/** The first life of an agent: its pid. */
async function begin(stage: Stage, id: string): Promise<number> {
  const place = join(agentsOf(stage.folder), id)
  const child = spawn(join(stage.folder, 'agent.sh'), [place], { stdio: 'ignore', detached: true })
  child.unref()
  writeFileSync(join(place, 'pid'), `${child.pid}\n`)
  await until(() => lines(join(place, 'beat')).length > 0, { withinMs: 30_000, what: `a beat of ${id}` })
  return child.pid ?? 0
}

/** Has the agent die, and the daemon at that moment; resolves when both are dead. */
async function struck(stage: Stage, daemon: Daemon, id: string, pid: number, moment: Moment, random: Random): Promise<void> {
  const isBySelf = moment !== 'begun' && moment !== 'random'
  if (isBySelf) writeFileSync(join(stage.folder, `armed-${moment}`), `${daemon.pid}\n`)
  killHard(pid)
  if (moment === 'random') await wait(random.whole(0, 1_500))
  if (moment === 'begun') await underWay(stage, id)
  if (!isBySelf) daemon.signal('SIGKILL')
  await daemon.ended
}

/** Looked for more often than `until` does: what comes next takes the host a few milliseconds. */
async function underWay(stage: Stage, id: string): Promise<void> {
  const deadline = performance.now() + 60_000
  while (!isUnderWay(stage, id)) {
    if (performance.now() > deadline) throw new Error(`${id} died, and nobody meant to restart it`)
    await wait(2)
  }
}

function stateOf(stage: Stage, id: string): string | undefined {
  return stage.ledger((ledger) => ledger.remembered().agents.get(id)?.status.state)
}

function isUnderWay(stage: Stage, id: string): boolean {
  return stage.ledger((ledger) => ledger.operations({ operation: 'restart', agent: id, limit: 1 }))[0]?.status === 'begun'
}

function lines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}
