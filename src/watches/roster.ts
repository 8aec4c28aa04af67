/**
 * Everybody under watch, as last known. Observations come in, the pure domain decides, and the decision goes into the
 * ledger before anybody is told of it: the notifier writes an alert behind the decision it follows from.
 *
 * Silence is only judged as of the last answer of the agent's host: while a host doesn't answer, whether its agents still
 * beat can't be known, and when it is found lost that is one problem, not one per agent. Agents that post their beats are
 * heard whatever their host says.
 */
import type { AgentConfig, Config } from '../config/config.ts'
import { type AgentEffect, type AgentEvent, type AgentRecord, type Beat, decide, dueMs, newAgent } from '../domain/agent.ts'
import { decideHost, type HostEffect, type HostEvent, type HostRecord, hostDueMs, newHost } from '../domain/host.ts'
import { type Incident, type Subject, subjectKey } from '../domain/incident.ts'
import type { Clock } from '../ports/clock.ts'
import { type Ledger, LedgerError, type LedgerFact, type Remembered } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import type { Journal } from './journal.ts'

export type RosterEvent =
  /** Something a person can see of them is new. */
  | { kind: 'changed'; agents: string[]; hosts: string[] }
  | { kind: 'beat'; agent: string; beat: Beat }
  /** An agent is down and something about that is new: it became so, its process was found gone, or its declaration changed. */
  | { kind: 'down'; agent: string }
  | { kind: 'incident'; incident: Incident; change: 'opened' | 'closed' | 'amended' }
  /** One change of state, as it went to the ledger. */
  | { kind: 'transition'; subject: Subject; transition: { from: string; to: string; atMs: number; noticedMs: number; cause?: string } }

export interface Roster {
  agent(id: string): AgentRecord | undefined
  host(id: string): HostRecord | undefined
  /** The newest incident of an agent or a host. */
  lastIncident(subject: Subject): Incident | undefined
  incident(number: number): Incident | undefined
  /** The open ones, and closed ones about which somebody may still have to be told; by number. */
  incidents(): Incident[]
  /** Puts changed incidents into memory and, together with `facts`, into the ledger; resolves once that is durable. */
  amend(incidents: readonly Incident[], facts?: readonly LedgerFact[]): Promise<void>
  observe(agent: string, event: AgentEvent): void
  /** A lost host takes its agents out of sight with it: one problem, one recovery. */
  observeHost(host: string, event: HostEvent): void
  /** Time has passed: judges whoever his host's answers left out, finds hosts lost that say nothing at all. */
  tick(): void
  /** When time alone changes something next, as far as that is known. */
  dueMs(): number
  /** The watch itself wasn't looking since then. */
  blind(sinceMs: number): void
  /**
   * The last beats that the ledger was not given yet. An agent's record is only written when something about it changes: without
   * these, the next life of the watch could not tell who lived through the time between.
   */
  freshBeats(): LedgerFact[]
  /** Takes over another declaration of the fleet; what is known of agents that stay is kept. */
  declare(config: Config): void
  on(listener: (event: RosterEvent) => void): () => void
}

export interface RosterPorts {
  ledger: Ledger
  journal: Journal
  clock: Clock
  log: Log
}

/**
 * The deadman's bound: a host that has neither answered nor been found lost for so long is lost, whatever keeps its watch
 * from saying so. Well above the time limits of the gate's verbs.
 */
const speechlessMs = 60_000

