/**
 * The hands on one host: a gate that does a fixed list of verbs and nothing else, over a local child or over OpenSSH.
 * Both pass test/contracts/host.ts. What the watch wants done is named by an agent's id: the gate looks up how in the
 * declaration it was given, so nothing that a player types or an agent writes ever reaches a shell.
 */

/** How an agent is started, stopped and found on its host. Paths are absolute on that host. */
export type Body =
  /**
   * A tmux pane. `socket` is the path of the tmux server's socket, `target` is `session:window` by name. `start`: by what a
   * pane that is there no more, with its window, session or server, is made again.
   */
  | { kind: 'pane'; socket: string; target: string; start?: string[]; cwd?: string }
  /** A process that the gate starts detached, by argv, with `log` taking its output; its pid stands in `pidFile`. */
  | { kind: 'process'; start: string[]; pidFile: string; log: string; cwd?: string }
  /** A command that restarts it and ends (exit status 0 = done), and optionally one that stops it. */
  | { kind: 'command'; start: string[]; stop?: string[]; pidFile?: string }
  /** A systemd unit. */
  | { kind: 'service'; unit: string; scope: 'system' | 'user' }
  /** A launchd job of macOS; `user`: of the GUI or user domain of the account that the gate runs as. */
  | { kind: 'launchd'; label: string; scope: 'system' | 'user' }
  /**
   * A Hermes gateway. By its unit where that exists on the host, else started detached as `program gateway run --replace`.
   * `home` is its HERMES_HOME, `program` the path of `hermes`.
   */
  | { kind: 'hermes'; home: string; program: string; unit: string; scope: 'system' | 'user' }

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
  /** What it writes about itself: shown where a start fails, and to whoever watches it. A pane's own output needs none. */
  log?: string
  /** The files that it reads its settings from, of which the last ones it lived well with are kept. */
  configs: string[]
}

/** Something on a host that is no agent and has to be there: gitea, ollama, evennia … `id` is how people name it. */
export type ServiceDeclaration = { id: string } & (
  | { kind: 'unit'; unit: string; scope: 'system' | 'user' }
  | { kind: 'launchd'; label: string; scope: 'system' | 'user' }
  /** At least one process of exactly this name. */
  | { kind: 'process'; name: string }
  | { kind: 'tcp'; address: string; port: number }
  /** `status`: what it has to answer with; left out: anything from 200 to 399. */
  | { kind: 'http'; url: string; status?: number }
)

export interface HostDeclaration {
  agents: AgentDeclaration[]
  services: ServiceDeclaration[]
  /** Sockets of tmux servers whose panes are shown, beside those that agents live in. */
  sockets: string[]
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
  /** `quietMs`: since anything was last written in its window, by the host's clock; absent where tmux doesn't say. */
  pane?: { kind: 'alive' | 'dead'; id: string; quietMs?: number } | { kind: 'missing' }
}

/** All agents of a host at one moment. `isStopping`: the host says that it is going down; only where that was asked. */
export interface HostSighting {
  agents: AgentSighting[]
  isStopping: boolean
}

export interface HostHealth {
  uptimeS: number
  load1: number
  load5: number
  load15: number
  cores: number
  memoryTotalBytes: number
  memoryAvailableBytes: number
  swapTotalBytes: number
  swapFreeBytes: number
  disks: DiskHealth[]
  /** In the order of their declaration. */
  services: ServiceHealth[]
  /** Who uses most, at most five each, the most first. CPU in percent of one core since the last probe, or since its start. */
  byMemory: { pid: number; name: string; bytes: number }[]
  byCpu: { pid: number; name: string; percent: number }[]
  /** Whether the host wants to be started anew, for a new kernel or the like; `unknown` where nothing tells. */
  reboot: 'no' | 'wanted' | 'unknown'
  /** The host's wall clock less the watch's; a label, never used to judge freshness. */
  clockOffsetMs: number
}

/** A mounted file system; one that does not answer in time has no sizes. Inodes only where the file system counts them. */
export type DiskHealth =
  | { kind: 'sized'; mount: string; totalBytes: number; availableBytes: number; inodes?: { total: number; free: number } }
  | { kind: 'no-answer'; mount: string }

/** `unknown`: the host has no means to tell; `detail` says why, or what it saw instead. */
export interface ServiceHealth {
  id: string
  state: 'up' | 'down' | 'unknown'
  detail: string
}

/** One pane of a tmux server that is watched. */
export interface PaneSighting {
  socket: string
  /**
   * Survives renumbering: `session:window`, and for all but the oldest pane that is called so `session:window.PANE_ID`. A tab or
   * newline in a name is shown as `?`. Outside text.
   */
  name: string
  /** tmux's own: `%3`. Of this life of the tmux server only. */
  paneId: string
  state: 'alive' | 'dead'
  /** How a dead one ended, where tmux knows. */
  ended?: { status: number } | { signal: string }
  /** What runs in it: the name of its program, with `_` for all that is not plain. */
  command: string
  /** Since anything was last written in its window. */
  quietMs: number
}

/** All panes of all sockets that are watched; at most 300. `blind`: the sockets on which tmux did not answer. */
export interface PanesSighting {
  panes: PaneSighting[]
  isCut: boolean
  blind: string[]
}

/** An order to act. The host refuses one whose number it has seen before from the same watch, and any lower one. */
export interface Order {
  attempt: Attempt
  /** Only tells what would be done, down to the processes that would be stopped; nothing is changed, nothing is noted. */
  isDryRun: boolean
}

