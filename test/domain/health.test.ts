import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Checks, type Forecasts, judge, type Level, measures, type Thresholds, usualThresholds } from '../../src/domain/health.ts'
import { healthNews, maxNews, sayCheck, type Told } from '../../src/domain/health-words.ts'
import type { HostHealth } from '../../src/ports/host.ts'
import { diskOf, healthOf } from '../support/health.ts'

const runs = Number(process.env['TOWERWATCH_RUNS'] ?? 1_000)
const none: Forecasts = new Map()

/** The level of one check after each of these readings, one a minute. */
function levels(
  check: string,
  readings: readonly Partial<HostHealth>[],
  limits: Thresholds = usualThresholds,
  forecasts = none,
): (Level | undefined)[] {
  let checks: Checks = {}
  return readings.map((reading, index) => {
    checks = judge(checks, measures(healthOf(reading), limits, forecasts), index * 60_000)
    return checks[check]?.level
  })
}

const full = (...used: number[]) => used.map((percent) => ({ disks: [diskOf('/', percent)] }))
const memory = (...used: number[]) => used.map((percent) => ({ memoryTotalBytes: 1_000, memoryAvailableBytes: 10 * (100 - percent) }))
const gitea = (...states: ('up' | 'down' | 'unknown')[]) => states.map((state) => ({ services: [{ id: 'gitea', state, detail: '' }] }))

describe('the level of a check', () => {
  it('of a disk rises at once and falls only well below, twice in a row', () => {
    expect(levels('disk:/', full(84, 85, 84, 84, 83.5, 82, 82))).toEqual(['ok', 'warn', 'warn', 'warn', 'warn', 'warn', 'ok'])
    expect(levels('disk:/', full(96, 94, 94, 92, 92, 10, 10))).toEqual([
      'critical',
      'critical',
      'critical',
      'critical',
      'warn',
      'warn',
      'ok',
    ])
  })

  it('of memory rises when it was above three times in a row, to the mildest of what was seen', () => {
    expect(levels('memory', memory(95, 95, 80, 95, 95, 95))).toEqual(['ok', 'ok', 'ok', 'ok', 'ok', 'warn'])
    expect(levels('memory', memory(98, 92, 98, 98, 98, 98))).toEqual(['ok', 'ok', 'warn', 'warn', 'warn', 'critical'])
  })

  it('of a service falls with two looks, and what nobody can tell changes nothing', () => {
    expect(levels('service:gitea', gitea('down', 'up', 'down', 'down', 'up', 'up'))).toEqual([
      'ok',
      'ok',
      'ok',
      'critical',
      'critical',
      'ok',
    ])
    expect(levels('service:gitea', gitea('down', 'unknown', 'down', 'unknown', 'unknown'))).toEqual([
      'ok',
      'ok',
      'critical',
      'critical',
      'critical',
    ])
  })

  it('of a disk that does not answer is critical, and its space stays as it was', () => {
    const away: Partial<HostHealth> = { disks: [{ kind: 'no-answer', mount: '/' }] }
    expect(levels('mount:/', [{}, away, away, {}, {}])).toEqual(['ok', 'ok', 'critical', 'critical', 'ok'])
    expect(levels('disk:/', [...full(90), away, away])).toEqual(['warn', 'warn', 'warn'])
  })

  it('is that of inodes, of swap, of the load of each core, of the clock either way, and of a reboot', () => {
    expect(levels('inodes:/', [{ disks: [diskOf('/', 10, 97)] }])).toEqual(['critical'])
    const swap = { swapTotalBytes: 100, swapFreeBytes: 20 }
    expect(levels('swap', [swap, swap, swap]).at(-1)).toBe('warn')
    const load = { load5: 11, cores: 2 }
    expect(levels('load', [load, load, load]).at(-1)).toBe('critical')
    expect(levels('load', [load, load, { load5: 11, cores: 8 }]).at(-1)).toBe('ok')
    const clock = { clockOffsetMs: -5_000 }
    expect(levels('clock', [clock, clock])).toEqual(['ok', 'warn'])
    expect(levels('reboot', [{ reboot: 'wanted' }, { reboot: 'unknown' }, { reboot: 'unknown' }])).toEqual(['warn', 'warn', 'warn'])
  })

  it('of a trend is a warning while the disk is full soon enough', () => {
    const dayMs = 86_400_000
    const at = (days: number | 'never') => new Map([['/', days === 'never' ? days : days * dayMs]])
    expect(levels('trend:/', [{}], usualThresholds, at(3.1))).toEqual(['ok'])
    expect(levels('trend:/', [{}], usualThresholds, at(2.9))).toEqual(['warn'])
    expect(levels('trend:/', [{}], usualThresholds, at('never'))).toEqual(['ok'])
    expect(levels('trend:/', [{}], usualThresholds)).toEqual(['ok'])
  })

  it('is not there where it is not to be judged', () => {
    expect(Object.keys(judge({}, measures(healthOf(), {}, none), 0))).toEqual(['mount:/', 'reboot'])
  })

  it('of what is there no more is gone', () => {
    expect(levels('disk:/data', [{ disks: [diskOf('/data', 90)] }, {}])).toEqual(['warn', undefined])
  })

  it('never changes by one reading where two are asked for, is never worse than the worst seen, and settles with steady readings', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 1, maxLength: 30 }),
        fc.double({ min: 0, max: 100, noNaN: true }),
        (used, last) => {
          const raw = (percent: number): Level => (percent >= 97 ? 'critical' : percent >= 90 ? 'warn' : 'ok')
          const seen = levels('memory', memory(...used, last, last, last, last, last, last))
          const changes = seen.flatMap((level, index) => (index > 0 && level !== seen[index - 1] ? [index] : []))
          for (const [index, at] of changes.entries()) expect(at - (changes[index - 1] ?? -2)).toBeGreaterThanOrEqual(2)
          if (![...used, last].some((percent) => raw(percent) === 'critical')) expect(seen).not.toContain('critical')
          if (![...used, last].some((percent) => raw(percent) !== 'ok')) expect(new Set(seen)).toEqual(new Set(['ok']))
          // Below the margin it is what it looks like; inside it may be what it was.
          const settled = seen.at(-1)
          if (last < 85) expect(settled).toBe('ok')
          if (last >= 97) expect(settled).toBe('critical')
          if (last >= 90 && last < 92) expect(settled).toBe('warn')
        },
      ),
      { numRuns: runs },
    )
  })
})

