/** Recorded lives with what must come of them, worked out by hand from the rules. Times are seconds. */
import { describe, expect, it } from 'vitest'
import type { AgentConfig, Config } from '../../src/config/config.ts'
import { replay, replayLines } from '../../src/simulator/replay.ts'
import { parseTrace } from '../../src/simulator/trace.ts'
import { agentConfig, fleetConfig } from '../support/fleet.ts'
import { keptLog } from '../support/log.ts'

const timing = { periodMs: 30_000, graceMs: 60_000 }
const startMs = Date.UTC(2026, 0, 1)

interface Played {
  all: Record<string, unknown>[]
  /** "up -> late at 30 (30)": of one agent or host, with the moment of noticing; the first look of the watch is left out. */
  of: (subject: string) => string[]
  alerts: string[]
  uptime: Record<string, { upS: number; downS: number; unknownS: number; excludedS: number }>
}

function fleet(agents: Record<string, Partial<AgentConfig>> = { a1: {} }, more: Partial<Config> = {}): Config {
  const declared = Object.entries(agents).map(([id, some]) => agentConfig(id, { host: 'h1', timing, ...some }))
  return fleetConfig(declared, { timeZone: 'Etc/UTC', alerts: { groupWaitMs: 300, groupIntervalMs: 5_000 }, ...more })
}

async function play(lines: object[], config = fleet()): Promise<Played> {
  const trace = parseTrace(lines.map((line) => JSON.stringify(line)).join('\n'), 'test', config)
  const printed = replayLines(await replay(config, trace, { startMs, log: keptLog() })).map(
    (line) => JSON.parse(line) as Record<string, unknown>,
  )
  const last = printed.pop() as { uptime: Played['uptime'] }
  return {
    all: printed,
    of: (subject) =>
      printed
        .filter((line) => line['subject'] === subject && line['from'] !== 'new')
        .map(
          ({ from, to, at, noticedAt, cause }) =>
            `${from} -> ${to} at ${at}${at === noticedAt ? '' : ` (${noticedAt})`}${cause === undefined ? '' : `: ${cause}`}`,
        ),
    alerts: printed
      .filter((line) => 'alert' in line)
      .map(({ alert, subjects, at, durationS }) => `${alert} ${subjects} at ${at}${durationS === undefined ? '' : ` after ${durationS}`}`),
    uptime: last.uptime,
  }
}

const beat = (at: number, seq: number, more: object = {}, agent = 'a1') => ({ at, agent, beat: { epoch: 'e1', seq, ...more } })
const beats = (from: number, to: number, every = 30, agent = 'a1') => {
  const found: ReturnType<typeof beat>[] = []
  for (let at = from; at <= to; at += every) found.push(beat(at, at, {}, agent))
  return found
}
const end = (at: number) => ({ at, end: true })
const byTime = <T extends { at: number }>(lines: T[]) => [...lines].sort((a, b) => a.at - b.at)

