/** Restarts of agents whose settings are in doubt, or that do not come up with them. */
import { afterEach, describe, expect, it } from 'vitest'
import type { AgentConfig } from '../../src/config/config.ts'
import type { Actor } from '../../src/domain/operation.ts'
import type { Outcome } from '../../src/operations/operation.ts'
import { type ConfigSighting, HostError } from '../../src/ports/host.ts'
import type { FakeHost } from '../fakes/host.ts'
import { agentConfig } from '../support/fleet.ts'
import { ada, openWorld, theWatch, type World } from './world.ts'

const good = 'a'.repeat(64)
const newer = 'b'.repeat(64)
const file = '/etc/timmy.yaml'

let world: World
let host: FakeHost
afterEach(() => world.stop())

/** A dead agent with these settings. */
async function dead(settings: Partial<ConfigSighting>[], more: Partial<AgentConfig> = {}): Promise<ConfigSighting[]> {
  world = openWorld([agentConfig('timmy', { configs: settings.map((_, index) => `${file}${index || ''}`), rollBack: 'auto', ...more })])
  host = world.host('local')
  const pid = host.start('timmy')
  host.beat('timmy', { pid, epoch: `life-${pid}` })
  await world.clock.advance(0)
  host.kill('timmy')
  await world.clock.advance(2_000)
  const files = settings.map((one, index): ConfigSighting => ({ path: `${file}${index || ''}`, written: 'before', form: 'sound', ...one }))
  return host.settings('timmy', files)
}

async function asked(operation: string, actor: Actor = ada, more: Record<string, string> = {}): Promise<Outcome & { progress: string[] }> {
  let outcome: (Outcome & { progress: string[] }) | undefined
  void world.ask(operation, { agent: 'timmy', ...more }, actor).then((found) => {
    outcome = found
  })
  for (let passed = 0; passed <= 200_000; passed += 500) {
    await world.clock.advance(500)
    if (outcome) return outcome
  }
  throw new Error(`${operation} did not end`)
}

const audit = () => world.ledger.operations({ limit: 20 }).map(({ operation, status }) => `${operation}: ${status}`)

describe('a restart by the watch', () => {
  it('of an agent whose settings are broken is held back, and told once for each change of them', async () => {
    const [settings] = await dead([{ hash: newer, form: 'broken', detail: 'there is nothing in it' }])
    for (let time = 0; time < 3; time++) {
      expect(await asked('restart', theWatch)).toMatchObject({
        status: 'refused',
        lines: [`timmy was not restarted: ${file} is broken: there is nothing in it. Mend them, or type: restart timmy`],
        data: { agent: 'timmy', failure: { step: 'check', kind: 'settings' } },
      })
    }
    expect(host.acts).toEqual([])
    expect(world.told).toEqual([`timmy was not restarted: ${file} is broken: there is nothing in it. Mend them, or type: restart timmy`])
    if (settings) settings.hash = 'c'.repeat(64)
    await asked('restart', theWatch)
    expect(world.told).toHaveLength(2)
    if (settings) settings.form = 'sound'
    expect((await asked('restart', theWatch)).status).toBe('ok')
  })

  it('of an agent whose settings are broken puts the last good ones back first, where there are some', async () => {
    const [settings] = await dead([{ hash: newer, goodHash: good, form: 'broken', detail: 'there is nothing in it' }])
    const outcome = await asked('restart', theWatch)
    const line = `timmy is back with its last good settings: ${file}: bbbbbbbb was put aside, aaaaaaaa is back.`
    expect(outcome).toMatchObject({ status: 'ok', lines: [line], data: { rolledBack: [{ path: file, from: newer, to: good }] } })
    expect(settings?.hash).toBe(good)
    expect(host.acts).toEqual([{ agent: 'timmy', mode: 'only-dead' }])
    expect(world.told).toEqual([line])
    expect(audit()).toEqual(['roll-back: ok', 'restart: ok'])
  })

  it('leaves settings alone where fleet.yaml says so', async () => {
    await dead([{ hash: newer, goodHash: good, form: 'broken', detail: 'x' }], { rollBack: 'off' })
    expect(await asked('restart', theWatch)).toMatchObject({ status: 'refused' })
    expect(host.acts).toEqual([])
  })

  it('takes for good what the agent has lived with, whatever it looks like', async () => {
    await dead([{ hash: good, goodHash: good, form: 'broken', detail: 'there is nothing in it' }])
    expect((await asked('restart', theWatch)).status).toBe('ok')
  })

  it('does not try again with settings that the agent itself has called broken, and does once they change', async () => {
    const [settings] = await dead([{ hash: newer }])
    host.failNextAct(new HostError('failed', 'its settings are broken: timmy ended with status 78', 'start', 'settings'))
    expect(await asked('restart', theWatch)).toMatchObject({ status: 'failed', data: { failure: { step: 'start', kind: 'settings' } } })
    const again = await asked('restart', theWatch)
    expect(again).toMatchObject({ status: 'refused', data: { failure: { step: 'check', kind: 'settings' } } })
    expect(again.lines[0]).toContain('when it was last started it said that its settings are broken, and they are the same still')
    expect(host.acts).toHaveLength(1)
    if (settings) settings.hash = 'c'.repeat(64)
    expect((await asked('restart', theWatch)).status).toBe('ok')
  })

  it('goes on where the host cannot tell of the settings', async () => {
    await dead([{ form: 'unknown' }])
    expect((await asked('restart', theWatch)).status).toBe('ok')
  })
})

