/**
 * Looks at one host, over and over: opens the gate, asks for the beats of its agents every `pollMs`, and for its health
 * once a minute. A lost connection is tried again at once; only when that fails, too, is the host said to be lost.
 */
import type { AgentConfig, HostConfig } from '../config/config.ts'
import { type HeartbeatContent, readHeartbeat } from '../domain/heartbeat.ts'
import type { Clock } from '../ports/clock.ts'
import { type AgentDeclaration, type AgentSighting, type Host, HostError, type HostHealth, type HostLink } from '../ports/host.ts'
import type { Log } from '../ports/log.ts'
import type { Roster } from './roster.ts'

const probeEveryMs = 60_000
/** A host that comes back is seen again within ten seconds; a refused connection each ten seconds costs next to nothing. */
const reconnect = { firstMs: 1_000, capMs: 10_000 } as const
/** A refused key or a changed host key does not mend itself within seconds, and hosts lock out who knocks too often. */
const refusedReconnectMs = 30_000

export interface HostWatch {
  /** The open link, for acts; undefined while the host can't be reached. */
  link(): HostLink | undefined
  health(): { atMs: number; health: HostHealth } | undefined
  /** Asks the host for its health now. Rejects with HostError. */
  probe(): Promise<HostHealth>
  /** What is wrong with an agent's heartbeat file, if anything. */
  fault(agent: string): string | undefined
  stop(): Promise<void>
}

export interface HostWatchPorts {
  host: Host
  roster: Roster
  clock: Clock
  log: Log
  /** In [0, 1). */
  random: () => number
  /** An agent that somebody is restarting right now: that its process is gone for a moment is no death. */
  isActedOn: (agent: string) => boolean
}

/** What is remembered of an agent between two looks. */
interface LastLook {
  content: HeartbeatContent
  /** The file's modification time by the host's clock: what makes a beat a new one, also over a reconnection. */
  mtimeMs: number
  /** Negative where no beat could be read yet. */
  beatAtMs: number
  /** `bootId:startTime` of the process, as the host saw it when it was first seen with this beat's pid. */
  processEpoch?: string
  fault?: string
}

export function startHostWatch(
  config: { host: HostConfig; agents: readonly AgentConfig[]; pollMs: number; firstDelayMs: number },
  ports: HostWatchPorts,
): HostWatch {
  const { host, roster, clock, log } = ports
  const stopping = new AbortController()
  const looks = new Map<string, LastLook>()
  const byId = new Map(config.agents.map((agent) => [agent.id, agent]))
  let current: HostLink | undefined
  let health: { atMs: number; health: HostHealth } | undefined
  let lastAnswerMs = clock.now()

  async function watch(): Promise<void> {
    await pause(config.firstDelayMs)
    let failures = 0
    while (!stopping.signal.aborted) {
      const link = host.link()
      try {
        await link.open(config.agents.map(declaration), stopping.signal)
        await look(link)
        failures = 0
        current = link
        roster.observeHost(host.id, { kind: 'answered' })
        log.info({ host: host.id }, 'the host answers')
        await stayConnected(link)
      } catch (error) {
        if (stopping.signal.aborted) break
        const { kind, message } = asHostError(error)
        const wasConnected = current === link
        current = undefined
        if (!wasConnected) {
          failures++
          log.warn({ host: host.id, kind, err: message, failures }, 'the host cannot be reached')
          roster.observeHost(host.id, { kind: 'lost', sinceMs: lastAnswerMs, cause: kind })
        } else log.warn({ host: host.id, kind, err: message }, 'the connection to the host was lost, trying again')
        await link.close()
        await pause(wasConnected ? 0 : waitMs(kind, failures))
      }
    }
    const link = current
    current = undefined
    await link?.close()
  }

  /** Returns never: rejects when the connection is lost. */
  async function stayConnected(link: HostLink): Promise<never> {
    let probeDueMs = clock.now()
    for (;;) {
      if (clock.now() >= probeDueMs) {
        probeDueMs = clock.now() + probeEveryMs
        await probe(link)
      }
      const lost = await Promise.race([pause(config.pollMs).then(() => undefined), link.lost])
      if (lost) throw lost
      if (stopping.signal.aborted) throw new HostError('closed', 'the watch is stopping')
      await look(link)
    }
  }

  async function probe(link: HostLink): Promise<HostHealth> {
    const found = await link.probe()
    health = { atMs: clock.now(), health: found }
    return found
  }

  async function look(link: HostLink): Promise<void> {
    const pids = new Map<string, number>()
    for (const [id, { content }] of looks) if (content.pid !== undefined) pids.set(id, content.pid)
    const sightings = await link.beats(pids)
    lastAnswerMs = clock.now()
    for (const sighting of sightings) {
      const agent = byId.get(sighting.id)
      if (agent) sight(agent, sighting)
    }
  }

  function sight(agent: AgentConfig, sighting: AgentSighting): void {
    const before = looks.get(agent.id)
    const look = afterLook(before, agent, sighting, clock.now())
    if (look) looks.set(agent.id, look)
    if (look?.fault !== undefined && look.fault !== before?.fault)
      log.warn({ agent: agent.id, fault: look.fault }, 'a heartbeat can not be read')
    const isNews = look !== undefined && (look.beatAtMs !== before?.beatAtMs || look.processEpoch !== before.processEpoch)
    const gone = ports.isActedOn(agent.id) ? undefined : goneCause(sighting, look, before)
    roster.observe(agent.id, {
      kind: 'sighted',
      ...(isNews &&
        look.beatAtMs >= 0 && { beat: { ...look.content, atMs: look.beatAtMs, epoch: look.content.epoch ?? look.processEpoch ?? '' } }),
      ...(gone && { gone }),
    })
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = clock.after(ms, done)
      stopping.signal.addEventListener('abort', done, { once: true })
      if (stopping.signal.aborted) done()
      function done(): void {
        timer.cancel()
        stopping.signal.removeEventListener('abort', done)
        resolve()
      }
    })
  }

  function waitMs(kind: HostError['kind'], failures: number): number {
    if (kind === 'auth' || kind === 'host-key') return refusedReconnectMs * (1 + ports.random())
    return Math.min(reconnect.capMs, reconnect.firstMs * 2 ** (failures - 1)) * (0.5 + ports.random() / 2)
  }

  const done = watch()
  return {
    link: () => current,
    health: () => health,
    probe: async () => {
      if (!current) throw new HostError('unreachable', `host ${host.id} can't be reached`)
      return probe(current)
    },
    fault: (agent) => looks.get(agent)?.fault,
    stop: async () => {
      stopping.abort()
      await done
    },
  }
}

