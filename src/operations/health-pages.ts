/** The health of hosts as lines of at most a screen's width, without need of colour. */
import { sayCause } from '../domain/alert.ts'
import { sayBytes, sayShare } from '../domain/amount.ts'
import { sayDuration } from '../domain/duration.ts'
import type { JudgedHealth } from '../domain/health.ts'
import { sayClock, sayFullIn } from '../domain/health-words.ts'
import type { HostRecord } from '../domain/host.ts'
import type { DiskHealth, HostHealth } from '../ports/host.ts'
import type { OperationContext } from './operation.ts'
import { screen } from './saying.ts'
import { cut, table } from './table.ts'

type Seen = { atMs: number; health: HostHealth } & JudgedHealth

/** One line for each host, with how old that is. */
export function hostsTable(
  hosts: readonly { id: string; status: HostRecord['status'] | undefined; seen: Seen | undefined }[],
  nowMs: number,
): string[] {
  const rows = hosts.map(({ id, status, seen }) => {
    const who = [cut(id, 14), status?.state ?? 'new']
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
  return table(['host', 'state', 'disk', 'memory', 'load/core', 'services', 'as of'], rows, screen)
}

/** Everything about one of them. */
export function hostLines(id: string, context: OperationContext): string[] {
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
      ['disk', 'used', 'left', 'of', 'inodes', 'full in'],
      health.disks.map((disk) => diskRow(disk, fullInMs.get(disk.mount))),
    ),
    ...section(
      ['service', 'state', 'what was seen'],
      health.services.map(({ id: service, state, detail }) => [cut(service, 20), state, detail]),
    ),
    ...section(
      ['most memory', 'pid', 'uses'],
      health.byMemory.map(({ name, pid, bytes }) => [cut(name, 40), String(pid), sayBytes(bytes)]),
    ),
    ...section(
      ['most CPU', 'pid', 'of one core'],
      health.byCpu.map(({ name, pid, percent }) => [cut(name, 40), String(pid), `${percent.toFixed(1)} %`]),
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
  if (disk.kind === 'no-answer') return [cut(disk.mount, 30), 'does not answer']
  const { mount, totalBytes, availableBytes, inodes } = disk
  return [
    cut(mount, 30),
    sayShare(1 - availableBytes / Math.max(1, totalBytes)),
    sayBytes(availableBytes),
    sayBytes(totalBytes),
    inodes ? sayShare(1 - inodes.free / Math.max(1, inodes.total)) : '-',
    fullIn === undefined ? 'not known' : fullIn === 'never' ? 'never' : sayFullIn(fullIn),
  ]
}

/** A table with an empty line before it; nothing where it would be empty. */
function section(header: string[], rows: string[][]): string[] {
  return rows.length === 0 ? [] : ['', ...table(header, rows, screen)]
}

function sayFullest({ disks }: HostHealth): string {
  const used = (disk: DiskHealth) => (disk.kind === 'sized' ? 1 - disk.availableBytes / Math.max(1, disk.totalBytes) : 2)
  const worst = disks.reduce<DiskHealth | undefined>((one, disk) => (one && used(one) >= used(disk) ? one : disk), undefined)
  if (!worst) return '-'
  return cut(worst.kind === 'sized' ? `${sayShare(used(worst))} ${worst.mount}` : `hangs ${worst.mount}`, 12)
}

function saySum({ services }: HostHealth): string {
  if (services.length === 0) return '-'
  return `${services.filter(({ state }) => state === 'up').length}/${services.length} up`
}

/** Its first unit only. */
const sayAge = (ms: number): string => (ms < 1_000 ? '0 s' : sayDuration(ms).split(' ').slice(0, 2).join(' '))