describe('silence', () => {
  it('is late after the period and down after the grace, to the second', async () => {
    const played = await play([beat(0, 1), beat(30, 2), end(200)])
    expect(played.of('agent:a1')).toEqual(['up -> late at 60', 'late -> down at 120: silent'])
    expect(played.alerts).toEqual(['problem agent:a1 at 120.3'])
    expect(played.uptime).toEqual({ a1: { upS: 120, downS: 80, unknownS: 0, excludedS: 0 } })
  })

  it('is noticed by the next sweep, and dated back to when it began', async () => {
    const played = await play([beat(2, 1), end(200)])
    expect(played.of('agent:a1')).toEqual(['up -> late at 32 (35)', 'late -> down at 92 (95): silent'])
    expect(played.alerts).toEqual(['problem agent:a1 at 95.3'])
    expect(played.uptime['a1']).toEqual({ upS: 90, downS: 108, unknownS: 2, excludedS: 0 })
  })

  it('counts from when it began also where the trace ends before the next sweep', async () => {
    const played = await play([beat(2, 1), end(93.5)])
    expect(played.of('agent:a1')).toEqual(['up -> late at 32 (35)', 'late -> down at 92 (93.5): silent'])
    expect(played.uptime['a1']).toEqual({ upS: 90, downS: 1.5, unknownS: 2, excludedS: 0 })
  })

  it('is down for as long as it was, also where the next beat comes before the next sweep', async () => {
    const played = await play([beat(2, 1), beat(94.5, 2), end(100)])
    expect(played.of('agent:a1')).toEqual(['up -> late at 32 (35)', 'late -> down at 92 (94.5): silent', 'down -> up at 94.5'])
    expect(played.uptime['a1']?.downS).toBe(2.5)
  })

  it('of nobody who beats at the very moment at which he is due', async () => {
    expect((await play([...beats(0, 300), end(310)])).of('agent:a1')).toEqual([])
  })

  it('ends with the next beat, told once with how long it lasted', async () => {
    const played = await play([beat(0, 1), beat(150.5, 2), end(170)])
    expect(played.of('agent:a1')).toEqual(['up -> late at 30', 'late -> down at 90: silent', 'down -> up at 150.5'])
    expect(played.alerts).toEqual(['problem agent:a1 at 90.3', 'recovery agent:a1 at 150.8 after 60.5'])
    expect(played.uptime['a1']).toEqual({ upS: 109.5, downS: 60.5, unknownS: 0, excludedS: 0 })
  })

  it('from the beginning is nobody’s death', async () => {
    const played = await play([end(3600)])
    expect(played.of('agent:a1')).toEqual([])
    expect(played.alerts).toEqual([])
    expect(played.uptime['a1']).toEqual({ upS: 0, downS: 0, unknownS: 3600, excludedS: 0 })
  })

  it('does not end with a beat from before the death', async () => {
    const played = await play([beat(0, 1), beat(120, 2, { ageS: 40 }), end(150)])
    expect(played.of('agent:a1')).toEqual(['up -> late at 30', 'late -> down at 90: silent'])
    expect(played.alerts).toEqual(['problem agent:a1 at 90.3'])
  })

  it('is counted by the interval that the beat itself declares, where it declares one', async () => {
    const played = await play([beat(0, 1, { intervalS: 100 }), end(250)])
    expect(played.of('agent:a1')).toEqual(['up -> late at 100', 'late -> down at 200: silent'])
  })
})

describe('a process that is gone', () => {
  it('is a death five seconds later, where its host is still there', async () => {
    const played = await play([...beats(0, 60), { at: 62, agent: 'a1', process: 'gone' }, end(80)])
    expect(played.of('agent:a1')).toEqual(['up -> down at 62 (67): process-gone'])
    expect(played.alerts).toEqual(['problem agent:a1 at 67.3'])
  })

  it('is dated to when it was seen, also where it would have been late or silent before that is sure', async () => {
    const late = await play([...beats(0, 60), { at: 88, agent: 'a1', process: 'gone' }, end(100)])
    expect(late.of('agent:a1')).toEqual(['up -> down at 88 (93): process-gone'])
    const silent = await play([...beats(0, 60), { at: 148, agent: 'a1', process: 'gone' }, end(160)])
    expect(silent.of('agent:a1')).toEqual(['up -> late at 90', 'late -> down at 148 (153): process-gone'])
    const alive = await play([
      ...beats(0, 60),
      { at: 88, agent: 'a1', process: 'gone' },
      { at: 91, agent: 'a1', process: 'alive' },
      end(100),
    ])
    expect(alive.of('agent:a1')).toEqual(['up -> late at 90 (91)'])
  })

  it('is sure at once where a second look shows it, too', async () => {
    const gone = (at: number) => ({ at, agent: 'a1', process: 'gone' })
    const played = await play([...beats(0, 60), gone(62), gone(62.4), beat(63, 1, { epoch: 'e2' }), end(80)])
    expect(played.of('agent:a1')).toEqual(['up -> down at 62 (62.4): process-gone', 'down -> up at 63'])
    const lost = { at: 62.1, host: 'h1', reachable: false }
    expect((await play([...beats(0, 60), gone(62), lost, gone(62.4), end(80)])).alerts).toEqual(['problem host:h1 at 62.4'])
  })

  it('is none where it beats again before that', async () => {
    const played = await play([...beats(0, 60), { at: 62, agent: 'a1', process: 'gone' }, beat(64, 99, { epoch: 'e2' }), end(80)])
    expect(played.of('agent:a1')).toEqual([])
  })

  it('is none where the next look finds it there', async () => {
    const lines = [{ at: 62, agent: 'a1', process: 'gone' }, { at: 63, agent: 'a1', process: 'alive' }, end(80)]
    expect((await play([...beats(0, 60), ...lines])).of('agent:a1')).toEqual([])
  })

  it('is the host’s problem where the host is lost right after', async () => {
    const lines = [
      { at: 62, agent: 'a1', process: 'gone' },
      { at: 64, host: 'h1', reachable: false },
      { at: 364, host: 'h1', reachable: true },
      beat(370, 1, { epoch: 'e2' }),
      end(380),
    ]
    const played = await play([...beats(0, 60), ...lines])
    expect(played.alerts).toEqual(['problem host:h1 at 64.3', 'recovery host:h1 at 364.3 after 300'])
    expect(played.of('agent:a1').filter((line) => line.includes('down'))).toEqual([])
    expect(played.uptime['a1']?.downS).toBe(0)
  })

  it('is over with a beat of another life only', async () => {
    const lines = [{ at: 62, agent: 'a1', process: 'gone' }, beat(70, 100, { ageS: 9 }), beat(90, 1, { epoch: 'e2' }), end(100)]
    const played = await play([...beats(0, 60), ...lines])
    expect(played.of('agent:a1')).toEqual(['up -> down at 62 (67): process-gone', 'down -> up at 90'])
    expect(played.alerts).toEqual(['problem agent:a1 at 67.3', 'recovery agent:a1 at 90.3 after 28'])
  })
})