describe('a restart that does not bring the agent up', () => {
  it('at its start puts the last good settings back and starts it with those, also when it was asked for by the watch', async () => {
    for (const actor of [ada, theWatch]) {
      await dead([{ hash: newer, goodHash: good }])
      host.failNextAct(new HostError('failed', 'timmy ended at once with status 1', 'start'))
      const outcome = await asked('restart', actor)
      expect(outcome).toMatchObject({ status: 'ok', data: { rolledBack: [{ from: newer, to: good }] } })
      expect(outcome.lines[0]).toContain('timmy ended at once with status 1')
      expect(outcome.progress).toContain(`settings: ${file}: bbbbbbbb was put aside, aaaaaaaa is back`)
      expect(audit()).toEqual(['roll-back: ok', 'restart: ok'])
      await world.stop()
    }
  })

  it('because no beat came does the same, and stops first what it has started itself', async () => {
    await dead([{ hash: newer, goodHash: good }])
    let starts = 0
    host.onStart('timmy', (pid) => {
      if (++starts === 2) host.beat('timmy', { pid, epoch: 'second' })
    })
    expect((await asked('restart', theWatch)).status).toBe('ok')
    expect(host.acts.map(({ mode }) => mode)).toEqual(['only-dead', 'stop-first'])
  })

  it('with the old settings either puts the newer ones back, and says that it was not they', async () => {
    const [settings, other] = await dead([
      { hash: newer, goodHash: good },
      { hash: good, goodHash: good },
    ])
    host.onStart('timmy', () => {})
    const outcome = await asked('restart')
    expect(outcome.status).toBe('failed')
    expect(outcome.lines.at(-1)).toBe(
      'It does not come up with its last good settings either: it was not the settings. The newer ones are back in their place.',
    )
    expect([settings?.hash, other?.hash]).toEqual([newer, good])
    expect(world.told).toEqual([expect.stringContaining('it was not the settings')])
  })

  it('touches no settings where they are the last good ones, or none were kept', async () => {
    for (const goodHash of [{ goodHash: newer }, {}]) {
      await dead([{ hash: newer, ...goodHash }])
      host.failNextAct(new HostError('failed', 'it ended', 'start'))
      expect((await asked('restart')).status).toBe('failed')
      expect(audit()).toEqual(['restart: failed'])
      await world.stop()
    }
  })

  it('touches no settings where it was not even tried', async () => {
    await dead([{ hash: newer, goodHash: good }])
    for (const error of [
      new HostError('unreachable', 'gone'),
      new HostError('failed', 'it lives on', 'stop'),
      new HostError('refused', 'no', 'check'),
    ]) {
      host.failNextAct(error)
      await asked('restart')
    }
    expect(new Set(audit().map((line) => line.split(':')[0]))).toEqual(new Set(['restart']))
  })
})

