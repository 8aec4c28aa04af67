/**
 * For how long the watch does nothing else while somebody asks about 30 days of 1,000 agents, or a Tower is shown them: the
 * longest time between two turns of the event loop, in which beats are read and deaths are noticed. The whole watch, with a
 * ledger on the disk, and hosts that never answer.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLedger } from '../../src/adapters/ledger/sqlite.ts'
import { startWatch, type Watch } from '../../src/app.ts'
import { operations } from '../../src/operations/registry.ts'
import type { Tower, TowerHandlers } from '../../src/ports/tower.ts'
import { fakeHost } from '../../test/fakes/host.ts'
import { agentConfig, fleetConfig } from '../../test/support/fleet.ts'
import { keptLog } from '../../test/support/log.ts'
import { realClock } from '../../test/support/real-clock.ts'
import type { BenchmarkContext, Figure, Outcome } from '../benchmark.ts'
import { median } from '../statistics.ts'
import { agentId, agents, fillLedger } from './full-ledger.ts'

const rounds = 5
const hosts = 50
const askedOf = ['phase', 'uptime', 'incidents', 'fleet', 'health', 'audit'] as const

/** Keys `stall_NAME_ms` and `answer_NAME_ms`, one of each for a question, and for the history that the Tower's page shows. */
export async function measureQuestions({ say }: Pick<BenchmarkContext, 'say'>): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'towerwatch-questions-'))
  try {
    const file = join(folder, 'ledger.sqlite')
    await fillLedger(file)
    const figures: Record<string, Figure> = {}
    const { watch, history, startMs } = await start(file)
    try {
      figures['stall_start_ms'] = ms(startMs, `from the declaration of ${agents} agents to a watch that looks, its ledger open already`)
      for (const [name, ask] of [...askedOf.map((name) => [name, () => asked(watch, name)] as const), ['history', history] as const]) {
        const found: Stall[] = []
        for (let round = 0; round < rounds; round++) found.push(await stallOf(ask))
        const stallMs = median(found.map((stall) => stall.longestMs))
        const answerMs = median(found.map((stall) => stall.wholeMs))
        say(`${name}: an answer after ${answerMs.toFixed(0)} ms, nothing else for ${stallMs.toFixed(1)} ms`)
        const what = name === 'history' ? 'the history for the page is put together' : `"${name}" is answered`
        figures[`stall_${name}_ms`] = ms(stallMs, `the longest time in which the watch does nothing else while ${what}`)
        figures[`answer_${name}_ms`] = ms(answerMs, `until ${what}: ${agents} agents, 30 days`)
      }
    } finally {
      await watch.stop()
    }
    return { figures, comparisons: {}, leftOut: [] }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Stall {
  longestMs: number
  wholeMs: number
}

async function stallOf(work: () => Promise<unknown>): Promise<Stall> {
  let isOver = false
  let longestMs = 0
  let turnMs = performance.now()
  const turn = () => {
    const nowMs = performance.now()
    longestMs = Math.max(longestMs, nowMs - turnMs)
    turnMs = nowMs
    if (!isOver) setImmediate(turn)
  }
  setImmediate(turn)
  const fromMs = performance.now()
  await work()
  const wholeMs = performance.now() - fromMs
  isOver = true
  turn()
  return { longestMs, wholeMs }
}

async function start(file: string): Promise<{ watch: Watch; history: () => Promise<unknown>; startMs: number }> {
  const declared = Array.from({ length: agents }, (_, index) => agentConfig(agentId(index), { host: `host-${index % hosts}` }))
  const ledger = openLedger(file)
  let handlers: TowerHandlers | undefined
  let ids = 0
  const fromMs = performance.now()
  const watch = startWatch(fleetConfig(declared), {
    ledger,
    clock: realClock,
    log: keptLog(),
    operations,
    host: (id) => {
      const host = fakeHost(id, realClock)
      host.hang()
      return host
    },
    tower: (given) => {
      handlers = given
      return awayTower
    },
    sink: () => ({ tell: async () => {} }),
    random: Math.random,
    newId: () => `questions-${++ids}`,
  })
  const startMs = performance.now() - fromMs
  return { watch, history: () => handlers?.history() ?? Promise.reject(new Error('the watch has no Tower')), startMs }
}

const awayTower: Tower = {
  changed: () => {},
  alertsWaiting: () => {},
  redeclare: () => {},
  link: () => ({ state: { kind: 'connecting' }, sinceMs: 0 }),
  stop: async () => {},
}

/** A benchmark of an answer that nobody got would be the fastest of all. */
async function asked(watch: Watch, operation: string): Promise<void> {
  const actor = { kind: 'shell', id: '1000', name: 'ada' } as const
  const { status, lines } = await watch.desk.request({ operation, arguments: {}, actor, via: 'shell' }, () => {})
  if (status !== 'ok') throw new Error(`${operation}: ${status}: ${lines.join(' ')}`)
}

function ms(value: number, means: string): Figure {
  return { value, unit: 'ms', better: 'lower', whose: 'ours', means }
}