describe('a host that is lost', () => {
  const lost = { at: 60, host: 'h1', reachable: false }
  const back = { at: 660, host: 'h1', reachable: true }

  it('is one problem and one recovery, and none of its agents', async () => {
    const config = fleet({ a1: {}, a2: {}, a3: {} })
    const lines = [
      ...beats(0, 60),
      ...beats(0, 60, 30, 'a2'),
      ...beats(0, 60, 30, 'a3'),
      lost,
      back,
      ...beats(670, 760, 30, 'a1'),
      ...beats(670, 760, 30, 'a2'),
    ]
    const played = await play([...byTime(lines), end(800)], config)
    expect(played.of('host:h1')).toEqual(['up -> unreachable at 60: unreachable', 'unreachable -> up at 660'])
    expect(played.alerts).toEqual([
      'problem host:h1 at 60.3',
      'recovery host:h1 at 660.3 after 600',
      // Silent since before, but nobody could see it: counted from when its host was back.
      'problem agent:a3 at 750.3',
    ])
    expect(played.uptime['a1']).toEqual({ upS: 200, downS: 0, unknownS: 600, excludedS: 0 })
    expect(played.uptime['a3']).toEqual({ upS: 150, downS: 50, unknownS: 600, excludedS: 0 })
  })

  it('does not hide an agent that goes on beating by itself', async () => {
    const played = await play(byTime([...beats(0, 800, 25), lost, back, end(810)]))
    expect(played.alerts).toEqual(['problem host:h1 at 60.3', 'recovery host:h1 at 660.3 after 600'])
    // Unreachable from the last answer to the next beat.
    expect(played.of('agent:a1')).toEqual(['up -> unreachable at 60: host-unreachable', 'unreachable -> up at 75'])
    expect(played.uptime['a1']).toEqual({ upS: 795, downS: 0, unknownS: 15, excludedS: 0 })
  })

  it('keeps the recovery of an agent that was down before: suppressed is the telling of problems, never of their end', async () => {
    const lines = [beat(0, 1), { at: 100, host: 'h1', reachable: false }, { at: 200, host: 'h1', reachable: true }, beat(210, 2), end(230)]
    const played = await play(lines)
    expect(played.of('agent:a1')).toEqual([
      'up -> late at 30',
      'late -> down at 90: silent',
      'down -> unreachable at 100: host-unreachable',
      'unreachable -> down at 200: silent',
      'down -> up at 210',
    ])
    expect(played.alerts).toEqual([
      'problem agent:a1 at 90.3',
      'problem host:h1 at 100.3',
      'recovery host:h1 at 200.3 after 100',
      'recovery agent:a1 at 210.3 after 120',
    ])
    expect(played.uptime['a1']).toEqual({ upS: 110, downS: 20, unknownS: 100, excludedS: 0 })
  })
})

