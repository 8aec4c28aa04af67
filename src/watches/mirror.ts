/** The fleet as the Towers are shown it. Ages, not instants, so that two clocks need not agree. */
import { basename } from 'node:path'
import type { AgentConfig, Config } from '../config/config.ts'
import type { AgentRecord } from '../domain/agent.ts'
import { sayCause } from '../domain/alert.ts'
import { localMs, openZone, sayLocal, type Zone } from '../domain/local-time.ts'
import type { Body } from '../ports/host.ts'
import type { FleetPart } from '../ports/tower.ts'
import type { AgentView, HostView } from '../protocol/messages.ts'
import type { Mutes } from './mutes.ts'
import type { Roster } from './roster.ts'

interface Mirrored {
  roster: Pick<Roster, 'agent' | 'host' | 'lastIncident'>
  mutes: Pick<Mutes, 'of' | 'inMaintenance'>
}

/** How a moment is told. Who is down or paused may send nothing new for hours: what is left of a time would be wrong by then. */
interface Telling {
  zone: Zone
  /** How far the clock on the wall is ahead of the watch's own. */
  aheadMs: number
}

function agentView(
  agent: AgentConfig | undefined,
  { roster, mutes }: Mirrored,
  nowMs: number,
  telling: () => Telling,
): AgentView | undefined {
  const record = agent && roster.agent(agent.id)
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
    ...(status.cause !== undefined && { cause: sayWhy(status.cause, facts, telling) }),
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
    ...(maintenance && {
      maintenance: `${maintenance.reason.slice(0, 110)} (until ${sayMoment(maintenance.toMs, telling())} ${telling().zone.name})`,
    }),
    ...(record.flapping && { flapping: true }),
  }
}

/** A pause that ends by itself says when. */
function sayWhy(cause: string, facts: AgentRecord['facts'], telling: () => Telling): string {
  const pauses = Object.values(facts.paused?.by ?? {})
  const untilMs = pauses[0]?.untilMs
  if (untilMs === undefined || pauses.length > 1) return sayCause(cause).slice(0, 60)
  const until = `, until ${sayMoment(untilMs, telling())}`
  return `${sayCause(cause).slice(0, 60 - until.length)}${until}`
}

/** "2026-11-23 09:30", in the fleet's time zone. */
function sayMoment(atMs: number, { zone, aheadMs }: Telling): string {
  return sayLocal(localMs(zone, atMs + aheadMs)).replace('T', ' ')
}

function hostView(id: string, config: Config, roster: Mirrored['roster'], nowMs: number): HostView | undefined {
  const host = config.hosts.get(id)
  const record = roster.host(id)
  if (!host || !record) return undefined
  return { id, name: host.name.slice(0, 60), state: record.status.state, forMs: age(record.status.sinceMs, nowMs) }
}

/** `wallMs`: what the clock on the wall shows at `nowMs` of the watch's own. */
export function fleetView(
  config: Config,
  mirrored: Mirrored,
  nowMs: number,
  wallMs: number,
  only?: FleetPart,
): { hosts: HostView[]; agents: AgentView[] } {
  let told: Telling | undefined
  // A zone costs a millisecond to open: only where somebody is in maintenance or paused for a time.
  const telling = () => {
    told ??= { zone: openZone(config.timeZone), aheadMs: wallMs - nowMs }
    return told
  }
  return {
    hosts: [...(only?.hosts ?? config.hosts.keys())].flatMap((id) => hostView(id, config, mirrored.roster, nowMs) ?? []),
    agents: [...(only?.agents ?? config.agents.keys())].flatMap((id) => agentView(config.agents.get(id), mirrored, nowMs, telling) ?? []),
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
    case 'launchd':
      return `job ${body.label}`
    case 'hermes':
      return `Hermes in ${body.home}`
  }
}

function age(sinceMs: number, nowMs: number): number {
  return Math.max(0, Math.round(nowMs - sinceMs))
}
