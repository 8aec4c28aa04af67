import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AgentConfig } from '../../src/config/config.ts'
import type { AgentEvent, AgentState, Beat } from '../../src/domain/agent.ts'
import { HostError } from '../../src/ports/host.ts'
import { type HostWatch, startHostWatch } from '../../src/watches/host-watch.ts'
import { openJournal } from '../../src/watches/journal.ts'
import { openRoster, type Roster } from '../../src/watches/roster.ts'
import { type BrittleLedger, brittleLedger } from '../fakes/brittle-ledger.ts'
import { type FakeHost, fakeHost } from '../fakes/host.ts'
import { type VirtualClock, virtualClock } from '../fakes/virtual-clock.ts'
import { agentConfig, fleetConfig } from '../support/fleet.ts'
import { type KeptLog, keptLog } from '../support/log.ts'

let clock: VirtualClock
let ledger: BrittleLedger
let host: FakeHost
let roster: Roster
let watch: HostWatch
let log: KeptLog
let beats: Beat[]
/** Incidents, as they open and close. */
let told: string[]
let observed: AgentEvent[]
let actedOn: Set<string>

beforeEach(() => {
  clock = virtualClock()
  ledger = brittleLedger()
  host = fakeHost('local', clock)
  log = keptLog()
  actedOn = new Set()
})
afterEach(() => watch.stop())

async function started(agents: AgentConfig[] = [agentConfig('timmy')], firstDelayMs = 0): Promise<void> {
  const config = fleetConfig(agents)
  roster = openRoster(config, { ledger, journal: openJournal(ledger, log), clock, log })
  beats = []
  told = []
  observed = []
  roster.on((event) => {
    if (event.kind === 'beat') beats.push(event.beat)
    if (event.kind === 'incident') told.push(`${event.incident.subject.id} ${event.change}: ${event.incident.cause}`)
  })
  const listened: Roster = {
    ...roster,
    observe: (agent, event) => {
      observed.push(event)
      roster.observe(agent, event)
    },
  }
  const declared = config.hosts.get('local')
  if (!declared) throw new Error('no host')
  watch = startHostWatch(
    { host: declared, agents, pollMs: 1_000, firstDelayMs },
    { host, roster: listened, clock, log, random: () => 0, isActedOn: (agent) => actedOn.has(agent) },
  )
  await clock.advance(0)
}

/** Lets the agent beat every second for a while. */
async function living(ms: number, agent = 'timmy'): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1_000) {
    host.beat(agent)
    await clock.advance(1_000)
  }
}
const state = (agent = 'timmy'): AgentState | undefined => roster.agent(agent)?.status.state
const cause = (agent = 'timmy') => roster.agent(agent)?.status.cause

