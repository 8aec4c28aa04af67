/**
 * Everybody under watch, as last known. Observations come in, the pure domain decides, the ledger writes the decision
 * down, and only then is it told: to whoever listens here, and through the outbox to the Towers.
 *
 * While the ledger can't be written, decisions wait here in their order and are tried again at each tick; their alerts
 * are told from memory meanwhile. Nothing is changed on any host in that time, because the audit can't be written either.
 *
 * Silence is only judged as of the last answer of the agent's host: while a host doesn't answer, whether its agents still
 * beat can't be known, and when it is found lost that is one problem, not one per agent.
 */
import type { AgentConfig, Config } from '../config/config.ts'
import { type AgentEffect, type AgentEvent, type AgentRecord, type Beat, decide, newAgent } from '../domain/agent.ts'
import { agentDownSentence, agentUpSentence, hostBackSentence, hostLostSentence } from '../domain/alert.ts'
import { decideHost, type HostEffect, type HostEvent, type HostRecord, newHost } from '../domain/host.ts'
import type { Clock } from '../ports/clock.ts'
import { type AlertRecord, type Decision, type Incident, type Ledger, LedgerError, type Subject, type Transition } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'

export type RosterEvent =
  /** Something a person can see of them is new. */
  | { kind: 'changed'; agents: string[]; hosts: string[] }
  | { kind: 'beat'; agent: string; beat: Beat }
  /** An agent is down and something about that is new: it became so, its process was found gone, or its declaration changed. */
  | { kind: 'down'; agent: string }
  | { kind: 'alert'; alert: AlertRecord }

export interface Roster {
  agent(id: string): AgentRecord | undefined
  host(id: string): HostRecord | undefined
  /** The newest incident of an agent or a host. */
  lastIncident(subject: Subject): Incident | undefined
  observe(agent: string, event: AgentEvent): void
  /** A lost host takes its agents out of sight with it: one problem, one recovery. */
  observeHost(host: string, event: HostEvent): void
  /** Time has passed: writes what waits, judges whoever his host's answers left out, finds hosts lost that say nothing at all. */
  tick(): void
  /** The watch itself wasn't looking since then. */
  blind(sinceMs: number): void
  /** Alerts of decisions that the ledger could not take yet. */
  unwritten(): AlertRecord[]
  /** An alert was told by this Tower before the ledger had it. */
  toldFromMemory(tower: string, alertId: string): boolean
  /** Takes over another declaration of the fleet; what is known of agents that stay is kept. */
  declare(config: Config): void
  on(listener: (event: RosterEvent) => void): () => void
}

export interface RosterPorts {
  ledger: Ledger
  clock: Clock
  log: Log
  /** A fresh id for an alert. */
  newId: () => string
}

/**
 * The deadman's bound: a host that has neither answered nor been found lost for so long is lost, whatever keeps its watch
 * from saying so. Well above the time limits of the gate's verbs.
 */
const speechlessMs = 60_000

