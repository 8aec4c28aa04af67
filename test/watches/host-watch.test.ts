import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type AgentConfig, Secret } from '../../src/config/config.ts'
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
    await clock.advance(4_500)
    expect([state(), cause()]).toEqual(['down', 'silent'])
    host.beat('timmy')
    await clock.advance(500)
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

  it('asks again where the answer came while the watch itself was away: it is older than it seems', async () => {
    host.start('timmy')
    host.beat('timmy')
    await started()
    host.hang()
    await clock.advance(1_000)
    const [looked, heard] = [host.looks.length, observed.length]
    await clock.advance(15_000)
    roster.blind(clock.now() - 15_000)
    host.answerAgain()
    await clock.advance(0)
    expect(host.looks).toHaveLength(looked + 2)
    expect(observed.slice(heard).map(({ kind }) => kind)).toEqual(['sighted'])
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

describe('a death', () => {
  const events = () =>
    observed.flatMap((event) => (event.kind === 'suspected' || (event.kind === 'sighted' && event.gone) ? [event.kind] : []))

  beforeEach(async () => {
    host.start('timmy')
    host.beat('timmy')
    await started()
  })

  it('is suspected first, and believed when the host answers again that the process is gone', async () => {
    host.kill('timmy')
    await clock.advance(1_000)
    const diedMs = clock.now()
    expect([events(), state()]).toEqual([['suspected'], 'up'])
    await clock.advance(19)
    expect(state()).toBe('up')
    await clock.advance(1)
    expect([events(), state(), cause()]).toEqual([['suspected', 'sighted'], 'down', 'process-gone'])
    expect(roster.agent('timmy')?.status.sinceMs).toBe(diedMs)
  })

  it('is none where the process is back at the second look', async () => {
    host.kill('timmy')
    await clock.advance(1_000)
    host.start('timmy')
    host.beat('timmy')
    await clock.advance(150)
    expect(state()).toBe('up')
    await clock.advance(5_000)
    expect([events(), told]).toEqual([['suspected'], []])
  })

  it('is none where the host goes silent after it: then the host is lost, and nothing else is told', async () => {
    await living(15_000)
    host.kill('timmy')
    await clock.advance(1_000)
    host.refuse('unreachable')
    host.cut()
    await clock.advance(60_000)
    expect([state(), told]).toEqual(['unreachable', ['local opened: unreachable']])
  })

  it('is waited for while the host says that it is going down, and told when it is lost as one problem', async () => {
    await living(15_000)
    host.goDown(true)
    host.kill('timmy')
    await clock.advance(4_000)
    expect([state(), told]).toEqual(['late', []])
    host.refuse('unreachable')
    host.cut()
    await clock.advance(60_000)
    expect(told).toEqual(['local opened: unreachable'])
    expect(log.messages('warn')).toContain('the host says that it is going down')
  })

  it('is believed after a minute of a host that says so and does not go', async () => {
    await living(15_000)
    host.goDown(true)
    host.kill('timmy')
    await clock.advance(1_000)
    for (let passed = 0; passed < 58_000; passed += 1_000) {
      host.beat('timmy')
      await clock.advance(1_000)
    }
    expect(state()).toBe('up')
    await clock.advance(3_000)
    expect([state(), cause()]).toEqual(['down', 'process-gone'])
  })

  it('asks the host whether it is going down only while somebody is suspected', async () => {
    await clock.advance(10_000)
    expect(host.askedStopping()).toBe(0)
    host.kill('timmy')
    await clock.advance(10_000)
    expect(host.askedStopping()).toBe(1)
  })
})

describe('a host that tells of news as they happen', () => {
  beforeEach(async () => {
    for (const agent of ['timmy', 'ezra']) {
      host.start(agent)
      host.beat(agent)
    }
    await started([agentConfig('timmy'), agentConfig('ezra')])
    host.tellNews()
  })

  it('is asked at once, and again before the death is believed', async () => {
    await clock.advance(300)
    const diedMs = clock.now()
    host.kill('timmy')
    await clock.advance(0)
    expect([host.looks.at(-1), state()]).toEqual([diedMs, 'up'])
    await clock.advance(50)
    expect([state(), cause()]).toEqual(['down', 'process-gone'])
    expect(roster.agent('timmy')?.status.sinceMs).toBe(diedMs)
  })

  it('is not believed when it falls silent right after it told', async () => {
    for (let passed = 0; passed < 15; passed++) {
      host.beat('ezra')
      await living(1_000)
    }
    host.kill('timmy')
    await clock.advance(10)
    host.refuse('unreachable')
    host.cut()
    await clock.advance(60_000)
    expect(told).toEqual(['local opened: unreachable'])
  })

  it('has the time to fall silent, though another death is told meanwhile', async () => {
    host.kill('timmy')
    await clock.advance(8)
    host.kill('ezra')
    await clock.advance(11)
    expect(state()).toBe('up')
    await clock.advance(1)
    expect([state(), state('ezra')]).toEqual(['down', 'up'])
    await clock.advance(50)
    expect(state('ezra')).toBe('down')
  })

  it('is asked once more where it told while it was being asked', async () => {
    host.hang()
    await clock.advance(1_000)
    const before = host.looks.length
    host.tellAnyway('gone')
    host.answerAgain()
    await clock.advance(10)
    expect(host.looks).toHaveLength(before + 2)
  })

  it('is asked in turn all the same when it tells nothing', async () => {
    await clock.advance(5_000)
    const times = host.looks.slice(-4)
    expect(times.slice(1).map((atMs, index) => atMs - (times[index] ?? 0))).toEqual([1_000, 1_000, 1_000])
  })

  it('misses no death that it did not tell of', async () => {
    host.tellNews('no-more')
    await clock.advance(300)
    host.kill('timmy')
    await clock.advance(699)
    expect(state()).toBe('up')
    await clock.advance(21)
    expect([state(), cause()]).toEqual(['down', 'process-gone'])
  })

  it('is asked to wait for the next beat of whoever is late, down or acted on, and of nobody else', async () => {
    expect(host.awaited()).toEqual([])
    await clock.advance(3_000)
    host.beat('ezra')
    await clock.advance(1_000)
    expect(state()).toBe('late')
    expect(host.awaited()).toEqual(['timmy'])
    host.kill('timmy')
    actedOn.add('ezra')
    await clock.advance(1_050)
    expect(host.awaited()).toEqual(['timmy', 'ezra'])
  })

  it('is asked at once when it tells of a beat that is waited for', async () => {
    host.kill('timmy')
    await clock.advance(1_300)
    expect(state()).toBe('down')
    host.start('timmy')
    host.beat('timmy')
    const backMs = clock.now()
    await clock.advance(0)
    expect([host.looks.at(-1), state()]).toEqual([backMs, 'up'])
  })

  it('sees a death at once however often it tells of beats', async () => {
    for (let passed = 0; passed < 20_000; passed += 5) {
      host.tellAnyway('written')
      await clock.advance(5)
    }
    const before = host.looks.length
    for (let passed = 0; passed < 10_000; passed += 5) {
      host.tellAnyway('written')
      await clock.advance(5)
    }
    expect(host.looks.length - before).toBeLessThanOrEqual(42)
    const diedMs = clock.now()
    host.kill('timmy')
    await clock.advance(0)
    expect(host.looks.at(-1)).toBe(diedMs)
  })

  it('is asked no more than five times a second in the long run, however often it tells, and never less than in turn', async () => {
    const flood = async (seconds: number) => {
      const before = host.looks.length
      for (let passed = 0; passed < seconds * 1_000; passed += 5) {
        host.tellAnyway('gone')
        await clock.advance(5)
      }
      return (host.looks.length - before) / seconds
    }
    await flood(10)
    const perSecond = await flood(60)
    expect(perSecond).toBeGreaterThanOrEqual(1)
    expect(perSecond).toBeLessThanOrEqual(6.5)
    expect(watch.health()?.atMs).toBeGreaterThan(clock.now() - 61_000)
    host.kill('timmy')
    await clock.advance(1_050)
    expect(state()).toBe('down')
  })

  it('is heard again after a lost connection, and no more by way of the old one', async () => {
    host.cut()
    await clock.advance(10)
    const diedMs = clock.now()
    host.kill('timmy')
    await clock.advance(50)
    expect([state(), roster.agent('timmy')?.status.sinceMs]).toEqual(['down', diedMs])
  })
})

describe('an agent that posts its beats', () => {
  it('is looked at for its process only', async () => {
    host.start('timmy')
    await started([agentConfig('timmy', { heartbeat: { kind: 'push', token: new Secret('x') } })])
    await clock.advance(2_000)
    expect([beats, watch.fault('timmy')]).toEqual([[], undefined])
    roster.observe('timmy', { kind: 'beat', beat: { atMs: clock.now(), epoch: '' } })
    host.kill('timmy')
    await clock.advance(1_200)
    expect([state(), cause()]).toEqual(['down', 'process-gone'])
  })
})

describe('a marker that a person left', () => {
  it.each(['/beats/timmy.paused', '/beats/.paused'])('%s pauses the agent until it is taken away', async (marker) => {
    host.start('timmy')
    host.beat('timmy')
    await started()
    host.write(marker, 'being rebuilt\nsecond line')
    host.kill('timmy')
    await clock.advance(5_000)
    expect([state(), cause(), told]).toEqual(['paused', 'being rebuilt', []])
    host.start('timmy')
    host.beat('timmy')
    host.remove(marker)
    await clock.advance(1_000)
    expect([state(), told]).toEqual(['up', []])
  })

  it('has its path for a reason where it says none, and may change its mind', async () => {
    host.beat('timmy')
    host.write('/beats/timmy.paused', '')
    await started()
    expect(cause()).toBe('/beats/timmy.paused is there')
    host.write('/beats/timmy.paused', 'on holiday')
    await clock.advance(1_000)
    expect(cause()).toBe('on holiday')
    expect(observed.filter(({ kind }) => kind === 'paused')).toHaveLength(2)
  })

  it('still holds when its folder can not be entered any more', async () => {
    host.beat('timmy')
    host.write('/beats/timmy.paused', 'on holiday')
    await started()
    host.remove('/beats/timmy.paused')
    host.spoil('/beats/timmy', 'denied')
    await clock.advance(3_000)
    expect(state()).toBe('paused')
  })

  it('that was taken away while nobody watched is noticed at the first look', async () => {
    host.beat('timmy')
    host.write('/beats/timmy.paused', 'on holiday')
    await started()
    await watch.stop()
    host.remove('/beats/timmy.paused')
    await started()
    expect(state()).not.toBe('paused')
  })
})

describe('heartbeat files that are not what they should be', () => {
  const wrong: [string, () => void, RegExp][] = [
    ['torn', () => host.beat('timmy', new TextEncoder().encode('{"at": 17'), 0), /not whole JSON/],
    ['empty', () => host.beat('timmy', new Uint8Array(), 0), /is empty/],
    ['of 10 MB', () => host.beat('timmy', new Uint8Array(10_000_000).fill(120), 0), /larger than 64 KiB/],
    [
      'binary',
      () =>
        host.beat(
          'timmy',
          Uint8Array.from({ length: 300 }, (_, index) => index % 256),
          0,
        ),
      /no text/,
    ],
    ['a symbolic link', () => host.spoil('/beats/timmy', 'symlink'), /is a symbolic link/],
    ['a pipe', () => host.spoil('/beats/timmy', 'pipe'), /is a pipe/],
    ['a folder', () => host.spoil('/beats/timmy', 'directory'), /is a folder/],
    ['unreadable', () => host.spoil('/beats/timmy', 'denied'), /may not be read/],
    ['on a disk that hangs', () => host.spoil('/beats/timmy', 'no-answer'), /does not answer/],
    ['gone', () => host.removeFile('timmy'), /is not there/],
  ]

  it.each(wrong)('%s: are a named fault, and no death before the grace has ended', async (_, spoil, fault) => {
    host.start('timmy')
    host.beat('timmy')
    await started()
    spoil()
    // The last beat, period and grace: 6 s.
    await clock.advance(5_999)
    expect(watch.fault('timmy')).toMatch(fault)
    expect([state(), told]).toEqual(['late', []])
    await clock.advance(1_001)
    expect([state(), cause()]).toEqual(['down', 'silent'])
    expect(log.messages('warn').filter((message) => message === 'a heartbeat has a fault').length).toBeLessThanOrEqual(1)
    host.remove('/beats/timmy')
    host.beat('timmy')
    await clock.advance(1_000)
    expect([state(), watch.fault('timmy')]).toEqual(['up', undefined])
  })

  it('in the future count once, and keep nobody alive', async () => {
    host.start('timmy')
    host.beat('timmy', {}, -3_600_000)
    await started()
    expect([state(), beats.length]).toEqual(['up', 1])
    expect(watch.fault('timmy')).toMatch(/in the future, by 1 h/)
    await clock.advance(7_000)
    expect([state(), cause(), beats.length]).toEqual(['down', 'silent', 1])
    await watch.stop()
    // Another watch on the same ledger must not give it another life.
    await started()
    await clock.advance(1_000)
    expect([state(), beats]).toEqual(['down', []])
    host.beat('timmy', {}, -3_600_000)
    await clock.advance(1_000)
    expect(state()).toBe('up')
  })

  it('that are older than the last beat prove nothing, and take nothing back', async () => {
    host.start('timmy')
    host.beat('timmy', { epoch: 'a' })
    await started()
    host.beat('timmy', { epoch: 'b' }, 3_600_000)
    await clock.advance(1_000)
    expect([state(), beats.length]).toEqual(['up', 1])
    expect(watch.fault('timmy')).toMatch(/replaced by an older one/)
  })

  it('that seem older only because the watch does not know yet how long it slept are beats once it does', async () => {
    host.start('timmy')
    host.beat('timmy', { epoch: 'a', seq: 1 })
    await started()
    // An hour of sleep: at its end a file is found that was written in the middle of it.
    host.beat('timmy', { epoch: 'a', seq: 2 }, 1_800_000)
    await clock.advance(1_000)
    expect(beats.map(({ seq }) => seq)).toEqual([1])
    clock.sleep(3_600_000)
    clock.wake()
    // The host's clock has not slept: the file is as old as it was.
    host.setAge('timmy', 1_801_000)
    await clock.advance(1_000)
    expect(beats.map(({ seq }) => seq)).toEqual([1, 2])
    expect(watch.fault('timmy')).toBeUndefined()
  })

  it('whose own time is far off are a fault, and beats all the same', async () => {
    host.start('timmy')
    host.beat('timmy', { at: clock.now() / 1_000 - 3_600 })
    await started()
    expect(state()).toBe('up')
    expect(watch.fault('timmy')).toMatch(/says a time that is 1 h off its modification time/)
    host.beat('timmy', { at: clock.now() / 1_000 - 5 })
    await clock.advance(1_000)
    expect(watch.fault('timmy')).toBeUndefined()
    // A time that names no zone may be that of any.
    host.beat('timmy', { at: new Date(clock.now() + 7_200_000).toISOString().slice(0, -1) })
    await clock.advance(1_000)
    expect(watch.fault('timmy')).toBeUndefined()
  })
})

describe('the word of a heartbeat', () => {
  it('is what it fails of, how far it is, and how often it is due', async () => {
    host.start('timmy')
    await started([agentConfig('timmy', { heartbeat: { kind: 'file', file: '/beats/timmy', format: 'job' } })])
    host.write('/beats/timmy', '{"at": 1, "interval": 60, "progress": 4, "ok": false, "error": "no key"}')
    await clock.advance(1_000)
    expect([state(), cause()]).toEqual(['down', 'failing'])
    expect(beats.at(-1)).toMatchObject({ intervalMs: 60_000, progress: 4, failing: 'no key' })
    expect(beats.at(-1)).not.toHaveProperty('saidAt')
    host.write('/beats/timmy', '{"at": 1, "interval": 60}')
    await clock.advance(119_000)
    expect(state()).toBe('late')
    await clock.advance(2_000)
    expect([state(), cause()]).toEqual(['down', 'silent'])
  })
})

describe('a folder of jobs', () => {
  const jobs = () => [agentConfig('jobs', { heartbeat: { kind: 'jobs', directory: '/jobs' }, body: { kind: 'command', start: ['x'] } })]
  const job = (name: string, intervalS: number, ageMs = 0, more = {}) =>
    host.write(`/jobs/${name}.last`, JSON.stringify({ at: (clock.now() - ageMs) / 1_000, interval_seconds: intervalS, ...more }), ageMs)
  const detail = () => roster.agent('jobs')?.facts.condition?.text

  it('is alive by its newest job, and held to the longest interval', async () => {
    job('backup', 3_600, 600_000)
    job('mail', 60, 5_000)
    await started(jobs())
    expect(beats.at(-1)).toEqual({ atMs: clock.now() - 5_000, epoch: '', intervalMs: 3_600_000 })
    expect([state('jobs'), watch.fault('jobs')]).toEqual(['up', undefined])
  })

  it('is down while a job is overdue, and says which', async () => {
    job('backup', 3_600, 3 * 3_600_000)
    job('mail', 3_600)
    await started(jobs())
    expect([state('jobs'), cause('jobs')]).toEqual(['down', 'failing'])
    expect(detail()).toBe('job backup is overdue: last run 3 h ago, due every 1 h')
    job('backup', 3_600)
    await clock.advance(1_000)
    expect([state('jobs'), detail()]).toEqual(['up', undefined])
    expect(told).toEqual(['jobs opened: failing', 'jobs closed: failing'])
  })

  it('names a job that failed, and a few of many', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) job(name, 60, 0, { exit_status: 2 })
    await started(jobs())
    expect(detail()).toBe('job a failed: exit status 2; job b failed: exit status 2; job c failed: exit status 2; and 2 more')
  })

  it('leaves a job alone that a person paused, and one that was taken away', async () => {
    job('backup', 60, 600_000)
    job('old', 60, 600_000)
    job('mail', 60)
    host.write('/jobs/backup.last.paused', 'the disk is full')
    host.remove('/jobs/old.last')
    await started(jobs())
    expect([state('jobs'), detail()]).toEqual(['up', undefined])
  })

  it('that can not be read leaves what is known as it is', async () => {
    job('backup', 60, 600_000)
    job('mail', 3_600)
    await started(jobs())
    host.spoil('/jobs', 'no-answer')
    await clock.advance(5_000)
    expect([state('jobs'), detail()]).toEqual(['down', 'job backup is overdue: last run 10 min ago, due every 1 min'])
    expect(watch.fault('jobs')).toMatch(/^\/jobs is on a file system that does not answer/)
  })

  it('says which job declares no interval or can not be read', async () => {
    host.write('/jobs/a.last', '1712345678')
    host.write('/jobs/b.last', '')
    job('c', 60)
    await started(jobs())
    expect(watch.fault('jobs')).toMatch(/a\.last declares no interval.*b\.last is empty/)
    expect(state('jobs')).toBe('up')
  })
})

