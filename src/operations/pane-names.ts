/** Which pane is meant by what was typed. */
import type { AgentConfig } from '../config/config.ts'
import { resolve } from '../domain/arguments.ts'
import { nearest } from '../domain/nearest.ts'
import { plainLine } from '../domain/tail.ts'
import { HostError, type PaneSighting, type PanesSighting } from '../ports/host.ts'
import type { OperationContext } from './operation.ts'

interface PaneFound {
  host: string
  socket: string
  /** As the host has it. Outside text. */
  name: string
}

/** The panes of a host, or why they can't be told. */
export type HostPanes = { host: string; seen: PanesSighting } | { host: string; problem: string }

/** A name as it is shown, and as it can be typed: names hold whatever somebody gave them. */
export const shownName = (name: string): string => plainLine(name, 200).split(/\s+/).filter(Boolean).join(' ')

/** The agent that lives in a pane, if one does. */
export function tenantOf(
  host: string,
  { socket, name }: Pick<PaneSighting, 'socket' | 'name'>,
  context: OperationContext,
): AgentConfig | undefined {
  return [...context.config.agents.values()].find(
    ({ body, host: at }) => at === host && body.kind === 'pane' && body.socket === socket && body.target === name,
  )
}

export async function panesOf(hosts: readonly string[], context: OperationContext): Promise<HostPanes[]> {
  return Promise.all(
    hosts.map(async (host): Promise<HostPanes> => {
      const hands = context.hands(host)
      if (!hands) return { host, problem: "it can't be reached" }
      try {
        return { host, seen: await hands.panes() }
      } catch (error) {
        if (!(error instanceof HostError)) throw error
        return { host, problem: error.message }
      }
    }),
  )
}

/** By an agent, or by the pane's name, before which its host or its socket may stand. */
export async function findPane(typed: string, context: OperationContext): Promise<PaneFound | { refusal: string[] }> {
  const agent = agentCalled(typed, context)
  if (agent) return paneOf(agent)
  const looked = await panesOf([...context.config.hosts.keys()], context)
  const found = looked.flatMap((one) =>
    'seen' in one ? one.seen.panes.filter((pane) => isCalled(typed, one.host, pane)).map((pane) => ({ host: one.host, ...pane })) : [],
  )
  const [first] = found
  if (first && found.length === 1) return { host: first.host, socket: first.socket, name: first.name }
  if (first) {
    const isOneHost = found.every(({ host }) => host === first.host)
    const names = found.map(({ host, socket, name }) => `${isOneHost ? socket : host}:${shownName(name)}`)
    return { refusal: [`Several panes are called so: ${names.slice(0, 20).join(', ')}. Type more of it.`] }
  }
  // A name that is typed whole goes first: a pane may be called like the beginning of an agent.
  const meant = resolve({ name: 'pane', kind: 'agent', required: true, help: '' }, typed, context.config)
  const begun = 'value' in meant ? context.config.agents.get(meant.value) : undefined
  if (begun) return paneOf(begun)
  const names = looked.flatMap((one) => ('seen' in one ? one.seen.panes.map(({ name }) => shownName(name)) : []))
  const near = nearest(typed.slice(0, 64), [...new Set([...names, ...context.config.agents.keys()])])
  const unseen = looked.flatMap((one) => ('problem' in one ? [one.host] : []))
  return {
    refusal: [
      `There is no pane called so. ${near === undefined ? 'To see them, type: panes' : `Did you mean ${near}?`}`,
      ...(unseen.length > 0 ? [`Those of ${unseen.join(', ')} could not be looked at.`] : []),
    ],
  }
}

function paneOf({ id, host, body }: AgentConfig): PaneFound | { refusal: string[] } {
  if (body.kind === 'pane') return { host, socket: body.socket, name: body.target }
  return { refusal: [`${id} does not live in a pane. To bring it back, type: restart ${id}`] }
}

function agentCalled(typed: string, { config }: OperationContext): AgentConfig | undefined {
  const word = typed.toLowerCase()
  return config.agents.get(word) ?? [...config.agents.values()].find(({ name }) => name.toLowerCase() === word)
}

function isCalled(typed: string, host: string, { socket, name }: PaneSighting): boolean {
  const shown = shownName(name)
  return typed === shown || typed === `${host}:${shown}` || typed === `${socket}:${shown}` || typed === `${host}:${socket}:${shown}`
}
