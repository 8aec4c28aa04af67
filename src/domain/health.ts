/** When a host is not well, and since when: from readings to the levels of its checks. What people are told is in health-words.ts. */

/** From where on something is worth a warning, and from where on it is critical. */
export interface Levels {
  warn: number
  critical: number
}

/** Absent: never judged. Shares are in percent used; load is of five minutes and per core; the clock's is in ms. */
export interface Thresholds {
  disk?: Levels
  inodes?: Levels
  memory?: Levels
  swap?: Levels
  load?: Levels
  clockMs?: Levels
  /** A disk that would be full within so long, the way it fills now. */
  fullWithinMs?: number
}

export const usualThresholds: Required<Thresholds> = {
  disk: { warn: 85, critical: 95 },
  inodes: { warn: 85, critical: 95 },
  memory: { warn: 90, critical: 97 },
  swap: { warn: 60, critical: 90 },
  load: { warn: 2, critical: 5 },
  clockMs: { warn: 2_000, critical: 30_000 },
  fullWithinMs: 3 * 86_400_000,
}

/** What a host says of itself at one moment, as far as it is judged. HostHealth of the ports is one. */
export interface HealthReading {
  load5: number
  cores: number
  memoryTotalBytes: number
  memoryAvailableBytes: number
  swapTotalBytes: number
  swapFreeBytes: number
  disks: readonly DiskReading[]
  services: readonly { id: string; state: 'up' | 'down' | 'unknown'; detail: string }[]
  reboot: 'no' | 'wanted' | 'unknown'
  clockOffsetMs: number
}

export type DiskReading =
  | { kind: 'sized'; mount: string; totalBytes: number; availableBytes: number; inodes?: { total: number; free: number } }
  | { kind: 'no-answer'; mount: string }

export type Level = 'ok' | 'warn' | 'critical'

/** disk, inodes, mount (whether it answers at all) and trend are of a mount each; service of a service. */
export type CheckKind = 'mount' | 'disk' | 'inodes' | 'trend' | 'memory' | 'swap' | 'load' | 'clock' | 'service' | 'reboot'

/** One thing as it is at one moment. */
export interface Measure {
  kind: CheckKind
  /** The mount, the service; empty where there is only one. */
  name: string
  /** What level it has, given the one it had: it takes more to get well than not to fall ill. `unknown`: nobody can tell now. */
  level: (before: Level) => Level | 'unknown'
}

interface CheckState {
  level: Level
  /** When it took this level. */
  sinceMs: number
  /** It looks otherwise, so many times in a row so far. `to`: of the levels seen meanwhile the one nearest to that it has. */
  turning?: { to: Level; times: number }
}

/** By `checkKey`. */
export type Checks = Readonly<Record<string, CheckState>>

const checkKey = ({ kind, name }: Pick<Measure, 'kind' | 'name'>): string => (name === '' ? kind : `${kind}:${name}`)

const severity: Record<Level, number> = { ok: 0, warn: 1, critical: 2 }
export const isWorse = (level: Level, than: Level): boolean => severity[level] > severity[than]

/**
 * How many readings in a row it takes until a check has another level (Nagios calls one that waits for that soft). A peak of
 * load or memory, or a service that is restarted just then, is no news; a disk does not fill up by mistake.
 */
const timesToFall: Record<CheckKind, number> = {
  mount: 2,
  disk: 1,
  inodes: 1,
  trend: 1,
  memory: 3,
  swap: 3,
  load: 3,
  clock: 2,
  service: 2,
  reboot: 1,
}
const timesToRise = 2

/**
 * How far below a level a value must be to leave it (Zabbix has a recovery expression of its own for that): in percent
 * points, and for what has no end in shares of the level.
 */
const margins = { disk: 2, memory: 5, open: 0.2 } as const

/** How a disk fills: in how long it is full, `never`, or not known yet. Of the mounts of this reading. */
export type Forecasts = ReadonlyMap<string, number | 'never'>

/** One thing that is not well with a host. */
export interface Concern {
  /** `disk:/`, `service:gitea`, `memory` … */
  check: string
  level: Exclude<Level, 'ok'>
  sinceMs: number
  /** "disk / is 96 % full (4.0 GiB of 100 GiB left)" */
  text: string
}

export interface JudgedHealth {
  /** The worst first, and of those the oldest. */
  concerns: readonly Concern[]
  /** In how long each disk is full, or that it does not fill; absent where there is not enough to go by. */
  fullInMs: Forecasts
}

