import { sayDuration } from '../domain/duration.ts'
import type { PaneSighting } from '../ports/host.ts'
import { type Column, lay } from './layout.ts'
import type { Operation, OperationContext } from './operation.ts'
import { type HostPanes, panesOf, shownName, tenantOf } from './pane-names.ts'

const mostRows = 300
const columns: Column[] = [
  { name: 'host', place: 'title' },
  // It is what respawn wants.
  { name: 'pane', place: 'title' },
  { name: 'state', place: 'title' },
  { name: 'program', least: 6, drop: 1 },
  { name: 'quiet', say: (time) => `quiet for ${time}` },
  { name: 'agent', say: (agent) => `agent ${agent}` },
]

export const panes: Operation = {
  name: 'panes',
  aliases: [],
  summary: 'The panes of the tmux servers: who is alive, who is dead',
  help: 'Every pane of every tmux server that agents live in, or that fleet.yaml names under "sockets": dead ones first. A name stays when windows are moved; all but the oldest pane of a window have their id behind it. Quiet is the time since anything was written in its window.',
  arguments: [{ name: 'host', kind: 'host', required: false, help: 'only those of this host' }],
  examples: ['panes', 'panes ezra'],
  effect: 'sees',
  role: 'see',
  answeredBy: 'watch',
  deadlineMs: 30_000,

  async run(args, context) {
    const hosts = args['host'] === undefined ? [...context.config.hosts.keys()] : [args['host']]
    const looked = await panesOf(hosts, context)
    const all = looked.flatMap((one) => ('seen' in one ? one.seen.panes.map((pane) => ({ host: one.host, pane })) : []))
    const sorted = all.sort((one, other) => rank(one.pane) - rank(other.pane)).slice(0, mostRows)
    const rows = sorted.map(({ host, pane }) => [
      host,
      shownName(pane.name),
      sayState(pane),
      pane.command,
      sayDuration(pane.quietMs),
      tenantOf(host, pane, context)?.id ?? '',
    ])
    const isShort = all.length > rows.length || looked.some((one) => 'seen' in one && one.seen.isCut)
    const lines = [
      ...(rows.length > 0 ? lay(columns, rows, context.screen) : ['There are no panes.']),
      ...(isShort ? ['There are more panes than are shown.'] : []),
      ...looked.flatMap(problemsOf),
    ]
    // That nobody could be asked is no answer.
    const isBlind = looked.length > 0 && looked.every((one) => 'problem' in one)
    return { status: isBlind ? 'failed' : 'ok', lines, data: { panes: sorted.map(({ host, pane }) => dataOf(host, pane, context)) } }
  },
}

const rank = ({ state }: PaneSighting): number => (state === 'dead' ? 0 : 1)

function sayState({ state, ended }: PaneSighting): string {
  if (state === 'alive' || !ended) return state
  return 'signal' in ended ? `dead (signal ${ended.signal})` : `dead (${ended.status})`
}

function problemsOf(one: HostPanes): string[] {
  if ('problem' in one) return [`The panes of ${one.host} could not be looked at: ${one.problem}.`]
  return one.seen.blind.map((socket) => `On ${one.host} tmux does not answer on ${shownName(socket)}.`)
}

function dataOf(host: string, pane: PaneSighting, context: OperationContext) {
  const agent = tenantOf(host, pane, context)?.id
  return { host, ...pane, ...(agent !== undefined && { agent }) }
}
