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
  type Host,
  HostError,
  type HostErrorKind,
  type HostHealth,
  type HostLink,
} from '../../src/ports/host.ts'

export interface FakeHost extends Host {
  /** Writes an agent's heartbeat file: a JSON beat by default, `bytes` where something else is to stand there. */
  beat(agent: string, content?: Record<string, unknown> | Uint8Array, ageMs?: number): void
  removeFile(agent: string): void
  /** Starts the agent's process with a fresh pid; answers that pid. */
  start(agent: string): number
  kill(agent: string): void
  isAlive(agent: string, pid: number): boolean
  /** The agent's process ended and another one got its pid. */
  reusePid(agent: string): void
  /** Nobody can tell whether the agent's process lives. */
  hideProcess(agent: string): void
  /** From now on no connection comes about. Those that are open live on. */
  refuse(kind: HostErrorKind): void
  accept(): void
  /** Ends the open connections. */
  cut(kind?: HostErrorKind): void
  /** Questions are not answered until `answerAgain`; what was asked meanwhile is answered then. */
  hang(): void
  answerAgain(): void
  /** What an act does to the agent; starts it with a first beat by default. */
  onStart(agent: string, act: (pid: number) => void): void
  /** The next act fails so. */
  failNextAct(error: HostError): void
  readonly acts: { agent: string; mode: 'stop-first' | 'only-dead' | 'respawn' }[]
  /** Times at which a connection was tried. */
  readonly opens: number[]
  /** Links that are open now. */
  connections(): number
}

interface FakeAgent {
  file?: { mtimeMs: number; bytes: Uint8Array }
  process: { kind: 'alive'; pid: number; epoch: string } | { kind: 'gone' } | { kind: 'unknown' }
}

const health: HostHealth = {
  uptimeS: 3600,
  load1: 0.5,
  cores: 2,
  memoryTotalBytes: 4 * 2 ** 30,
  memoryAvailableBytes: 2 ** 30,
  swapTotalBytes: 0,
  swapFreeBytes: 0,
  disks: [{ mount: '/', totalBytes: 100 * 2 ** 30, availableBytes: 10 * 2 ** 30 }],
  clockOffsetMs: 0,
}

export function fakeHost(id: string, clock: Clock): FakeHost {
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

    constructor() {
      const lost = Promise.withResolvers<HostError>()
      this.lost = lost.promise
      this.#lose = lost.resolve
    }

    async open(declared: AgentDeclaration[], signal: AbortSignal): Promise<void> {
      opens.push(clock.now())
      await Promise.resolve()
      if (signal.aborted) throw new HostError('closed', 'given up while it opened')
      if (refused) throw new HostError(refused, `${id} can't be reached`)
      for (const agent of declared) this.#declared.set(agent.id, agent)
      this.#open = true
      links.add(this)
    }

    beats(): Promise<AgentSighting[]> {
      return this.#asked(() => [...this.#declared.keys()].map((agent) => this.#sighting(agent)))
    }

    probe(): Promise<HostHealth> {
      return this.#asked(() => health)
    }

    restart(agent: string, mode: 'stop-first' | 'only-dead', progress: (progress: ActProgress) => void): Promise<{ text: string }> {
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

    respawn(agent: string): Promise<{ text: string }> {
      return this.#asked(() => {
        acts.push({ agent, mode: 'respawn' })
        if (of(agent).process.kind === 'alive') throw new HostError('refused', `${agent} is alive`, 'check')
        begin(agent)
        return { text: 'started' }
      })
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

    #sighting(agent: string): AgentSighting {
      const { file, process } = of(agent)
      if (!file) return { id: agent, file: { kind: 'missing' }, process }
      const { mtimeMs, bytes } = file
      const ageMs = clock.now() - mtimeMs
      const isSent = this.#sent.get(agent) === mtimeMs
      this.#sent.set(agent, mtimeMs)
      return {
        id: agent,
        file: isSent ? { kind: 'unchanged', mtimeMs, ageMs } : { kind: 'content', mtimeMs, ageMs, bytes, truncated: false },
        process,
      }
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
    },
    removeFile: (agent) => void delete of(agent).file,
    start: (agent) => {
      const pid = nextPid++
      of(agent).process = { kind: 'alive', pid, epoch: `boot:${pid}` }
      return pid
    },
    kill: (agent) => {
      of(agent).process = { kind: 'gone' }
    },
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
    answerAgain: () => {
      const replies = hung ?? []
      hung = undefined
      for (const reply of replies) reply()
    },
    onStart: (agent, act) => void starts.set(agent, act),
    failNextAct: (error) => {
      failing = error
    },
    acts,
    opens,
    connections: () => links.size,
  }
  return fake
}
