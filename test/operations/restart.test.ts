import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AgentConfig } from '../../src/config/config.ts'
import type { Actor } from '../../src/domain/operation.ts'
import type { Outcome } from '../../src/operations/operation.ts'
import { HostError, type HostErrorKind } from '../../src/ports/host.ts'
import type { FakeHost } from '../fakes/host.ts'
import { agentConfig } from '../support/fleet.ts'
import { ada, openWorld, theWatch, type World } from './world.ts'

let world: World
let host: FakeHost
afterEach(() => world.stop())

async function opened(more: Partial<AgentConfig> = {}): Promise<void> {
  world = openWorld([agentConfig('timmy', more)])
  host = world.host('local')
}
/** The agent lives and was seen to. */
async function living(more: Partial<AgentConfig> = {}): Promise<void> {
  await opened(more)
  const pid = host.start('timmy')
  host.beat('timmy', { pid, epoch: `life-${pid}` })
  await world.clock.advance(0)
}

/** Asks for a restart and lets time pass until it ended. */
async function restarted(actor: Actor = ada, withinMs = 60_000): Promise<Outcome & { progress: string[] }> {
  let outcome: (Outcome & { progress: string[] }) | undefined
  void world.ask('restart', { agent: 'timmy' }, actor).then((found) => {
    outcome = found
  })
  for (let passed = 0; passed <= withinMs; passed += 500) {
    await world.clock.advance(500)
    if (outcome) return outcome
  }
  throw new Error('the restart did not end')
}

describe('a restart', () => {
  beforeEach(() => living())

  it('of a dead agent starts it, and is done when a beat of its new life came', async () => {
    host.kill('timmy')
    await world.clock.advance(1_000)
    const outcome = await restarted()
    expect(outcome).toMatchObject({ status: 'ok', lines: [expect.stringMatching(/^timmy is back: a beat of its new life came after /)] })
    expect(outcome.data).toMatchObject({ agent: 'timmy', epoch: 'life-101' })
    expect(outcome.progress).toEqual(['check: looking', 'start: starting', 'verify: waiting for a beat of its new life, at most 30 s'])
    expect(world.roster.agent('timmy')?.status.state).toBe('up')
  })

  it('by a person stops a live agent first', async () => {
    const outcome = await restarted()
    expect(outcome.status).toBe('ok')
    expect(outcome.progress).toContain('stop: stopping')
    expect(host.acts).toEqual([{ agent: 'timmy', mode: 'stop-first' }])
  })

  it('by the watch itself is refused where the agent lives', async () => {
    const outcome = await restarted(theWatch)
    expect(outcome).toMatchObject({ status: 'refused', lines: ['timmy was not restarted at the step "check": timmy is alive'] })
    expect(host.acts).toEqual([{ agent: 'timmy', mode: 'only-dead' }])
  })

  it('by the watch itself is refused while the agent is paused or in maintenance, by a person it is not', async () => {
    host.kill('timmy')
    await world.clock.advance(1_000)
    await world.ask('pause', { agent: 'timmy', reason: 'surgery' })
    expect(await restarted(theWatch)).toMatchObject({ status: 'refused', passes: true, lines: ['timmy was not restarted: it is paused.'] })
    await world.ask('resume', { agent: 'timmy' })
    await world.ask('maintenance', { subject: 'host local', duration: '1h', reason: 'new disk' })
    expect(await restarted(theWatch)).toMatchObject({
      status: 'refused',
      passes: true,
      lines: ['timmy was not restarted: it is in maintenance.'],
    })
    expect(host.acts).toEqual([])
    expect((await restarted()).status).toBe('ok')
  })

  it('makes nobody think that the agent died while it is done', async () => {
    host.onStart('timmy', () => host.kill('timmy'))
    const ended = restarted()
    await world.clock.advance(3_000)
    expect(world.roster.agent('timmy')?.status.state).not.toBe('down')
    await ended
  })

  it('is not done by a beat of the old life', async () => {
    host.onStart('timmy', () => {
      for (let i = 0; i < 40; i++) world.clock.after(i * 1_000, () => host.beat('timmy', { pid: 100, epoch: 'life-100' }))
    })
    expect(await restarted()).toMatchObject({
      status: 'failed',
      lines: ['timmy was started, but failed at the step "verify": within 30 s no beat of a new life came.'],
    })
  })

  it('is not done where no beat comes', async () => {
    host.onStart('timmy', () => {})
    const before = world.clock.pending()
    expect((await restarted()).lines[0]).toContain('no beat of a new life came')
    expect(world.clock.pending()).toBe(before)
  })

  it('is in the audit, with how it ended', async () => {
    const { lines } = await restarted()
    expect(world.ledger.operations({ operation: 'restart', agent: 'timmy', limit: 9 })).toMatchObject([{ status: 'ok', lines }])
  })

  it('ends with the watch, and says what is not known', async () => {
    host.onStart('timmy', () => {})
    const ended = restarted()
    await world.clock.advance(2_000)
    world.stopping.abort()
    expect(await ended).toMatchObject({
      status: 'failed',
      lines: ['timmy was started; the watch was stopped before a beat of its new life could be seen.'],
    })
  })
})