describe('a time in which the watch did not look', () => {
  const stop = { at: 100, watch: 'stop' }
  const start = { at: 400, watch: 'start' }

  it('is unknown, and silence counts from its end', async () => {
    const played = await play([...beats(0, 90), stop, start, end(600)])
    expect(played.of('agent:a1')).toEqual([
      'up -> unknown at 100 (400): not-looking',
      'unknown -> late at 400',
      'late -> down at 490: silent',
    ])
    expect(played.alerts).toEqual(['problem agent:a1 at 490.3'])
    expect(played.uptime['a1']).toEqual({ upS: 190, downS: 110, unknownS: 300, excludedS: 0 })
  })

  it('was up where epoch and sequence prove it', async () => {
    const lines = [beat(0, 1), beat(30, 2), beat(60, 3), beat(90, 4), stop, start, beat(420, 15), end(440)]
    expect((await play(lines)).uptime['a1']).toEqual({ upS: 440, downS: 0, unknownS: 0, excludedS: 0 })
  })

  it('was up also where the epoch is a number, as heartbeats have it, too', async () => {
    const lines = [
      { at: 90, agent: 'a1', beat: { epoch: 7, seq: 4 } },
      stop,
      start,
      { at: 420, agent: 'a1', beat: { epoch: 7, seq: 15 } },
      end(440),
    ]
    expect((await play(lines)).uptime['a1']?.unknownS).toBe(90)
  })

  it.each([
    ['too few beats', beat(420, 7)],
    ['another life', beat(420, 15, { epoch: 'e2' })],
    ['no sequence', { at: 420, agent: 'a1', beat: { epoch: 'e1' } }],
    ['no epoch', { at: 420, agent: 'a1', beat: { seq: 15 } }],
  ])('stays unknown with %s', async (_, last) => {
    const played = await play([beat(0, 1), beat(30, 2), beat(60, 3), beat(90, 4), stop, start, last, end(440)])
    expect(played.uptime['a1']).toEqual({ upS: 140, downS: 0, unknownS: 300, excludedS: 0 })
  })

  it('is proved of nobody who was down when it began', async () => {
    const lines = [beat(0, 1), { at: 95, watch: 'stop' }, { at: 1000, watch: 'start' }, beat(1010, 100), end(1020)]
    const played = await play(lines)
    expect(played.uptime['a1']).toEqual({ upS: 100, downS: 15, unknownS: 905, excludedS: 0 })
    expect(played.alerts).toEqual(['problem agent:a1 at 90.3', 'recovery agent:a1 at 1010.3 after 920'])
  })

  it('begins with the last sign of the watch where it was killed', async () => {
    const played = await play([...beats(0, 90), { at: 103, watch: 'kill' }, start, beat(410, 1, { epoch: 'e2' }), end(420)])
    expect(played.of('agent:a1')[0]).toBe('up -> unknown at 100 (400): not-looking')
    expect(played.uptime['a1']?.unknownS).toBe(300)
  })

  it('hides what happened in it', async () => {
    const lines = [
      ...beats(0, 90),
      stop,
      { at: 200, host: 'h1', reachable: false },
      { at: 300, host: 'h1', reachable: true },
      { at: 350, agent: 'a1', process: 'gone' },
      start,
      end(420),
    ]
    const played = await play(lines)
    expect(played.of('host:h1')).toEqual(['up -> unknown at 100 (400)', 'unknown -> up at 400'])
    expect(played.of('agent:a1')).toEqual(['up -> unknown at 100 (400): not-looking', 'unknown -> late at 400'])
    expect(played.alerts).toEqual([])
  })

  it('does not bring back a host that was lost before it, or meanwhile', async () => {
    const away = { at: 200, host: 'h1', reachable: false }
    const played = await play([...beats(0, 90), stop, away, start, { at: 500, host: 'h1', reachable: true }, beat(510, 20), end(520)])
    expect(played.of('host:h1').slice(1)).toEqual(['unknown -> unreachable at 400: unreachable', 'unreachable -> up at 500'])
    expect(played.alerts).toEqual(['problem host:h1 at 400.3', 'recovery host:h1 at 500.3 after 100'])
    expect(played.uptime['a1']?.downS).toBe(0)
  })

  it('lasts until the end where the watch never starts again', async () => {
    const stopped = await play([...beats(0, 90), stop, end(900)])
    expect(stopped.of('agent:a1')).toEqual([])
    expect(stopped.uptime['a1']).toEqual({ upS: 100, downS: 0, unknownS: 800, excludedS: 0 })
    const killed = await play([...beats(0, 90), { at: 103, watch: 'kill' }, end(900)])
    expect(killed.uptime['a1']).toEqual({ upS: 100, downS: 0, unknownS: 800, excludedS: 0 })
    const away = await play([...beats(0, 90), stop, end(900)], fleet({ a1: { paused: 'on holiday' } }))
    expect(away.uptime['a1']).toEqual({ upS: 0, downS: 0, unknownS: 0, excludedS: 900 })
  })

  it('loses no problem that was told before it, and tells none twice', async () => {
    const lines = [beat(0, 1), stop, start, { at: 500, watch: 'kill' }, { at: 520, watch: 'start' }, beat(530, 2), end(540)]
    expect((await play(lines)).alerts).toEqual(['problem agent:a1 at 90.3', 'recovery agent:a1 at 530.3 after 440'])
  })
})

