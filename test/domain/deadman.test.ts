import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  backAlertId,
  backSentence,
  beatAgeMs,
  type DeadmanMemory,
  decideDeadman,
  judgeWatch,
  type Moment,
  outageAlertId,
  type Reading,
  type Verdict,
  withPatience,
} from '../../src/domain/deadman.ts'
import type { OwnBeat } from '../../src/domain/own-beat.ts'

const staleMs = 60_000
const windowMs = 900_000
const id = 'a'.repeat(24)
const runs = Number(process.env['TOWERWATCH_RUNS'] ?? 2_000)

const beat = (more: Partial<OwnBeat> = {}): OwnBeat => ({
  at: 1_000,
  pid: 7,
  epoch: 'b:1',
  boot: 'b',
  bootMs: 5_000,
  seq: 4,
  ledger: 'writable',
  tower: 'connected',
  lagMs: 0,
  ...more,
})
const reading = (more: Partial<Extract<Reading, { kind: 'beat' }>> = {}): Reading => ({
  kind: 'beat',
  id,
  beat: beat(),
  ageMs: 1_000,
  process: 'alive',
  proof: 'unasked',
  ...more,
})
const stopped = beat({ stoppedAt: 2_000 })
const now = (bootMs = 10_000_000, boot = 'b'): Moment => ({ boot, bootMs, wallMs: 1_800_000_000_000 + bootMs })
const policy = { windowMs, hasOutside: true }

describe('whether the watch lives', () => {
  it.each<[string, Reading, Verdict['kind'] | [string, string]]>([
    ['a fresh beat of a living process is well', reading(), 'well'],
    ['a fresh beat of a watch that is still starting is not well yet', reading({ beat: beat({ ledger: 'starting' }) }), 'fading'],
    ['the first beat of a life is not well yet', reading({ beat: beat({ seq: 1 }) }), 'fading'],
    ['a fresh beat on a system that tells nothing of processes is well', reading({ process: 'unknown' }), 'well'],
    ['a fresh beat of a process that is gone is not dead yet', reading({ process: 'gone' }), 'fading'],
    ['a stale beat of a process that is gone is dead', reading({ ageMs: staleMs, process: 'gone' }), ['dead', 'gone']],
    ['a stale beat of a living process needs a second look', reading({ ageMs: staleMs }), 'unsure'],
    ['a stale beat on a system that tells nothing needs one, too', reading({ ageMs: staleMs, process: 'unknown' }), 'unsure'],
    ['a beat that moved on at the second look is well', reading({ ageMs: staleMs, proof: 'moved' }), 'well'],
    ['a watch that answers is mute, not dead', reading({ ageMs: staleMs, proof: 'answers' }), 'mute'],
    ['a living process that neither beats nor answers hangs', reading({ ageMs: staleMs, proof: 'still' }), ['dead', 'hung']],
    ['a watch stopped just now is not told of: it may be a restart', reading({ beat: stopped, process: 'gone' }), 'fading'],
    ['a watch that was stopped in order is stopped, not dead', reading({ beat: stopped, process: 'gone', ageMs: staleMs }), 'stopped'],
    ['no beat at all is dead', { kind: 'none', id }, ['dead', 'no-beat']],
    ['a damaged beat gets its time', { kind: 'damaged', id, ageMs: staleMs - 1 }, 'fading'],
    ['a damaged beat that stays is dead', { kind: 'damaged', id, ageMs: staleMs }, ['dead', 'damaged']],
  ])('%s', (_name, found, wanted) => {
    const verdict = judgeWatch(found, staleMs)
    expect(verdict.kind === 'dead' ? [verdict.kind, verdict.cause] : verdict.kind).toEqual(wanted)
  })

  it.each<[string, { boot: string; bootMs: number }, number, Moment, number]>([
    ['counts by the boot, whatever the wall says', { boot: 'b', bootMs: 4_000 }, 9e12, { boot: 'b', bootMs: 5_000, wallMs: 0 }, 1_000],
    [
      'is that of the boot where the beat is of an earlier one',
      { boot: 'a', bootMs: 9e9 },
      0,
      { boot: 'b', bootMs: 30_000, wallMs: 9e12 },
      30_000,
    ],
    ['comes from the wall where the system tells no boot', { boot: '', bootMs: 0 }, 1_000, { boot: '', bootMs: 0, wallMs: 4_000 }, 3_000],
    ['is never negative by the wall', { boot: '', bootMs: 0 }, 9_000, { boot: '', bootMs: 0, wallMs: 4_000 }, 0],
    [
      'comes from the wall where the machine was put back',
      { boot: 'b', bootMs: 9_000 },
      1_000,
      { boot: 'b', bootMs: 2_000, wallMs: 4_000 },
      3_000,
    ],
  ])('the age of a beat %s', (_name, found, mtimeMs, moment, wanted) => {
    expect(beatAgeMs(found, mtimeMs, moment)).toBe(wanted)
  })
})

