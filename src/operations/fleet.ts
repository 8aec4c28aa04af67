import { sayCause } from '../domain/alert.ts'
import { sayDuration } from '../domain/duration.ts'
import type { Subject } from '../domain/incident.ts'
import { asIs, type Column, lay } from './layout.ts'
import type { Operation, OperationContext } from './operation.ts'

const agentColumns: Column[] = [
  { name: 'agent', place: 'title' },
  // The state itself is never longer.
  { name: 'state', place: 'title', least: 11 },
  { name: 'for' },
  { name: 'last beat', drop: 2 },
  { name: 'host', drop: 1, say: (host) => `on ${host}` },
  { name: 'doing', least: 10, say: asIs },
]
const hostColumns: Column[] = [{ name: 'host', place: 'title' }, { name: 'state', place: 'title' }, { name: 'for' }]

/** In the game the Tower answers this one by itself, from what it mirrors; `towerwatch status` shows this. */
export const fleet: Operation = {
  name: 'fleet',
  aliases: ['roster'],
  summary: 'Every agent and host at a glance',
  help: 'A table of all agents: state, age of the last beat, what it is doing, where it runs. Freshness is worked out at the moment you ask.',
  arguments: [],
  examples: ['fleet'],
  effect: 'sees',
  role: 'see',
  answeredBy: 'tower',
  deadlineMs: 5_000,

  async run(_args, context) {
    const agents = [...context.config.agents.values()].map((agent) => agentStatus(agent.id, context))
    const hosts = [...context.config.hosts.keys()].map((id) => hostStatus(id, context))
    const tower = context.tower()
    // What a program reads is never cut.
    const screen = context.screen ?? { columns: Number.POSITIVE_INFINITY }
    const up = agents.filter(({ state }) => state === 'up' || state === 'late').length
    return {
      status: 'ok',
      lines: [
        ...lay(
          agentColumns,
          agents.map((agent) => [
            agent.id,
            sayState(agent),
            sayDuration(agent.forMs),
            agent.beatAgeMs === undefined ? 'never' : `${sayDuration(agent.beatAgeMs)} ago`,
            agent.host,
            agent.doing ?? '-',
          ]),
          screen,
        ),
        '',
        ...lay(
          hostColumns,
          hosts.map((host) => [host.id, sayState(host), sayDuration(host.forMs)]),
          screen,
        ),
        '',
        `${up} of ${agents.length} agents up. Tower: ${sayTower(tower)}.`,
      ],
      data: { agents, hosts, tower: tower && { ...tower.state, forMs: Math.round(context.clock.now() - tower.sinceMs) } },
    }
  },
}

function agentStatus(id: string, context: OperationContext) {
  const nowMs = context.clock.now()
  const record = context.agent(id)
  const beat = record?.facts.lastBeat
  const incident = context.lastIncident({ kind: 'agent', id })
  return {
    id,
    host: context.config.agents.get(id)?.host ?? '',
    state: record?.status.state ?? 'new',
    forMs: Math.round(nowMs - (record?.status.sinceMs ?? nowMs)),
    ...(record?.status.cause !== undefined && { cause: record.status.cause }),
    ...(beat && { beatAgeMs: Math.round(nowMs - beat.atMs), epoch: beat.epoch }),
    ...(beat?.busy !== undefined && { busy: beat.busy }),
    ...(beat?.doing !== undefined && { doing: beat.doing }),
    ...(incident && { incident: incident.number }),
    ...notes({ kind: 'agent', id }, record, context),
  }
}

function hostStatus(id: string, context: OperationContext) {
  const nowMs = context.clock.now()
  const record = context.host(id)
  const status = record?.status
  return {
    id,
    state: status?.state ?? 'new',
    forMs: Math.round(nowMs - (status?.sinceMs ?? nowMs)),
    ...(status?.cause !== undefined && { cause: status.cause }),
    ...notes({ kind: 'host', id }, record, context),
  }
}

function notes(subject: Subject, record: { flapping?: unknown } | undefined, context: OperationContext) {
  return {
    ...(record?.flapping !== undefined && { isFlapping: true }),
    ...(context.mutes.inMaintenance(subject, context.clock.now()) && { isInMaintenance: true }),
  }
}

/** "up", "down (its process is gone, flapping)", "up (in maintenance)". */
function sayState(status: { state: string; cause?: string; isFlapping?: boolean; isInMaintenance?: boolean }): string {
  const { state, cause, isFlapping, isInMaintenance } = status
  const more = [
    ...(cause === undefined ? [] : [sayCause(cause)]),
    ...(isFlapping ? ['flapping'] : []),
    ...(isInMaintenance ? ['in maintenance'] : []),
  ]
  return more.length === 0 ? state : `${state} (${more.join(', ')})`
}

function sayTower(tower: ReturnType<OperationContext['tower']>): string {
  if (!tower) return 'none'
  switch (tower.state.kind) {
    case 'connected':
      return `connected to ${tower.state.game} over ${tower.state.transport}`
    case 'connecting':
      return 'connecting'
    case 'mismatch':
      return tower.state.sentence
    case 'down':
      return `not connected: ${tower.state.reason}`
  }
}
