/**
 * Judges each host by what it says of itself, and tells who is not well: once when that begins or gets worse, and once when it
 * is over. What was told, and how disks fill, is kept in the ledger, so that a restart tells nothing again and forecasts on.
 * A host that can't be reached says nothing of itself, so nothing is told of its health either way.
 */
import type { Config } from '../config/config.ts'
import { type DiskTrend, fullInMs, withReading } from '../domain/disk-trend.ts'
import { type Checks, type Concern, type Forecasts, type JudgedHealth, judge, measures } from '../domain/health.ts'
import { healthNews, sayCheck, type Told } from '../domain/health-words.ts'
import type { Clock } from '../ports/clock.ts'
import type { HostHealth } from '../ports/host.ts'
import { type Ledger, LedgerError } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import type { Journal } from './journal.ts'
import type { Mutes } from './mutes.ts'
import type { Notifier } from './notifier.ts'

export interface HealthWatch {
  /** A host has said how it is. */
  observe(host: string, health: HostHealth): void
  /** By what it said last; nothing is known before that. */
  of(host: string): JudgedHealth
}

export interface HealthPorts {
  mutes: Pick<Mutes, 'of'>
  notifier: Pick<Notifier, 'notice'>
  journal: Pick<Journal, 'write'>
  ledger: Pick<Ledger, 'note'>
  clock: Clock
  log: Log
}

interface Memory {
  checks: Checks
  told: Told
  trends: Readonly<Record<string, DiskTrend>>
}

export function startHealthWatch(config: () => Config, ports: HealthPorts): HealthWatch {
  const { mutes, notifier, journal, ledger, clock, log } = ports
  const memories = new Map<string, Memory>()
  const judged = new Map<string, JudgedHealth>()

  function observe(host: string, health: HostHealth): void {
    const declared = config().hosts.get(host)
    const before = declared && (memories.get(host) ?? recall(host))
    if (!before) return
    const nowMs = clock.now()
    const trends = trendsAfter(before.trends, health, nowMs)
    const forecasts = forecastsOf(trends, health)
    const checks = judge(before.checks, measures(health, declared.thresholds, forecasts), nowMs)
    const say = (key: string) => sayCheck(key, health, forecasts)
    const told = tell(host, checks, before.told, say)
    keep(host, before, { checks, told, trends })
    judged.set(host, { concerns: concernsOf(checks, say), fullInMs: forecasts })
  }

  /** Answers what people know then. */
  function tell(host: string, checks: Checks, before: Told, say: (key: string) => string): Told {
    const subject = { kind: 'host', id: host } as const
    const news = healthNews(host, checks, before, say)
    // Problems can be kept quiet, ends never. What is kept quiet is told when that is over, if it still holds.
    const isTold = news.problem !== undefined && !mutes.of(subject, clock.now())
    for (const text of [news.end, isTold ? news.problem : undefined]) {
      if (text === undefined) continue
      log.warn({ host }, text)
      notifier.notice({ subjects: [subject], text })
    }
    return isTold ? news.after : news.afterEnd
  }

  function keep(host: string, before: Memory, after: Memory): void {
    memories.set(host, after)
    const note = (what: 'health' | 'trends', was: unknown, is: unknown) => {
      const value = JSON.stringify(is)
      return value === JSON.stringify(was) ? [] : [{ kind: 'note' as const, name: noteName(what, host), value }]
    }
    const facts = [
      ...note('health', { checks: before.checks, told: before.told }, { checks: after.checks, told: after.told }),
      ...note('trends', before.trends, after.trends),
    ]
    if (facts.length > 0) void journal.write(facts)
  }

  /** Undefined where the ledger can't be read: nothing is judged before it can, or all would be told again. */
  function recall(host: string): Memory | undefined {
    try {
      const [known, trends] = (['health', 'trends'] as const).map((what) => ledger.note(noteName(what, host)))
      return {
        ...((known === undefined ? { checks: {}, told: {} } : JSON.parse(known)) as Pick<Memory, 'checks' | 'told'>),
        trends: (trends === undefined ? {} : JSON.parse(trends)) as Memory['trends'],
      }
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
      log.error({ err: error.message, host }, 'what was known of the health of a host can not be read from the ledger')
      return undefined
    }
  }

  return { observe, of: (host) => judged.get(host) ?? { concerns: [], fullInMs: new Map() } }
}

/** Another form of what is kept takes another number. */
const noteName = (what: 'health' | 'trends', host: string) => `${what}-1 ${host}`

function trendsAfter(before: Memory['trends'], { disks }: HostHealth, nowMs: number): Memory['trends'] {
  return Object.fromEntries(
    disks.flatMap((disk) => {
      const known = before[disk.mount]
      const trend = disk.kind === 'sized' ? withReading(known, disk, nowMs) : known
      return trend ? [[disk.mount, trend]] : []
    }),
  )
}

function forecastsOf(trends: Memory['trends'], { disks }: HostHealth): Forecasts {
  const forecasts = new Map<string, number | 'never'>()
  for (const disk of disks) {
    const trend = trends[disk.mount]
    const inMs = trend && disk.kind === 'sized' ? fullInMs(trend, disk.availableBytes) : undefined
    if (inMs !== undefined) forecasts.set(disk.mount, inMs)
  }
  return forecasts
}

function concernsOf(checks: Checks, say: (key: string) => string): Concern[] {
  const found = Object.entries(checks).flatMap(([check, { level, sinceMs }]): Concern[] =>
    level === 'ok' ? [] : [{ check, level, sinceMs, text: say(check) }],
  )
  const rank = ({ level }: Concern) => (level === 'critical' ? 0 : 1)
  return found.sort((a, b) => rank(a) - rank(b) || a.sinceMs - b.sinceMs)
}
