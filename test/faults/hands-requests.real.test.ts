/** Many people and the watch ask for the same thing at once, of the whole watch, a real host and a real agent. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createLocalHost } from '../../src/adapters/hosts/local.ts'
import { openLedger } from '../../src/adapters/ledger/sqlite.ts'
import { startWatch, type Watch } from '../../src/app.ts'
import type { Actor } from '../../src/domain/operation.ts'
import type { Outcome } from '../../src/operations/operation.ts'
import { operations } from '../../src/operations/registry.ts'
import type { Ledger } from '../../src/ports/ledger.ts'
import { agentConfig, fleetConfig } from '../support/fleet.ts'
import { keptLog } from '../support/log.ts'
import { descendants, isAlive, killHard } from '../support/processes.ts'
import { realClock } from '../support/real-clock.ts'
import { until } from '../support/until.ts'

const requests = 1_000

let folder: string
let watch: Watch
let ledger: Ledger
const starts = () => (existsSync(join(folder, 'starts')) ? readFileSync(join(folder, 'starts'), 'utf8').trim().split('\n').map(Number) : [])

afterEach(async () => {
  await watch.stop()
  for (const pid of starts()) for (const own of [...descendants(pid), { pid }]) killHard(own.pid)
  rmSync(folder, { recursive: true })
})

/** A watch with one agent, which lives. */
async function begin(): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), 'tw-'))
  const start = join(folder, 'agent.sh')
  writeFileSync(
    start,
    `#!/bin/sh\necho $$ >>${folder}/starts\nwhile :; do printf '{"pid":%s}' $$ >${folder}/beat.new; mv ${folder}/beat.new ${folder}/beat; sleep 0.3; done\n`,
  )
  chmodSync(start, 0o755)
  const declared = agentConfig('bezalel', {
    policy: 'auto',
    heartbeat: { kind: 'file', file: join(folder, 'beat'), format: 'json' },
    timing: { periodMs: 30_000, graceMs: 30_000 },
    body: { kind: 'process', start: [start], pidFile: join(folder, 'pid'), log: join(folder, 'log') },
  })
  ledger = openLedger(join(folder, 'ledger.sqlite'))
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder }
  let ids = 0
  watch = startWatch(fleetConfig([declared], { pollMs: 200, remedies: { perMs: 3_600_000, atOnce: 2 } }), {
    ledger,
    clock: realClock,
    log: keptLog(),
    operations,
    host: (id) => createLocalHost(id, { env }),
    sink: () => ({ tell: async () => {} }),
    random: Math.random,
    newId: () => `requests-${++ids}`,
  })
  await watch.ready
  const first = await ask({ kind: 'shell', id: '0', name: 'root' })
  expect(first.status).toBe('ok')
}

function ask(actor: Actor, progress: string[] = []): Promise<Outcome> {
  const via = actor.kind === 'account' || actor.kind === 'object' ? 'tower' : actor.kind
  return watch.desk.request({ operation: 'restart', arguments: { agent: 'bezalel' }, actor, via }, (line) => void progress.push(line))
}

/** Players, shell users, and now and then the watch itself. */
function who(index: number): Actor {
  if (index % 10 === 3) return { kind: 'watch', id: 'watch', name: 'the watch' }
  if (index % 10 === 6) return { kind: 'shell', id: String(index % 3), name: `user-${index % 3}` }
  return { kind: 'account', id: String(index % 7), name: `player-${index % 7}` }
}

describe('a thousand requests at once to restart one agent', () => {
  it('start it once, and everybody is answered', async () => {
    await begin()
    const before = starts()
    const heard: string[][] = Array.from({ length: requests }, () => [])
    const outcomes = await Promise.all(heard.map((progress, index) => ask(who(index), progress)))
    expect(outcomes.map(({ status }) => status)).toEqual(Array(requests).fill('ok'))
    expect(starts()).toHaveLength(before.length + 1)
    // Everybody saw it happen.
    expect(heard.filter((lines) => lines.some((line) => line.startsWith('verify:')))).toHaveLength(requests)
    const done = ledger.operations({ operation: 'restart', limit: 5_000 }).filter(({ status }) => status === 'ok')
    expect(done).toHaveLength(2)
  })

  it('start it once also where it has just died and the watch restarts it by itself', async () => {
    await begin()
    const [first = 0] = starts()
    killHard(first)
    await until(() => watch.desk.isActedOn('bezalel'), { withinMs: 20_000, what: 'the watch restarts it' })
    const outcomes = await Promise.all(Array.from({ length: requests }, (_, index) => ask(who(index))))
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['ok']))
    expect(starts()).toHaveLength(2)
    expect(isAlive(starts()[1] ?? 0)).toBe(true)
  })
})