describe('looking at a host', () => {
  it('does not take an agent for dead by a pid that the host never saw alive: it may be a container’s own number', async () => {
    const contained = agentConfig('timmy', { body: { kind: 'command', start: ['/bin/restart'] } })
    host.start('timmy')
    host.kill('timmy')
    await started([contained])
    for (let beat = 0; beat < 5; beat++) {
      host.beat('timmy', { at: 0, pid: 7 })
      await clock.advance(1_000)
      expect(state()).toBe('up')
    }
    expect(told).toEqual([])
    await clock.advance(6_000)
    expect([state(), cause()]).toEqual(['down', 'silent'])
  })

  it('takes it for dead by a pid that the host did see alive, though only the heartbeat names it', async () => {
    host.start('timmy')
    host.beat('timmy')
    await started([agentConfig('timmy', { body: { kind: 'command', start: ['/bin/restart'] } })])
    await clock.advance(1_000)
    host.beat('timmy')
    host.kill('timmy')
    await clock.advance(1_200)
    expect([state(), cause()]).toEqual(['down', 'process-gone'])
  })

  it('sees an agent beat, fall silent, and beat again', async () => {
    host.start('timmy')
    host.beat('timmy')
    await started()
    expect(state()).toBe('up')
    await clock.advance(2_000)
    expect(state()).toBe('late')
    await clock.advance(4_000)
    expect([state(), cause()]).toEqual(['down', 'silent'])
    host.beat('timmy')
    await clock.advance(1_000)
    expect(state()).toBe('up')
    expect(told).toEqual(['timmy opened: silent', 'timmy closed: silent'])
  })

  it('sees a death at the next look', async () => {
    host.start('timmy')
    host.beat('timmy')
    await started()
    host.kill('timmy')
    await clock.advance(1_200)
    expect([state(), cause()]).toEqual(['down', 'process-gone'])
  })

  it('counts a beat from when it was written, by the clock of the host, and never from the future', async () => {
    host.beat('timmy', {}, 1_500)
    await started()
    expect(beats[0]?.atMs).toBe(clock.now() - 1_500)
    host.beat('timmy', {}, -3_600_000)
    await clock.advance(1_000)
    expect(beats[1]?.atMs).toBe(clock.now())
    await clock.advance(6_000)
    expect(state()).toBe('down')
  })

  it('does not take an unchanged file for a beat, not even over a new connection', async () => {
    host.beat('timmy')
    await started()
    await clock.advance(1_000)
    host.cut()
    await clock.advance(5_000)
    expect(host.opens).toHaveLength(2)
    expect(beats).toHaveLength(1)
    expect(state()).toBe('down')
  })

  it('keeps what was read of a file that turns to garbage, and says so once', async () => {
    host.start('timmy')
    host.beat('timmy', { pid: 100, doing: 'issue 1' })
    await started()
    for (let i = 0; i < 3; i++) {
      host.beat('timmy', new TextEncoder().encode('{"half'))
      await clock.advance(1_000)
    }
    expect(watch.fault('timmy')).toContain('not whole JSON')
    expect(log.messages('warn')).toEqual(['a heartbeat has a fault'])
    expect(state()).toBe('late')
    expect(roster.agent('timmy')?.facts.lastBeat?.doing).toBe('issue 1')
    host.beat('timmy', { doing: 'issue 2' })
    await clock.advance(1_000)
    expect([state(), watch.fault('timmy')]).toEqual(['up', undefined])
  })

  it('takes an agent whose file was never there for new', async () => {
    await started()
    await clock.advance(60_000)
    expect(state()).toBe('new')
    expect(told).toEqual([])
  })

  it('asks for the health of the host at first, then once a minute', async () => {
    await started()
    const first = watch.health()?.atMs
    expect(first).toBe(clock.now())
    await clock.advance(59_000)
    expect(watch.health()?.atMs).toBe(first)
    await clock.advance(2_000)
    expect(watch.health()?.atMs).toBeGreaterThan(first ?? Number.NaN)
    expect((await watch.probe()).cores).toBe(2)
  })

  it('begins after its delay', async () => {
    await started([agentConfig('timmy')], 5_000)
    await clock.advance(4_999)
    expect(host.opens).toHaveLength(0)
    await clock.advance(1)
    expect(host.opens).toHaveLength(1)
  })
})

describe('the life that a beat is of', () => {
  const lives = () => beats.map(({ epoch }) => epoch)

  it('is the word of the file, where it has one', async () => {
    host.beat('timmy', { epoch: 'mine' })
    await started()
    expect(lives()).toEqual(['mine'])
  })

  it('is the process that the file names, as soon as the host was asked about that one', async () => {
    const pid = host.start('timmy')
    host.beat('timmy', { pid })
    await started()
    expect(lives()).toEqual([`boot:${pid}`])
    host.kill('timmy')
    const next = host.start('timmy')
    host.beat('timmy', { pid: next })
    await clock.advance(2_000)
    expect(lives().at(-1)).toBe(`boot:${next}`)
  })

  const nameless = () => [agentConfig('timmy', { heartbeat: { kind: 'file', file: '/beats/timmy', format: 'mtime' } })]

  it('is the process that is there, where the file names none', async () => {
    const pid = host.start('timmy')
    host.beat('timmy', {})
    await started(nameless())
    await living(2_000)
    expect(new Set(lives())).toEqual(new Set([`boot:${pid}`]))
  })

  it('is not that of a process which came between the last look and this one: the beat may be older', async () => {
    host.start('timmy')
    host.beat('timmy', {})
    await started(nameless())
    host.beat('timmy', {})
    const next = host.start('timmy')
    await clock.advance(1_000)
    expect(lives().at(-1)).toBe('')
    await clock.advance(1_000)
    expect(lives()).not.toContain(`boot:${next}`)
    host.beat('timmy', {})
    await clock.advance(1_000)
    expect(lives().at(-1)).toBe(`boot:${next}`)
  })

  it('is that of the new process at once where the old one was seen to be gone', async () => {
    host.start('timmy')
    host.beat('timmy', {})
    await started(nameless())
    host.kill('timmy')
    await clock.advance(1_000)
    const next = host.start('timmy')
    host.beat('timmy', {})
    await clock.advance(1_000)
    expect(lives().at(-1)).toBe(`boot:${next}`)
    expect(state()).toBe('up')
  })

  it('has ended where the same pid is another process', async () => {
    const pid = host.start('timmy')
    host.beat('timmy', { pid })
    await started()
    host.reusePid('timmy')
    await clock.advance(1_200)
    expect([state(), cause()]).toEqual(['down', 'process-gone'])
  })
})

