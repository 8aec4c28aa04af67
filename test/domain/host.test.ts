import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decideHost, type HostEffect, type HostEvent, type HostRecord, type HostState, newHost } from '../../src/domain/host.ts'

const answered: HostEvent = { kind: 'answered' }
const lost = (sinceMs: number, cause = 'unreachable'): HostEvent => ({ kind: 'lost', sinceMs, cause })
const blind = (sinceMs: number): HostEvent => ({ kind: 'blind', sinceMs })

function play(events: readonly (readonly [number, HostEvent])[]): { host: HostRecord; effects: HostEffect[] } {
  let host = newHost(0)
  const effects: HostEffect[] = []
  for (const [nowMs, event] of events) {
    const decided = decideHost(host, event, nowMs)
    host = decided.host
    effects.push(...decided.effects)
  }
  return { host, effects }
}

import { risingTimes } from '../support/times.ts'

describe('a host', () => {
  it('is one problem and one recovery, however often it is tried in between', () => {
    const { effects } = play([
      [10, answered],
      [20, lost(15)],
      [21, lost(15)],
      [22, lost(15, 'timeout')],
      [50, answered],
      [51, answered],
    ])
    expect(effects).toEqual([
      { kind: 'transition', from: 'new', to: 'up', atMs: 10, noticedMs: 10 },
      { kind: 'transition', from: 'up', to: 'unreachable', atMs: 15, noticedMs: 20, cause: 'unreachable' },
      { kind: 'problem', cause: 'unreachable', atMs: 15 },
      { kind: 'transition', from: 'unreachable', to: 'up', atMs: 50, noticedMs: 50 },
      { kind: 'recovery', cause: 'unreachable', atMs: 50, downMs: 35 },
    ])
  })

  it('is told again, once, when it turns out to be a problem that only a person can end', () => {
    const { effects, host } = play([
      [20, lost(15)],
      [21, lost(15, 'host-key')],
      [22, lost(15)],
      [23, lost(15, 'host-key')],
      [24, lost(15, 'gate')],
      [50, answered],
    ])
    expect(effects.filter(({ kind }) => kind !== 'transition')).toEqual([
      { kind: 'problem', cause: 'unreachable', atMs: 15 },
      { kind: 'turned-out', cause: 'host-key', atMs: 21 },
      { kind: 'recovery', cause: 'host-key', atMs: 50, downMs: 35 },
    ])
    expect(host.problem).toBeUndefined()
  })

  it('shows the cause as it is known now', () => {
    const { host } = play([
      [20, lost(15)],
      [22, lost(15, 'host-key')],
    ])
    expect(host.status).toEqual({ state: 'unreachable', sinceMs: 15, cause: 'host-key' })
  })

  it('is the same problem still when it is lost before and after a time in which the watch was blind', () => {
    const { effects } = play([
      [20, lost(15)],
      [100, blind(30)],
      [101, lost(100)],
      [200, answered],
    ])
    expect(effects.map(({ kind }) => kind).filter((kind) => kind !== 'transition')).toEqual(['problem', 'recovery'])
  })

  it('keeps a chain of transitions, and a recovery for each problem, whatever happens', () => {
    const event = (nowMs: number) =>
      fc.oneof(
        fc.constant(answered),
        fc.integer({ min: 0, max: 50 }).map((ms) => lost(Math.max(0, nowMs - ms))),
        fc.integer({ min: 0, max: 50 }).map((ms) => blind(Math.max(0, nowMs - ms))),
      )
    const life = risingTimes(30).chain((times) =>
      fc.tuple(...times.map((nowMs) => event(nowMs).map((found): [number, HostEvent] => [nowMs, found]))),
    )
    fc.assert(
      fc.property(life, (events) => {
        let state: HostState = 'new'
        let atMs = 0
        let isOpen = false
        for (const effect of play(events).effects) {
          if (effect.kind === 'transition') {
            expect(effect.from).toBe(state)
            expect(effect.atMs).toBeGreaterThanOrEqual(atMs)
            state = effect.to
            atMs = effect.atMs
          } else {
            expect(effect.kind).toBe(isOpen ? 'recovery' : 'problem')
            isOpen = !isOpen
          }
        }
        expect(play(events).host.problem !== undefined).toBe(isOpen)
      }),
    )
  })
})

describe('a host that is lost and found all the time', () => {
  const rule = { changes: 4, withinMs: 1_000, stableMs: 300 }
  const play = (until: number) => {
    let host = newHost(0)
    const effects: HostEffect[] = []
    for (let atMs = 0; atMs <= until; atMs += 50) {
      const isLost = atMs % 200 >= 100 && atMs < 900
      const decided = decideHost(host, isLost ? { kind: 'lost', sinceMs: atMs, cause: 'timeout' } : { kind: 'answered' }, atMs, rule)
      host = decided.host
      effects.push(...decided.effects)
    }
    return { host, told: effects.filter(({ kind }) => kind !== 'transition') }
  }

  it('keeps one incident open from the fourth change on, until it has answered for a while', () => {
    expect(play(1_000).told.map(({ kind }) => kind)).toEqual(['problem', 'recovery', 'problem', 'flapping'])
    const over = play(1_300)
    expect(over.told.at(-1)).toEqual({ kind: 'recovery', cause: 'timeout', atMs: 800, downMs: 500 })
    expect(over.host).toEqual({ status: { state: 'up', sinceMs: 800 } })
  })
})