describe('what the deadman does', () => {
  const dead: Verdict = { kind: 'dead', id, cause: 'gone', forMs: 60_000 }
  const halted: Verdict = { kind: 'stopped', id, forMs: 60_000 }
  const well = (more: Partial<OwnBeat> = {}): Verdict => ({ kind: 'well', beat: beat(more) })
  const told = (memory: DeadmanMemory): DeadmanMemory =>
    memory.outage ? { ...memory, outage: { ...memory.outage, isTold: true, isCalled: true } } : memory

  it('tells, calls and restarts at the first sight of a death, and has noted the restart beforehand', () => {
    const { acts, memory } = decideDeadman(dead, {}, now(), policy)
    expect(acts).toEqual(['tell-outage', 'call-outside', 'restart'])
    expect(memory).toMatchObject({
      outage: { id, what: 'dead', isTold: false, sinceMs: now().wallMs - 60_000 },
      lastRestart: { boot: 'b' },
    })
  })

  it('calls nobody outside where nothing of that kind is declared', () => {
    expect(decideDeadman(dead, {}, now(), { ...policy, hasOutside: false }).acts).toEqual(['tell-outage', 'restart'])
  })

  it('tries the telling again until it was done, then says nothing more of the same outage', () => {
    const first = decideDeadman(dead, {}, now(), policy).memory
    expect(decideDeadman(dead, first, now(10_060_000), policy).acts).toEqual(['tell-outage', 'call-outside'])
    expect(decideDeadman(dead, told(first), now(10_060_000), policy).acts).toEqual([])
    expect(decideDeadman(dead, told(first), now(10_000_000 + windowMs), policy).acts).toEqual(['restart'])
  })

  it('takes a life that came and went unseen for the same outage', () => {
    const first = told(decideDeadman(dead, {}, now(), policy).memory)
    const other: Verdict = { ...dead, id: 'b'.repeat(24) }
    expect(decideDeadman(other, first, now(10_060_000), policy).memory.outage).toEqual(first.outage)
  })

  it('tells of a stop by a person once and leaves it so', () => {
    const first = decideDeadman(halted, {}, now(), policy)
    expect(first.acts).toEqual(['tell-outage'])
    expect(decideDeadman(halted, told(first.memory), now(99_000_000), policy).acts).toEqual([])
  })

  it('tells of a death after a stop that was told', () => {
    const first = told(decideDeadman(halted, {}, now(), policy).memory)
    const { acts, memory } = decideDeadman({ ...dead, id: 'c'.repeat(24) }, first, now(), policy)
    expect(acts).toEqual(['tell-outage', 'call-outside', 'restart'])
    expect(memory.outage).toMatchObject({ id: 'c'.repeat(24), what: 'dead' })
  })

  it('leaves the telling of the return to a watch that is connected, and is done once that has it', () => {
    const away = told(decideDeadman(dead, {}, now(), policy).memory)
    const back = decideDeadman(well(), away, now(), policy)
    expect(back.acts).toEqual([])
    expect(back.memory.outage).toMatchObject({ id, isOver: true })
    expect(decideDeadman(well({ tells: id }), back.memory, now(), policy).memory).toEqual({ lastRestart: away.lastRestart })
  })

  it('tells the return by itself where the watch has no Tower', () => {
    const away = told(decideDeadman(dead, {}, now(), policy).memory)
    expect(decideDeadman(well({ tower: 'not-connected' }), away, now(), policy).acts).toEqual(['tell-back'])
  })

  it('tells no return of an outage that nobody has heard of', () => {
    const away = decideDeadman(dead, {}, now(), policy).memory
    expect(decideDeadman(well({ tower: 'not-connected' }), away, now(), policy)).toEqual({
      acts: [],
      memory: { lastRestart: away.lastRestart },
    })
  })

  it('tells of a second death though the end of the first was never told', () => {
    const over = decideDeadman(well(), told(decideDeadman(dead, {}, now(), policy).memory), now(), policy).memory
    const next = decideDeadman({ ...dead, id: 'd'.repeat(24) }, over, now(), policy)
    expect(next.acts).toContain('tell-outage')
    expect(next.memory.outage?.id).toBe('d'.repeat(24))
  })

  it('logs in no more for ten minutes after the Tower refused it, for the sake of everybody at this address', () => {
    const memory: DeadmanMemory = { refused: { boot: 'b', bootMs: 10_000_000 } }
    expect(decideDeadman(dead, memory, now(10_599_000), policy).acts).not.toContain('tell-outage')
    expect(decideDeadman(dead, memory, now(10_600_000), policy).acts).toContain('tell-outage')
  })

  it('knows only the time since the boot of a restart before it', () => {
    const memory: DeadmanMemory = { lastRestart: { boot: 'a', bootMs: 5 } }
    expect(decideDeadman(dead, memory, now(windowMs - 1), policy).acts).not.toContain('restart')
    expect(decideDeadman(dead, memory, now(windowMs), policy).acts).toContain('restart')
  })

  it('takes a watch that never comes up for dead after five minutes, however fresh its beats are', () => {
    const starting: Verdict = { kind: 'fading', why: 'starting', id }
    let memory: DeadmanMemory = {}
    for (const atMs of [0, 60_000, 120_000, 180_000, 240_000]) {
      const verdict = withPatience(atMs % 120_000 === 0 ? starting : { ...starting, why: 'gone' }, memory, now(10_000_000 + atMs))
      const decided = decideDeadman(verdict, memory, now(10_000_000 + atMs), policy)
      expect([verdict.kind, decided.acts]).toEqual(['fading', []])
      memory = decided.memory
    }
    expect(memory).toEqual({ unwell: { boot: 'b', bootMs: 10_000_000, seenMs: 10_240_000 } })
    expect(withPatience(starting, memory, now(10_299_999)).kind).toBe('fading')
    const restless = withPatience(starting, memory, now(10_300_000))
    expect(restless).toEqual({ kind: 'dead', id, cause: 'restless', forMs: 300_000 })
    const later = decideDeadman(restless, memory, now(10_300_000), policy).memory
    expect(withPatience(starting, later, now(10_360_000)).kind).toBe('dead')
  })

  it.each<[string, (memory: DeadmanMemory) => DeadmanMemory, Moment]>([
    ['after the deadman itself was away, as in a sleep', (memory) => memory, now(10_500_000)],
    ['after a boot', (memory) => memory, now(10_290_000, 'c')],
    ['after it was seen well', (memory) => decideDeadman(well(), memory, now(10_240_000), policy).memory, now(10_300_000)],
    ['after it was stopped', (memory) => decideDeadman(halted, memory, now(10_240_000), policy).memory, now(10_300_000)],
    ['after it was seen dead', (memory) => decideDeadman(dead, memory, now(10_240_000), policy).memory, now(10_300_000)],
  ])('counts these five minutes anew %s', (_name, between, moment) => {
    const memory = between({ unwell: { boot: 'b', bootMs: 10_000_000, seenMs: 10_240_000 } })
    const starting: Verdict = { kind: 'fading', why: 'starting', id }
    expect(withPatience(starting, memory, moment)).toEqual(starting)
  })

  it('gives its alerts ids that the wire takes, and words for the return', () => {
    for (const alertId of [outageAlertId({ id }), backAlertId({ id })]) expect(alertId).toMatch(/^[A-Za-z0-9_.:-]{1,64}$/)
    expect(backSentence({ sinceMs: 1_000 }, 181_000)).toBe('The watch looks at the fleet again, after 3 min.')
    expect(backSentence({ sinceMs: 9_000 }, 1_000)).toContain('after under 1 s')
  })

  it('restarts at most once per window, never a watch that is well, fading, mute or stopped, whatever it reads', () => {
    const verdicts = fc.oneof<fc.Arbitrary<Verdict>[]>(
      fc
        .record({ tower: fc.constantFrom('connected', 'not-connected', 'starting'), isTelling: fc.boolean() })
        .map(({ tower, isTelling }) => well({ tower, ...(isTelling && { tells: id }) })),
      fc.constantFrom<Verdict>({ kind: 'fading', why: 'gone', id }, { kind: 'mute' }, { kind: 'unsure' }, halted),
      fc.constant(dead),
      fc.constant<Verdict>({ kind: 'dead', id: 'e'.repeat(24), cause: 'no-beat', forMs: undefined }),
    )
    const step = fc.record({
      verdict: verdicts,
      afterMs: fc.integer({ min: 0, max: 2 * windowMs }),
      isReboot: fc.boolean(),
      wallMs: fc.integer({ min: 0, max: 4e12 }),
      isTold: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let memory: DeadmanMemory = {}
        // The one who looks on from outside, whose clock never steps.
        let trueMs = 0
        let boot = 0
        let bootedMs = 0
        let restartedMs = Number.NEGATIVE_INFINITY
        for (const { verdict, afterMs, isReboot, wallMs, isTold } of steps) {
          trueMs += afterMs
          if (isReboot) {
            boot += 1
            bootedMs = trueMs - Math.floor(afterMs / 2)
          }
          const decided = decideDeadman(verdict, memory, { boot: `b${boot}`, bootMs: trueMs - bootedMs, wallMs }, policy)
          memory = isTold ? told(decided.memory) : decided.memory
          expect(decided.acts.length).toBe(new Set(decided.acts).size)
          if (!decided.acts.includes('restart')) continue
          expect(verdict.kind).toBe('dead')
          expect(trueMs - restartedMs).toBeGreaterThanOrEqual(windowMs)
          restartedMs = trueMs
        }
      }),
      { numRuns: runs },
    )
  })

  it('tells each outage once, and the return of none that was not told', () => {
    const kinds = fc.constantFrom<Verdict>(dead, halted, well(), well({ tower: 'not-connected' }), { kind: 'fading', why: 'gone', id })
    fc.assert(
      fc.property(fc.array(fc.tuple(kinds, fc.boolean()), { maxLength: 40 }), (steps) => {
        let memory: DeadmanMemory = {}
        let isOpen = false
        let atMs = 0
        for (const [kind, works] of steps) {
          atMs += 60_000
          const decided = decideDeadman(kind, memory, now(10_000_000 + atMs), policy)
          memory = decided.memory
          if (decided.acts.includes('tell-back')) {
            expect(isOpen).toBe(true)
            if (works) {
              isOpen = false
              memory = {}
            }
          }
          if (decided.acts.includes('tell-outage')) {
            expect(memory.outage?.isTold).toBe(false)
            if (works) {
              memory = told(memory)
              isOpen = true
            }
          }
        }
      }),
      { numRuns: runs },
    )
  })
})
