import { sayCause } from '../domain/alert.ts'
import { sayDuration } from '../domain/duration.ts'
import type { HostHealth } from '../ports/host.ts'
import type { Operation, OperationContext, Outcome } from './operation.ts'
import { table } from './table.ts'

export const health: Operation = {
  name: 'health',
  aliases: ['hp'],
  summary: 'Disk, memory, load and connection of the hosts',
  help: 'Without a name: every host. With a host: that host in detail. With an agent: its host and its own state. Answers from the last probe and says how old that is.',
  arguments: [{ name: 'subject', kind: 'agent-or-host', required: false, help: 'an agent or a host' }],
  examples: ['health', 'health bezalel'],
  effect: 'sees',
  role: 'see',
  answeredBy: 'watch',
  deadlineMs: 15_000,

  async run(args, context) {
    const subject = args['subject']
    if (subject === undefined) return everyHost(context)
    const agent = context.config.agents.get(subject)
    // An agent and its host may bear the same name: then both are told.
    const host = agent ? agent.host : subject
    const lines = [...(agent ? agentLines(agent.id, context) : []), ...hostLines(host, context)]
    return { status: 'ok', lines, data: { hosts: [hostData(host, context)], ...(agent && { agent: agentData(agent.id, context) }) } }
  },
}

function everyHost(context: OperationContext): Outcome {
  const nowMs = context.clock.now()
  const rows = [...context.config.hosts.keys()].map((id) => {
    const state = context.host(id)?.status.state ?? 'new'
    const found = context.health(id)
    if (!found) return [id, state, 'not probed yet', '', '', '']
    const { health: seen, atMs } = found
    const disk = fullestDisk(seen)
    return [
      id,
      state,
      disk ? `${percent(1 - disk.availableBytes / disk.totalBytes)} of ${disk.mount}` : 'unknown',
      percent(1 - seen.memoryAvailableBytes / seen.memoryTotalBytes),
      `${seen.load1.toFixed(2)} on ${seen.cores}`,
      `${sayDuration(nowMs - atMs)} ago`,
    ]
  })
  return {
    status: 'ok',
    lines: table(['host', 'state', 'disk used', 'memory used', 'load', 'probed'], rows),
    data: { hosts: [...context.config.hosts.keys()].map((id) => hostData(id, context)) },
  }
}

function agentLines(id: string, context: OperationContext): string[] {
  const record = context.agent(id)
  if (!record) return []
  const nowMs = context.clock.now()
  const { status, facts } = record
  const beat = facts.lastBeat
  const cause = status.cause === undefined ? '' : ` (${sayCause(status.cause)})`
  const fault = context.fault(id)
  return [
    `${id}: ${status.state}${cause} for ${sayDuration(nowMs - status.sinceMs)}, ${beat ? `last beat ${sayDuration(nowMs - beat.atMs)} ago` : 'no beat was ever seen'}.`,
    ...(fault === undefined ? [] : [`Heartbeat: ${fault}.`]),
  ]
}

function hostLines(id: string, context: OperationContext): string[] {
  const nowMs = context.clock.now()
  const status = context.host(id)?.status
  const cause = status?.cause === undefined ? '' : ` (${sayCause(status.cause)})`
  const head = `host ${id}: ${status?.state ?? 'new'}${cause} for ${sayDuration(nowMs - (status?.sinceMs ?? nowMs))}.`
  const found = context.health(id)
  if (!found) return [head, 'It was not probed yet.']
  const { health: seen, atMs } = found
  const swap = seen.swapTotalBytes > 0 ? `, swap ${percent(1 - seen.swapFreeBytes / seen.swapTotalBytes)} used` : ''
  return [
    head,
    `Probed ${sayDuration(nowMs - atMs)} ago: on for ${sayDuration(seen.uptimeS * 1000)}, load ${seen.load1.toFixed(2)} on ${seen.cores} ${seen.cores === 1 ? 'core' : 'cores'}.`,
    `Memory: ${bytes(seen.memoryAvailableBytes)} of ${bytes(seen.memoryTotalBytes)} available${swap}.`,
    ...sizedDisks(seen).map(
      (disk) =>
        `Disk ${disk.mount}: ${bytes(disk.availableBytes)} of ${bytes(disk.totalBytes)} free (${percent(1 - disk.availableBytes / disk.totalBytes)} used).`,
    ),
    ...(Math.abs(seen.clockOffsetMs) > 5_000
      ? [`Its clock is ${sayDuration(Math.abs(seen.clockOffsetMs))} ${seen.clockOffsetMs > 0 ? 'ahead' : 'behind'}.`]
      : []),
  ]
}

function hostData(id: string, context: OperationContext) {
  const found = context.health(id)
  const status = context.host(id)?.status
  return {
    id,
    state: status?.state ?? 'new',
    ...(found && { probedAgoMs: Math.round(context.clock.now() - found.atMs), health: found.health }),
  }
}

function agentData(id: string, context: OperationContext) {
  const record = context.agent(id)
  const fault = context.fault(id)
  return {
    id,
    state: record?.status.state ?? 'new',
    ...(record?.facts.lastBeat && { beatAgeMs: Math.round(context.clock.now() - record.facts.lastBeat.atMs) }),
    ...(fault !== undefined && { fault }),
  }
}

type Sized = Extract<HostHealth['disks'][number], { kind: 'sized' }>

const sizedDisks = (seen: HostHealth): Sized[] => seen.disks.filter((disk) => disk.kind === 'sized')

function fullestDisk(seen: HostHealth): Sized | undefined {
  const used = (disk: Sized) => 1 - disk.availableBytes / Math.max(1, disk.totalBytes)
  return sizedDisks(seen).reduce<Sized | undefined>((worst, disk) => (worst && used(worst) >= used(disk) ? worst : disk), undefined)
}

function percent(share: number): string {
  return `${Math.round(Math.min(1, Math.max(0, share)) * 100)} %`
}

function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = count
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}
