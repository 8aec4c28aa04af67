/** Says hello until it is answered: one that is sent while the game reloads is lost without a word. */
import type { WatchMessages } from '../../protocol/messages.ts'
import { PROTOCOL_VERSION } from '../../protocol/messages.ts'
import type { Feed } from './feed.ts'

const REPEAT_MS = 5_000
/** Where the versions differ: somebody has to update something first. */
const REST_MS = 60_000

export interface Greeter extends Feed {
  /** Introduce the watch, now, under a fresh id. */
  start(now: number): void
  /** Introduce it again, later. */
  rest(now: number): void
  /** True if the welcome answers the present hello. */
  welcomed(id: string): boolean
}

export function greeter(introduction: Omit<WatchMessages['tower_hello'], 'v' | 'id'>, freshId: () => string): Greeter {
  let id: string | undefined
  let dueAt = Number.POSITIVE_INFINITY
  return {
    start: (now) => {
      id = undefined
      dueAt = now
    },
    rest: (now) => {
      id = undefined
      dueAt = now + REST_MS
    },
    welcomed: (welcomeId) => {
      if (id !== welcomeId) return false
      dueAt = Number.POSITIVE_INFINITY
      return true
    },
    next: (now) => {
      if (now < dueAt) return undefined
      id ??= freshId()
      dueAt = now + REPEAT_MS
      return { name: 'tower_hello', data: { v: PROTOCOL_VERSION, id, ...introduction } }
    },
    dueAt: () => dueAt,
  }
}
