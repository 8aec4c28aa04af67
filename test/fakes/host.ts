/**
 * A host in memory: agents that beat, die and come back, and connections that are refused, cut or hang. It behaves as
 * src/ports/host.ts says: an unchanged file is sent once per connection, whatever is pending when a connection ends
 * rejects, and an act refuses what is alive unless it may stop it.
 */
import type { Clock } from '../../src/ports/clock.ts'
import {
  type ActProgress,
  type AgentDeclaration,
  type AgentSighting,
  type BeatsOptions,
  type ConfigSighting,
  type FileSighting,
  type Host,
  type HostDeclaration,
  HostError,
  type HostErrorKind,
  type HostHealth,
  type HostLink,
  type HostNews,
  type HostSighting,
  type Order,
  type PanesSighting,
  type Tail,
  type Unreadable,
} from '../../src/ports/host.ts'

export interface FakeHost extends Host {
  /** Writes an agent's heartbeat file: a JSON beat by default, `bytes` where something else is to stand there. */
  beat(agent: string, content?: Record<string, unknown> | Uint8Array, ageMs?: number): void
  removeFile(agent: string): void
  /** From now on its heartbeat file is so old by the clock of the host, though nobody wrote it. */
  setAge(agent: string, ageMs: number): void
  /** Writes any file, `path` absolute: a further heartbeat, a job's, a marker. */
  write(path: string, text: string | Uint8Array, ageMs?: number): void
  remove(path: string): void
  /** Something stands at this path that can't be read. */
  spoil(path: string, why: Unreadable): void
  /** What the host answers when it is asked whether it is going down. */
  goDown(isStopping: boolean): void
  /** How often it was asked that. */
  askedStopping(): number
  /** Starts the agent's process with a fresh pid; answers that pid. */
  start(agent: string): number
  kill(agent: string): void
  /** From now on the host tells of news as they happen, of each kind once between two looks. By itself it does not. */
  tellNews(whether?: 'no-more'): void
  /** Tells of news, whether there were any or not. */
  tellAnyway(news: HostNews): void
  /** Whose next beat is news, as it was told at the last look. */
  awaited(): readonly string[]
  isAlive(agent: string, pid: number): boolean
  /** What its tmux servers show from now on. */
  showPanes(panes: PanesSighting): void
  /** What whoever watches an agent is given. */
  onTail(agent: string, tail: (cursor?: string) => Tail): void
  /** From now on it lives in a pane in which nothing was written for so long. */
  setQuiet(agent: string, quietMs: number): void
  /** The agent's process ended and another one got its pid. */
  reusePid(agent: string): void
  /** Nobody can tell whether the agent's process lives. */
  hideProcess(agent: string): void
  /** From now on no connection comes about. Those that are open live on. */
  refuse(kind: HostErrorKind): void
  accept(): void
  /** Ends the open connections. */
  cut(kind?: HostErrorKind): void
  /** Questions are not answered, and no connection comes about, until `answerAgain`; what was asked meanwhile is answered then. */
  hang(): void
  answerAgain(): void
  /** What an act does to the agent; starts it with a first beat by default. */
  onStart(agent: string, act: (pid: number) => void): void
  /** The agent's settings, as they are told and changed from now on. */
  settings(agent: string, files: ConfigSighting[]): ConfigSighting[]
  /** The next act fails so. */
  failNextAct(error: HostError): void
  readonly acts: { agent: string; mode: 'stop-first' | 'only-dead' | 'respawn' }[]
  /** How it says it is, from now on, beside what it said before. */
  says(health: Partial<HostHealth>): void
  /** From now on it takes so long to say how it is: a disk hangs. */
  ponder(ms: number): void
  /** Times at which it was asked how it is. */
  readonly probes: number[]
  /** Times at which it answered a look. */
  readonly looks: number[]
  /** Times at which a connection was tried. */
  readonly opens: number[]
  /** Links that are open now. */
  connections(): number
}

interface FakeFile {
  mtimeMs: number
  /** How much older the watch's clock makes it than it is. */
  skewMs?: number
  bytes: Uint8Array
}

interface FakeAgent {
  file?: FakeFile
  process: { kind: 'alive'; pid: number; epoch: string } | { kind: 'gone' } | { kind: 'unknown' }
}

const wellHealth: HostHealth = {
  uptimeS: 3600,
  load1: 0.5,
  load5: 0.5,
  load15: 0.5,
  cores: 2,
  memoryTotalBytes: 4 * 2 ** 30,
  memoryAvailableBytes: 2 ** 30,
  swapTotalBytes: 0,
  swapFreeBytes: 0,
  disks: [{ kind: 'sized', mount: '/', totalBytes: 100 * 2 ** 30, availableBytes: 10 * 2 ** 30 }],
  services: [],
  byMemory: [],
  byCpu: [],
  reboot: 'no',
  clockOffsetMs: 0,
}

