/** A HostLink over any transport: one long-lived gate to look, a gate of its own for each act. */
import { setTimeout } from 'node:timers/promises'
import {
  type ActProgress,
  type AgentDeclaration,
  type AgentSighting,
  type BeatsOptions,
  type ConfigSighting,
  type HostDeclaration,
  HostError,
  type HostHealth,
  type HostLink,
  type HostNews,
  type HostSighting,
  type Order,
  type PanesSighting,
  type ServiceDeclaration,
  type Tail,
} from '../../ports/host.ts'
import { type Channel, openChannel, type Request, type Transport } from './channel.ts'
import { hashTokens, parseConfigs } from './configs-answer.ts'
import { DeclarationError, encodeDeclarations, type Frame, ProtocolError, parseSightings, parseStep } from './gate-protocol.ts'
import { HealthAnswer } from './health-answer.ts'
import { encodeHost } from './host-lines.ts'
import { parsePanes } from './panes-answer.ts'
import { parseTail } from './tail-answer.ts'

interface LinkDeadlines {
  declareMs: number
  beatsMs: number
  probeMs: number
  /** Disks and services, which the host asks in the background, each for at most four seconds. */
  collectMs: number
  /** Each file may take some seconds to be read. */
  configsMs: number
  /** Beyond an agent's stopGraceMs. The gate itself gives each command 60 s. */
  actMs: number
}

export interface LinkOptions {
  deadlines?: Partial<LinkDeadlines>
  /** The watch's wall clock in ms. */
  now?: () => number
}

const longestLookMs = 500
const usual: LinkDeadlines = { declareMs: 10_000, beatsMs: 15_000, probeMs: 15_000, collectMs: 6_000, configsMs: 60_000, actMs: 150_000 }

export function createLink(transport: Transport, options: LinkOptions): HostLink {
  return new GateLink(transport, { ...usual, ...options.deadlines }, options.now ?? Date.now)
}

class GateLink implements HostLink {
  readonly lost: Promise<HostError>
  readonly #transport: Transport
  readonly #deadlines: LinkDeadlines
  readonly #now: () => number
  readonly #reportLost: (error: HostError) => void
  readonly #acts = new Set<Channel>()
  #state: 'new' | 'opening' | 'open' | 'closed' = 'new'
  #main: Channel | undefined
  #isWatching = false
  #agents = new Map<string, AgentDeclaration>()
  #sockets: readonly string[] = []
  #services: readonly ServiceDeclaration[] = []
  #probing: Promise<HostHealth> | undefined
  readonly #lives = new Map<string, string>()
  #pids: ReadonlyMap<string, number> = new Map()

  constructor(transport: Transport, deadlines: LinkDeadlines, now: () => number) {
    this.#transport = transport
    this.#deadlines = deadlines
    this.#now = now
    const lost = Promise.withResolvers<HostError>()
    this.lost = lost.promise
    this.#reportLost = lost.resolve
  }

