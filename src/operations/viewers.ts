/** Who watches whom at this moment, so that nobody floods himself or the rest, and each can be stopped. In memory only. */
import type { Actor } from '../domain/operation.ts'

const most = { each: 3, all: 10 } as const

export interface Viewers {
  /** Until `end` is called; `stopped` fires when the same person has asked for that. */
  begin(actor: Actor, agent: string): { stopped: AbortSignal; end(): void } | { refusal: string }
  /** Ends what this person watches, all of it where no agent is named; answers whom. */
  stop(actor: Actor, agent?: string): string[]
  /** Whom this person watches. */
  of(actor: Actor): string[]
}

interface View {
  person: string
  agent: string
  stopping: AbortController
}

export function openViewers(): Viewers {
  const views = new Set<View>()
  const mine = (actor: Actor) => [...views].filter(({ person }) => person === personOf(actor))
  return {
    begin: (actor, agent) => {
      const watched = mine(actor)
      if (watched.some((view) => view.agent === agent)) return { refusal: `You watch ${agent} already. To end that, type: watch stop` }
      if (watched.length >= most.each) {
        const whom = watched.map((view) => view.agent).join(', ')
        return { refusal: `You watch ${most.each} already (${whom}). To end that, type: watch stop` }
      }
      if (views.size >= most.all) return { refusal: `${most.all} are being watched already, by everybody together: try again later.` }
      const view = { person: personOf(actor), agent, stopping: new AbortController() }
      views.add(view)
      return { stopped: view.stopping.signal, end: () => void views.delete(view) }
    },
    stop: (actor, agent) => {
      const ended = mine(actor).filter((view) => agent === undefined || view.agent === agent)
      for (const view of ended) view.stopping.abort()
      return ended.map((view) => view.agent)
    },
    of: (actor) => mine(actor).map((view) => view.agent),
  }
}

const personOf = ({ kind, id }: Actor): string => `${kind}:${id}`