describe('news of health', () => {
  const at = (level: Level) => ({ level, sinceMs: 0 })
  const say = (key: string) => `${key} says so`

  it('tell what is worse than people know, the critical first, and what is over', () => {
    const checks: Checks = { 'disk:/': at('warn'), 'service:gitea': at('critical'), memory: at('ok'), load: at('warn') }
    expect(healthNews('ezra', checks, { memory: 'warn', load: 'warn' }, say)).toEqual({
      problem: 'host ezra is not well. Critical: service:gitea says so. Warning: disk:/ says so.',
      end: 'host ezra is better. memory says so.',
      after: { load: 'warn', 'disk:/': 'warn', 'service:gitea': 'critical' },
      afterEnd: { load: 'warn' },
    })
  })

  it('are none where something gets better without being well, or as bad again as people know', () => {
    expect(healthNews('ezra', { 'disk:/': at('warn') }, { 'disk:/': 'critical' }, say)).toEqual({
      after: { 'disk:/': 'critical' },
      afterEnd: { 'disk:/': 'critical' },
    })
  })

  it('say of what is there no more that nobody looks after it', () => {
    const told: Told = { 'disk:/data': 'warn', 'service:gitea': 'critical', load: 'warn' }
    expect(healthNews('ezra', {}, told, say).end).toBe(
      'host ezra is better. disk /data is not looked after any more; gitea is not looked after any more; the load is not looked after any more.',
    )
  })

  it('have room for as many as fit, and count the others', () => {
    const checks: Checks = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => [`service:s${index}`, at(index % 2 === 0 ? 'warn' : 'critical')]),
    )
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), (length) => {
        const { problem = '' } = healthNews('ezra', checks, {}, (key) => `${key} ${'x'.repeat(length)}`)
        expect(problem.length).toBeLessThanOrEqual(maxNews)
        const said = problem.match(/service:s/g)?.length ?? 0
        expect(problem).toMatch(new RegExp(`And ${40 - said} more\\.$`))
      }),
      { numRuns: 100 },
    )
  })
})

describe('the words for a check', () => {
  it('say what is there, in units', () => {
    const reading = healthOf({
      disks: [diskOf('/', 96, 97), { kind: 'no-answer', mount: '/mnt/nas' }],
      services: [
        { id: 'gitea', state: 'down', detail: 'Connection refused' },
        { id: 'ollama', state: 'up', detail: 'it answers 200' },
      ],
      memoryAvailableBytes: 2 ** 28,
      swapTotalBytes: 2 ** 30,
      swapFreeBytes: 2 ** 27,
      load5: 10.4,
      clockOffsetMs: 3_000,
      reboot: 'wanted',
    })
    const forecasts = new Map([['/', 2.9 * 86_400_000]])
    const words = (key: string) => sayCheck(key, reading, forecasts)
    expect(words('disk:/')).toBe('disk / is 96 % full (4.0 GiB of 100 GiB left)')
    expect(words('inodes:/')).toBe('disk / has 97 % of its inodes used (3000 of 100000 left)')
    expect(words('trend:/')).toBe('disk / is full in 3 d, the way it fills now')
    expect(words('mount:/mnt/nas')).toBe('disk /mnt/nas does not answer')
    expect(words('disk:/mnt/nas')).toBe('disk /mnt/nas does not answer')
    expect(words('service:gitea')).toBe('gitea is down (Connection refused)')
    expect(words('service:ollama')).toBe('ollama is up')
    expect(words('memory')).toBe('memory is 97 % used (256 MiB of 8.0 GiB left)')
    expect(words('swap')).toBe('swap is 88 % used (128 MiB of 1.0 GiB left)')
    expect(words('load')).toBe('the load is 5.20 for each of its 2 cores')
    expect(words('clock')).toBe('its clock is 3 s ahead')
    expect(words('reboot')).toBe('it wants a reboot')
  })

  it('say what is well as well', () => {
    const words = (key: string) => sayCheck(key, healthOf({ clockOffsetMs: -400 }), none)
    expect(words('mount:/')).toBe('disk / answers')
    expect(words('trend:/')).toBe('disk / does not fill up')
    expect(words('swap')).toBe('it has no swap')
    expect(words('clock')).toBe('its clock is right to the second')
    expect(words('reboot')).toBe('it wants no reboot')
  })
})