export interface Attempt {
  /** The ledger that the number comes from. Lower-case letters, digits and `-`, at most 36. */
  watch: string
  /** Of the operation in the audit: grows with each. */
  number: number
}

/** A piece of what an agent writes. Outside text: anything may be in it. */
export interface Tail {
  /**
   * Whole lines, the oldest first; at most 16 KiB. Of a log what came after the cursor; of a pane what stands there now, part
   * of which was there before: domain/tail.ts finds what is new.
   */
  text: string
  from: 'pane' | 'log'
  /** To be given back for what comes after this. */
  cursor: string
  /** Something between the last piece and this one is left out. */
  isCut: boolean
}

/** The settings of an agent: what stands there now, and the last that it lived well with. Hashes are SHA-256, hexadecimal. */
export interface ConfigSighting {
  path: string
  /** Absent: there is no such file, or it can't be read. */
  hash?: string
  /** Absent: none was kept yet. */
  goodHash?: string
  /** When it was last written: before the process of the agent that lives now began, so that it began with this, or after. */
  written: 'before' | 'after' | 'unknown'
  /** Whether it can be read as what its name says it is (.yaml, .yml, .json, .toml); `unknown` where nothing tells. */
  form: 'sound' | 'broken' | 'unknown'
  /** Why it is broken: where, never what stands there. */
  detail?: string
}

/** What the host tells of between two looks: a process is gone, or a heartbeat was written that is waited for. */
export type HostNews = 'gone' | 'written'

/** Steps of a restart, in order, as the gate reports them while it acts. */
export type ActStep = 'check' | 'stop' | 'start'
export interface ActProgress {
  step: ActStep
  text: string
}

export interface HostLink {
  /**
   * Opens the connection (and tells the gate the declarations). Rejects with HostError. `onNews` is called when a process is
   * gone that was alive at the last `beats`, or a heartbeat was written of an agent that it was asked to wait for, as soon as
   * the host notices: ask again. It is called once for each kind between two `beats` however much is new, may be called for
   * nothing, and is not to be relied upon: a host may have no means to notice.
   */
  open(declaration: HostDeclaration, signal: AbortSignal, onNews?: (news: HostNews) => void): Promise<void>
  /**
   * What is known of these agents now. `pids`: pid by agent id, as their own heartbeat files state it. `askStopping`: where a
   * process is gone, the host is asked, too, whether it is going down. `awaited`: agents of which each new beat is news.
   */
  beats(pids: ReadonlyMap<string, number>, options?: BeatsOptions): Promise<HostSighting>
  probe(): Promise<HostHealth>
  /** Every pane of every tmux server that is watched. */
  panes(): Promise<PanesSighting>
  /** What an agent writes: the last lines, or what came after `cursor`. */
  tail(id: string, cursor?: string): Promise<Tail>
  configs(id: string): Promise<ConfigSighting[]>
  /** Keeps what stands there now as the last good. `hashes`: of each file as `configs` told it; refused where one differs by now. */
  keepConfigs(id: string, hashes: readonly (string | undefined)[], order: Order): Promise<void>
  /** Puts the last good back; what stood there is kept beside it as `<file>.rejected-<hash, 8 digits>`. Answers the paths. */
  rollBackConfigs(id: string, order: Order): Promise<string[]>
  /** Puts again what the roll-back put aside. `hashes`: of each file as it was, none for one that was left. Answers the paths. */
  putBackConfigs(id: string, hashes: readonly (string | undefined)[], order: Order): Promise<string[]>
  /**
   * Restarts an agent. `mode: 'stop-first'` (a person asked) stops a live one, `only-dead` (the watch itself) refuses
   * unless it is dead, checked on the host right before the start. Runs over a connection of its own.
   * Resolves when the start was done; whether the agent lives is for the caller to see by a beat of a new epoch.
   * Rejects with HostError, `step` naming where.
   */
  restart(id: string, mode: 'stop-first' | 'only-dead', order: Order, progress: (progress: ActProgress) => void): Promise<{ text: string }>
  /** Revives a dead pane, by its name as in `panes`, with its original command; refuses where the pane is alive. */
  respawn(pane: { socket: string; name: string }, order: Order, progress: (progress: ActProgress) => void): Promise<{ text: string }>
  /** Resolves when the connection is lost after a successful `open`, other than by `close`. A link is not opened again. */
  readonly lost: Promise<HostError>
  close(): Promise<void>
}

export interface BeatsOptions {
  askStopping: boolean
  awaited: readonly string[]
}

/** `link()` gives a fresh link that is not open yet. */
export interface Host {
  readonly id: string
  link(): HostLink
}

/**
 * unreachable: could not connect, or the connection broke. auth: the host refused the key. host-key: its key is not the
 * pinned one, nothing was run. gate: the gate answered something else than its protocol, or is installed there and does not
 * allow what was declared. refused: the gate would not
 * (unknown agent, agent is alive, …). timeout: a verb did not end in time. failed: a step of an act failed.
 */
export type HostErrorKind = 'unreachable' | 'auth' | 'host-key' | 'gate' | 'refused' | 'timeout' | 'failed' | 'closed'

export class HostError extends Error {
  override name = 'HostError'
  readonly kind: HostErrorKind
  readonly step: ActStep | undefined
  /** settings: the agent itself says that its settings are broken (Hermes by its exit status 78); trying again is of no use. */
  readonly because: 'settings' | undefined
  /** `message` is one plain sentence, capped and free of control characters, fit for an operator. */
  constructor(kind: HostErrorKind, message: string, step?: ActStep, because?: 'settings') {
    super(message)
    this.kind = kind
    this.step = step
    this.because = because
  }
}
