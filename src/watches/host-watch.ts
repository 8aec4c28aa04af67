/**
 * Looks at one host, over and over: opens the gate, asks for the beats of its agents every `pollMs`, and for its health
 * every `healthEveryMs`, in between. A host that can tell of a death as it happens, or of a beat that is waited for, is asked again at once; the
 * looks stay the truth, and are never less often for it. A lost connection is tried again at once; only when that fails, too,
 * or comes to nothing in time, is the host said to be lost.
 *
 * A process that is gone is a suspicion at first: a host that goes down ends its processes before it falls silent. The host
 * is asked again at once, and only when it answers that the process is still gone is that a death. While it says of itself
 * that it is going down, it is waited for.
 */
import type { AgentConfig, HostConfig } from '../config/config.ts'
import type { AgentEvent, Beat } from '../domain/agent.ts'
import { messageOf } from '../domain/failure.ts'
import type { HeartbeatContent } from '../domain/heartbeat.ts'
import { type Clock, pauseOn } from '../ports/clock.ts'
import { type AgentSighting, type Host, HostError, type HostHealth, type HostLink, type HostNews } from '../ports/host.ts'
import type { Log } from '../ports/log.ts'
import { type HeartbeatsLook, hostDeclarationOf, lookAtHeartbeats, sayFaults } from './heartbeats.ts'
import { openNewsDesk } from './host-news.ts'
import type { Roster } from './roster.ts'

/** Where nothing else is said. */
const usualHealthEveryMs = 60_000
/** A host that comes back is seen again within ten seconds; a refused connection each ten seconds costs next to nothing. */
const reconnect = { firstMs: 1_000, capMs: 10_000 } as const
/** A refused key or a changed host key does not mend itself within seconds, and hosts lock out who knocks too often. */
const refusedReconnectMs = 30_000
/**
 * A host that was there is lost after so much silence, though a new connection may take longer to fail. The ssh client gives up
 * a silent one after six seconds; the rest is for the second connection.
 */
const silentMs = 9_500
const leastSecondMs = 2_000
/** A connection that did not even live so long is not worth another one at once: who cuts each would be knocked on without end. */
const shortLivedMs = 10_000
/** When a process was found gone, the host is asked again after so long. */
const askAgainMs = 20
/** A host that says that it is going down, and doesn't, can't keep its agents from being dead for longer. */
const holdMs = 60_000

export interface HostWatch {
  /** The open link, for acts; undefined while the host can't be reached. */
  link(): HostLink | undefined
  health(): { atMs: number; health: HostHealth } | undefined
  /** Asks the host for its health now. Rejects with HostError. */
  probe(): Promise<HostHealth>
  /** What is wrong with an agent's heartbeat files and what to do about it, if anything. */
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
  /** It was asked how it is, and has answered. */
  onHealth?: (health: HostHealth) => void
}

/** What is remembered of an agent between two looks. */
interface LastLook {
  heartbeats: HeartbeatsLook
  /** Of the last beat. */
  content: HeartbeatContent
  /** Absent where no beat could be read yet. */
  beatAtMs?: number
  /** Another one is another beat. */
  beatId?: string
  /** `bootId:startTime` of the process that wrote the beat, as the host saw it; absent while that isn't certain. */
  processEpoch?: string
  /** `bootId:startTime` of the process that was there at this look, whoever wrote the beat; empty where there was none. */
  seenEpoch?: string
  /** The last pid that the host saw alive. */
  seenPid?: number
  /** When something was last written in its pane, where it is judged by that. */
  wordAtMs?: number
  /** Its process was not there at one look, and since. */
  suspicion?: { atMs: number; isConfirmed: boolean }
}

type GoneCause = 'process-gone' | 'pane-dead'

