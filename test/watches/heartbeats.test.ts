/** Whatever files are seen, in whatever order. host-watch.test.ts has what follows for an agent. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AgentConfig, type HeartbeatConfig, type HostConfig, Secret } from '../../src/config/config.ts'
import type { AgentDeclaration, AgentSighting, FileSighting, Unreadable } from '../../src/ports/host.ts'
import { type HeartbeatsLook, hostDeclarationOf, lookAtHeartbeats, sayFaults } from '../../src/watches/heartbeats.ts'
import { agentConfig } from '../support/fleet.ts'

const local: HostConfig = { kind: 'local', id: 'local', name: 'local', services: [], thresholds: {}, sockets: [] }

function declaredFor(agent: AgentConfig): AgentDeclaration {
  const [declared] = hostDeclarationOf(local, [agent]).agents
  if (!declared) throw new Error('nothing was declared')
  return declared
}

const startMs = 1_800_000_000_000
const kinds: HeartbeatConfig[] = [
  ...(['auto', 'json', 'mtime', 'epoch', 'job'] as const).map((format) => ({ kind: 'file' as const, file: '/b/beat', format })),
  { kind: 'jobs', directory: '/jobs' },
  { kind: 'hermes', home: '/h' },
  { kind: 'push', token: new Secret('x') },
]
const pathsOf = (agent: AgentConfig) =>
  agent.heartbeat.kind === 'jobs' ? ['/jobs/a.last', '/jobs/b.last'] : declaredFor(agent).heartbeatFiles

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc
    .constantFrom(
      '',
      '{"at": 1800000000, "pid": 7}',
      '{"at"',
      '1800000000',
      '1800000000 60',
      '1800000000 60 2',
      '{"interval": 60, "ok": false}',
    )
    .map((text) => new TextEncoder().encode(text)),
)
const why = fc.constantFrom<Unreadable>('symlink', 'directory', 'pipe', 'special', 'denied', 'no-answer', 'cut-short')
/** Ages up to two days, now and then in the future. */
const ageMs = fc.oneof(fc.integer({ min: -200_000, max: 200_000 }), fc.integer({ min: -86_400_000, max: 172_800_000 }))
const change = fc.oneof(
  fc.record({ kind: fc.constant('content' as const), bytes, ageMs, truncated: fc.boolean() }),
  fc.constant({ kind: 'unchanged' as const }),
  fc.constant({ kind: 'missing' as const }),
  fc.record({ kind: fc.constant('unreadable' as const), why }),
)

describe('whatever is seen of the heartbeats of an agent', () => {
  it('is a beat that is not from the future, a named fault, or nothing new; and never an error', () => {
    const step = fc.record({ changes: fc.array(change, { minLength: 3, maxLength: 3 }), passedMs: fc.nat(100_000) })
    fc.assert(
      fc.property(
        fc.constantFrom(...kinds),
        fc.option(fc.integer({ min: -100_000, max: 100_000 }), { nil: undefined }),
        fc.array(step, { maxLength: 12 }),
        (heartbeat, knownMs, steps) => {
          const agent = agentConfig('timmy', { heartbeat })
          const known = knownMs === undefined ? undefined : { atMs: startMs + knownMs, epoch: 'a' }
          const there = new Map<string, FileSighting & { kind: 'content' }>()
          let nowMs = startMs
          let look: HeartbeatsLook | undefined
          for (const { changes, passedMs } of steps) {
            nowMs += passedMs
            const files = pathsOf(agent).map((path, index): AgentSighting['files'][number] => {
              const next = changes[index] ?? { kind: 'unchanged' }
              const last = there.get(path)
              if (next.kind === 'content') {
                const sighting: FileSighting & { kind: 'content' } = { ...next, mtimeMs: nowMs - next.ageMs }
                there.set(path, sighting)
                return { path, ...sighting }
              }
              if (next.kind !== 'unchanged' || !last) {
                there.delete(path)
                return { path, ...(next.kind === 'unchanged' ? { kind: 'missing' } : next) }
              }
              return { path, kind: 'unchanged', mtimeMs: last.mtimeMs, ageMs: nowMs - last.mtimeMs }
            })
            const jobs = heartbeat.kind === 'jobs' ? { jobs: { kind: 'listed' as const, isCut: false, odd: 0 } } : {}
            const sighting: AgentSighting = { id: 'timmy', files, ...jobs, markers: [], process: { kind: 'unknown' } }
            const before = look
            look = lookAtHeartbeats(agent, sighting, before, nowMs, known)
            if (look.beat) {
              expect(look.beat.atMs).toBeLessThanOrEqual(nowMs)
              expect(Number.isInteger(look.beat.atMs)).toBe(true)
            }
            // What did not change is no new proof of life, unless it was doubted before.
            const isStill = files.every(({ kind }) => kind !== 'content')
            const isDoubted = [...(before?.files.values() ?? [])].some(({ refused }) => refused)
            if (before && isStill && !isDoubted) expect(look.beat?.id).toBe(before.beat?.id)
            expect(sayFaults(look) === undefined).toBe(look.faults.length === 0)
            for (const { fault } of look.faults) expect(fault.text).not.toMatch(/…|undefined/)
          }
        },
      ),
      { numRuns: Number(process.env['TOWERWATCH_RUNS'] ?? 3_000) },
    )
  })
})

describe('what the gate is to look at', () => {
  it.each<[string, HeartbeatConfig, object]>([
    [
      'a file',
      { kind: 'file', file: '/b/beat', format: 'auto' },
      { heartbeatFiles: ['/b/beat'], markers: ['/b/beat.paused', '/b/.paused'] },
    ],
    ['a folder of jobs', { kind: 'jobs', directory: '/jobs' }, { heartbeatFiles: [], jobs: '/jobs', markers: ['/jobs/.paused'] }],
    [
      'Hermes',
      { kind: 'hermes', home: '/h' },
      {
        heartbeatFiles: ['/h/state/gateway.heartbeat', '/h/cron/ticker_heartbeat', '/h/cron/ticker_last_success'],
        markers: ['/h/.paused', '/h/state/gateway.heartbeat.paused'],
      },
    ],
    ['one that posts', { kind: 'push', token: new Secret('x') }, { heartbeatFiles: [], markers: [] }],
  ])('follows from what was declared: %s', (_, heartbeat, expected) => {
    const { id, body, stopGraceMs, configs: __, ...looked } = declaredFor(agentConfig('timmy', { heartbeat }))
    expect(looked).toEqual(expected)
    expect([id, body.kind, stopGraceMs]).toEqual(['timmy', 'process', 1_000])
  })
})
