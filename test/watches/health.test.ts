import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { usualThresholds } from '../../src/domain/health.ts'
import { type Engine, openEngine } from '../../src/engine.ts'
import type { HostHealth } from '../../src/ports/host.ts'
import type { AlertRecord } from '../../src/ports/ledger.ts'
import { type HealthWatch, startHealthWatch } from '../../src/watches/health.ts'
import { type BrittleLedger, brittleLedger } from '../fakes/brittle-ledger.ts'
import { type VirtualClock, virtualClock } from '../fakes/virtual-clock.ts'
import { fleetConfig } from '../support/fleet.ts'
import { diskOf, healthOf } from '../support/health.ts'
import { type KeptLog, keptLog } from '../support/log.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const common = { services: [], sockets: [] }

let clock: VirtualClock
let ledger: BrittleLedger
let log: KeptLog
let engine: Engine
let health: HealthWatch
let alerts: AlertRecord[]
let config: Config

/** A life of the watch begins, on the ledger as it stands. */
function begin(): void {
  let ids = 0
  engine = openEngine(config, { ledger, clock, log, newId: () => `id-${clock.now()}-${++ids}` })
  engine.notifier.on((alert) => void alerts.push(alert))
  health = startHealthWatch(() => config, { ...engine, ledger, clock, log })
}

beforeEach(() => {
  clock = virtualClock()
  ledger = brittleLedger()
  log = keptLog()
  alerts = []
  config = fleetConfig([], {
    hosts: new Map([['ezra', { kind: 'local', id: 'ezra', name: 'ezra', thresholds: usualThresholds, ...common }]]),
  })
  begin()
})
afterEach(() => engine.stop())

/** It says so once a minute. */
async function says(more: Partial<HostHealth>, minutes = 1): Promise<void> {
  for (let minute = 0; minute < minutes; minute++) {
    health.observe('ezra', healthOf(more))
    await clock.advance(minuteMs)
  }
}
const told = () => alerts.map(({ text }) => text)
const full = { disks: [diskOf('/', 96)] }
const well = { disks: [diskOf('/', 70)] }

