/** The fleet as the Towers are shown it. Ages, not instants, so that two clocks need not agree. */
import { basename } from 'node:path'
import type { AgentConfig, Config } from '../config/config.ts'
import { sayCause } from '../domain/alert.ts'
import { sayDuration } from '../domain/duration.ts'
import type { Body } from '../ports/host.ts'
import type { AgentView, HostView } from '../protocol/messages.ts'
import type { Mutes } from './mutes.ts'
import type { Roster } from './roster.ts'

interface Mirrored {
  roster: Pick<Roster, 'agent' | 'host' | 'lastIncident'>
  mutes: Pick<Mutes, 'of' | 'inMaintenance'>
}

function agentView(agent: AgentConfig, { roster, mutes }: Mirrored, nowMs: number): AgentView | undefined {
  const record = roster.agent(agent.id)
  if (!record) return undefined
  const { status, facts } = record
  const beat = facts.lastBeat
  const subject = { kind: 'agent' as const, id: agent.id }
  const incident = roster.lastIncident(subject)
  const maintenance = mutes.inMaintenance(subject, nowMs) ? mutes.of(subject, nowMs) : undefined
  return {
    id: agent.id,
    name: agent.name.slice(0, 60),
    host: agent.host,
    state: status.state,
    forMs: age(status.sinceMs, nowMs),
    ...(status.cause !== undefined && { cause: sayCause(status.cause).slice(0, 60) }),
    ...(beat && { beatAgeMs: age(beat.atMs, nowMs) }),
    periodMs: agent.timing.periodMs,
    graceMs: agent.timing.graceMs,
    ...(beat?.doing !== undefined && { doing: beat.doing.slice(0, 200) }),
    ...(beat?.busy !== undefined && { busy: beat.busy }),
    ...(beat?.model !== undefined && { model: beat.model.slice(0, 100) }),
    place: sayPlace(agent.body).slice(0, 120),
    policy: agent.policy,
    ...(incident && {
      incident: {
        number: incident.number,
        cause: sayCause(incident.cause).slice(0, 60),
        openedAt: incident.openedMs,
        ...(incident.closedMs !== undefined && { durationMs: age(incident.openedMs, incident.closedMs) }),
        ...(incident.closedMs === undefined && incident.ack && { acknowledgedBy: incident.ack.by.name.slice(0, 80) }),
      },
    }),
    ...(maintenance && { maintenance: `${maintenance.reason.slice(0, 150)} (for another ${sayDuration(maintenance.toMs - nowMs)})` }),
    ...(record.flapping && { flapping: true }),
  }
}

function hostView(id: string, config: Config, roster: Mirrored['roster'], nowMs: number): HostView | undefined {
  const host = config.hosts.get(id)
  const record = roster.host(id)
  if (!host || !record) return undefined
  return { id, name: host.name.slice(0, 60), state: record.status.state, forMs: age(record.status.sinceMs, nowMs) }
}

export function fleetView(config: Config, mirrored: Mirrored, nowMs: number): { hosts: HostView[]; agents: AgentView[] } {
  return {
    hosts: [...config.hosts.keys()].flatMap((id) => hostView(id, config, mirrored.roster, nowMs) ?? []),
    agents: [...config.agents.values()].flatMap((agent) => agentView(agent, mirrored, nowMs) ?? []),
  }
}

/** Where an agent runs, as a person would say it. */
export function sayPlace(body: Body): string {
  switch (body.kind) {
    case 'pane':
      return `pane ${body.target}`
    case 'process':
      return `process ${basename(body.start[0] ?? '')}`
    case 'command':
      return `command ${basename(body.start[0] ?? '')}`
    case 'service':
      return `service ${body.unit}`
  }
}

function age(sinceMs: number, nowMs: number): number {
  return Math.max(0, Math.round(nowMs - sinceMs))
}