function declaration(agent: AgentConfig): AgentDeclaration {
  return { id: agent.id, heartbeatFile: agent.heartbeat.file, body: agent.body, stopGraceMs: agent.stopGraceMs }
}

/** A beat is a heartbeat file whose modification time moved. */
function afterLook(before: LastLook | undefined, agent: AgentConfig, sighting: AgentSighting, nowMs: number): LastLook | undefined {
  const { file, process } = sighting
  let look = before
  if (file.kind === 'content' && file.mtimeMs !== before?.mtimeMs) {
    const reading = readHeartbeat(file.bytes, file.truncated, agent.heartbeat.format)
    if (reading.kind === 'fault') look = { ...(before ?? nothingRead), mtimeMs: file.mtimeMs, fault: reading.fault }
    // A modification time in the future would make an agent immortal: it counts as of now.
    else look = { content: reading.content, mtimeMs: file.mtimeMs, beatAtMs: nowMs - Math.max(0, file.ageMs) }
  } else if (file.kind === 'unreadable') {
    look = { ...(before ?? nothingRead), fault: file.reason }
  }
  if (look && look.processEpoch === undefined && process.kind === 'alive' && (look.content.pid ?? process.pid) === process.pid) {
    look = { ...look, processEpoch: process.epoch }
  }
  return look
}

const nothingRead: LastLook = { content: {}, mtimeMs: -1, beatAtMs: -1 }

/** Whether what was seen means that the agent's process is gone. */
function goneCause(
  sighting: AgentSighting,
  look: LastLook | undefined,
  before: LastLook | undefined,
): 'process-gone' | 'pane-dead' | undefined {
  if (sighting.pane?.kind === 'dead') return 'pane-dead'
  const { process } = sighting
  const pid = look?.content.pid
  if (process.kind === 'gone') {
    // The host was asked about the pid of the beat before: a beat of another process has come since.
    if (pid !== undefined && before?.content.pid !== undefined && pid !== before.content.pid) return undefined
    if (pid !== undefined && before === undefined && process.pid !== pid) return undefined
    return 'process-gone'
  }
  // The same number, another process: pids are used again.
  const isReused =
    process.kind === 'alive' && pid === process.pid && look?.processEpoch !== undefined && look.processEpoch !== process.epoch
  return isReused ? 'process-gone' : undefined
}

function asHostError(error: unknown): HostError {
  if (error instanceof HostError) return error
  return new HostError('failed', error instanceof Error ? error.message : String(error))
}