export function startHostWatch(
  config: { host: HostConfig; agents: readonly AgentConfig[]; pollMs: number; firstDelayMs: number; healthEveryMs?: number },
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
  let wasStopping = false
  const news = openNewsDesk(clock)

  async function watch(): Promise<void> {
    await pause(config.firstDelayMs)
    let failures = 0
    let shortLives = 0
    let connectedMs = 0
    let isBroken = false
    while (!stopping.signal.aborted) {
      const link = host.link()
      latest = link
      // Only after a connection that broke: whoever was never reached is given all the time that it takes.
      const leftMs = Math.max(leastSecondMs, lastAnswerMs + silentMs - clock.now())
      const silence = isBroken && clock.after(leftMs, () => tellLost('unreachable'))
      try {
        const hear = (told: HostNews) => link === latest && news.hear(told)
        await link.open(hostDeclarationOf(config.host, config.agents), stopping.signal, hear)
        // A host that answers anything is not silent, however slow its first look is.
        if (silence) silence.cancel()
        await look(link)
        failures = 0
        connectedMs = clock.now()
        current = link
        log.info({ host: host.id }, 'the host answers')
        await stayConnected(link)
      } catch (error) {
        if (silence) silence.cancel()
        if (stopping.signal.aborted) break
        const { kind, message } = asHostError(error)
        const wasConnected = current === link
        current = undefined
        isBroken = wasConnected && kind === 'unreachable'
        if (wasConnected) shortLives = clock.now() - connectedMs < shortLivedMs ? shortLives + 1 : 0
        else {
          failures++
          log.warn({ host: host.id, kind, err: message, failures }, 'the host cannot be reached')
          tellLost(kind)
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

  const tellLost = (cause: HostError['kind']) => roster.observeHost(host.id, { kind: 'lost', sinceMs: lastAnswerMs, cause })

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
      if (clock.now() >= probeDueMs && !isSuspecting()) {
        probeDueMs = clock.now() + (config.healthEveryMs ?? usualHealthEveryMs)
        // Not waited for: a disk or a service that hangs takes seconds, and looks go in between.
        void probe(link).catch((error: unknown) => {
          if (!isOver.aborted) log.warn({ host: host.id, err: asHostError(error).message }, 'the host did not say how it is')
        })
      }
      // A death that is told while another one is suspected does not hurry that: the host is to have time to fall silent.
      if (isSuspecting()) await pause(Math.min(askAgainMs, config.pollMs), isOver)
      else await news.pauseUntilNews(config.pollMs, isOver)
      if (lost) throw lost
      if (stopping.signal.aborted) throw new HostError('closed', 'the watch is stopping')
      await look(link)
    }
  }

  async function probe(link: HostLink): Promise<HostHealth> {
    const found = await link.probe()
    health = { atMs: clock.now(), health: found }
    ports.onHealth?.(found)
    return found
  }

  async function look(link: HostLink): Promise<void> {
    const pids = new Map<string, number>()
    for (const [id, { content }] of looks) if (content.pid !== undefined) pids.set(id, content.pid)
    const askStopping = [...looks.values()].some(({ suspicion }) => suspicion && !suspicion.isConfirmed)
    news.lookBegins()
    const awayBefore = awaySinceMs()
    const { agents, isStopping } = await link.beats(pids, { askStopping, awaited: config.agents.map(({ id }) => id).filter(isAwaited) })
    lastAnswerMs = clock.now()
    // Given before the watch was stopped, and read after it: by it a beat of before would seem to be of this moment.
    if (awaySinceMs() > awayBefore) return await look(link)
    // At every look, not only at the first: the watch may have been blind, or the sweep impatient, in between. And before
    // its agents, so that a host which is back is said to be back before any of them is said to be dead.
    roster.observeHost(host.id, { kind: 'answered' })
    if (isStopping && !wasStopping) log.warn({ host: host.id }, 'the host says that it is going down')
    wasStopping = isStopping
    for (const sighting of agents) {
      const agent = byId.get(sighting.id)
      if (agent) sight(agent, sighting, isStopping)
    }
    if (hasUnaskedPid(pids)) news.hear('written')
  }

  /** Since when nobody has looked at one of the agents, because the watch itself was away; 0 where all were seen since. */
  function awaySinceMs(): number {
    let sinceMs = 0
    for (const { id } of config.agents) sinceMs = Math.max(sinceMs, roster.agent(id)?.facts.blind?.sinceMs ?? 0)
    return sinceMs
  }

  /** A beat of another life has come, but of which one is not known before the host was asked about its pid. */
  function hasUnaskedPid(asked: ReadonlyMap<string, number>): boolean {
    return [...looks].some(([id, { content, processEpoch }]) => content.pid !== asked.get(id) && processEpoch === undefined)
  }

  /** Whose next beat changes what is known of it: such a one is not to wait for its turn. */
  function isAwaited(agent: string): boolean {
    const state = roster.agent(agent)?.status.state
    return state === 'down' || state === 'late' || looks.get(agent)?.suspicion !== undefined || ports.isActedOn(agent)
  }

  /** Whether the host is to be asked again soon. One that is going down is asked at its usual pace. */
  function isSuspecting(): boolean {
    return !wasStopping && [...looks.values()].some(({ suspicion }) => suspicion && !suspicion.isConfirmed)
  }

  function sight(agent: AgentConfig, sighting: AgentSighting, isStopping: boolean): void {
    const nowMs = clock.now()
    const before = looks.get(agent.id)
    const look = afterLook(before, agent, sighting, nowMs, roster.agent(agent.id)?.facts.lastBeat)
    const cause = ports.isActedOn(agent.id) ? undefined : goneCause(agent, sighting, look, before)
    if (cause) look.suspicion = suspicionAfter(before?.suspicion, isStopping, nowMs)
    else delete look.suspicion
    looks.set(agent.id, look)
    tellFault(agent.id, look, before)
    const resumed = heedMarker(agent.id, look.heartbeats)
    const isNews = look.beatId !== before?.beatId || look.processEpoch !== before?.processEpoch
    const beat = isNews ? beatOf(look) : undefined
    const { condition } = look.heartbeats
    const { wordAtMs } = look
    roster.observe(agent.id, {
      kind: 'sighted',
      ...(beat && { beat }),
      ...(cause && look.suspicion?.isConfirmed && { gone: cause }),
      ...(condition !== undefined && { condition }),
      ...(wordAtMs !== undefined && wordAtMs !== before?.wordAtMs && { quietMs: nowMs - wordAtMs }),
    })
    if (cause && look.suspicion && !look.suspicion.isConfirmed && !isStopping) roster.observe(agent.id, { kind: 'suspected', cause })
    if (resumed) roster.observe(agent.id, resumed)
  }

  function tellFault(agent: string, look: LastLook, before: LastLook | undefined): void {
    // By their names: what they say of times differs at each beat. And that a file is not there is no news of an agent that
    // was never started.
    const named = (faults: HeartbeatsLook['faults'] = []) =>
      faults.flatMap(({ path, fault: { kind } }) => (kind === 'missing' ? [] : [`${kind} ${path}`])).join()
    const now = named(look.heartbeats.faults)
    if (now !== '' && now !== named(before?.heartbeats.faults))
      log.warn({ agent, fault: sayFaults(look.heartbeats) }, 'a heartbeat has a fault')
  }

  /**
   * What people left beside the heartbeat. Compared with what is known, so that a restart of the watch misses nothing. Answers
   * what is to be observed once the agent's state of this moment is known: who resumes must not be judged by an older one.
   */
  function heedMarker(agent: string, { marker }: HeartbeatsLook): AgentEvent | undefined {
    const known = roster.agent(agent)?.facts.paused?.by.marker
    if (marker && known?.reason !== marker.reason) roster.observe(agent, { kind: 'paused', by: 'marker', reason: marker.reason })
    return marker === null && known ? { kind: 'resumed', by: 'marker' } : undefined
  }

  function pause(ms: number, signal = stopping.signal): Promise<void> {
    return pauseOn(clock, ms, signal)
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
    fault: (agent) => sayFaults(looks.get(agent)?.heartbeats),
    stop: async () => {
      stopping.abort()
      // Ends a question that is under way, which the host may be slow to answer.
      await latest?.close()
      await done
    },
  }
}

/** The same host has to say it twice, and not while it is going down. */
function suspicionAfter(before: LastLook['suspicion'], isStopping: boolean, nowMs: number): NonNullable<LastLook['suspicion']> {
  if (!before) return { atMs: nowMs, isConfirmed: false }
  const isHeld = isStopping && nowMs - before.atMs < holdMs
  return { atMs: before.atMs, isConfirmed: before.isConfirmed || !isHeld }
}

function afterLook(
  before: LastLook | undefined,
  agent: AgentConfig,
  sighting: AgentSighting,
  nowMs: number,
  known: Beat | undefined,
): LastLook {
  const heartbeats = lookAtHeartbeats(agent, sighting, before?.heartbeats, nowMs, before?.beatAtMs === undefined ? known : undefined)
  const isNewBeat = heartbeats.beat !== undefined && heartbeats.beat.id !== before?.beatId
  const { processEpoch, ...rest } = before ?? { content: {} }
  const look: LastLook = {
    ...rest,
    ...(processEpoch !== undefined && !isNewBeat && { processEpoch }),
    heartbeats,
    ...(heartbeats.beat && { content: heartbeats.beat.content, beatAtMs: heartbeats.beat.atMs, beatId: heartbeats.beat.id }),
  }
  const wordAtMs = wordAfter(before, agent, sighting, nowMs)
  if (wordAtMs !== undefined) look.wordAtMs = wordAtMs
  const { process } = sighting
  if (process.kind === 'gone') return { ...look, seenEpoch: '' }
  if (process.kind !== 'alive') return look
  // A beat that names no pid is this process's only if no other one was there at the look before: after a quick restart,
  // the new process would be taken for the writer of the last beat of the old one.
  const isWriter =
    look.content.pid !== undefined
      ? look.content.pid === process.pid
      : isNewBeat && (before?.seenEpoch === undefined || before.seenEpoch === '' || before.seenEpoch === process.epoch)
  if (look.beatAtMs !== undefined && look.processEpoch === undefined && isWriter) look.processEpoch = process.epoch
  return { ...look, seenEpoch: process.epoch, seenPid: process.pid }
}

/** tmux tells whole seconds, and what brings them takes its time: what is nearly the same is the same word. */
const sameWordMs = 2_000

function wordAfter(before: LastLook | undefined, { timing }: AgentConfig, { pane }: AgentSighting, nowMs: number): number | undefined {
  if (timing.quietMs === undefined || pane?.kind !== 'alive' || pane.quietMs === undefined) return before?.wordAtMs
  const atMs = nowMs - pane.quietMs
  return before?.wordAtMs !== undefined && atMs < before.wordAtMs + sameWordMs ? before.wordAtMs : atMs
}

function beatOf({ beatAtMs, content, processEpoch }: LastLook): Beat | undefined {
  if (beatAtMs === undefined) return undefined
  const { saidAt: _, ...said } = content
  return { ...said, atMs: beatAtMs, epoch: content.epoch ?? processEpoch ?? '' }
}

/** Whether what was seen means that the agent's process is gone. */
function goneCause(agent: AgentConfig, sighting: AgentSighting, look: LastLook, before: LastLook | undefined): GoneCause | undefined {
  if (sighting.pane?.kind === 'dead') return 'pane-dead'
  const { process } = sighting
  const pid = look.content.pid
  if (process.kind === 'gone') {
    // The host was asked about the pid of the beat before: a beat of another process has come since.
    const askedPid = before?.content.pid
    if (pid !== undefined && (askedPid === undefined ? process.pid !== pid : askedPid !== pid)) return undefined
    // Where only the heartbeat names a pid, it may be a container's own number for it, which the host has never heard of.
    const isHearsay = agent.body.kind === 'command' && agent.body.pidFile === undefined
    if (isHearsay && look.seenPid !== pid) return undefined
    return 'process-gone'
  }
  // The same number, another process: pids are used again.
  const isReused = process.kind === 'alive' && pid === process.pid && look.processEpoch !== undefined && look.processEpoch !== process.epoch
  return isReused ? 'process-gone' : undefined
}

function asHostError(error: unknown): HostError {
  if (error instanceof HostError) return error
  return new HostError('failed', messageOf(error))
}
