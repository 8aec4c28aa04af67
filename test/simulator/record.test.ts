/** What a running watch records, replayed: the same happens again. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openLedger } from '../../src/adapters/ledger/sqlite.ts'
import { startWatch, type Watch } from '../../src/app.ts'
import type { TraceLine } from '../../src/domain/trace.ts'
import { operations } from '../../src/operations/registry.ts'
import type { Ledger } from '../../src/ports/ledger.ts'
import { sorter } from '../../src/simulator/order.ts'
import { replay } from '../../src/simulator/replay.ts'
import { parseTrace } from '../../src/simulator/trace.ts'
import { type FakeHost, fakeHost } from '../fakes/host.ts'
import { type VirtualClock, virtualClock } from '../fakes/virtual-clock.ts'
import { agentConfig, fleetConfig } from '../support/fleet.ts'
import { keptLog } from '../support/log.ts'

const timing = { periodMs: 10_000, graceMs: 20_000, hungMs: 60_000 }
const config = fleetConfig([
  agentConfig('timmy', { timing }),
  agentConfig('ezra', { timing, host: 'far' }),
  agentConfig('allegro', { timing, host: 'far' }),
])

let clock: VirtualClock
let ledger: Ledger
let hosts: Map<string, FakeHost>
let watch: Watch
beforeEach(() => {
  clock = virtualClock()
  ledger = { ...openLedger(':memory:'), close: async () => {} }
  hosts = new Map([...config.hosts.keys()].map((id) => [id, fakeHost(id, clock)]))
  let ids = 0
  watch = startWatch(config, {
    ledger,
    clock,
    log: keptLog(),
    operations,
    host: (id) => host(id),
    sink: () => ({ tell: async () => {} }),
    random: () => 0.5,
    newId: () => `alert-${++ids}`,
  })
})
afterEach(() => watch.stop())

function host(id: string): FakeHost {
  const found = hosts.get(id)
  if (!found) throw new Error(`there is no host ${id}`)
  return found
}

/** Beats every eight seconds until it is killed or told to hang. */
function live(agent: string, on: string): { hang(): void } {
  let isHanging = false
  const pid = host(on).start(agent)
  const beatOn = () => {
    if (isHanging || !host(on).isAlive(agent, pid)) return
    host(on).beat(agent, { pid, epoch: `life-${pid}` })
    clock.after(8_000, beatOn)
  }
  beatOn()
  return {
    hang: () => {
      isHanging = true
    },
  }
}

/** Without those that lasted no time: that a host is back, and what its agents say, comes in two steps in a replay. */
function lasting<T extends { at: number }>(changes: T[]): T[] {
  return changes.filter((change, index) => changes[index + 1]?.at !== change.at)
}

it('a recorded trace replays to the transitions that the ledger has', async () => {
  const timmy = live('timmy', 'local')
  live('ezra', 'far')
  live('allegro', 'far')
  await clock.advance(30_000)
  const startMs = clock.now()
  const written: TraceLine[] = []
  const sorted = sorter(75, (line) => written.push(line))
  const recording = watch.record((line) => sorted.add(line, (clock.now() - startMs) / 1000))
  await clock.advance(20_000)
  timmy.hang()
  await clock.advance(60_000)
  live('timmy', 'local')
  host('far').kill('ezra')
  await clock.advance(20_000)
  // Back before a trace that only says that he was gone once would have believed it.
  host('local').kill('timmy')
  await clock.advance(2_500)
  live('timmy', 'local')
  await clock.advance(10_000)
  host('far').refuse('unreachable')
  host('far').cut()
  await clock.advance(100_000)
  host('far').accept()
  await clock.advance(60_000)
  recording.stop()
  sorted.end((clock.now() - startMs) / 1000)
  const heard = written.length
  host('local').kill('timmy')
  await clock.advance(10_000)
  expect(written).toHaveLength(heard)

  const file = written.map((line) => JSON.stringify(line)).join('\n')
  const { events } = await replay(config, parseTrace(file, 'recorded', config), { startMs, log: keptLog() })
  const endMs = startMs + (written.at(-1)?.at ?? 0) * 1000
  for (const subject of [
    { kind: 'agent', id: 'timmy' },
    { kind: 'agent', id: 'ezra' },
    { kind: 'agent', id: 'allegro' },
    { kind: 'host', id: 'far' },
  ] as const) {
    const real = ledger
      .transitions({ subject, fromMs: startMs + 1, toMs: endMs, limit: 100 })
      .map(({ to, atMs, cause }) => ({ to, at: atMs - startMs, cause }))
    const again = events.flatMap((event) =>
      event.kind === 'transition' && event.subject.id === subject.id && event.subject.kind === subject.kind && event.transition.atMs > 0
        ? [{ to: event.transition.to, at: event.transition.atMs, cause: event.transition.cause }]
        : [],
    )
    expect(real.length).toBeGreaterThan(0)
    expect(lasting(again)).toEqual(lasting(real))
  }
})
