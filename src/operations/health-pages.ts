/** The health of hosts as lines, without need of colour. */
import { sayCause } from '../domain/alert.ts'
import { sayBytes, sayShare } from '../domain/amount.ts'
import { sayDuration } from '../domain/duration.ts'
import type { JudgedHealth } from '../domain/health.ts'
import { sayClock, sayFullIn } from '../domain/health-words.ts'
import type { HostRecord } from '../domain/host.ts'
import type { Screen } from '../domain/operation.ts'
import type { DiskHealth, HostHealth } from '../ports/host.ts'
import { asIs, type Column, lay } from './layout.ts'
import type { OperationContext } from './operation.ts'

type Seen = { atMs: number; health: HostHealth } & JudgedHealth

const hostColumns: Column[] = [
  { name: 'host', place: 'title' },
  { name: 'state', place: 'title' },
  { name: 'disk', least: 8 },
  { name: 'memory', say: (share) => `memory ${share}` },
  { name: 'load/core' },
  { name: 'services' },
  { name: 'as of', drop: 1, say: asIs },
]
const diskColumns: Column[] = [
  { name: 'disk', place: 'title' },
  { name: 'used', place: 'title' },
  { name: 'left', say: (bytes) => `${bytes} left` },
  { name: 'of' },
  { name: 'inodes' },
  { name: 'full in', say: (time) => `full: ${time}` },
]
const serviceColumns: Column[] = [
  { name: 'service', place: 'title' },
  { name: 'state', place: 'title' },
  { name: 'what was seen', least: 12, say: asIs },
]
const userColumns = (by: string, uses: string): Column[] => [{ name: by, least: 12, place: 'title' }, { name: 'pid' }, { name: uses }]

/** One line for each host, with how old that is. */
export function hostsTable(
  hosts: readonly { id: string; status: HostRecord['status'] | undefined; seen: Seen | undefined }[],
  nowMs: number,
  screen: Screen | undefined,
): string[] {
  const rows = hosts.map(({ id, status, seen }) => {
    const who = [id, status?.state ?? 'new']
    if (!seen) return [...who, '-', '-', '-', '-', 'never']
    const { health, atMs } = seen
    return [
      ...who,
      sayFullest(health),
      sayShare(1 - health.memoryAvailableBytes / Math.max(1, health.memoryTotalBytes)),
      (health.load5 / health.cores).toFixed(2),
      saySum(health),
      `${sayAge(nowMs - atMs)} ago`,
    ]
  })
  return lay(hostColumns, rows, screen)
}

/** Everything about one of them. */
export function hostLines(id: string, context: OperationContext): string[] {
  const { screen } = context
  const nowMs = context.clock.now()
  const status = context.host(id)?.status
  const cause = status?.cause === undefined ? '' : ` (${sayCause(status.cause)})`
  const head = `host ${id}: ${status?.state ?? 'new'}${cause} for ${sayDuration(nowMs - (status?.sinceMs ?? nowMs))}.`
  const seen = context.health(id)
  if (!seen) return [head, 'It has not said yet how it is.']
  const { health, concerns, atMs, fullInMs } = seen
  return [
    head,
    `As of ${sayDuration(nowMs - atMs)} ago${status?.state === 'up' ? '' : ', when it last said so'}:`,
    ...(concerns.length === 0
      ? ['Nothing is known to be wrong with it.']
      : concerns.map(
          ({ level, text, sinceMs }) => `${level === 'warn' ? 'Warning' : 'Critical'} for ${sayDuration(nowMs - sinceMs)}: ${text}.`,
        )),
    ...generalLines(health),
    ...section(
      diskColumns,
      health.disks.map((disk) => diskRow(disk, fullInMs.get(disk.mount))),
      screen,
    ),
    ...section(
      serviceColumns,
      health.services.map(({ id: service, state, detail }) => [service, state, detail]),
      screen,
    ),
    ...section(
      userColumns('most memory', 'uses'),
      health.byMemory.map(({ name, pid, bytes }) => [name, String(pid), sayBytes(bytes)]),
      screen,
    ),
    ...section(
      userColumns('most CPU', 'of one core'),
      health.byCpu.map(({ name, pid, percent }) => [name, String(pid), `${percent.toFixed(1)} %`]),
      screen,
    ),
  ]
}

function generalLines(health: HostHealth): string[] {
  const { uptimeS, load1, load5, load15, cores, memoryTotalBytes: memory, swapTotalBytes: swap } = health
  const used = (total: number, free: number) =>
    `${sayShare(1 - free / Math.max(1, total))} used, ${sayBytes(free)} of ${sayBytes(total)} left`
  const loads = [load1, load5, load15].map((load) => load.toFixed(2)).join(', ')
  return [
    `On for ${sayDuration(uptimeS * 1000)}. Load ${loads} (over 1, 5, 15 min) on ${cores} ${cores === 1 ? 'core' : 'cores'}.`,
    `Memory: ${used(memory, health.memoryAvailableBytes)}.`,
    swap > 0 ? `Swap: ${used(swap, health.swapFreeBytes)}.` : 'No swap.',
    `${capital(sayClock(health.clockOffsetMs))}. ${rebootSentences[health.reboot]}`,
  ]
}

const rebootSentences = {
  no: 'It wants no reboot.',
  wanted: 'It wants a reboot.',
  unknown: 'Whether it wants a reboot cannot be told.',
} as const

const capital = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`

function diskRow(disk: DiskHealth, fullIn: number | 'never' | undefined): string[] {
  if (disk.kind === 'no-answer') return [disk.mount, 'does not answer']
  const { mount, totalBytes, availableBytes, inodes } = disk
  return [
    mount,
    sayShare(1 - availableBytes / Math.max(1, totalBytes)),
    sayBytes(availableBytes),
    sayBytes(totalBytes),
    inodes ? sayShare(1 - inodes.free / Math.max(1, inodes.total)) : '-',
    fullIn === undefined ? 'not known' : fullIn === 'never' ? 'never' : sayFullIn(fullIn),
  ]
}

/** A table with an empty line before it; nothing where it would be empty. */
function section(columns: readonly Column[], rows: string[][], screen: Screen | undefined): string[] {
  return rows.length === 0 ? [] : ['', ...lay(columns, rows, screen)]
}

function sayFullest({ disks }: HostHealth): string {
  const used = (disk: DiskHealth) => (disk.kind === 'sized' ? 1 - disk.availableBytes / Math.max(1, disk.totalBytes) : 2)
  const worst = disks.reduce<DiskHealth | undefined>((one, disk) => (one && used(one) >= used(disk) ? one : disk), undefined)
  if (!worst) return '-'
  return worst.kind === 'sized' ? `${sayShare(used(worst))} ${worst.mount}` : `hangs ${worst.mount}`
}

function saySum({ services }: HostHealth): string {
  if (services.length === 0) return '-'
  return `${services.filter(({ state }) => state === 'up').length}/${services.length} up`
}

/** Its first unit only. */
const sayAge = (ms: number): string => (ms < 1_000 ? '0 s' : sayDuration(ms).split(' ').slice(0, 2).join(' '))
