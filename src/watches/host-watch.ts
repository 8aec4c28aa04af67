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
/** A connection that did not even live so long is not worth another one at once: who cuts each would be knocked on without end. */
const shortLivedMs = 10_000

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
  /** `bootId:startTime` of the process that wrote the beat, as the host saw it; absent while that isn't certain. */
  processEpoch?: string
  /** `bootId:startTime` of the process that was there at this look, whoever wrote the beat; empty where there was none. */
  seenEpoch?: string
  /** The last pid that the host saw alive. */
  seenPid?: number
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
  /** The link of this moment, open or not. */
  let latest: HostLink | undefined
  let current: HostLink | undefined
  let health: { atMs: number; health: HostHealth } | undefined
  let lastAnswerMs = clock.now()

  async function watch(): Promise<void> {
    await pause(config.firstDelayMs)
    let failures = 0
    let shortLives = 0
    let connectedMs = 0
    while (!stopping.signal.aborted) {
      const link = host.link()
      latest = link
      try {
        await link.open(config.agents.map(declaration), stopping.signal)
        await look(link)
        failures = 0
        connectedMs = clock.now()
        current = link
        log.info({ host: host.id }, 'the host answers')
        await stayConnected(link)
      } catch (error) {
        if (stopping.signal.aborted) break
        const { kind, message } = asHostError(error)
        const wasConnected = current === link
        current = undefined
        if (wasConnected) shortLives = clock.now() - connectedMs < shortLivedMs ? shortLives + 1 : 0
        else {
          failures++
          log.warn({ host: host.id, kind, err: message, failures }, 'the host cannot be reached')
          roster.observeHost(host.id, { kind: 'lost', sinceMs: lastAnswerMs, cause: kind })
        }
        if (wasConnected) log.warn({ host: host.id, kind, err: message }, 'the connection to the host was lost, trying again')
        await link.close()
        if (!wasConnected) await pause(waitMs(kind, failures))
        else if (shortLives > 1) await pause(waitMs(kind, shortLives - 1))
      }
    }
    current = undefined
    await latest?.close()
  }

  /** Returns never: rejects when the connection is lost. */
  async function stayConnected(link: HostLink): Promise<never> {
    let lost: HostError | undefined
    // One listener for the life of the connection: racing each pause against `lost` would leave one behind per look.
    const over = new AbortController()
    void link.lost.then((error) => {
      lost = error
      over.abort()
    })
    const isOver = AbortSignal.any([stopping.signal, over.signal])
    let probeDueMs = clock.now()
    for (;;) {
      if (clock.now() >= probeDueMs) {
        probeDueMs = clock.now() + probeEveryMs
        await probe(link)
      }
      await pause(config.pollMs, isOver)
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
    // At every look, not only at the first: the watch may have been blind, or the sweep impatient, in between. And before
    // its agents, so that a host which is back is said to be back before any of them is said to be dead.
    roster.observeHost(host.id, { kind: 'answered' })
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
    const gone = ports.isActedOn(agent.id) ? undefined : goneCause(agent, sighting, look, before)
    roster.observe(agent.id, {
      kind: 'sighted',
      ...(isNews &&
        look.beatAtMs >= 0 && { beat: { ...look.content, atMs: look.beatAtMs, epoch: look.content.epoch ?? look.processEpoch ?? '' } }),
      ...(gone && { gone }),
    })
  }

  function pause(ms: number, signal = stopping.signal): Promise<void> {
    return new Promise((resolve) => {
      const timer = clock.after(ms, done)
      signal.addEventListener('abort', done, { once: true })
      if (signal.aborted) done()
      function done(): void {
        timer.cancel()
        signal.removeEventListener('abort', done)
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
      // Ends a question that is under way, which the host may be slow to answer.
      await latest?.close()
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
    else {
      const beatAtMs = nowMs - Math.max(0, file.ageMs)
      look = {
        content: reading.content,
        mtimeMs: file.mtimeMs,
        beatAtMs,
        ...(before?.seenEpoch !== undefined && { seenEpoch: before.seenEpoch }),
        ...(before?.seenPid !== undefined && { seenPid: before.seenPid }),
      }
    }
  } else if (file.kind === 'unreadable') {
    look = { ...(before ?? nothingRead), fault: file.reason }
  }
  if (look && process.kind === 'gone') return { ...look, seenEpoch: '' }
  if (!look || process.kind !== 'alive') return look
  const isNewBeat = look.beatAtMs !== before?.beatAtMs
  // A beat that names no pid is this process's only if no other one was there at the look before: after a quick restart,
  // the new process would be taken for the writer of the last beat of the old one.
  const isWriter =
    look.content.pid !== undefined
      ? look.content.pid === process.pid
      : isNewBeat && (before?.seenEpoch === undefined || before.seenEpoch === '' || before.seenEpoch === process.epoch)
  if (look.processEpoch === undefined && isWriter) look = { ...look, processEpoch: process.epoch }
  return { ...look, seenEpoch: process.epoch, seenPid: process.pid }
}

const nothingRead: LastLook = { content: {}, mtimeMs: -1, beatAtMs: -1 }

/** Whether what was seen means that the agent's process is gone. */
function goneCause(
  agent: AgentConfig,
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
    // Where only the heartbeat names a pid, it may be a container's own number for it, which the host has never heard of.
    const isHearsay = agent.body.kind === 'command' && agent.body.pidFile === undefined
    if (isHearsay && look?.seenPid !== pid) return undefined
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
