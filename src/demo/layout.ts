/** Where everything of the demo lies. All of it is under `<var>/demo`, but for the tmux socket where that path is too long. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Role } from './cast.ts'
import { BEAT_S } from './cast.ts'

/** An AF_UNIX address holds 104 bytes on macOS and 108 on Linux, with the final zero. */
export const LONGEST_SOCKET_PATH = 100

export interface Layout {
  dir: string
  info: string
  processes: string
  fleet: string
  watchLog: string
  socket: string
  identity: string
  authorizedKeys: string
  knownHosts: string
}

/** `varDir` is absolute: paths in info.json and fleet.yaml have to be. */
export function layoutIn(varDir: string): Layout {
  const dir = join(varDir, 'demo')
  return {
    dir,
    info: join(dir, 'info.json'),
    processes: join(dir, 'processes.json'),
    fleet: join(dir, 'fleet.yaml'),
    watchLog: join(dir, 'watch.log'),
    socket: join(dir, 'tmux.sock'),
    identity: join(dir, 'ssh', 'id_ed25519'),
    authorizedKeys: join(dir, 'ssh', 'authorized_keys'),
    knownHosts: join(dir, 'ssh', 'known_hosts'),
  }
}

export function hostDir(layout: Layout, id: string): string {
  return join(layout.dir, 'hosts', id)
}

export function agentDir(layout: Layout, id: string): string {
  return join(layout.dir, 'agents', id)
}

export function heartbeatFile(layout: Layout, role: Role): string {
  return join(agentDir(layout, role.id), role.format === 'json' ? 'heartbeat.json' : 'heartbeat')
}

/** Where the worker itself writes its pid when it starts, whoever started it. */
export function ownPidFile(layout: Layout, role: Role): string {
  return join(agentDir(layout, role.id), 'worker.pid')
}

/** Where whoever starts a plain process keeps its pid: the demo first, the gate afterwards. */
export function bodyPidFile(layout: Layout, role: Role): string {
  return join(agentDir(layout, role.id), 'process.pid')
}

export function bodyLog(layout: Layout, role: Role): string {
  return join(agentDir(layout, role.id), 'process.log')
}

const WORKER = fileURLToPath(new URL('./worker.sh', import.meta.url))

/** How this agent is started, as argv. */
export function workerCommand(layout: Layout, role: Role): string[] {
  return ['/bin/sh', WORKER, role.name, role.format, heartbeatFile(layout, role), ownPidFile(layout, role), role.model, String(BEAT_S)]
}