describe('a restart by a person', () => {
  it('goes on with broken settings where there is nothing to go back to, and says so', async () => {
    await dead([{ hash: newer, form: 'broken', detail: 'there is nothing in it' }])
    const outcome = await asked('restart')
    expect(outcome.status).toBe('ok')
    expect(outcome.progress[0]).toBe(`check: ${file} is broken: there is nothing in it`)
  })

  it('tells in a dry run that the last good settings would be put back first', async () => {
    await dead([{ hash: newer, goodHash: good, form: 'broken', detail: 'there is nothing in it' }])
    const outcome = await asked('restart', ada, { dryRun: 'yes' })
    expect(outcome.lines[0]).toBe(`${file} is broken: there is nothing in it: its last good settings would be put back first`)
    expect(await world.host('local').settings('timmy', [])).toEqual([])
  })
})

describe('roll-back', () => {
  it('asked for by a person stops what lives and starts it with the last good settings', async () => {
    await dead([{ hash: newer, goodHash: good }])
    host.start('timmy')
    await world.clock.advance(1_000)
    expect((await asked('roll-back')).status).toBe('ok')
    expect(host.acts).toEqual([{ agent: 'timmy', mode: 'stop-first' }])
  })

  it.each<[string, Partial<ConfigSighting>[], string]>([
    ['fleet.yaml names none', [], 'fleet.yaml names no configs of timmy: nothing can be rolled back.'],
    ['none are kept', [{ hash: newer }], 'No good settings of timmy are kept yet: nothing can be rolled back.'],
    ['they are the last good ones', [{ hash: good, goodHash: good }], 'The settings of timmy are its last good ones.'],
  ])('is refused where %s', async (_, settings, line) => {
    await dead(settings)
    expect(await asked('roll-back')).toMatchObject({ status: 'refused', lines: [line] })
    expect(host.acts).toEqual([])
  })

  it('tells in a dry run what would be put back', async () => {
    const [settings] = await dead([{ hash: newer, goodHash: good }])
    const { lines } = await asked('roll-back', ada, { dryRun: 'yes' })
    expect(lines[0]).toBe(`${file} (bbbbbbbb) would be put aside for aaaaaaaa`)
    expect(settings?.hash).toBe(newer)
  })
})

describe('what a host that can not be reached keeps from being done', () => {
  it.each<[string, Record<string, string>, string]>([
    ['restart', {}, 'timmy was not restarted'],
    ['restart', { dryRun: 'yes' }, 'timmy would not be restarted'],
    ['roll-back', {}, 'The settings of timmy were not rolled back'],
    ['keep-settings', {}, 'The settings of timmy were not kept'],
  ])('is named: %s %o', async (operation, more, notDone) => {
    await dead([{ hash: newer, goodHash: good }])
    host.refuse('auth')
    host.cut()
    await world.clock.advance(60_000)
    const { status, lines } = await asked(operation, ada, more)
    expect(status).toBe('failed')
    expect(lines[0]?.split(' (')[0]).toBe(`${notDone}: its host local can't be reached`)
  })
})

describe('keep-settings', () => {
  it('keeps what stands there, and says which', async () => {
    const [settings] = await dead([{ hash: newer, goodHash: good }, {}])
    expect(await asked('keep-settings')).toMatchObject({
      status: 'ok',
      lines: [`${file}: bbbbbbbb kept as good`, `${file}1: not there, left out`],
    })
    expect(settings?.goodHash).toBe(newer)
  })

  it.each<[string, Partial<ConfigSighting>[], string]>([
    ['are broken', [{ hash: newer, form: 'broken', detail: 'there is nothing in it' }], `Nothing was kept of timmy: ${file} is broken`],
    ['are not there', [{}], 'There are no settings of timmy that can be read'],
    ['are none', [], 'fleet.yaml names no configs of timmy'],
  ])('is refused for settings that %s', async (_, settings, line) => {
    await dead(settings)
    const outcome = await asked('keep-settings')
    expect([outcome.status, outcome.lines[0]]).toEqual(['refused', expect.stringContaining(line)])
  })
})