export function measures(reading: HealthReading, limits: Thresholds, forecasts: Forecasts): Measure[] {
  const { memoryTotalBytes: memory, swapTotalBytes: swap } = reading
  return [
    ...reading.services.map(({ id, state }): Measure => ({ kind: 'service', name: id, level: () => serviceLevels[state] })),
    ...reading.disks.flatMap((disk) => diskMeasures(disk, limits, forecasts.get(disk.mount))),
    ...below('memory', '', limits.memory, memory > 0 ? 100 * (1 - reading.memoryAvailableBytes / memory) : undefined, margins.memory),
    ...below('swap', '', limits.swap, swap > 0 ? 100 * (1 - reading.swapFreeBytes / swap) : 0, margins.memory),
    ...below('load', '', limits.load, reading.load5 / reading.cores, limits.load),
    ...below('clock', '', limits.clockMs, Math.abs(reading.clockOffsetMs), limits.clockMs),
    { kind: 'reboot', name: '', level: () => rebootLevels[reading.reboot] },
  ]
}

const serviceLevels = { up: 'ok', down: 'critical', unknown: 'unknown' } as const
const rebootLevels = { no: 'ok', wanted: 'warn', unknown: 'unknown' } as const

function diskMeasures(disk: DiskReading, limits: Thresholds, fullInMs: number | 'never' | undefined): Measure[] {
  const name = disk.mount
  const isSized = disk.kind === 'sized'
  const used = (total: number, free: number) => 100 * (1 - free / total)
  const inodes = isSized ? disk.inodes : undefined
  return [
    { kind: 'mount', name, level: () => (isSized ? 'ok' : 'critical') },
    ...below('disk', name, limits.disk, isSized ? used(disk.totalBytes, disk.availableBytes) : undefined, margins.disk),
    ...below('inodes', name, limits.inodes, inodes && used(inodes.total, inodes.free), margins.disk),
    ...trendMeasure(name, limits.fullWithinMs, fullInMs),
  ]
}

function trendMeasure(name: string, withinMs: number | undefined, fullInMs: number | 'never' | undefined): Measure[] {
  if (withinMs === undefined) return []
  return [
    {
      kind: 'trend',
      name,
      level: (before) => {
        if (fullInMs === undefined) return 'unknown'
        if (fullInMs === 'never') return 'ok'
        return fullInMs <= withinMs * (before === 'ok' ? 1 : 1 + margins.open) ? 'warn' : 'ok'
      },
    },
  ]
}

/** `margin`: a number of points, or the levels of which it is a share. An absent value can't be told. */
function below(
  kind: CheckKind,
  name: string,
  levels: Levels | undefined,
  value: number | undefined,
  margin: number | Levels | undefined,
): Measure[] {
  if (!levels) return []
  const exit = (level: number) => level - (typeof margin === 'number' ? margin : level * margins.open)
  return [
    {
      kind,
      name,
      level: (before) => {
        if (value === undefined) return 'unknown'
        if (value >= levels.critical || (before === 'critical' && value > exit(levels.critical))) return 'critical'
        return value >= levels.warn || (before !== 'ok' && value > exit(levels.warn)) ? 'warn' : 'ok'
      },
    },
  ]
}

/** The checks after a reading. One of what is there no more, or isn't judged any more, is left out. */
export function judge(before: Checks, found: readonly Measure[], nowMs: number): Checks {
  return Object.fromEntries(
    found.map((measure) => [checkKey(measure), step(before[checkKey(measure)] ?? { level: 'ok', sinceMs: nowMs }, measure, nowMs)]),
  )
}

function step(before: CheckState, { kind, level: levelAfter }: Measure, nowMs: number): CheckState {
  const { level, sinceMs, turning } = before
  const now = levelAfter(level)
  // Who can't tell whether it goes on doesn't say that it is over, either.
  if (now === 'unknown') return before
  if (now === level) return { level, sinceMs }
  const isFall = isWorse(now, level)
  const goesOn = turning && isWorse(turning.to, level) === isFall ? turning : undefined
  const nearest = goesOn && isWorse(now, goesOn.to) === isFall ? goesOn.to : now
  const times = (goesOn?.times ?? 0) + 1
  if (times >= (isFall ? timesToFall[kind] : timesToRise)) return { level: nearest, sinceMs: nowMs }
  return { level, sinceMs, turning: { to: nearest, times } }
}