describe('a restart that the host does not do', () => {
  const kinds: [HostErrorKind, Outcome['status']][] = [
    ['unreachable', 'failed'],
    ['auth', 'failed'],
    ['host-key', 'failed'],
    ['gate', 'failed'],
    ['refused', 'refused'],
    ['timeout', 'timeout'],
    ['failed', 'failed'],
    ['closed', 'failed'],
  ]

  it.each(kinds)('for the reason %s ends as %s, with the step and the reason', async (kind, status) => {
    await living()
    host.failNextAct(new HostError(kind, 'the reason', 'stop'))
    expect(await restarted()).toMatchObject({ status, lines: ['timmy was not restarted at the step "stop": the reason'] })
    host.failNextAct(new HostError(kind, 'the reason'))
    expect((await restarted()).lines).toEqual(['timmy was not restarted: the reason'])
  })

  it('because it can not be reached says so, since when, and that nothing was done', async () => {
    await living()
    host.refuse('auth')
    host.cut()
    await world.clock.advance(60_000)
    expect(await restarted()).toMatchObject({
      status: 'failed',
      lines: ["timmy was not restarted: its host local can't be reached (it refused our key for 1 min). Nothing was done there."],
    })
    expect(host.acts).toEqual([])
  })

  it('because of a bug of ours is still an answer', async () => {
    await living()
    host.onStart('timmy', () => {
      throw new TypeError('a bug')
    })
    expect(await restarted()).toMatchObject({ status: 'failed', lines: ['restart broke inside the watch; its log says how.'] })
  })
})

describe('a restart of an agent whose beats do not tell its lives apart', () => {
  const nameless: Partial<AgentConfig> = { heartbeat: { kind: 'file', file: '/beats/timmy', format: 'mtime' } }

  it('fails at verify and says what the file must hold', async () => {
    await opened(nameless)
    host.beat('timmy', {})
    host.onStart('timmy', () => {
      host.hideProcess('timmy')
      for (let i = 0; i < 40; i++) world.clock.after(i * 1_000, () => host.beat('timmy', {}))
    })
    await world.clock.advance(0)
    expect(await restarted()).toMatchObject({
      status: 'failed',
      lines: [expect.stringMatching(/"verify": .* let the file hold "pid" or "epoch"/)],
    })
  })

  it('goes by its process, but not by the last beat of the old one', async () => {
    await opened(nameless)
    host.start('timmy')
    host.beat('timmy', {})
    await world.clock.advance(0)
    host.onStart('timmy', () => {
      // Written by the old life right before it was stopped, read after the new one has begun.
      host.beat('timmy', {}, 100)
      world.clock.after(10_000, () => host.beat('timmy', {}))
    })
    const ended = restarted()
    await world.clock.advance(8_000)
    expect(world.desk.isActedOn('timmy')).toBe(true)
    expect((await ended).status).toBe('ok')
  })

  it('counts only beats after the start where no life was known before it', async () => {
    await opened()
    host.beat('timmy', {})
    await world.clock.advance(0)
    expect(world.roster.agent('timmy')?.facts.lastBeat?.epoch).toBe('')
    host.onStart('timmy', (pid) => {
      host.beat('timmy', { pid, epoch: 'new' }, 1_000)
      world.clock.after(10_000, () => host.beat('timmy', { pid, epoch: 'new' }))
    })
    const ended = restarted()
    await world.clock.advance(8_000)
    expect(world.desk.isActedOn('timmy')).toBe(true)
    expect((await ended).status).toBe('ok')
  })
  it('of one that was dead counts its first beat, although that came before the host had answered', async () => {
    await opened()
    host.beat('timmy', {})
    await world.clock.advance(0)
    host.kill('timmy')
    await world.clock.advance(1_000)
    expect(world.roster.agent('timmy')?.facts.lastBeat?.epoch).toBe('')
    host.onStart('timmy', (pid) => host.beat('timmy', { pid, epoch: 'new' }, 300))
    host.hang()
    let outcome: Outcome | undefined
    void world.ask('restart', { agent: 'timmy' }, theWatch).then((found) => {
      outcome = found
    })
    await world.clock.advance(500)
    host.answerAgain()
    await world.clock.advance(3_000)
    expect(outcome?.status).toBe('ok')
  })
})