describe('the health of a host', () => {
  it('is told once when it begins to be bad, and once when that is over', async () => {
    await says(well, 5)
    expect(told()).toEqual([])
    await says(full, 30)
    expect(told()).toEqual(['host ezra is not well. Critical: disk / is 96 % full (4.0 GiB of 100 GiB left).'])
    expect(alerts[0]).toMatchObject({ kind: 'notice', subjects: [{ kind: 'host', id: 'ezra', host: 'ezra' }] })
    await says({ disks: [diskOf('/', 94)] }, 30)
    await says(full, 30)
    expect(told()).toHaveLength(1)
    await says(well, 30)
    expect(told().slice(1)).toEqual(['host ezra is better. disk / is 70 % full (30.0 GiB of 100 GiB left).'])
  })

  it('is told again when it gets worse', async () => {
    await says({ disks: [diskOf('/', 90)] }, 5)
    await says(full, 5)
    expect(told()).toEqual([
      expect.stringMatching(/^host ezra is not well\. Warning: disk \/ is 90 %/),
      expect.stringMatching(/^host ezra is not well\. Critical: disk \/ is 96 %/),
    ])
  })

  it('is told in one piece where several things happen at once', async () => {
    const services = [{ id: 'gitea', state: 'down', detail: 'Connection refused' } as const]
    await says({ services })
    // A reboot that is pending wakes nobody: it is shown.
    await says({ ...full, services, reboot: 'wanted' })
    expect(health.of('ezra').concerns.map(({ check }) => check)).toEqual(['service:gitea', 'disk:/', 'reboot'])
    expect(told()).toEqual([
      'host ezra is not well. Critical: gitea is down (Connection refused); disk / is 96 % full (4.0 GiB of 100 GiB left).',
    ])
  })

  it('is not told again by the next life of the watch, which tells the end', async () => {
    await says(full, 3)
    await engine.stop()
    await clock.advance(10 * minuteMs)
    begin()
    await says(full, 10)
    expect(told()).toHaveLength(1)
    await engine.stop()
    begin()
    await says(well, 3)
    expect(told().slice(1)).toEqual([expect.stringMatching(/^host ezra is better\./)])
  })

  it('counts the readings in a row over a restart', async () => {
    const down = { services: [{ id: 'gitea', state: 'down', detail: '' } as const] }
    await says(down)
    await engine.stop()
    begin()
    await says(down)
    expect(told()).toEqual(['host ezra is not well. Critical: gitea is down.'])
  })

  it('is kept quiet by a silence, and told afterwards if it still holds; its end is told in any case', async () => {
    const by = { kind: 'shell', id: '1', name: 'ada' } as const
    const subject = { kind: 'host', id: 'ezra' } as const
    const silence = () =>
      engine.mutes.add({ kind: 'silence', subject, fromMs: clock.now(), toMs: clock.now() + hourMs, reason: 'known', by })
    await silence()
    await says(full, 30)
    expect(told()).toEqual([])
    await says(full, 40)
    expect(told()).toHaveLength(1)
    await silence()
    await says(well, 5)
    expect(told()[1]).toMatch(/^host ezra is better/)
    await says(full, 5)
    await says(well, 5)
    await clock.advance(2 * hourMs)
    await says(well, 5)
    expect(told()).toHaveLength(2)
  })

  it('is what the concerns are made of, the worst first', async () => {
    expect(health.of('ezra').concerns).toEqual([])
    const sinceMs = clock.now()
    await says({ disks: [diskOf('/', 90), diskOf('/data', 99)] })
    expect(health.of('ezra').concerns).toEqual([
      { check: 'disk:/data', level: 'critical', sinceMs, text: 'disk /data is 99 % full (1.0 GiB of 100 GiB left)' },
      { check: 'disk:/', level: 'warn', sinceMs, text: 'disk / is 90 % full (10.0 GiB of 100 GiB left)' },
    ])
  })

  it('is none of a host that is not declared', () => {
    health.observe('stranger', healthOf(full))
    expect(told()).toEqual([])
  })

  it('is judged by the thresholds of fleet.yaml as it is at that moment, and what is judged no more is over', async () => {
    await says(full, 3)
    config = { ...config, hosts: new Map([['ezra', { kind: 'local', id: 'ezra', name: 'ezra', thresholds: {}, ...common }]]) }
    await says(full, 3)
    expect(told().slice(1)).toEqual(['host ezra is better. disk / is not looked after any more.'])
  })

  it('is judged only once it is known what was told before', async () => {
    await says(full, 3)
    await engine.stop()
    ledger.breakReads(['note'])
    begin()
    await says(full, 3)
    expect(log.messages('error')).toContain('what was known of the health of a host can not be read from the ledger')
    ledger.mend()
    await says(full, 3)
    expect(told()).toHaveLength(1)
  })

  it('has a disk that fills up told before it is full, and forecasts on after a restart', async () => {
    let used = 30
    const fills = async (hours: number) => {
      for (let half = 0; half < 2 * hours; half++) {
        health.observe('ezra', healthOf({ disks: [diskOf('/', used)] }))
        used += 0.5
        await clock.advance(30 * minuteMs)
      }
    }
    await fills(5)
    expect(health.of('ezra').fullInMs.size).toBe(0)
    await engine.stop()
    begin()
    await fills(2)
    expect(told()).toEqual(['host ezra is not well. Warning: disk / is full in 3 d, the way it fills now.'])
    expect(health.of('ezra').fullInMs.get('/')).toBeCloseTo(63.5 * hourMs, -7)
    for (let half = 0; half < 24; half++) await says({ disks: [diskOf('/', used)] }, 30)
    expect(told().slice(1)).toEqual(['host ezra is better. disk / is full in 4 d, the way it fills now.'])
  })
})
