/** One running gate: a child process that speaks frames on its stdin and stdout, asked one thing at a time. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { HostError, type HostNews } from '../../ports/host.ts'
import {
  encodeRequest,
  type Frame,
  FrameParser,
  GATE_GREETING,
  limits,
  newsLines,
  ProtocolError,
  parseStep,
  plainSentence,
} from './gate-protocol.ts'
import { gateScript } from './gate-script.ts'

/** How a child of ours ended, for whoever has to say why. */
export interface GateEnd {
  code: number | null
  signal: NodeJS.Signals | null
  /** The last of what it wrote to stderr. Outside text. */
  stderr: string
  /** Whether the gate had answered before. */
  greeted: boolean
  /** It could not even be started. */
  spawnError?: Error
}

/** A way to a gate on a host. */
export interface Transport {
  /** For messages: `local`, or the host's id. */
  name: string
  /** sent: what is spawned is a shell, which takes the gate's text on its stdin. installed: it is the gate already. */
  gate: 'sent' | 'installed'
  /** The way for acts, where that is another one. */
  acts?: Transport
  spawn(nonce: string): ChildProcessWithoutNullStreams
  explain(end: GateEnd): HostError
  /** From spawn to the gate's hello. */
  openTimeoutMs: number
}

export interface Request {
  tokens: string[]
  /** Lines that follow the request. */
  payload?: string[]
  deadlineMs: number
  onProgress?: (frame: Frame) => void
}

export interface ChannelOptions {
  signal?: AbortSignal
  /** For acts: what was begun is left to its end on the host, whatever becomes of this side. */
  letFinish: boolean
  /** What the gate tells between answers. It may tell so too often, or not at all. */
  onNews?: (news: HostNews) => void
}

interface Waiting extends Request {
  resolve: (frames: Frame[]) => void
  reject: (error: unknown) => void
}

const stderrBytes = 4_096
const closeGraceMs = 2_000

/** Starts a gate and waits for its hello. Rejects with HostError. */
export async function openChannel(transport: Transport, options: ChannelOptions): Promise<Channel> {
  const script = transport.gate === 'sent' ? await gateScript() : ''
  if (options.signal?.aborted) throw new HostError('closed', `the connection to ${transport.name} was given up`)
  const channel = new Channel(transport, options)
  await channel.start(script)
  return channel
}

export class Channel {
  /** Resolves when the connection is lost after the hello, other than by `close`. */
  readonly lost: Promise<HostError>
  readonly #transport: Transport
  readonly #options: ChannelOptions
  readonly #nonce = randomBytes(16).toString('hex')
  readonly #parser = new FrameParser(this.#nonce)
  readonly #newsLines = newsLines(this.#nonce)
  readonly #ended = Promise.withResolvers<void>()
  readonly #hello = Promise.withResolvers<void>()
  readonly #queue: Waiting[] = []
  #reportLost: (error: HostError) => void
  #child: ChildProcessWithoutNullStreams | undefined
  #stderr = ''
  #greeted = false
  #failure: HostError | undefined
  #active: (Waiting & { id: number; frames: Frame[]; bytes: number; timer: NodeJS.Timeout }) | undefined
  #lastId = 0

  constructor(transport: Transport, options: ChannelOptions) {
    this.#transport = transport
    this.#options = options
    const lost = Promise.withResolvers<HostError>()
    this.lost = lost.promise
    this.#reportLost = lost.resolve
  }

