/** Shows the Tower the fleet: the whole of it after each welcome, then what changed, latest wins, one batch a second. */
import type { TowerHandlers } from '../../ports/tower.ts'
import type { AgentView, HostView, WatchMessage } from '../../protocol/messages.ts'
import type { Feed } from './feed.ts'

/** Of one frame. The game reads a frame in one go, and answers nobody meanwhile. */
const PART: Bounds = { count: 500, chars: 256 * 1024 }
const BATCH: Bounds = { count: 1_000, chars: 256 * 1024 }
const BATCH_EVERY_MS = 1_000
const RESEND_FIRST_MS = 5_000
const RESEND_CAP_MS = 60_000

export interface Mirror extends Feed {
  /** A Tower that knows nothing yet: send everything. */
  start(boot: string, now: number): void
  redeclare(now: number): void
  changed(ids: { agents: Iterable<string>; hosts: Iterable<string> }): void
  /**
   * An alert is about to be said, and people look when they hear one: what changed goes before it, however short ago the
   * last batch was. The session's limit of frames a second holds all the same.
   */
  hurry(): void
  /** True if the id was a part's. */
  acknowledged(id: string, ok: boolean): boolean
}

export function mirror(fleet: TowerHandlers['fleet'], random: () => number): Mirror {
  const dirtyAgents = new Set<string>()
  const dirtyHosts = new Set<string>()
  let queue: WatchMessage[] = []
  let boot = ''
  let seq = 0
  let count = 0
  /** Parts sent or queued and not yet acknowledged. */
  let unacknowledged = new Set<string>()
  let attempt = 0
  let snapshotDue = Number.POSITIVE_INFINITY
  let batchAllowedAt = Number.NEGATIVE_INFINITY

  /**
   * A lost part brings a whole new snapshot rather than that part again: the ages in it would be old, and the Tower may
   * have started over. Its name is fresh, so that a late ack for a former one is not taken for this one's.
   */
  const buildSnapshot = (now: number) => {
    const { hosts, agents } = fleet()
    const theirAgents = cut(agents, PART)
    const theirHosts = cut(hosts, PART)
    const parts = Math.max(1, theirAgents.length, theirHosts.length)
    count += 1
    const name = `s-${Math.floor(random() * 2 ** 40).toString(36)}-${count}`
    dirtyAgents.clear()
    dirtyHosts.clear()
    queue = Array.from({ length: parts }, (_, index) => ({
      name: 'tower_snapshot' as const,
      data: {
        v: 1 as const,
        id: `${name}.${index + 1}`,
        boot,
        snapshot: name,
        part: index + 1,
        parts,
        hosts: theirHosts[index] ?? [],
        agents: theirAgents[index] ?? [],
      },
    }))
    unacknowledged = new Set(queue.map((message) => ('id' in message.data ? message.data.id : '')))
    snapshotDue = now + Math.min(RESEND_CAP_MS, RESEND_FIRST_MS * 2 ** attempt)
    attempt += 1
  }

  const buildBatch = (now: number) => {
    const { hosts, agents } = fleet({ hosts: dirtyHosts, agents: dirtyAgents })
    // Whoever can't tell a part of the fleet may tell all of it.
    const theirHosts = cut(
      hosts.filter(({ id }) => dirtyHosts.has(id)),
      BATCH,
    )
    const theirAgents = cut(
      agents.filter(({ id }) => dirtyAgents.has(id)),
      BATCH,
    )
    dirtyAgents.clear()
    dirtyHosts.clear()
    const frames = Math.max(theirAgents.length, theirHosts.length)
    for (let index = 0; index < frames; index++) queue.push(stateFrame(theirHosts[index] ?? [], theirAgents[index] ?? []))
    batchAllowedAt = now + BATCH_EVERY_MS
  }

  const stateFrame = (hosts: HostView[], agents: AgentView[]): WatchMessage => ({
    name: 'tower_state',
    data: { v: 1, boot, seq: seq++, hosts, agents },
  })
  const isDirty = () => dirtyAgents.size + dirtyHosts.size > 0
  /** Changes wait until the whole fleet has arrived; they are then sent once, as they are by that time. */
  const mayBatch = () => isDirty() && unacknowledged.size === 0 && snapshotDue === Number.POSITIVE_INFINITY

  return {
    start: (newBoot, now) => {
      boot = newBoot
      seq = 0
      attempt = 0
      queue = []
      unacknowledged.clear()
      snapshotDue = now
    },
    redeclare: (now) => {
      attempt = 0
      snapshotDue = now
    },
    changed: (ids) => {
      for (const id of ids.agents) dirtyAgents.add(id)
      for (const id of ids.hosts) dirtyHosts.add(id)
    },
    hurry: () => {
      batchAllowedAt = Number.NEGATIVE_INFINITY
    },
    acknowledged: (id, ok) => {
      if (!unacknowledged.has(id)) return false
      if (ok) unacknowledged.delete(id)
      if (unacknowledged.size === 0) {
        snapshotDue = Number.POSITIVE_INFINITY
        attempt = 0
      }
      return true
    },
    next: (now) => {
      if (now >= snapshotDue) buildSnapshot(now)
      else if (queue.length === 0 && mayBatch() && now >= batchAllowedAt) buildBatch(now)
      return queue.shift()
    },
    dueAt: () =>
      queue.length > 0 ? Number.NEGATIVE_INFINITY : Math.min(snapshotDue, mayBatch() ? batchAllowedAt : Number.POSITIVE_INFINITY),
  }
}

interface Bounds {
  count: number
  /** Of the text that they become, more or less. */
  chars: number
}

/** In their order, as many in each piece as fit; nothing makes no piece. */
function cut<View>(views: readonly View[], { count, chars }: Bounds): View[][] {
  const pieces: View[][] = []
  let piece: View[] = []
  let length = 0
  for (const view of views) {
    const itsLength = JSON.stringify(view).length
    if (piece.length === count || (piece.length > 0 && length + itsLength > chars)) {
      pieces.push(piece)
      piece = []
      length = 0
    }
    piece.push(view)
    length += itsLength
  }
  if (piece.length > 0) pieces.push(piece)
  return pieces
}
