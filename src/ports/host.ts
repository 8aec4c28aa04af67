/**
 * The hands on one host: a gate that does a fixed list of verbs and nothing else, over a local child or over OpenSSH.
 * Both pass test/contracts/host.ts. What the watch wants done is named by an agent's id: the gate looks up how in the
 * declaration it was given, so nothing that a player types or an agent writes ever reaches a shell.
 */

/** How an agent is started, stopped and found on its host. Paths are absolute on that host. */
export type Body =
  /** A tmux pane. `socket` is the path of the tmux server's socket, `target` is `session:window` by name. */
  | { kind: 'pane'; socket: string; target: string }
  /** A process that the gate starts detached, by argv, with `log` taking its output; its pid stands in `pidFile`. */
  | { kind: 'process'; start: string[]; pidFile: string; log: string; cwd?: string }
  /** A command that restarts it and ends (exit status 0 = done), and optionally one that stops it. */
  | { kind: 'command'; start: string[]; stop?: string[]; pidFile?: string }
  /** A systemd unit. */
  | { kind: 'service'; unit: string; scope: 'system' | 'user' }

/** What the gate looks at for one agent. Paths are absolute on its host. */
export interface AgentDeclaration {
  id: string
  /** None for an agent that posts its beats. The pid that is asked about is that of the first one. */
  heartbeatFiles: string[]
  /** A folder of `<job>.last` files; at most 200 of them are looked at. */
  jobs?: string
  /** Files by which people pause it: that one is there is enough. For each job, `<job>.last.paused` is one, too. */
  markers: string[]
  body: Body
  /** After the stop signal, wait this long before SIGKILL. */
  stopGraceMs: number
}

/** Why a file or folder can't be read. Only regular files are, and symbolic links are never followed. */
export type Unreadable = 'symlink' | 'directory' | 'pipe' | 'special' | 'file' | 'denied' | 'no-answer' | 'cut-short'

/**
 * A file at one moment. `unchanged`: the same file, mtime and size as at the last call on this connection, so no content
 * is sent. Both times are by the host's clock: `ageMs` is negative for a file from the future.
 */
export type FileSighting =
  | { kind: 'content'; mtimeMs: number; ageMs: number; bytes: Uint8Array; truncated: boolean }
  | { kind: 'unchanged'; mtimeMs: number; ageMs: number }
  | { kind: 'missing' }
  | { kind: 'unreadable'; why: Unreadable }

/** One agent as its host sees it at one moment. */
export interface AgentSighting {
  id: string
  /** Those declared, in their order, then those in the folder of jobs, by name. */
  files: ({ path: string } & FileSighting)[]
  /** The folder of jobs. `isCut`: it holds more than are looked at; `odd`: so many have names that are not plain, and are left out. */
  jobs?: { kind: 'listed'; isCut: boolean; odd: number } | { kind: 'missing' } | { kind: 'unreadable'; why: Unreadable }
  /** The markers that are there. `reason`: the first line of the file, cleaned; may be empty. */
  markers: { path: string; reason: string }[]
  /** Its process: by the pid the watch passed in, else by its body's (pane, pid file, unit). `epoch` is `bootId:startTime`. */
  process: { kind: 'alive'; pid: number; epoch: string } | { kind: 'gone'; pid?: number } | { kind: 'unknown' }
  pane?: { kind: 'alive' | 'dead'; id: string } | { kind: 'missing' }
}

/** All agents of a host at one moment. `isStopping`: the host says that it is going down; only where that was asked. */
export interface HostSighting {
  agents: AgentSighting[]
  isStopping: boolean
}

export interface HostHealth {
  uptimeS: number
  load1: number
  cores: number
  memoryTotalBytes: number
  memoryAvailableBytes: number
  swapTotalBytes: number
  swapFreeBytes: number
  disks: { mount: string; totalBytes: number; availableBytes: number }[]
  /** The host's wall clock less the watch's; a label, never used to judge freshness. */
  clockOffsetMs: number
}

/** Steps of a restart, in order, as the gate reports them while it acts. */
export type ActStep = 'check' | 'stop' | 'start'
export interface ActProgress {
  step: ActStep
  text: string
}

export interface HostLink {
  /**
   * Opens the connection (and tells the gate the declarations). Rejects with HostError. `onGone` is called when a process is
   * gone that was alive at the last `beats`, as soon as the host notices: ask again. It is called once between two `beats`
   * however many are gone, may be called for nothing, and is not to be relied upon: a host may have no means to notice.
   */
  open(agents: AgentDeclaration[], signal: AbortSignal, onGone?: () => void): Promise<void>
  /**
   * What is known of these agents now. `pids`: pid by agent id, as their own heartbeat files state it. `askStopping`: where a
   * process is gone, the host is asked, too, whether it is going down.
   */
  beats(pids: ReadonlyMap<string, number>, options?: { askStopping: boolean }): Promise<HostSighting>
  probe(): Promise<HostHealth>
  /**
   * Restarts an agent. `mode: 'stop-first'` (a person asked) stops a live one, `only-dead` (the watch itself) refuses
   * unless it is dead, checked on the host right before the start. Runs over a connection of its own.
   * Resolves when the start was done; whether the agent lives is for the caller to see by a beat of a new epoch.
   * Rejects with HostError, `step` naming where.
   */
  restart(id: string, mode: 'stop-first' | 'only-dead', progress: (progress: ActProgress) => void): Promise<{ text: string }>
  /** Revives a dead pane with its original command; refuses where the pane is alive. */
  respawn(id: string, progress: (progress: ActProgress) => void): Promise<{ text: string }>
  /** Resolves when the connection is lost after a successful `open`, other than by `close`. A link is not opened again. */
  readonly lost: Promise<HostError>
  close(): Promise<void>
}

/** `link()` gives a fresh link that is not open yet. */
export interface Host {
  readonly id: string
  link(): HostLink
}

/**
 * unreachable: could not connect, or the connection broke. auth: the host refused the key. host-key: its key is not the
 * pinned one, nothing was run. gate: the gate answered something else than its protocol. refused: the gate would not
 * (unknown agent, agent is alive, …). timeout: a verb did not end in time. failed: a step of an act failed.
 */
export type HostErrorKind = 'unreachable' | 'auth' | 'host-key' | 'gate' | 'refused' | 'timeout' | 'failed' | 'closed'

export class HostError extends Error {
  override name = 'HostError'
  readonly kind: HostErrorKind
  readonly step: ActStep | undefined
  /** `message` is one plain sentence, capped and free of control characters, fit for an operator. */
  constructor(kind: HostErrorKind, message: string, step?: ActStep) {
    super(message)
    this.kind = kind
    this.step = step
  }
}
