/** Keeps info.json true while the demo runs, and says what becomes of the agents. */
import { messageOf } from '../domain/failure.ts'
import type { Role } from './cast.ts'
import { CAST } from './cast.ts'
import type { DemoInfo } from './info.ts'
import { writeInfo } from './info.ts'
import type { Layout } from './layout.ts'
import { heartbeatFile } from './layout.ts'
import { pause } from './pause.ts'
import type { ProcessIdentity } from './processes.ts'
import { isAlive } from './processes.ts'
import type { SshHost } from './sshd.ts'
import type { TowerPlace } from './tower-place.ts'
import type { Workers } from './workers.ts'

export interface LookoutParts {
  layout: Layout
  place: TowerPlace
  hosts: readonly SshHost[]
  workers: Workers
  say(line: string): void
  /** A worker has another process now. */
  changed(role: Role, process: ProcessIdentity): void
}

export interface Lookout {
  info(): DemoInfo
  stop(): Promise<void>
}

const LOOK_EVERY_MS = 500

/** Writes info.json, and again whenever a pid in it has changed. */
export async function startLookout(parts: LookoutParts): Promise<Lookout> {
  const { layout, workers, say } = parts
  const stopping = new AbortController()
  const known = new Map<string, ProcessIdentity>()
  const gone = new Set<string>()
  for (const role of CAST) {
    const process = workers.process(role)
    if (process) known.set(role.id, process)
  }
  let panes = await paneIds(workers)
  let info = gather(parts, known, panes)
  writeInfo(layout.info, info)

  const look = async () => {
    let moved = false
    for (const role of CAST) {
      const before = known.get(role.id)
      const now = before && isAlive(before) ? before : workers.process(role)
      if (now !== undefined && now === before) continue
      // Also of one who was back before anybody looked: else nobody would know that he had gone.
      if (before !== undefined && !gone.has(role.id)) {
        gone.add(role.id)
        say(`${role.id}: process ${before.pid} is gone.`)
      }
      if (now === undefined) continue
      gone.delete(role.id)
      moved = true
      known.set(role.id, now)
      parts.changed(role, now)
      say(`${role.id}: at work again, as process ${now.pid}.`)
    }
    // A worker that was started anew may live in another pane than before.
    if (moved) panes = await paneIds(workers)
    const next = gather(parts, known, panes)
    if (JSON.stringify(next) === JSON.stringify(info)) return
    writeInfo(layout.info, next)
    info = next
  }

  let complaint = ''
  const looking = (async () => {
    for (;;) {
      await pause(LOOK_EVERY_MS, stopping.signal)
      if (stopping.signal.aborted) return
      try {
        await look()
        complaint = ''
      } catch (error) {
        // Not the demo's end: a full disk may have room again. Said once, not twice a second.
        const reason = messageOf(error)
        if (reason !== complaint) say(`${layout.info} could not be kept up to date: ${reason}`)
        complaint = reason
      }
    }
  })()
  return {
    info: () => info,
    async stop() {
      stopping.abort()
      await looking
    },
  }
}

function gather(parts: LookoutParts, known: ReadonlyMap<string, ProcessIdentity>, panes: ReadonlyMap<string, string>): DemoInfo {
  const { telnet, web, websocket, player, visitor, channel } = parts.place
  return {
    telnet,
    web,
    websocket,
    player,
    visitor,
    channel,
    tmux: { socket: parts.workers.panes.socket },
    hosts: parts.hosts.map((host) => ({ id: host.id, address: host.address, port: host.port, sshdPid: host.process().pid })),
    agents: CAST.map((role) => {
      const pane = panes.get(role.id)
      return {
        id: role.id,
        host: role.host,
        kind: role.kind,
        ...(pane !== undefined && { pane }),
        pid: known.get(role.id)?.pid ?? 0,
        heartbeat: heartbeatFile(parts.layout, role),
      }
    }),
  }
}

async function paneIds(workers: Workers): Promise<Map<string, string>> {
  return new Map((await workers.panes.list()).map((pane) => [pane.agent, pane.id]))
}