describe('an agent that is being restarted', () => {
  it('is not dead because its process is gone for a moment', async () => {
    host.start('timmy')
    host.beat('timmy')
    await started()
    actedOn.add('timmy')
    host.kill('timmy')
    await clock.advance(1_000)
    expect(state()).toBe('up')
    actedOn.delete('timmy')
    await clock.advance(1_200)
    expect(state()).toBe('down')
  })
})

describe('a lost connection', () => {
  beforeEach(async () => {
    host.start('timmy')
    host.beat('timmy')
    await started()
    await living(15_000)
  })

  it('is made anew at once, and nobody hears of it', async () => {
    host.cut()
    await clock.advance(0)
    expect(host.connections()).toBe(1)
    expect([roster.host('local')?.status.state, state()]).toEqual(['up', 'up'])
    expect(told).toEqual([])
  })

  it('that can not be made anew is one problem, since the last answer, and no death', async () => {
    host.kill('timmy')
    host.refuse('unreachable')
    host.cut()
    const lastMs = clock.now()
    await clock.advance(120_000)
    expect(told).toEqual(['local opened: unreachable'])
    expect(state()).toBe('unreachable')
    expect(roster.host('local')?.status.sinceMs).toBe(lastMs)
    expect(watch.link()).toBeUndefined()
    await expect(watch.probe()).rejects.toThrow(HostError)
  })

  it('is tried again with growing pauses, up to ten seconds', async () => {
    host.refuse('unreachable')
    host.cut()
    await clock.advance(300_000)
    const gaps = host.opens.slice(2).map((at, index) => at - (host.opens[index + 1] ?? 0))
    expect(gaps.slice(0, 6)).toEqual([500, 1_000, 2_000, 4_000, 5_000, 5_000])
    expect(Math.max(...gaps)).toBe(5_000)
    host.accept()
    await clock.advance(15_000)
    expect(roster.host('local')?.status.state).toBe('up')
  })

  it.each(['auth', 'host-key'] as const)('is knocked at slowly where the host answered with %s', async (kind) => {
    const before = host.opens.length
    host.refuse(kind)
    host.cut()
    await clock.advance(300_000)
    expect(host.opens.length - before).toBeLessThanOrEqual(11)
    expect(roster.host('local')?.status.cause).toBe(kind)
  })

  it('is one recovery once the host answers again, and then whoever died meanwhile is told', async () => {
    host.refuse('unreachable')
    host.cut()
    await clock.advance(60_000)
    host.accept()
    await clock.advance(30_000)
    expect(told).toEqual(['local opened: unreachable', 'local closed: unreachable', 'timmy opened: silent'])
  })

  it('that is cut again and again right after it was made is not made anew without a pause', async () => {
    const before = host.opens.length
    for (let i = 0; i < 100; i++) {
      host.cut()
      await clock.advance(100)
    }
    expect(host.opens.length - before).toBeLessThan(12)
  })
})

describe('a host that hangs', () => {
  it('makes none of its agents down while it says nothing', async () => {
    host.start('timmy')
    host.beat('timmy')
    await started()
    host.hang()
    await clock.advance(30_000)
    roster.tick()
    expect(state()).toBe('up')
    expect(told).toEqual([])
    await clock.advance(60_000)
    roster.tick()
    expect(told).toEqual(['local opened: timeout'])
    host.beat('timmy')
    host.answerAgain()
    await clock.advance(0)
    expect([roster.host('local')?.status.state, state()]).toEqual(['up', 'up'])
    expect(told).toEqual(['local opened: timeout', 'local closed: timeout'])
  })

  it('does not hold up the end of the watch', async () => {
    await started()
    host.hang()
    await clock.advance(1_000)
    await watch.stop()
    expect(host.connections()).toBe(0)
  })
})

describe('a host that the watch was blind for', () => {
  it('is up again at the next look, though its connection never broke', async () => {
    host.beat('timmy')
    await started()
    roster.blind(clock.now())
    expect([roster.host('local')?.status.state, state()]).toEqual(['unknown', 'unknown'])
    host.beat('timmy')
    await clock.advance(1_000)
    expect([roster.host('local')?.status.state, state()]).toEqual(['up', 'up'])
  })
})

describe('the end', () => {
  it('closes the connection and sets no more timers', async () => {
    await started()
    await watch.stop()
    await clock.advance(60_000)
    expect([host.connections(), clock.pending(), host.opens.length]).toEqual([0, 0, 1])
  })

  it('comes as well before the first connection, and while none comes about', async () => {
    host.refuse('unreachable')
    await started()
    await watch.stop()
    expect(clock.pending()).toBe(0)
    await started([agentConfig('timmy')], 60_000)
    await watch.stop()
    expect(clock.pending()).toBe(0)
  })
})