describe('a wall clock that is set', () => {
  it('changes nothing', async () => {
    const lines = [...beats(0, 90), end(300)]
    const stepped = [...beats(0, 90), { at: 95, clock: 3600 }, { at: 100, clock: -86_400 }, end(300)]
    expect((await play(stepped)).all).toEqual((await play(lines)).all)
  })
})

describe('an agent that says so itself', () => {
  it('is down when it fails, and up when it no longer does', async () => {
    const played = await play([beat(0, 1), beat(20, 2, { failing: 'disk full' }), beat(40, 3), end(60)])
    expect(played.of('agent:a1')).toEqual(['up -> down at 20: failing', 'down -> up at 40'])
    expect(played.alerts).toEqual(['problem agent:a1 at 20.3', 'recovery agent:a1 at 40.3 after 20'])
  })

  it('is hung when it is busy without progress, and not when it rests', async () => {
    const hung = fleet({ a1: { timing: { ...timing, hungMs: 100_000 } } })
    const working = (busy: boolean) =>
      Array.from({ length: 9 }, (_, n) => beat(n * 25, n, { progress: Math.min(n, 2), busy })).concat(beat(225, 9, { progress: 3, busy }))
    const played = await play([...working(true), end(240)], hung)
    // Progress moved for the last time at 50.
    expect(played.of('agent:a1')).toEqual(['up -> down at 150: hung', 'down -> up at 225'])
    expect((await play([...working(false), end(240)], hung)).of('agent:a1')).toEqual([])
  })

  it('stays hung over a time in which the watch did not look, until it shows progress', async () => {
    const hung = fleet({ a1: { timing: { ...timing, hungMs: 100_000 } } })
    const standing = (from: number, to: number) =>
      beats(from, to, 25).map((line) => ({ ...line, beat: { ...line.beat, progress: 1, busy: true } }))
    const lines = [...standing(0, 150), { at: 160, watch: 'stop' }, { at: 200, watch: 'start' }, ...standing(210, 260)]
    const played = await play([...lines, beat(285, 285, { progress: 2, busy: true }), end(300)], hung)
    expect(played.of('agent:a1')).toEqual([
      'up -> down at 100: hung',
      'down -> unknown at 160 (200): not-looking',
      'unknown -> down at 200: hung',
      'down -> up at 285',
    ])
    expect(played.alerts).toEqual(['problem agent:a1 at 100.3', 'recovery agent:a1 at 285.3 after 185'])
  })

  it('does not hang where only its last beat is remembered of a time in which it rested', async () => {
    const hung = fleet({ a1: { timing: { ...timing, hungMs: 100_000 } } })
    const resting = beats(0, 200, 25).map((line) => ({ ...line, beat: { ...line.beat, progress: 1, busy: false } }))
    const busy = (at: number) => beat(at, at, { progress: 1, busy: true })
    const lines = [...resting, busy(225), { at: 231, watch: 'kill' }, { at: 232, watch: 'start' }, busy(250), busy(275), end(280)]
    expect((await play(lines, hung)).of('agent:a1').filter((line) => line.includes('down'))).toEqual([])
  })

  it('that hangs, and beats on while its host is lost, keeps the time in which it was seen to hang', async () => {
    const hung = fleet({ a1: { timing: { ...timing, hungMs: 100_000 } } })
    const standing = beats(0, 300, 25).map((line) => ({ ...line, beat: { ...line.beat, progress: 1, busy: true } }))
    const played = await play(byTime([...standing, { at: 190, host: 'h1', reachable: false }, end(310)]), hung)
    expect(played.of('agent:a1')).toEqual(['up -> down at 100: hung', 'down -> unreachable at 190: host-unreachable'])
    expect(played.uptime['a1']).toEqual({ upS: 100, downS: 90, unknownS: 120, excludedS: 0 })
  })

  it('is down while a condition stands that the look finds', async () => {
    const lines = [...beats(0, 60), { at: 61, agent: 'a1', condition: 'job backup is overdue' }, { at: 80, agent: 'a1', condition: null }]
    const played = await play([...lines, beat(85, 90), end(100)])
    expect(played.of('agent:a1')).toEqual(['up -> down at 61: failing', 'down -> up at 80'])
  })
})