export function fakeHost(id: string, clock: Clock): FakeHost {
  let health = wellHealth
  let ponderMs = 0
  const probes: number[] = []
  const agents = new Map<string, FakeAgent>()
  const links = new Set<FakeLink>()
  const starts = new Map<string, (pid: number) => void>()
  const acts: FakeHost['acts'] = []
  const opens: number[] = []
  let refused: HostErrorKind | undefined
  let failing: HostError | undefined
  let hung: (() => void)[] | undefined
  let nextPid = 100
  let written = 0
  let isStopping = false
  let asked = 0
  let isTelling = false
  let panes: PanesSighting = { panes: [], isCut: false, blind: [] }
  const tails = new Map<string, (cursor?: string) => Tail>()
  const quiet = new Map<string, number>()
  let awaited: readonly string[] = []
  const looks: number[] = []
  const files = new Map<string, FakeFile | { why: Unreadable }>()
  const configs = new Map<string, ConfigSighting[]>()

  const of = (agent: string): FakeAgent => {
    const found = agents.get(agent) ?? { process: { kind: 'unknown' } }
    agents.set(agent, found)
    return found
  }

  class FakeLink implements HostLink {
    readonly lost: Promise<HostError>
    readonly #lose: (error: HostError) => void
    readonly #declared = new Map<string, AgentDeclaration>()
    readonly #sent = new Map<string, number>()
    readonly #pending = new Set<(error: HostError) => void>()
    #end: HostError | undefined
    #open = false
    #onNews: ((news: HostNews) => void) | undefined
    /** Not told of since the last look. */
    readonly #untold = new Set<HostNews>()

    constructor() {
      const lost = Promise.withResolvers<HostError>()
      this.lost = lost.promise
      this.#lose = lost.resolve
    }

    async open({ agents: declared }: HostDeclaration, signal: AbortSignal, onNews?: (news: HostNews) => void): Promise<void> {
      opens.push(clock.now())
      await Promise.resolve()
      if (hung) await this.#wait(hung)
      if (signal.aborted) throw new HostError('closed', 'given up while it opened')
      if (refused) throw new HostError(refused, `${id} can't be reached`)
      for (const agent of declared) this.#declared.set(agent.id, agent)
      this.#open = true
      this.#onNews = onNews
      links.add(this)
    }

    beats(_pids: ReadonlyMap<string, number>, options: BeatsOptions = { askStopping: false, awaited: [] }): Promise<HostSighting> {
      return this.#asked(() => {
        const sightings = [...this.#declared.values()].map((agent) => this.#sighting(agent))
        if (options.askStopping) asked++
        looks.push(clock.now())
        this.#untold.add('gone').add('written')
        awaited = options.awaited
        const isAnyGone = sightings.some(({ process }) => process.kind === 'gone')
        return { agents: sightings, isStopping: options.askStopping && isAnyGone && isStopping }
      })
    }

    probe(): Promise<HostHealth> {
      probes.push(clock.now())
      const said = this.#asked(() => health)
      if (ponderMs === 0) return said
      const { promise, resolve } = Promise.withResolvers<void>()
      clock.after(ponderMs, resolve)
      return promise.then(() => said)
    }

    panes(): Promise<PanesSighting> {
      return this.#asked(() => panes)
    }

    tail(agent: string, cursor?: string): Promise<Tail> {
      return this.#asked(() => {
        if (!this.#declared.has(agent)) throw new HostError('refused', `no such agent was declared on ${id}`)
        return tails.get(agent)?.(cursor) ?? { text: '', from: 'pane', cursor: 'pane.0', isCut: false }
      })
    }

    configs(agent: string): Promise<ConfigSighting[]> {
      return this.#asked(() => configs.get(agent)?.map((config) => ({ ...config })) ?? [])
    }

    keepConfigs(agent: string, hashes: readonly (string | undefined)[], { isDryRun }: Order): Promise<void> {
      return this.#asked(() => {
        const kept = configs.get(agent) ?? []
        if (kept.some(({ hash }, index) => hash !== hashes[index])) throw new HostError('refused', 'it was changed meanwhile', 'check')
        if (!isDryRun) for (const config of kept) if (config.hash !== undefined) config.goodHash = config.hash
      })
    }

    rollBackConfigs(agent: string, { isDryRun }: Order): Promise<string[]> {
      return this.#asked(() => {
        const changed = (configs.get(agent) ?? []).filter(({ hash, goodHash }) => goodHash !== undefined && goodHash !== hash)
        if (!isDryRun)
          for (const config of changed) if (config.goodHash !== undefined) Object.assign(config, { hash: config.goodHash, form: 'sound' })
        return changed.map(({ path }) => path)
      })
    }

    putBackConfigs(agent: string, hashes: readonly (string | undefined)[], { isDryRun }: Order): Promise<string[]> {
      return this.#asked(() => {
        const changed = (configs.get(agent) ?? []).filter((_, index) => hashes[index] !== undefined)
        if (!isDryRun)
          for (const [index, config] of (configs.get(agent) ?? []).entries()) if (hashes[index] !== undefined) config.hash = hashes[index]
        return changed.map(({ path }) => path)
      })
    }

    restart(
      agent: string,
      mode: 'stop-first' | 'only-dead',
      _order: Order,
      progress: (progress: ActProgress) => void,
    ): Promise<{ text: string }> {
      return this.#asked(() => {
        acts.push({ agent, mode })
        if (!this.#declared.has(agent)) throw new HostError('refused', `no such agent was declared on ${id}`, 'check')
        if (failing) {
          const error = failing
          failing = undefined
          throw error
        }
        progress({ step: 'check', text: 'looking' })
        if (mode === 'only-dead' && of(agent).process.kind !== 'gone') throw new HostError('refused', `${agent} is alive`, 'check')
        if (of(agent).process.kind === 'alive') progress({ step: 'stop', text: 'stopping' })
        progress({ step: 'start', text: 'starting' })
        begin(agent)
        return { text: 'started' }
      })
    }

    respawn(pane: { socket: string; name: string }, order: Order, progress: (progress: ActProgress) => void): Promise<{ text: string }> {
      return this.#asked(() => {
        acts.push({ agent: pane.name, mode: 'respawn' })
        const found = panes.panes.find(({ socket, name }) => socket === pane.socket && name === pane.name)
        if (!found) throw new HostError('refused', `there is no pane ${pane.name}`, 'check')
        if (found.state === 'alive') throw new HostError('refused', `the pane ${pane.name} is alive`, 'check')
        if (order.isDryRun) return { text: 'it would be run again' }
        progress({ step: 'start', text: 'respawning' })
        panes = { ...panes, panes: panes.panes.map((one) => (one === found ? { ...one, state: 'alive' } : one)) }
        const owner = [...this.#declared.values()].find(({ body }) => body.kind === 'pane' && body.target === pane.name)
        if (owner) begin(owner.id)
        return { text: 'it runs again' }
      })
    }

    #wait(queue: (() => void)[]): Promise<void> {
      return new Promise((resolve, reject) => {
        this.#pending.add(reject)
        queue.push(() => {
          this.#pending.delete(reject)
          resolve()
        })
      })
    }

    tell(news: HostNews, how: 'once' | 'anyway'): void {
      if (how === 'once' && !this.#untold.has(news)) return
      this.#untold.delete(news)
      this.#onNews?.(news)
    }

    async close(): Promise<void> {
      this.end(new HostError('closed', 'closed by us'))
    }

    end(error: HostError): void {
      if (this.#end) return
      this.#end = error
      links.delete(this)
      for (const reject of this.#pending) reject(error)
      if (this.#open && error.kind !== 'closed') this.#lose(error)
    }

    #sighting(agent: AgentDeclaration): AgentSighting {
      const { process, file } = of(agent.id)
      const quietMs = quiet.get(agent.id)
      const declared = agent.heartbeatFiles.map((path, index) => this.#file(path, files.get(path) ?? (index === 0 ? file : undefined)))
      const folder = agent.jobs
      const jobs = [...files].filter(([path]) => folder !== undefined && path.startsWith(`${folder}/`) && path.endsWith('.last')).sort()
      const spoiled = folder === undefined ? undefined : files.get(folder)
      const markers = [...agent.markers, ...jobs.map(([path]) => `${path}.paused`)].flatMap((path) => {
        const marker = files.get(path)
        return marker ? [{ path, reason: 'bytes' in marker ? (new TextDecoder().decode(marker.bytes).split('\n')[0] ?? '') : '' }] : []
      })
      return {
        id: agent.id,
        files: spoiled ? declared : [...declared, ...jobs.map(([path, found]) => this.#file(path, found))],
        ...(folder !== undefined && {
          jobs: spoiled && 'why' in spoiled ? { kind: 'unreadable', why: spoiled.why } : { kind: 'listed', isCut: false, odd: 0 },
        }),
        markers,
        process,
        ...(quietMs !== undefined && { pane: { kind: 'alive', id: '%1', quietMs } }),
      }
    }

    #file(path: string, found: FakeFile | { why: Unreadable } | undefined): { path: string } & FileSighting {
      const sent = this.#sent.get(path)
      this.#sent.delete(path)
      if (!found) return { path, kind: 'missing' }
      if ('why' in found) return { path, kind: 'unreadable', why: found.why }
      const { mtimeMs, bytes } = found
      const ageMs = clock.now() - mtimeMs - (found.skewMs ?? 0)
      this.#sent.set(path, mtimeMs)
      if (sent === mtimeMs) return { path, kind: 'unchanged', mtimeMs, ageMs }
      return { path, kind: 'content', mtimeMs, ageMs, bytes: bytes.subarray(0, 65_536), truncated: bytes.length > 65_536 }
    }

    #asked<T>(answer: () => T): Promise<T> {
      return new Promise((resolve, reject) => {
        if (this.#end || !this.#open) return reject(this.#end ?? new HostError('closed', 'the link is not open'))
        this.#pending.add(reject)
        const reply = () => {
          this.#pending.delete(reject)
          try {
            resolve(answer())
          } catch (error) {
            reject(error)
          }
        }
        if (hung) hung.push(reply)
        else queueMicrotask(reply)
      })
    }
  }

  const tellIfTelling = (news: HostNews) => {
    if (isTelling) for (const link of links) link.tell(news, 'once')
  }

  const begin = (agent: string) => {
    const pid = fake.start(agent)
    const act = starts.get(agent)
    if (act) act(pid)
    else fake.beat(agent, { pid, epoch: `life-${pid}` })
  }

  const fake: FakeHost = {
    id,
    link: () => new FakeLink(),
    beat: (agent, content, ageMs = 0) => {
      const state = of(agent)
      const pid = state.process.kind === 'alive' ? state.process.pid : undefined
      const bytes =
        content instanceof Uint8Array ? content : new TextEncoder().encode(JSON.stringify(content ?? (pid === undefined ? {} : { pid })))
      // Never the same modification time twice, as files have it that are written one after the other.
      written++
      state.file = { mtimeMs: clock.now() - ageMs + written / 1024, bytes }
      if (awaited.includes(agent)) tellIfTelling('written')
    },
    removeFile: (agent) => void delete of(agent).file,
    setAge: (agent, ageMs) => {
      const { file } = of(agent)
      if (file) file.skewMs = clock.now() - file.mtimeMs - ageMs
    },
    write: (path, text, ageMs = 0) => {
      written++
      const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text
      files.set(path, { mtimeMs: clock.now() - ageMs + written / 1024, bytes })
    },
    remove: (path) => void files.delete(path),
    spoil: (path, why) => void files.set(path, { why }),
    goDown: (stopping) => {
      isStopping = stopping
    },
    askedStopping: () => asked,
    start: (agent) => {
      const pid = nextPid++
      of(agent).process = { kind: 'alive', pid, epoch: `boot:${pid}` }
      return pid
    },
    kill: (agent) => {
      of(agent).process = { kind: 'gone' }
      tellIfTelling('gone')
    },
    tellNews: (whether) => {
      isTelling = whether === undefined
    },
    tellAnyway: (news) => {
      for (const link of links) link.tell(news, 'anyway')
    },
    awaited: () => awaited,
    showPanes: (shown) => {
      panes = shown
    },
    onTail: (agent, tail) => void tails.set(agent, tail),
    setQuiet: (agent, quietMs) => void quiet.set(agent, quietMs),
    isAlive: (agent, pid) => {
      const { process } = of(agent)
      return process.kind === 'alive' && process.pid === pid
    },
    reusePid: (agent) => {
      const { process } = of(agent)
      if (process.kind === 'alive') of(agent).process = { ...process, epoch: `${process.epoch}-another` }
    },
    hideProcess: (agent) => {
      of(agent).process = { kind: 'unknown' }
    },
    refuse: (kind) => {
      refused = kind
    },
    accept: () => {
      refused = undefined
    },
    cut: (kind = 'unreachable') => {
      for (const link of [...links]) link.end(new HostError(kind, `the connection to ${id} broke`))
    },
    hang: () => {
      hung ??= []
    },
    ponder: (ms) => {
      ponderMs = ms
    },
    probes,
    says: (more) => {
      health = { ...health, ...more }
    },
    answerAgain: () => {
      const replies = hung ?? []
      hung = undefined
      for (const reply of replies) reply()
    },
    onStart: (agent, act) => void starts.set(agent, act),
    settings: (agent, sightings) => {
      configs.set(agent, sightings)
      return sightings
    },
    failNextAct: (error) => {
      failing = error
    },
    acts,
    looks,
    opens,
    connections: () => links.size,
  }
  return fake
}