/** Throws LedgerError where the ledger can't be read. */
export function openRoster(config: Config, ports: RosterPorts): Roster {
  const { ledger, journal, clock, log } = ports
  const agents = new Map<string, AgentRecord>()
  const hosts = new Map<string, HostRecord>()
  /** Those that are open, or of which somebody may still have to be told; by number. */
  const live = new Map<number, Incident>()
  const newest = new Map<string, Incident>()
  const answeredMs = new Map<string, number>()
  /** When time alone changes something of an agent next. */
  const due = new Map<string, number>()
  /** The last beats that the ledger was given. */
  const keptBeats = new Map<string, Beat>()
  const listeners = new Set<(event: RosterEvent) => void>()
  let declared = config

  const emit = (event: RosterEvent) => {
    for (const listener of listeners) listener(event)
  }
  const isPosted = (agent: AgentConfig) => agent.heartbeat.kind === 'push'

  function keep(incident: Incident): void {
    newest.set(subjectKey(incident.subject), incident)
    if (isLive(incident)) live.set(incident.number, incident)
    else live.delete(incident.number)
  }

  const openIncident = (subject: Subject): Incident | undefined => {
    const incident = newest.get(subjectKey(subject))
    return incident && incident.closedMs === undefined ? incident : undefined
  }

  /** Writes one decision as a whole, then says what is new. */
  function settle(subject: Subject, fact: LedgerFact, effects: readonly (AgentEffect | HostEffect)[], nowMs: number): void {
    const facts: LedgerFact[] = [fact]
    const events: RosterEvent[] = []
    const amended = (incident: Incident, change: 'opened' | 'closed' | 'amended') => {
      keep(incident)
      facts.push({ kind: 'incident', incident })
      events.push({ kind: 'incident', incident, change })
    }
    for (const effect of effects) {
      switch (effect.kind) {
        case 'transition': {
          const { kind: _, ...transition } = effect
          facts.push({ kind: 'transition', subject, transition })
          events.push({ kind: 'transition', subject, transition })
          const open = openIncident(subject)
          if (open?.ack?.kind === 'normal') {
            const { ack: _ack, ...rest } = open
            amended(rest, 'amended')
          }
          break
        }
        case 'problem': {
          const { cause, atMs } = effect
          const detail = 'detail' in effect && effect.detail !== undefined ? { detail: effect.detail } : {}
          amended({ number: ledger.nextNumber('incident'), subject, cause, ...detail, openedMs: atMs, noticedMs: nowMs }, 'opened')
          break
        }
        case 'turned-out': {
          const open = openIncident(subject)
          if (!open) break
          // Nobody has heard of it as what it is.
          const { told: _told, remindedMs: _reminded, ack: _ack, ...rest } = open
          amended({ ...rest, cause: effect.cause }, 'amended')
          break
        }
        case 'recovery': {
          const open = openIncident(subject)
          if (open) amended({ ...open, closedMs: Math.max(effect.atMs, open.openedMs), endNoticedMs: nowMs }, 'closed')
          break
        }
        case 'flapping': {
          const open = openIncident(subject)
          if (open) amended({ ...open, flapping: true }, 'amended')
          break
        }
        case 'proof':
          facts.push({ kind: 'proof', agent: subject.id, fromMs: effect.fromMs, toMs: effect.toMs })
          break
      }
    }
    void journal.write(facts)
    for (const event of events) emit(event)
  }

  function observe(id: string, event: AgentEvent, nowMs = clock.now()): void {
    const agentConfig = declared.agents.get(id)
    const before = agents.get(id)
    if (!agentConfig || !before) return
    if (event.kind === 'sighted') answeredMs.set(agentConfig.host, nowMs)
    const { agent, effects } = decide(before, event, nowMs, agentConfig.timing)
    agents.set(id, agent)
    due.set(id, dueMs(agent, agentConfig.timing))
    const isPauseNew = agent.facts.paused !== before.facts.paused
    if (effects.length > 0 || isPauseNew) settle({ kind: 'agent', id }, { kind: 'agent', id, record: agent }, effects, nowMs)
    const beat = event.kind === 'sighted' || event.kind === 'beat' ? event.beat : undefined
    if (beat) emit({ kind: 'beat', agent: id, beat })
    const isStatusNew = agent.status.state !== before.status.state || agent.status.cause !== before.status.cause
    if (isStatusNew || effects.length > 0 || beat) emit({ kind: 'changed', agents: [id], hosts: [] })
    if (isStatusNew && agent.status.state === 'down') emit({ kind: 'down', agent: id })
  }

  function observeHost(id: string, event: HostEvent): void {
    const before = hosts.get(id)
    if (!before) return
    const nowMs = clock.now()
    if (event.kind === 'answered') answeredMs.set(id, nowMs)
    const { host, effects } = decideHost(before, event, nowMs, declared.flapping)
    hosts.set(id, host)
    if (effects.length > 0) {
      settle({ kind: 'host', id }, { kind: 'host', id, record: host }, effects, nowMs)
      emit({ kind: 'changed', agents: [], hosts: [id] })
    }
    if (event.kind === 'lost') for (const agent of agentsOf(id)) observe(agent.id, { kind: 'host-lost', sinceMs: event.sinceMs })
    // Nobody will look at those: that their host is back is all there is to say of them until they post.
    if (event.kind === 'answered' && before.status.state !== 'up')
      for (const agent of agentsOf(id)) if (isPosted(agent)) observe(agent.id, { kind: 'host-back' })
  }

  const agentsOf = (host: string) => [...declared.agents.values()].filter((agent) => agent.host === host)

  /** Begins with what the ledger remembers; the time since the watch last looked is unknown, neither up nor down. */
  function recall(): void {
    const remembered = ledger.remembered()
    for (const incident of ledger.incidents({ limit: 10_000 }).reverse()) keep(incident)
    admit(remembered)
    // A watch that was killed before its first sweep has left no such mark: then since whatever it last recorded.
    const lookedMs = ledger.looking()?.atMs ?? 0
    for (const [id, agent] of remembered.agents) if (!declared.agents.has(id)) dismiss(id, agent, lookedMs)
    blind(lookedMs)
    for (const agent of declared.agents.values()) observePause(agent)
  }

  /** Newcomers, as the ledger remembers them or quite new. */
  function admit(known: Remembered): void {
    const nowMs = clock.now()
    for (const id of declared.agents.keys()) {
      if (agents.has(id)) continue
      agents.set(id, known.agents.get(id) ?? newAgent(nowMs))
      due.set(id, 0)
      const beat = known.beats.get(id)
      if (beat && beat.atMs > (agents.get(id)?.facts.lastBeat?.atMs ?? 0)) recallBeat(id, beat)
      const lastBeat = agents.get(id)?.facts.lastBeat
      if (lastBeat) keptBeats.set(id, lastBeat)
    }
    for (const id of declared.hosts.keys()) if (!hosts.has(id)) hosts.set(id, known.hosts.get(id) ?? newHost(nowMs))
    for (const [id, agent] of [...agents]) {
      if (declared.agents.has(id)) continue
      dismiss(id, agent, nowMs)
      agents.delete(id)
      due.delete(id)
    }
    for (const id of [...hosts.keys()]) {
      if (declared.hosts.has(id)) continue
      endIncident({ kind: 'host', id }, nowMs)
      hosts.delete(id)
    }
  }

  /** Of the beats since its record was written only the last one is known: that those between showed no progress is not to be said. */
  function recallBeat(id: string, beat: Beat): void {
    const record = agents.get(id)
    if (record?.facts.progress)
      agents.set(id, { ...record, facts: { ...record.facts, progress: { ...record.facts.progress, atMs: beat.atMs } } })
    observe(id, { kind: 'beat', beat }, beat.atMs)
  }

  /** Who is no longer declared is no longer looked at: should he ever come back, the time between is unknown. */
  function dismiss(id: string, record: AgentRecord, sinceMs: number): void {
    const nowMs = clock.now()
    const { agent, effects } = decide(record, { kind: 'blind', sinceMs }, nowMs, { periodMs: 0, graceMs: 0 })
    const { problem: _, ...rest } = agent
    if (effects.length > 0 || agent.problem) settle({ kind: 'agent', id }, { kind: 'agent', id, record: rest }, effects, nowMs)
    endIncident({ kind: 'agent', id }, nowMs)
  }

  /** The problem of somebody who isn't watched any more has an end, too. */
  function endIncident(subject: Subject, nowMs: number): void {
    const open = openIncident(subject)
    if (!open) return
    const incident: Incident = { ...open, closedMs: nowMs, endNoticedMs: nowMs, dismissed: true }
    keep(incident)
    void journal.write([{ kind: 'incident', incident }])
    emit({ kind: 'incident', incident, change: 'closed' })
  }

  function rememberedNow(): Remembered {
    try {
      return ledger.remembered()
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
      log.error({ err: error.message }, 'the ledger could not be read: newcomers begin as new')
      return { agents: new Map(), hosts: new Map(), beats: new Map() }
    }
  }

  function observePause(agent: AgentConfig): void {
    if (agent.paused !== undefined) observe(agent.id, { kind: 'paused', by: 'config', reason: agent.paused })
    else if (agents.get(agent.id)?.facts.paused?.by.config) observe(agent.id, { kind: 'resumed', by: 'config' })
  }

  function blind(sinceMs: number): void {
    // Who was never seen by the watch can't have been lost from its sight.
    for (const [id, host] of hosts) if (host.status.state !== 'new') observeHost(id, { kind: 'blind', sinceMs })
    for (const [id, agent] of agents) {
      if (!agent.facts.lastBeat) continue
      observe(id, { kind: 'blind', sinceMs })
      const config = declared.agents.get(id)
      // Nobody goes and looks at those: the watch sees them as soon as it is there.
      if (config && isPosted(config)) observe(id, { kind: 'looking' })
    }
  }

  /** Finds a host lost that has said nothing for much longer than any request to it may take. */
  function tickHost(id: string, nowMs: number): void {
    const lastMs = answeredMs.get(id)
    const host = hosts.get(id)
    if (host && hostDueMs(host, declared.flapping) <= nowMs) observeHost(id, { kind: 'tick' })
    if (host?.status.state !== 'up' || lastMs === undefined) return
    if (nowMs - lastMs > declared.pollMs + speechlessMs) observeHost(id, { kind: 'lost', sinceMs: lastMs, cause: 'timeout' })
  }

  function tickAgent(id: string, dueMs: number, nowMs: number): void {
    if (dueMs > nowMs) return
    const agent = declared.agents.get(id)
    if (!agent) return
    const judgedMs = isPosted(agent) ? nowMs : answeredMs.get(agent.host)
    if (judgedMs !== undefined && judgedMs >= dueMs) observe(id, { kind: 'tick' }, judgedMs)
  }

  recall()

  return {
    agent: (id) => agents.get(id),
    host: (id) => hosts.get(id),
    lastIncident: (subject) => newest.get(subjectKey(subject)),
    incident: (number) => live.get(number) ?? [...newest.values()].find((incident) => incident.number === number),
    incidents: () => [...live.values()].sort((a, b) => a.number - b.number),
    amend: async (incidents, facts = []) => {
      for (const incident of incidents) {
        if (live.has(incident.number)) live.set(incident.number, incident)
        if (!isLive(incident)) live.delete(incident.number)
        if (newest.get(subjectKey(incident.subject))?.number === incident.number) newest.set(subjectKey(incident.subject), incident)
      }
      const written = journal.write([...facts, ...incidents.map((incident) => ({ kind: 'incident' as const, incident }))])
      for (const incident of incidents) emit({ kind: 'incident', incident, change: 'amended' })
      await written
    },
    observe: (agent, event) => observe(agent, event),
    observeHost,
    blind,
    freshBeats: () => {
      const facts: LedgerFact[] = []
      for (const [id, { facts: known }] of agents) {
        const beat = known.lastBeat
        if (!beat || keptBeats.get(id) === beat) continue
        keptBeats.set(id, beat)
        facts.push({ kind: 'beat', agent: id, beat })
      }
      return facts
    },
    tick: () => {
      const nowMs = clock.now()
      for (const id of hosts.keys()) tickHost(id, nowMs)
      for (const [id, dueMs] of due) tickAgent(id, dueMs, nowMs)
    },
    dueMs: () => {
      let earliest = Number.POSITIVE_INFINITY
      for (const ms of due.values()) if (ms < earliest) earliest = ms
      for (const host of hosts.values()) earliest = Math.min(earliest, hostDueMs(host, declared.flapping))
      return earliest
    },
    declare: (next) => {
      const remembered = rememberedNow()
      declared = next
      admit(remembered)
      for (const agent of declared.agents.values()) observePause(agent)
      emit({ kind: 'changed', agents: [...agents.keys()], hosts: [...hosts.keys()] })
      for (const [id, agent] of agents) if (agent.status.state === 'down') emit({ kind: 'down', agent: id })
    },
    on: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** Somebody may still have to be told of it. */
function isLive(incident: Incident): boolean {
  if (incident.closedMs === undefined) return true
  return incident.told ? incident.recoveryTold === undefined : incident.dropped !== true
}
