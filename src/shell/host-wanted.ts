/** What `towerwatch host install` puts on a host, as text. Pure: the same fleet.yaml gives the same bytes. */
import { encodeDeclarations } from '../adapters/hosts/gate-protocol.ts'
import { encodeHost } from '../adapters/hosts/host-lines.ts'
import type { AgentConfig, Config, HostConfig } from '../config/config.ts'
import { hostDeclarationOf } from '../watches/heartbeats.ts'
import { exitCode, ShellError } from './shell.ts'

/** Where things go on a host. Tests have their own. */
export interface Places {
  gate: string
  /** The folder of allow-lists. */
  lists: string
  sudoers: string
  /** Who owns all that, and has the rights to prepare a host. */
  owner: string
  /** The command that runs the text after it with /bin/sh as this account. */
  asAccount: (user: string) => string
}

export const usualPlaces: Places = {
  gate: '/usr/local/lib/towerwatch/gate.sh',
  lists: '/etc/towerwatch',
  sudoers: '/etc/sudoers.d',
  owner: 'root',
  // What is in the account's home is touched as that account: it may have put a link there to anywhere.
  asAccount: (user) => `su -s /bin/sh ${user} -c`,
}

/** A public key that may log in, and what for. `text` is its type and its base64, without a comment. */
export interface AllowedKey {
  role: 'probe' | 'act'
  text: string
}

export interface Wanted {
  host: string
  user: string
  places: Places
  /** Where the allow-list, the sudoers file and the note that the account was made here belong. */
  paths: { list: string; sudoers: string; account: string }
  gateText: string
  listText: string
  /** Absent: nothing there needs rights of root. */
  sudoersText?: string
  keyLines: string[]
}

export type SshHost = Extract<HostConfig, { kind: 'ssh' }>

/** The pattern of useradd; also what sudoers takes as a name: one of capitals would be an alias there. */
const userPattern = /^[a-z_][a-z0-9_.-]{0,31}$/
/** As long as the gate reads. */
const listMaxBytes = 262_144

/** Throws ShellError (exit 2) where fleet.yaml says too little, or what cannot be told to a host. */
export function wantedOf(config: Config, host: SshHost, keys: readonly AllowedKey[], gateText: string, places: Places): Wanted {
  const { id } = host
  const user = accountOf(host)
  const agents = [...config.agents.values()].filter((agent) => agent.host === id)
  const list = `${places.lists}/${id}.allow`
  const sudoersText = sudoersOf(id, user, agents)
  return {
    host: id,
    user,
    places,
    // sudo passes over files with a dot in their name.
    paths: { list, sudoers: `${places.sudoers}/towerwatch-${id.replaceAll('.', '_')}`, account: `${places.lists}/${id}.account` },
    gateText,
    listText: allowListOf(config, host, agents),
    ...(sudoersText !== undefined && { sudoersText }),
    keyLines: keys.map(
      ({ role, text }) => `restrict,command="/bin/sh ${places.gate} ${role} ${list}" ${text} towerwatch-${role}@${config.fleet}`,
    ),
  }
}

/** The account that agents of this host are looked after as. */
export function accountOf({ id, user }: SshHost): string {
  if (user === undefined)
    throw new ShellError(`fleet.yaml does not say as whom: add "user: agents" to the host ${id}.`, exitCode.wrongInput)
  if (!userPattern.test(user)) throw new ShellError(`The host ${id}: "${user}" is no name for an account there.`, exitCode.wrongInput)
  return user
}

function allowListOf(config: Config, host: SshHost, agents: readonly AgentConfig[]): string {
  const declared = hostDeclarationOf(host, agents)
  const text = [
    // The gate knows by this line that it is one, and whose.
    `# towerwatch allow-list of ${host.id}`,
    `# What the watch of the fleet ${config.fleet} may declare here. Written by "towerwatch host install ${host.id}".`,
    ...encodeHost(declared),
    ...encodeDeclarations(declared.agents),
  ]
    .map((line) => `${line}\n`)
    .join('')
  if (Buffer.byteLength(text) > listMaxBytes) {
    throw new ShellError(`The agents of ${host.id} need an allow-list of more than ${listMaxBytes} bytes.`, exitCode.wrongInput)
  }
  return text
}

/** Only what the gate calls sudo for: `systemctl restart -- UNIT`, for exactly these units. */
function sudoersOf(id: string, user: string, agents: readonly AgentConfig[]): string | undefined {
  const units = agents.flatMap(({ body }) =>
    (body.kind === 'service' || body.kind === 'hermes') && body.scope === 'system' ? [body.unit] : [],
  )
  if (user === 'root' || units.length === 0) return undefined
  const bad = units.find((unit) => !/^[A-Za-z0-9@_][A-Za-z0-9@._-]*$/.test(unit))
  if (bad !== undefined) throw new ShellError(`"${bad}" on ${id} cannot be written into sudoers.`, exitCode.wrongInput)
  const commands = [...new Set(units)].flatMap((unit) =>
    ['/usr/bin/systemctl', '/bin/systemctl'].map((systemctl) => `${user} ALL=(root) NOPASSWD: ${systemctl} restart -- ${unit}\n`),
  )
  return [`# Written by "towerwatch host install ${id}": the gate restarts these units, and nothing else.\n`, ...commands].join('')
}

const begin = (host: string) => `# begin towerwatch ${host}`
const end = (host: string) => `# end towerwatch ${host}`

/** authorized_keys with our lines between their two comments; all others as they are. Throws ShellError where an end is missing. */
export function withKeys(text: string, { host, keyLines }: Wanted): string {
  const { before, after } = cutKeys(text, host)
  const start = before === '' || before.endsWith('\n') ? before : `${before}\n`
  return `${start}${[begin(host), ...keyLines, end(host)].map((line) => `${line}\n`).join('')}${after}`
}

export function withoutKeys(text: string, host: string): string {
  const { before, after } = cutKeys(text, host)
  return before + after
}

export function hasKeys(text: string, host: string): boolean {
  return text.split('\n').includes(begin(host))
}

function cutKeys(text: string, host: string): { before: string; after: string } {
  const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? []
  const first = lines.findIndex((line) => line.trimEnd() === begin(host))
  if (first < 0) return { before: text, after: '' }
  const last = lines.findIndex((line, index) => index > first && line.trimEnd() === end(host))
  if (last < 0) {
    throw new ShellError(`authorized_keys on ${host} has "${begin(host)}" but no "${end(host)}": put it right by hand.`, exitCode.failed)
  }
  return { before: lines.slice(0, first).join(''), after: lines.slice(last + 1).join('') }
}

/** Lines, by number, that let one of our keys in without the gate: sshd goes by the first that fits. */
export function openLines(text: string, { host, keyLines }: Wanted): number[] {
  const keys = keyLines.map((line) => line.split(' ').at(-2) ?? line)
  let isOurs = false
  return text.split('\n').flatMap((line, index) => {
    if (line.trimEnd() === begin(host)) isOurs = true
    const isOpen = !isOurs && !line.trimStart().startsWith('#') && keys.some((key) => line.includes(key))
    if (line.trimEnd() === end(host)) isOurs = false
    return isOpen ? [index + 1] : []
  })
}