/** Throws LedgerError where the ledger can't be read. */
export function openRoster(config: Config, ports: RosterPorts): Roster {
  const { ledger, clock, log } = ports
  const agents = new Map<string, AgentRecord>()
  const hosts = new Map<string, HostRecord>()
  const incidents = new Map<string, Incident>()
  const answeredMs = new Map<string, number>()
  const listeners = new Set<(event: RosterEvent) => void>()
  const waiting: { decision: Decision; toldBy: Set<string> }[] = []
  let declared = config

  const emit = (event: RosterEvent) => {
    for (const listener of listeners) listener(event)
  }
  const key = (subject: Subject) => `${subject.kind}:${subject.id}`

  /** Puts a decision into the ledger, behind those that are waiting already. */
  function write(decision: Decision): void {
    if (waiting.length > 0) {
      waiting.push({ decision, toldBy: new Set() })
      return
    }
    try {
      settle(decision, ledger.record(decision).incident)
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
      log.error({ err: error.message }, 'the ledger could not be written: watching and telling go on from memory, nothing is changed')
      waiting.push({ decision, toldBy: new Set() })
    }
  }

  function settle(decision: Decision, number: number | undefined): void {
    const { subject, incident } = decision
    if (!incident || number === undefined) return
    if (incident.kind === 'open') {
      incidents.set(key(subject), { number, subject, cause: incident.cause, openedMs: incident.atMs })
    } else {
      const open = incidents.get(key(subject))
      if (open?.number === number) incidents.set(key(subject), { ...open, closedMs: incident.atMs })
    }
  }

  function writeWaiting(): void {
    while (waiting[0]) {
      const { decision, toldBy } = waiting[0]
      try {
        settle(decision, ledger.record(decision).incident)
      } catch (error) {
        if (!(error instanceof LedgerError)) throw error
        return
      }
      // It is in the ledger now: whatever else goes wrong, it must not be written there again.
      waiting.shift()
      for (const tower of toldBy) if (decision.alert) acknowledge(tower, decision.alert)
      if (waiting.length === 0) log.info({}, 'the ledger can be written again: nothing was lost')
    }
  }

  function acknowledge(tower: string, alert: AlertRecord): void {
    try {
      ledger.acknowledge(tower, alert.id, clock.now())
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
      // The outbox offers it again then, and the Tower knows its id.
      log.warn({ alert: alert.id, err: error.message }, 'that an alert was told could not be noted')
    }
  }

  function observe(id: string, event: AgentEvent, nowMs = clock.now()): void {
    const agentConfig = declared.agents.get(id)
    const before = agents.get(id)
    if (!agentConfig || !before) return
    if (event.kind === 'sighted') answeredMs.set(agentConfig.host, nowMs)
    const { agent, effects } = decide(before, event, nowMs, agentConfig.timing)
    agents.set(id, agent)
    if (effects.length > 0) {
      const alert = agentAlert(agentConfig, effects, nowMs, ports.newId)
      const decision = toDecision({ kind: 'agent', id }, agent, effects, alert)
      write(decision)
      if (alert) emit({ kind: 'alert', alert })
    }
    if (event.kind === 'sighted' && event.beat) emit({ kind: 'beat', agent: id, beat: event.beat })
    const isStatusNew = agent.status.state !== before.status.state || agent.status.cause !== before.status.cause
    if (isStatusNew || effects.length > 0 || (event.kind === 'sighted' && event.beat)) emit({ kind: 'changed', agents: [id], hosts: [] })
    if (isStatusNew && agent.status.state === 'down') emit({ kind: 'down', agent: id })
  }

  function observeHost(id: string, event: HostEvent): void {
    const before = hosts.get(id)
    if (!before) return
    const nowMs = clock.now()
    if (event.kind === 'answered') answeredMs.set(id, nowMs)
    const { host, effects } = decideHost(before, event, nowMs)
    hosts.set(id, host)
    const mine = agentsOf(id)
    if (effects.length > 0) {
      const alert = hostAlert(id, mine, effects, nowMs, ports.newId)
      write(toDecision({ kind: 'host', id }, host, effects, alert))
      if (alert) emit({ kind: 'alert', alert })
      emit({ kind: 'changed', agents: [], hosts: [id] })
    }
    if (event.kind === 'lost') for (const agent of mine) observe(agent, { kind: 'host-lost', sinceMs: event.sinceMs })
  }

  const agentsOf = (host: string) => [...declared.agents.values()].filter((agent) => agent.host === host).map((agent) => agent.id)

  /** Begins with what the ledger remembers; the time since the watch last looked is unknown, neither up nor down. */
  function recall(): void {
    const remembered = ledger.remembered()
    for (const incident of ledger.incidents({ limit: 10_000 }).reverse()) incidents.set(key(incident.subject), incident)
    admit(remembered.agents, remembered.hosts)
    // A watch that was killed before its first sweep has left no such mark: then since whatever it last recorded.
    const aliveMs = remembered.aliveMs ?? 0
    for (const [id, agent] of remembered.agents) if (!declared.agents.has(id)) dismiss(id, agent, aliveMs)
    blind(aliveMs)
    for (const agent of declared.agents.values()) observePause(agent)
  }

  /** Newcomers, as the ledger remembers them or quite new. */
  function admit(knownAgents: ReadonlyMap<string, AgentRecord>, knownHosts: ReadonlyMap<string, HostRecord>): void {
    const nowMs = clock.now()
    for (const id of declared.agents.keys()) if (!agents.has(id)) agents.set(id, knownAgents.get(id) ?? newAgent(nowMs))
    for (const id of declared.hosts.keys()) if (!hosts.has(id)) hosts.set(id, knownHosts.get(id) ?? newHost(nowMs))
    for (const [id, agent] of [...agents]) {
      if (declared.agents.has(id)) continue
      dismiss(id, agent, nowMs)
      agents.delete(id)
    }
    for (const id of [...hosts.keys()]) if (!declared.hosts.has(id)) hosts.delete(id)
  }

  /** Who is no longer declared is no longer looked at: should he ever come back, the time between is unknown. */
  function dismiss(id: string, record: AgentRecord, sinceMs: number): void {
    const { agent, effects } = decide(record, { kind: 'blind', sinceMs }, clock.now(), { periodMs: 0, graceMs: 0 })
    if (effects.length > 0) write(toDecision({ kind: 'agent', id }, agent, effects, undefined))
  }

  function rememberedNow(): Pick<ReturnType<Ledger['remembered']>, 'agents' | 'hosts'> {
    try {
      return ledger.remembered()
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
      log.error({ err: error.message }, 'the ledger could not be read: newcomers begin as new')
      return { agents: new Map(), hosts: new Map() }
    }
  }

  function observePause(agent: AgentConfig): void {
    if (agent.paused !== undefined) observe(agent.id, { kind: 'paused', reason: agent.paused })
    else if (agents.get(agent.id)?.facts.paused) observe(agent.id, { kind: 'resumed' })
  }

  function blind(sinceMs: number): void {
    // Who was never seen by the watch can't have been lost from its sight.
    for (const [id, host] of hosts) if (host.status.state !== 'new') observeHost(id, { kind: 'blind', sinceMs })
    for (const [id, agent] of agents) if (agent.facts.lastBeat) observe(id, { kind: 'blind', sinceMs })
  }

  /** Finds a host lost that has said nothing for much longer than any request to it may take. */
  function tickHost(id: string, nowMs: number): void {
    const lastMs = answeredMs.get(id)
    if (hosts.get(id)?.status.state !== 'up' || lastMs === undefined) return
    if (nowMs - lastMs > declared.pollMs + speechlessMs) observeHost(id, { kind: 'lost', sinceMs: lastMs, cause: 'timeout' })
  }

  function tickAgent(id: string): void {
    const lastMs = answeredMs.get(declared.agents.get(id)?.host ?? '')
    if (lastMs !== undefined) observe(id, { kind: 'tick' }, lastMs)
  }

  recall()

  return {
    agent: (id) => agents.get(id),
    host: (id) => hosts.get(id),
    lastIncident: (subject) => incidents.get(key(subject)),
    observe: (agent, event) => observe(agent, event),
    observeHost,
    blind,
    tick: () => {
      writeWaiting()
      const nowMs = clock.now()
      for (const id of hosts.keys()) tickHost(id, nowMs)
      for (const id of agents.keys()) tickAgent(id)
    },
    unwritten: () => waiting.flatMap(({ decision }) => (decision.alert ? [decision.alert] : [])),
    toldFromMemory: (tower, alertId) => {
      const entry = waiting.find(({ decision }) => decision.alert?.id === alertId)
      entry?.toldBy.add(tower)
      return entry !== undefined
    },
    declare: (next) => {
      const remembered = rememberedNow()
      declared = next
      admit(remembered.agents, remembered.hosts)
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

function toDecision(
  subject: Subject,
  record: AgentRecord | HostRecord,
  effects: readonly (AgentEffect | HostEffect)[],
  alert: AlertRecord | undefined,
): Decision {
  const transitions: Transition[] = []
  let incident: Decision['incident']
  for (const effect of effects) {
    if (effect.kind === 'transition') {
      const { kind: _, ...transition } = effect
      transitions.push(transition)
    } else if (effect.kind === 'problem') incident = { kind: 'open', cause: effect.cause, atMs: effect.atMs }
    else incident = { kind: 'close', atMs: effect.atMs }
  }
  return { subject, record, transitions, ...(incident && { incident }), ...(alert && { alert }) }
}

function agentAlert(agent: AgentConfig, effects: readonly AgentEffect[], nowMs: number, newId: () => string): AlertRecord | undefined {
  for (const effect of effects) {
    if (effect.kind === 'transition') continue
    const text =
      effect.kind === 'problem'
        ? agentDownSentence({
            id: agent.id,
            cause: effect.cause,
            beatAgeMs: effect.lastBeatMs === undefined ? undefined : nowMs - effect.lastBeatMs,
            policy: agent.policy,
          })
        : agentUpSentence(agent.id, effect.downMs)
    return { id: newId(), kind: effect.kind, subject: 'agent', subjectId: agent.id, host: agent.host, at: effect.atMs, text }
  }
  return undefined
}

function hostAlert(
  id: string,
  agents: string[],
  effects: readonly HostEffect[],
  nowMs: number,
  newId: () => string,
): AlertRecord | undefined {
  for (const effect of effects) {
    if (effect.kind === 'transition') continue
    const text = effect.kind === 'problem' ? hostLostSentence(id, effect.cause, agents) : hostBackSentence(id, effect.downMs)
    return { id: newId(), kind: effect.kind, subject: 'host', subjectId: id, host: id, at: nowMs, text }
  }
  return undefined
}