describe('a Hermes gateway', () => {
  const hermes = () => [agentConfig('ezra', { heartbeat: { kind: 'hermes', home: '/h' }, timing: { periodMs: 60_000, graceMs: 120_000 } })]
  const seconds = (ageMs: number) => String((clock.now() - ageMs) / 1_000)
  const gateway = (pid: number, start = 77) =>
    host.write('/h/state/gateway.heartbeat', JSON.stringify({ pid, updated_at: clock.now() / 1_000, monotonic: 5, start_time: start }))
  const cron = (ticker: number, success: number) => {
    host.write('/h/cron/ticker_heartbeat', seconds(ticker), ticker)
    host.write('/h/cron/ticker_last_success', seconds(success), success)
  }

  it('beats by its heartbeat file, and its life is its pid and start time', async () => {
    const pid = host.start('ezra')
    gateway(pid)
    cron(5_000, 5_000)
    await started(hermes())
    expect(beats.at(-1)).toMatchObject({ pid, epoch: `${pid}-77` })
    expect([state('ezra'), watch.fault('ezra')]).toEqual(['up', undefined])
  })

  it('fails while its ticker runs and no job succeeds', async () => {
    gateway(host.start('ezra'))
    cron(5_000, 185_000)
    await started(hermes())
    expect([state('ezra'), cause('ezra')]).toEqual(['down', 'failing'])
    expect(roster.agent('ezra')?.facts.condition?.text).toBe('every cron job of Hermes fails: none has succeeded for 3 min 5 s')
    cron(0, 0)
    await clock.advance(1_000)
    expect(state('ezra')).toBe('up')
  })

  it.each([
    ['its ticker stands still, too', 130_000, 190_000],
    ['a job succeeded lately', 5_000, 170_000],
  ])('does not fail where %s', async (_, ticker, success) => {
    gateway(host.start('ezra'))
    cron(ticker, success)
    await started(hermes())
    expect(state('ezra')).toBe('up')
  })

  it('may do without cron, but not without its heartbeat', async () => {
    gateway(host.start('ezra'))
    await started(hermes())
    expect([state('ezra'), watch.fault('ezra')]).toEqual(['up', undefined])
    host.remove('/h/state/gateway.heartbeat')
    await clock.advance(1_000)
    expect(watch.fault('ezra')).toMatch(/^\/h\/state\/gateway.heartbeat is not there/)
  })

  it('heeds a marker in its home', async () => {
    gateway(host.start('ezra'))
    host.write('/h/.paused', 'upgrade')
    await started(hermes())
    expect([state('ezra'), cause('ezra')]).toEqual(['paused', 'upgrade'])
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

  it('after six silent seconds is told within ten, though another one is still being tried', async () => {
    host.hang()
    await clock.advance(6_000)
    host.cut()
    await clock.advance(2_400)
    expect(told).toEqual([])
    await clock.advance(1_200)
    expect(told).toEqual(['local opened: unreachable'])
    host.answerAgain()
    await clock.advance(5_000)
    expect(roster.host('local')?.status.state).toBe('up')
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
