/** The demo's fleet.yaml: the same file as any user writes, and a readable example of one. */
import type { Role } from './cast.ts'
import { CAST, GRACE, NEWCOMERS_AGENT, PERIOD } from './cast.ts'
import type { Layout } from './layout.ts'
import { agentDir, bodyLog, bodyPidFile, heartbeatFile, workerCommand } from './layout.ts'
import { SESSION } from './panes.ts'

export interface FleetFileParts {
  layout: Layout
  socket: string
  user: string
  hosts: { id: string; address: string; port: number }[]
  tower: { url: string; account: string; passwordFile: string }
}

/** Strings are written as JSON writes them, which YAML reads: a path may hold anything. */
export function fleetFile({ layout, socket, user, hosts, tower }: FleetFileParts): string {
  // Their names tell them from the agents of the same name, whom they are called after.
  const sshHosts = hosts.map(
    ({ id, address, port }) =>
      `  ${id}: { kind: ssh, name: ${text(`VPS ${titled(id)}`)}, address: ${text(address)}, port: ${port}, user: ${text(user)}, identity: ${text(layout.identity)}, knownHosts: ${text(layout.knownHosts)} }`,
  )
  return `# Written by the demo at every start: changes are lost. fleet.example.yaml explains each key.
version: 1
fleet: demo
state: ./state
tower:
  transport: websocket
  url: ${text(tower.url)}
  account: ${text(tower.account)}
  password: { file: ${text(tower.passwordFile)} }
# Here agents are killed for fun, again and again: each death and each return is told at once, and nobody is given up.
alerts: { groupWait: 100ms, groupInterval: 100ms, flapping: off }
remedies: { budget: 200, agentBudget: 60, crashLoop: off }
# All of its hosts are this one machine: that its disk is full would be told four times.
health: { disk: off, inodes: off, memory: off, swap: off, load: off, clock: off, fullWithin: off }
hosts:
  local: { kind: local, name: "Local" }
${sshHosts.join('\n')}
agents:
${CAST.map((role) => agent(layout, socket, role)).join('\n')}
`
}

function agent(layout: Layout, socket: string, role: Role): string {
  const restart =
    role.kind === 'pane'
      ? `{ kind: pane, socket: ${text(socket)}, target: ${text(`${SESSION}:${role.id}`)} }`
      : `{ kind: process, start: [${workerCommand(layout, role).map(text).join(', ')}], pidFile: ${text(bodyPidFile(layout, role))}, log: ${text(bodyLog(layout, role))}, cwd: ${text(agentDir(layout, role.id))} }`
  const comment =
    role.id === NEWCOMERS_AGENT
      ? "    # Nobody brings him back by himself: he is the newcomer's, who types `restart bezalel` in the Tower.\n"
      : ''
  return `  ${role.id}:
    name: ${text(role.name)}
    host: ${role.host}
    heartbeat: { file: ${text(heartbeatFile(layout, role))}, format: ${role.format} }
    period: ${PERIOD}
    grace: ${GRACE}
${comment}    policy: ${role.policy}
    restart: ${restart}`
}

function text(value: string): string {
  return JSON.stringify(value)
}

function titled(id: string): string {
  return id.charAt(0).toUpperCase() + id.slice(1)
}