  async open({ agents, sockets, services }: HostDeclaration, signal: AbortSignal, onNews?: (news: HostNews) => void): Promise<void> {
    if (this.#state !== 'new') throw this.#closed('a link opens once')
    const lines = declarationLines({ agents, sockets, services })
    this.#state = 'opening'
    const channel = await openChannel(this.#transport, { signal, letFinish: false, ...(onNews && { onNews }) })
    try {
      await this.#declare(channel, lines)
      if (this.#state !== 'opening' || signal.aborted) throw this.#closed('the link was closed while it opened')
    } catch (error) {
      await channel.close()
      throw error
    }
    this.#state = 'open'
    this.#main = channel
    this.#isWatching = onNews !== undefined
    this.#agents = new Map(agents.map((agent) => [agent.id, agent]))
    this.#sockets = sockets
    this.#services = services
    void channel.lost.then(this.#reportLost)
  }

  async beats(pids: ReadonlyMap<string, number>, options: BeatsOptions = { askStopping: false, awaited: [] }): Promise<HostSighting> {
    const main = this.#opened()
    this.#pids = new Map([...pids].filter(([id, pid]) => this.#agents.has(id) && isPid(pid)))
    const pairs = [...this.#pids].map(([id, pid]) => `${id}=${pid}`)
    const awaited = options.awaited.filter((id) => this.#agents.has(id))
    const tokens = [
      'beats',
      ...(options.askStopping ? ['stopping'] : []),
      ...(this.#isWatching ? ['watching'] : []),
      ...pairs,
      ...(awaited.length > 0 ? ['awaited', ...awaited] : []),
    ]
    const frames = await main.request({ tokens, deadlineMs: this.#deadlines.beatsMs })
    const sighting = reading(main, () => ({
      agents: parseSightings(
        frames.slice(0, -1).map(({ body }) => body),
        this.#agents,
      ),
      isStopping: bodyOf(frames).toString('latin1') === 'stopping',
    }))
    for (const agent of sighting.agents) {
      const life = agent.pane && lifeOf(agent, this.#pids.get(agent.id))
      if (life !== undefined) this.#lives.set(agent.id, life)
    }
    return sighting
  }

  /** Whoever asks while one is under way gets the answer to that one. */
  probe(): Promise<HostHealth> {
    this.#probing ??= this.#askHealth().finally(() => {
      this.#probing = undefined
    })
    return this.#probing
  }

  async #askHealth(): Promise<HostHealth> {
    const main = this.#opened()
    const ask = async (...more: string[]) => bodyOf(await main.request({ tokens: ['probe', ...more], deadlineMs: this.#deadlines.probeMs }))
    const before = this.#now()
    const first = await ask()
    const middle = (before + this.#now()) / 2
    const answer = reading(main, () => new HealthAnswer(this.#services, first, middle))
    // Most answer within a blink. Other questions go in between.
    for (let ms = 30, waitedMs = 0; !answer.isWhole() && waitedMs < this.#deadlines.collectMs; ms = Math.min(2 * ms, longestLookMs)) {
      await setTimeout(ms)
      waitedMs += ms
      const more = await ask('more')
      reading(main, () => answer.add(more))
    }
    return answer.health()
  }

  async panes(): Promise<PanesSighting> {
    const main = this.#opened()
    const frames = await main.request({ tokens: ['panes'], deadlineMs: this.#deadlines.beatsMs })
    return reading(main, () =>
      parsePanes(
        frames.slice(0, -1).map(({ body }) => body),
        bodyOf(frames),
      ),
    )
  }

  async tail(id: string, cursor?: string): Promise<Tail> {
    const main = this.#opened()
    const tokens = ['tail', id, ...(cursor === undefined ? [] : [cursor])]
    const frames = await main.request({ tokens, deadlineMs: this.#deadlines.beatsMs })
    return reading(main, () => parseTail(bodyOf(frames)))
  }

  async configs(id: string): Promise<ConfigSighting[]> {
    const main = this.#opened()
    const frames = await main.request({ tokens: ['configs', id], deadlineMs: this.#deadlines.configsMs })
    const bodies = frames.slice(0, -1).map(({ body }) => body)
    return reading(main, () => parseConfigs(bodies, this.#agents.get(id)?.configs ?? []))
  }

  async keepConfigs(id: string, hashes: readonly (string | undefined)[], order: Order): Promise<void> {
    await this.#actOnConfigs(id, ['keep-configs', id, orderToken(order), ...hashTokens(hashes)])
  }

  async rollBackConfigs(id: string, order: Order): Promise<string[]> {
    return this.#actOnConfigs(id, ['roll-back-configs', id, orderToken(order)])
  }

  async putBackConfigs(id: string, hashes: readonly (string | undefined)[], order: Order): Promise<string[]> {
    return this.#actOnConfigs(id, ['put-back-configs', id, orderToken(order), ...hashTokens(hashes)])
  }

  async restart(
    id: string,
    mode: 'stop-first' | 'only-dead',
    order: Order,
    progress: (progress: ActProgress) => void,
  ): Promise<{ text: string }> {
    this.#opened()
    const pid = this.#pids.get(id)
    const agent = this.#agents.get(id)
    if (!agent) throw new HostError('refused', `no such agent was declared on ${this.#transport.name}`, 'check')
    const life = this.#lives.get(id)
    const known = life === undefined ? (pid === undefined ? [] : [String(pid)]) : [String(pid ?? 0), `life=${life}`]
    return this.#act(
      { agents: [agent], sockets: [], services: [] },
      { tokens: ['restart', id, mode, orderToken(order), ...known], deadlineMs: this.#deadlines.actMs + agent.stopGraceMs },
      progress,
    )
  }

  respawn(pane: { socket: string; name: string }, order: Order, progress: (progress: ActProgress) => void): Promise<{ text: string }> {
    const { socket, name } = pane
    // What has a newline in it is no name: the gate would take what follows for a request.
    if (/[\n\0]/.test(socket + name)) return Promise.reject(new HostError('refused', 'no pane has such a name', 'check'))
    const owner = [...this.#agents.values()].find(({ body }) => body.kind === 'pane' && body.socket === socket)
    return this.#act(
      // As it was declared for looking: an installed gate allows nothing else.
      {
        agents: owner ? [owner] : [],
        sockets: owner ? [] : this.#sockets.filter((watched) => watched === socket),
        services: [],
      },
      { tokens: ['respawn', orderToken(order)], payload: [socket, name], deadlineMs: this.#deadlines.actMs },
      progress,
    )
  }

  /** Answers the paths of the files that were changed. */
  async #actOnConfigs(id: string, tokens: string[]): Promise<string[]> {
    this.#opened()
    const agent = this.#agents.get(id)
    if (!agent) throw new HostError('refused', `no such agent was declared on ${this.#transport.name}`, 'check')
    const { text } = await this.#act(
      { agents: [agent], services: [], sockets: [] },
      { tokens, deadlineMs: this.#deadlines.actMs },
      () => {},
    )
    return text.split('\n').filter((line) => agent.configs.includes(line))
  }

  async close(): Promise<void> {
    this.#state = 'closed'
    await Promise.all([this.#main, ...this.#acts].map((channel) => channel?.close()))
  }

  async #act(
    declared: HostDeclaration,
    request: Pick<Request, 'tokens' | 'payload' | 'deadlineMs'>,
    progress: (progress: ActProgress) => void,
  ): Promise<{ text: string }> {
    this.#opened()
    const channel = await openChannel(this.#transport.acts ?? this.#transport, { letFinish: true })
    this.#acts.add(channel)
    try {
      // Closed while it opened: nothing has been begun, so nothing is.
      this.#opened()
      await this.#declare(channel, declarationLines(declared))
      const frames = await channel.request({ ...request, onProgress: (frame) => progress(parseStep(frame.body)) })
      return { text: bodyOf(frames).toString('utf8') }
    } catch (error) {
      throw error instanceof HostError && error.kind === 'refused' ? new HostError('refused', error.message, 'check') : error
    } finally {
      await channel.close()
      this.#acts.delete(channel)
    }
  }

  /** An installed gate that does not allow what fleet.yaml has: the host is not as it should be, nobody was refused a wish. */
  async #declare(channel: Channel, payload: string[]): Promise<void> {
    try {
      await channel.request({ tokens: ['declare', String(payload.length)], payload, deadlineMs: this.#deadlines.declareMs })
    } catch (error) {
      const isNotAllowed = this.#transport.gate === 'installed' && error instanceof HostError && error.kind === 'refused'
      throw isNotAllowed ? new HostError('gate', error.message) : error
    }
  }

  #opened(): Channel {
    if (this.#state !== 'open' || !this.#main) throw this.#closed('the link is not open')
    return this.#main
  }

  #closed(reason: string): HostError {
    return new HostError('closed', `${this.#transport.name}: ${reason}`)
  }
}

/** `really=WATCH.NUMBER` or `dry=WATCH.NUMBER`. */
function orderToken({ attempt, isDryRun }: Order): string {
  return `${isDryRun ? 'dry' : 'really'}=${attempt.watch}.${attempt.number}`
}

function bodyOf(frames: Frame[]): Buffer {
  return frames.at(-1)?.body ?? Buffer.alloc(0)
}

/** An answer that cannot be read loses the connection: who knows what comes next on it. */
function reading<T>(channel: Channel, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw error instanceof ProtocolError ? channel.malformed(error) : error
  }
}

function declarationLines(declared: HostDeclaration): string[] {
  try {
    return [...encodeHost(declared), ...encodeDeclarations(declared.agents)]
  } catch (error) {
    throw error instanceof DeclarationError ? new HostError('refused', error.message) : error
  }
}

/**
 * Which process an agent in a pane was last seen as: a gate for an act has seen nothing yet. Of the shell around it that it is
 * alive says nothing.
 */
function lifeOf({ process }: AgentSighting, asked: number | undefined): string | undefined {
  if (process.kind !== 'alive' || (asked !== undefined && process.pid !== asked)) return undefined
  const life = `${process.pid}.${process.epoch.replace(':', '.')}`
  return /^[a-z0-9.-]+$/.test(life) ? life : undefined
}

/** What the gate takes as a pid: nobody's agent is init. */
function isPid(pid: number): boolean {
  return Number.isInteger(pid) && pid > 1 && pid <= 999_999_999
}