  async start(script: string): Promise<void> {
    const { signal } = this.#options
    const abort = () => this.#fail(new HostError('closed', `the connection to ${this.#transport.name} was given up`))
    const timer = setTimeout(() => {
      this.#fail(new HostError('timeout', `${this.#transport.name} did not answer within ${this.#transport.openTimeoutMs} ms`))
    }, this.#transport.openTimeoutMs)
    signal?.addEventListener('abort', abort, { once: true })
    try {
      this.#attach(this.#transport.spawn(this.#nonce))
      // No request goes out before the hello: a shell reads ahead in its script and would run it as a command.
      this.#child?.stdin.write(script)
      await this.#hello.promise
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
  }

  /** Resolves with the frames of the answer, `ok` the last. Rejects with HostError. */
  request(request: Request): Promise<Frame[]> {
    const { promise, resolve, reject } = Promise.withResolvers<Frame[]>()
    if (this.#failure) reject(this.#failure)
    else this.#queue.push({ ...request, resolve, reject })
    this.#next()
    return promise
  }

  /** For answers whose frames are in form but whose content is not. The connection is lost by it. */
  malformed(error: ProtocolError): HostError {
    const failure = new HostError('gate', `the gate of ${this.#transport.name} answered out of form: ${plainSentence(error.message)}`)
    this.#fail(failure)
    return failure
  }

  /** Ends the connection; resolves once the child is gone, or left to finish an act. Never rejects. */
  async close(): Promise<void> {
    this.#fail(new HostError('closed', `the connection to ${this.#transport.name} was closed`), 'ourselves')
    await this.#ended.promise
  }

  #attach(child: ChildProcessWithoutNullStreams): void {
    this.#child = child
    child.stdout.on('data', (chunk: Buffer) => this.#receive(chunk))
    child.stderr.on('data', (chunk: Buffer) => {
      this.#hear(chunk.toString('utf8'))
    })
    // Writing to a child that has just ended is no news beside its end.
    child.stdin.on('error', () => child.stdin.destroy())
    child.once('error', (spawnError) => this.#childEnded({ code: null, signal: null, spawnError }))
    // What it said last on stderr comes before `close`; but `close` waits for whoever else holds the pipe.
    child.once('exit', (code, signal) => setTimeout(() => this.#childEnded({ code, signal }), 300))
    child.once('close', (code, signal) => this.#childEnded({ code, signal }))
  }

  /** What comes in two chunks is found when the second is there. What is left is for whoever explains the end. */
  #hear(text: string): void {
    const news = new Set<HostNews>()
    const heard = (this.#stderr + text).replace(this.#newsLines, (_, gone: string | undefined) => {
      news.add(gone === undefined ? 'written' : 'gone')
      return ''
    })
    this.#stderr = heard.slice(-stderrBytes)
    if (!this.#greeted) return
    for (const each of news) if (!this.#failure) this.#options.onNews?.(each)
  }

  #childEnded(end: Pick<GateEnd, 'code' | 'signal' | 'spawnError'>): void {
    this.#fail(this.#transport.explain({ ...end, stderr: this.#stderr, greeted: this.#greeted }))
    this.#ended.resolve()
  }

  #receive(chunk: Buffer): void {
    if (this.#failure) return
    try {
      for (const frame of this.#parser.push(chunk)) this.#take(frame)
    } catch (error) {
      if (error instanceof ProtocolError) this.malformed(error)
      else throw error
    }
  }

  #take(frame: Frame): void {
    if (!this.#greeted) {
      if (frame.kind !== 'hello' || frame.body.toString('latin1') !== GATE_GREETING) throw new ProtocolError(this.#otherVersion())
      this.#greeted = true
      this.#hello.resolve()
      return
    }
    const active = this.#active
    if (!active || frame.request !== active.id || frame.kind === 'hello') throw new ProtocolError('a frame came that was not asked for')
    active.bytes += frame.body.length
    if (active.bytes > limits.replyBytes) throw new ProtocolError(`an answer is over the limit of ${limits.replyBytes} bytes`)
    switch (frame.kind) {
      case 'progress':
        active.onProgress?.(frame)
        return
      case 'part':
        active.frames.push(frame)
        return
      case 'ok':
        active.frames.push(frame)
        this.#finish()
        active.resolve(active.frames)
        break
      case 'refused':
        this.#finish()
        active.reject(new HostError('refused', plainSentence(frame.body.toString('utf8'))))
        break
      case 'failed': {
        const { step, because, text } = parseStep(frame.body)
        this.#finish()
        active.reject(new HostError('failed', text, step, because))
      }
    }
    this.#next()
  }

  #otherVersion(): string {
    const { gate, name } = this.#transport
    return `it is of another version${gate === 'installed' ? `; to bring it up to date, type: towerwatch host install ${name}` : ''}`
  }

  #next(): void {
    if (this.#active || this.#failure || !this.#child) return
    const waiting = this.#queue.shift()
    if (!waiting) return
    this.#lastId = (this.#lastId % 999_999_999) + 1
    const id = this.#lastId
    let line: string
    try {
      line = encodeRequest(this.#nonce, id, waiting.tokens)
    } catch (error) {
      waiting.reject(error instanceof ProtocolError ? new HostError('refused', error.message) : error)
      this.#next()
      return
    }
    const timer = setTimeout(() => {
      const verb = waiting.tokens[0]
      this.#fail(new HostError('timeout', `${verb} on ${this.#transport.name} did not end within ${waiting.deadlineMs} ms`))
    }, waiting.deadlineMs)
    this.#active = { ...waiting, id, frames: [], bytes: 0, timer }
    this.#child.stdin.write([line, ...(waiting.payload ?? []).map((value) => `${value}\n`)].join(''))
  }

  #finish(): void {
    if (this.#active) clearTimeout(this.#active.timer)
    this.#active = undefined
  }

  #fail(failure: HostError, by: 'ourselves' | 'others' = 'others'): void {
    if (this.#failure) return
    this.#failure = failure
    const waiting = [...(this.#active ? [this.#active] : []), ...this.#queue.splice(0)]
    this.#finish()
    if (!this.#greeted) this.#hello.reject(failure)
    else if (by === 'others') this.#reportLost(failure)
    for (const one of waiting) one.reject(failure)
    this.#release()
  }

  /** The gate ends by itself when its stdin does, but not before what it is doing has ended. */
  #release(): void {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
      this.#ended.resolve()
      return
    }
    child.stdin.end()
    const steps: NodeJS.Timeout[] = []
    if (this.#options.letFinish) {
      steps.push(
        setTimeout(() => {
          child.stdout.destroy()
          child.stderr.destroy()
          child.unref()
          this.#ended.resolve()
        }, closeGraceMs),
      )
    } else {
      steps.push(setTimeout(() => child.kill('SIGTERM'), closeGraceMs / 2))
      steps.push(setTimeout(() => child.kill('SIGKILL'), closeGraceMs))
    }
    void this.#ended.promise.then(() => steps.map(clearTimeout))
  }
}
