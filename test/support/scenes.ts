/** Fleets to be shown: made up, the same at each run, and with 30 days behind them. */
import type { HistoryPart } from '../../src/ports/tower.ts'
import type { AgentView, HostView } from '../../src/protocol/messages.ts'

/** What a Tower is told. Without `history` none has come yet. */
export interface Scene {
  hosts: HostView[]
  agents: AgentView[]
  history?: HistoryPart[]
}

const day = 86_400_000
const hour = 3_600_000
const minute = 60_000
const days = 31
const agentsPerPart = 200
const target = 0.95

/** Numbers from 0 to 1 that look like chance (xorshift). */
function chances(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

const hostView = (id: string, name: string, state: HostView['state'] = 'up', forMs = 3 * day): HostView => ({ id, name, state, forMs })

function agentView(id: string, name: string, host: string, more: Partial<AgentView> = {}): AgentView {
  return {
    id,
    name,
    host,
    state: 'up',
    forMs: 2 * day,
    beatAgeMs: 20_000,
    periodMs: minute,
    graceMs: 2 * minute,
    place: `pane fleet:${id}`,
    policy: 'auto',
    ...more,
  }
}

const demoHosts = (): HostView[] => [
  hostView('local', 'This machine'),
  hostView('bezalel', 'VPS Bezalel'),
  hostView('ezra', 'VPS Ezra'),
  hostView('gpu', 'GPU pod'),
]

const demoAgents = (): AgentView[] => [
  agentView('allegro', 'Allegro', 'ezra', { busy: true, doing: 'writing the score of the evening' }),
  agentView('bezalel', 'Bezalel', 'bezalel', { busy: true, doing: 'forging a pull request' }),
  agentView('claw', 'Code Claw', 'local', { busy: true, doing: 'reading 14 issues' }),
  agentView('ezra', 'Ezra', 'ezra', { busy: false }),
  agentView('gemini', 'Gemini', 'gpu', { busy: true, doing: 'training, epoch 12 of 40', policy: 'ask' }),
  agentView('timmy', 'Timmy', 'local', { busy: false, doing: 'waiting for somebody to talk to' }),
]

/** Six agents on four hosts, all of them well, ready for the next phase. */
export function goodScene(wallMs: number): Scene {
  const [hosts, agents] = [demoHosts(), demoAgents()]
  const incidents = [
    incident(9, 'agent', 'bezalel', 'its pane is dead', wallMs - 6 * day, 4 * minute, 'keeper'),
    incident(8, 'agent', 'gemini', 'no heartbeat', wallMs - 19 * day, 2 * hour),
  ]
  const history = historyOf(agents, wallMs, { downADay: () => 0.004, busy: 0.68, seed: 7, incidents, ready: true })
  return { hosts, agents, history }
}

/** The same with a lost host, deaths, a pause, maintenance, names and causes that want to be markup, and its budget overspent. */
export function troubledScene(wallMs: number): Scene {
  const hosts = demoHosts().map((host) => (host.id === 'gpu' ? hostView('gpu', host.name, 'unreachable', 25 * minute) : host))
  const open = (number: number, cause: string, acknowledgedBy?: string) => ({
    incident: { number, cause, openedAt: wallMs - 40 * minute, ...(acknowledgedBy && { acknowledgedBy }) },
  })
  const agents: AgentView[] = demoAgents().map((agent) => {
    if (agent.id === 'bezalel')
      return {
        ...agent,
        state: 'down',
        cause: 'its pane is dead',
        forMs: 42 * minute,
        beatAgeMs: 44 * minute,
        ...open(61, 'its pane is dead', 'keeper'),
      }
    if (agent.id === 'gemini')
      return { ...agent, state: 'unreachable', cause: 'its host is unreachable', forMs: 25 * minute, beatAgeMs: 26 * minute }
    if (agent.id === 'allegro') return { ...agent, state: 'late', forMs: 70_000, beatAgeMs: 130_000 }
    if (agent.id === 'ezra') return { ...agent, state: 'paused', cause: 'learning a new model, until 2026-11-24 08:00', forMs: 5 * hour }
    if (agent.id === 'timmy') return { ...agent, maintenance: 'a new disk (until 2026-11-23 14:00 Europe/Berlin)', flapping: true }
    return agent
  })
  agents.push(
    agentView('hostile', 'Z <b onclick="x()">|rBob|n', 'local', {
      state: 'down',
      cause: '</td><script>alert(1)</script> |lcquit|lt',
      doing: `${'W'.repeat(90)} \u202ethgir ot tfel https://192.0.2.1/`,
      forMs: 9 * hour,
      beatAgeMs: 9 * hour,
      ...open(58, '<img src=x>'),
    }),
    agentView('newcomer', 'Newcomer', 'bezalel', { state: 'new', forMs: 3 * minute }),
  )
  delete agents.at(-1)?.beatAgeMs
  const causes = ['its pane is dead', 'no heartbeat', 'it beats but makes no progress', 'it says that it fails']
  const chance = chances(11)
  const past = Array.from({ length: 48 }, (_, index) => {
    const who = agents[Math.floor(chance() * chance() * agents.length)] ?? agents[0]
    return incident(
      57 - index,
      'agent',
      who?.id ?? 'bezalel',
      causes[Math.floor(chance() * causes.length)] ?? '',
      wallMs - (index + 0.4 + chance() / 2) * 0.6 * day,
      (2 + chance() * 300) * minute,
      chance() < 0.3 ? 'keeper' : undefined,
    )
  })
  const incidents = [
    incident(61, 'agent', 'bezalel', 'its pane is dead', wallMs - 42 * minute, undefined, 'keeper'),
    incident(60, 'host', 'gpu', 'no connection', wallMs - 25 * minute, undefined),
    incident(58, 'agent', 'hostile', '<img src=x>', wallMs - 9 * hour, undefined),
    incident(59, 'host', 'gpu', 'no answer', wallMs - 12 * day, 7 * hour),
    ...past,
  ].sort((a, b) => b.number - a.number)
  const downADay = (agent: number, at: number) => (at > 22 && agent % 2 === 1 ? 0.35 : at % 7 === 3 ? 0.12 : 0.02)
  const history = historyOf(agents, wallMs, { downADay, busy: 0.41, seed: 5, incidents, ready: false, unseen: (at) => at < 4 || at === 13 })
  return { hosts, agents, history }
}

/** So many agents on 20 hosts, a few of them down. */
export function largeScene(wallMs: number, count: number): Scene {
  const hosts = Array.from({ length: 20 }, (_, index) => hostView(`host-${index}`, `Host ${index}`))
  const agents = Array.from({ length: count }, (_, index) => {
    const id = `agent-${String(index).padStart(4, '0')}`
    const isDown = index % 83 === 7
    return agentView(id, `Agent ${String(index).padStart(4, '0')}`, `host-${index % 20}`, {
      busy: index % 3 !== 0,
      doing: `working on task ${index * 7919} of the large queue`,
      ...(isDown && { state: 'down' as const, cause: 'no heartbeat', forMs: 12 * minute, beatAgeMs: 16 * minute }),
    })
  })
  const incidents = Array.from({ length: 200 }, (_, index) =>
    incident(
      500 - index,
      'agent',
      agents[(index * 37) % count]?.id ?? 'agent-0000',
      'no heartbeat',
      wallMs - index * 3.5 * hour,
      12 * minute,
    ),
  )
  const history = historyOf(agents, wallMs, {
    downADay: (agent, at) => ((agent + at) % 29 === 0 ? 0.2 : 0.01),
    busy: 0.7,
    seed: 3,
    incidents,
    ready: false,
  })
  return { hosts, agents, history }
}

type PastIncident = HistoryPart['incidents'][number]

function incident(
  number: number,
  kind: 'agent' | 'host',
  id: string,
  cause: string,
  openedAt: number,
  durationMs?: number,
  acknowledgedBy?: string,
): PastIncident {
  return {
    number,
    subject: { kind, id },
    cause,
    openedAt: Math.round(openedAt),
    ...(durationMs !== undefined && { durationMs: Math.round(durationMs) }),
    ...(acknowledgedBy !== undefined && { acknowledgedBy }),
  }
}

interface Past {
  /** The share of a day that an agent was down. */
  downADay: (agent: number, at: number) => number
  busy: number
  seed: number
  incidents: PastIncident[]
  ready: boolean
  /** The watch wasn't looking that day. */
  unseen?: (at: number) => boolean
}

function historyOf(agents: AgentView[], wallMs: number, past: Past): HistoryPart[] {
  const chance = chances(past.seed)
  const all = Array.from({ length: days }, (_, at) => at)
  const isUnseen = past.unseen ?? (() => false)
  const views = agents.map(({ id }, agent) => {
    const downS = all.map((at) => (isUnseen(at) ? 0 : Math.round(86_400 * Math.min(1, past.downADay(agent, at) * 2 * chance()))))
    const upS = all.map((at) => (isUnseen(at) ? 0 : 86_400 - (downS[at] ?? 0)))
    const usedS = downS.slice(1).reduce((sum, seconds) => sum + seconds, 0)
    const budget = { totalS: Math.round((1 - target) * 30 * 86_400), usedS, goneAt: Math.round(wallMs + 5 * day) }
    return { id, upS, downS, unknownS: upS.map((up, at) => 86_400 - up - (downS[at] ?? 0)), excludedS: all.map(() => 0), budget }
  })
  const sumOf = (list: readonly number[][], at: number) => list.reduce((sum, by) => sum + (by[at] ?? 0), 0)
  const up = all.map((at) => {
    const [upS, downS] = [
      sumOf(
        views.map((view) => view.upS),
        at,
      ),
      sumOf(
        views.map((view) => view.downS),
        at,
      ),
    ]
    return upS + downS > 0 ? upS / (upS + downS) : -1
  })
  const seen = up.filter((share) => share >= 0)
  const uptime = (100 * seen.reduce((sum, share) => sum + share, 0)) / seen.length
  const usedS = views.reduce((sum, view) => sum + view.budget.usedS, 0)
  const common = {
    at: wallMs - 2 * minute,
    days: all.map((at) => new Date(wallMs - (days - 1 - at) * day).toISOString().slice(0, 10)),
    target,
    fleet: {
      up,
      busy: all.map((at) => (isUnseen(at) ? -1 : Math.min(1, past.busy * (0.85 + 0.3 * chance())))),
      budget: { totalS: views.reduce((sum, view) => sum + view.budget.totalS, 0), usedS },
      requirements: [
        { name: 'uptime_30d_percent', value: uptime, target: 95, met: uptime >= 95 },
        { name: 'days_at_95_percent', value: past.ready ? 30 : 2, target: 30, met: past.ready },
        { name: 'capacity_utilization_percent', value: past.busy * 100, target: 60, met: past.busy > 0.6 },
      ],
      ready: past.ready,
    },
  }
  const parts = Math.max(1, Math.ceil(views.length / agentsPerPart))
  return Array.from({ length: parts }, (_, index) => ({
    ...common,
    part: index + 1,
    parts,
    agents: views.slice(index * agentsPerPart, (index + 1) * agentsPerPart),
    incidents: index === 0 ? past.incidents : [],
  }))
}