describe('alerts', () => {
  it('of one moment are one, and of different lengths one line each', async () => {
    const config = fleet({ a1: {}, a2: {}, a3: { host: 'h2' } })
    const lines = [
      beat(0, 1),
      beat(0, 1, {}, 'a2'),
      beat(0, 1, {}, 'a3'),
      beat(100, 2),
      { ...beat(100.1, 2, {}, 'a2') },
      beat(100.1, 2, {}, 'a3'),
    ]
    expect((await play([...lines, end(110)], config)).alerts).toEqual([
      'problem agent:a1,agent:a2,agent:a3 at 90.3',
      'recovery agent:a1 at 100.3 after 10',
      'recovery agent:a2,agent:a3 at 100.3 after 10.1',
    ])
  })

  it('remind of a problem that lasts', async () => {
    const config = fleet({ a1: {} }, { alerts: { groupWaitMs: 300, groupIntervalMs: 5_000, remindMs: 3_600_000 } })
    expect((await play([beat(0, 1), end(8_000)], config)).alerts).toEqual([
      'problem agent:a1 at 90.3',
      'reminder agent:a1 at 3690.3',
      'reminder agent:a1 at 7290.3',
    ])
  })

  it('of an agent that flaps are one problem and one recovery, when it has been steady', async () => {
    const config = fleet({ a1: { timing: { ...timing, flapping: { changes: 4, withinMs: 1_800_000, stableMs: 600_000 } } } })
    const lines = [0, 100, 200, 300, 400].map((at, n) => beat(at, 1, { epoch: `e${n}` }))
    const played = await play([...lines, ...beats(420, 1200, 20), end(1280)], config)
    // Down at 90, 190, 290 and 390, up at 100, 200, 300 and 400; the fourth change comes at 200.
    expect(played.alerts).toEqual([
      'problem agent:a1 at 90.3',
      'recovery agent:a1 at 100.3 after 10',
      'problem agent:a1 at 190.3',
      'recovery agent:a1 at 1000.3 after 210',
    ])
    expect(played.uptime['a1']).toEqual({ upS: 1240, downS: 40, unknownS: 0, excludedS: 0 })
  })

  it('are not sent of one who is paused, whose time does not count', async () => {
    const played = await play([...beats(0, 60), end(1000)], fleet({ a1: { paused: 'on holiday' }, a2: {} }))
    expect(played.alerts).toEqual([])
    expect(played.uptime['a1']).toEqual({ upS: 0, downS: 0, unknownS: 0, excludedS: 1000 })
  })

  it('are not sent in maintenance, which does not count either; who is still down afterwards is told then', async () => {
    const window = { kind: 'fixed' as const, from: '2026-01-01 00:01', to: '2026-01-01 00:10', subjects: ['a1'], reason: 'new disk' }
    const config = fleet({ a1: {}, a2: {} }, { maintenance: [window] })
    const played = await play([beat(0, 1), beat(0, 1, {}, 'a2'), beat(650, 2), end(700)], config)
    expect(played.alerts).toEqual([
      'problem agent:a2 at 90.3',
      expect.stringMatching(/^problem agent:a1 at 600/),
      'recovery agent:a1 at 650.3 after 560',
    ])
    expect(played.uptime['a1']).toEqual({ upS: 110, downS: 50, unknownS: 0, excludedS: 540 })
  })
})
