/** What is said of a host's health. */
import { sayBytes, sayShare } from './amount.ts'
import { sayDuration } from './duration.ts'
import { type CheckKind, type Checks, type DiskReading, type Forecasts, type HealthReading, isWorse, type Level } from './health.ts'

export const maxNews = 400

/** Worth a look when there is time, and nobody's sleep. */
const shownOnly: ReadonlySet<string> = new Set(['reboot' satisfies CheckKind])

/** What people were last told of each check that was not well then, by its key. */
export type Told = Readonly<Record<string, Level>>

export interface HealthNews {
  /** Of checks that are worse than people know; absent: none. */
  problem?: string
  /** Of those that are over. */
  end?: string
  /** What people know once both are told. `afterEnd`: once only the end is. */
  after: Told
  afterEnd: Told
}

/** What is to be told of a host. A check that gets better without being well is no news, nor one that gets worse again then. */
export function healthNews(host: string, checks: Checks, told: Told, say: (key: string) => string): HealthNews {
  const worse = Object.entries(checks).filter(([key, { level }]) => !shownOnly.has(key) && isWorse(level, told[key] ?? 'ok'))
  const over = Object.keys(told).filter((key) => (checks[key]?.level ?? 'ok') === 'ok')
  const of = (wanted: Level) => worse.filter(([, { level }]) => level === wanted).map(([key]) => say(key))
  const afterEnd = Object.fromEntries(Object.entries(told).filter(([key]) => !over.includes(key)))
  const after = { ...afterEnd, ...Object.fromEntries(worse.map(([key, { level }]) => [key, level])) }
  const parts = [...group('Critical', of('critical')), ...group('Warning', of('warn'))]
  return {
    ...(worse.length > 0 && { problem: fitted(`host ${host} is not well.`, parts) }),
    ...(over.length > 0 && {
      end: fitted(
        `host ${host} is better.`,
        group(
          '',
          over.map((key) => (checks[key] ? say(key) : `${sayName(key)} is not looked after any more`)),
        ),
      ),
    }),
    after,
    afterEnd,
  }
}

interface Part {
  title: string
  items: string[]
}

const group = (title: string, items: string[]): Part[] => (items.length > 0 ? [{ title, items }] : [])

/** As many items as there is room for; the rest is counted. */
function fitted(head: string, parts: readonly Part[]): string {
  let text = head
  let left = parts.reduce((sum, { items }) => sum + items.length, 0)
  for (const { title, items } of parts) {
    let isFirst = true
    for (const item of items) {
      const lead = isFirst ? ` ${title === '' ? '' : `${title}: `}` : '; '
      const more = left > 1 ? ` And ${left - 1} more.` : ''
      const piece = `${lead}${item.slice(0, 160)}`
      if (text.length + piece.length + 1 + more.length > maxNews) return `${text}${isFirst ? '' : '.'} And ${left} more.`
      text += piece
      isFirst = false
      left--
    }
    text += '.'
  }
  return text
}

/** What a check is about: "disk /", "gitea", "its clock". */
function sayName(key: string): string {
  const [kind, name] = partsOf(key)
  if (kind === 'service') return name
  if (name !== '') return `disk ${name}`
  return kind === 'memory' || kind === 'swap' ? kind : kind === 'load' ? 'the load' : kind === 'clock' ? 'its clock' : 'a reboot'
}

function partsOf(key: string): [kind: CheckKind, name: string] {
  const at = key.indexOf(':')
  return [(at < 0 ? key : key.slice(0, at)) as CheckKind, at < 0 ? '' : key.slice(at + 1)]
}

/** What a check's key says of this reading: "disk / is 96 % full (4.0 GiB of 100 GiB left)". */
export function sayCheck(key: string, reading: HealthReading, forecasts: Forecasts): string {
  const [kind, name] = partsOf(key)
  switch (kind) {
    case 'mount':
    case 'disk':
    case 'inodes':
    case 'trend':
      return sayDiskCheck(kind, name, reading, forecasts)
    case 'memory':
      return `memory is ${sayUsed(reading.memoryTotalBytes, reading.memoryAvailableBytes, 'used')}`
    case 'swap':
      return reading.swapTotalBytes > 0 ? `swap is ${sayUsed(reading.swapTotalBytes, reading.swapFreeBytes, 'used')}` : 'it has no swap'
    case 'load':
      return `the load is ${sayLoad(reading)}`
    case 'clock':
      return sayClock(reading.clockOffsetMs)
    case 'reboot':
      return reading.reboot === 'wanted' ? 'it wants a reboot' : 'it wants no reboot'
    case 'service':
      return sayService(name, reading)
  }
}

function sayDiskCheck(kind: 'mount' | 'disk' | 'inodes' | 'trend', mount: string, reading: HealthReading, forecasts: Forecasts): string {
  const disk = reading.disks.find((one) => one.mount === mount)
  if (!disk) return `disk ${mount} is not there`
  if (disk.kind === 'no-answer') return `disk ${mount} does not answer`
  switch (kind) {
    case 'mount':
      return `disk ${mount} answers`
    case 'disk':
      return `disk ${mount} is ${sayUsed(disk.totalBytes, disk.availableBytes, 'full')}`
    case 'inodes':
      return sayInodes(disk)
    case 'trend': {
      const inMs = forecasts.get(mount)
      return typeof inMs === 'number'
        ? `disk ${mount} is full in ${sayFullIn(inMs)}, the way it fills now`
        : `disk ${mount} does not fill up`
    }
  }
}

function sayInodes({ mount, inodes }: Extract<DiskReading, { kind: 'sized' }>): string {
  if (!inodes) return `disk ${mount} counts no inodes`
  return `disk ${mount} has ${sayShare(1 - inodes.free / inodes.total)} of its inodes used (${inodes.free} of ${inodes.total} left)`
}

function sayService(id: string, { services }: HealthReading): string {
  const service = services.find((one) => one.id === id)
  if (!service) return `${id} is not looked at`
  return `${id} is ${service.state}${service.state === 'up' || service.detail === '' ? '' : ` (${service.detail})`}`
}

/** "96 % full (4.0 GiB of 100 GiB left)" */
function sayUsed(total: number, free: number, word: string): string {
  return `${sayShare(1 - free / Math.max(1, total))} ${word} (${sayBytes(free)} of ${sayBytes(total)} left)`
}

/** "5.2 for each of 4 cores" */
function sayLoad({ load5, cores }: Pick<HealthReading, 'load5' | 'cores'>): string {
  return cores === 1 ? `${load5.toFixed(2)} on its one core` : `${(load5 / cores).toFixed(2)} for each of its ${cores} cores`
}

/** "its clock is 3 s ahead" */
export function sayClock(offsetMs: number): string {
  if (Math.abs(offsetMs) < 1_000) return 'its clock is right to the second'
  return `its clock is ${sayDuration(Math.abs(offsetMs))} ${offsetMs > 0 ? 'ahead' : 'behind'}`
}

/** Forecasts are no better than that. */
export function sayFullIn(ms: number): string {
  const hourMs = 3_600_000
  if (ms < hourMs) return 'less than an hour'
  return sayDuration(ms < 48 * hourMs ? Math.round(ms / hourMs) * hourMs : Math.round(ms / (24 * hourMs)) * 24 * hourMs)
}
