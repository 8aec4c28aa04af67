/** A HostLink over any transport: one long-lived gate to look, a gate of its own for each act. */
import {
  type ActProgress,
  type AgentDeclaration,
  type BeatsOptions,
  type ConfigSighting,
  type HostDeclaration,
  HostError,
  type HostHealth,
  type HostLink,
  type HostNews,
  type HostSighting,
  type Order,
  type PaneSighting,
  type Tail,
} from '../../ports/host.ts'
import { type Channel, openChannel, type Transport } from './channel.ts'
import { DeclarationError, encodeDeclarations, type Frame, ProtocolError, parseHealth, parseSightings, parseStep } from './gate-protocol.ts'

interface LinkDeadlines {
  declareMs: number
  beatsMs: number
  probeMs: number
  /** Beyond an agent's stopGraceMs. The gate itself gives each command 60 s. */
  actMs: number
}

export interface LinkOptions {
  deadlines?: Partial<LinkDeadlines>
  /** The watch's wall clock in ms. */
  now?: () => number
}

const usual: LinkDeadlines = { declareMs: 10_000, beatsMs: 15_000, probeMs: 15_000, actMs: 150_000 }

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
  #pids: ReadonlyMap<string, number> = new Map()

  constructor(transport: Transport, deadlines: LinkDeadlines, now: () => number) {
    this.#transport = transport
    this.#deadlines = deadlines
    this.#now = now
    const lost = Promise.withResolvers<HostError>()
    this.lost = lost.promise
    this.#reportLost = lost.resolve
  }

  async open({ agents }: HostDeclaration, signal: AbortSignal, onNews?: (news: HostNews) => void): Promise<void> {
    if (this.#state !== 'new') throw this.#closed('a link opens once')
    const lines = declarationLines(agents)
    this.#state = 'opening'
    const channel = await openChannel(this.#transport, { signal, letFinish: false, ...(onNews && { onGone: () => onNews('gone') }) })
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
    void channel.lost.then(this.#reportLost)
  }

  async beats(pids: ReadonlyMap<string, number>, options: BeatsOptions = { askStopping: false, awaited: [] }): Promise<HostSighting> {
    const main = this.#opened()
    this.#pids = new Map([...pids].filter(([id, pid]) => this.#agents.has(id) && isPid(pid)))
    const pairs = [...this.#pids].map(([id, pid]) => `${id}=${pid}`)
    const tokens = ['beats', ...(options.askStopping ? ['stopping'] : []), ...(this.#isWatching ? ['watching'] : []), ...pairs]
    const frames = await main.request({ tokens, deadlineMs: this.#deadlines.beatsMs })
    return reading(main, () => ({
      agents: parseSightings(
        frames.slice(0, -1).map(({ body }) => body),
        this.#agents,
      ),
      isStopping: bodyOf(frames).toString('latin1') === 'stopping',
    }))
  }

  async probe(): Promise<HostHealth> {
    const main = this.#opened()
    const before = this.#now()
    const frames = await main.request({ tokens: ['probe'], deadlineMs: this.#deadlines.probeMs })
    const middle = (before + this.#now()) / 2
    return reading(main, () => parseHealth(bodyOf(frames), middle))
  }

  panes(): Promise<PaneSighting[]> {
    return Promise.reject(this.#closed('this is not built yet'))
  }

  tail(_id: string, _cursor?: string): Promise<Tail> {
    return Promise.reject(this.#closed('this is not built yet'))
  }

  configs(_id: string): Promise<ConfigSighting[]> {
    return Promise.reject(this.#closed('this is not built yet'))
  }

  keepConfigs(_id: string, _order: Order): Promise<void> {
    return Promise.reject(this.#closed('this is not built yet'))
  }

  rollBackConfigs(_id: string, _order: Order): Promise<string[]> {
    return Promise.reject(this.#closed('this is not built yet'))
  }

  restart(
    id: string,
    mode: 'stop-first' | 'only-dead',
    order: Order,
    progress: (progress: ActProgress) => void,
  ): Promise<{ text: string }> {
    const pid = this.#pids.get(id)
    return this.#act(id, ['restart', id, mode, orderToken(order), ...(pid === undefined ? [] : [String(pid)])], progress)
  }

  respawn(pane: { socket: string; name: string }, order: Order, progress: (progress: ActProgress) => void): Promise<{ text: string }> {
    const found = [...this.#agents.values()].find(
      ({ body }) => body.kind === 'pane' && body.socket === pane.socket && body.target === pane.name,
    )
    return this.#act(found?.id ?? '', ['respawn', found?.id ?? '', orderToken(order)], progress)
  }

  async close(): Promise<void> {
    this.#state = 'closed'
    await Promise.all([this.#main, ...this.#acts].map((channel) => channel?.close()))
  }

  async #act(id: string, tokens: string[], progress: (progress: ActProgress) => void): Promise<{ text: string }> {
    this.#opened()
    const agent = this.#agents.get(id)
    if (!agent) throw new HostError('refused', `no such agent was declared on ${this.#transport.name}`, 'check')
    const channel = await openChannel(this.#transport.acts ?? this.#transport, { letFinish: true })
    this.#acts.add(channel)
    try {
      // Closed while it opened: nothing has been begun, so nothing is.
      this.#opened()
      await this.#declare(channel, declarationLines([agent]))
      const frames = await channel.request({
        tokens,
        deadlineMs: this.#deadlines.actMs + agent.stopGraceMs,
        onProgress: (frame) => progress(parseStep(frame.body)),
      })
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

function declarationLines(agents: AgentDeclaration[]): string[] {
  try {
    return encodeDeclarations(agents)
  } catch (error) {
    throw error instanceof DeclarationError ? new HostError('refused', error.message) : error
  }
}

/** What the gate takes as a pid: nobody's agent is init. */
function isPid(pid: number): boolean {
  return Number.isInteger(pid) && pid > 1 && pid <= 999_999_999
}
