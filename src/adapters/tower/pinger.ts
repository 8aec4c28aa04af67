/** Finds out whether the game's server is there: the socket is held by its portal and stays open without it. */
import type { Feed } from './feed.ts'

const INTERVAL_MS = 3_000
/** While a ping is unanswered they go faster, so that the end of a reload is seen soon. */
const HURRY_MS = 1_000
/** A server that has not answered for this long may be reloading, and what is sent to it then is lost without a word. */
const SUSPECT_MS = 1_500
const DEAD_MS = 15_000

export interface Pinger extends Feed {
  /** Something came that only the game's server can have sent. */
  heard(now: number): void
  /** Better hold back everything but pings. */
  suspect(now: number): boolean
  deadAt(): number
}

export function pinger(startedAt: number): Pinger {
  let heardAt = startedAt
  let number = 0
  let lastPingAt = Number.NEGATIVE_INFINITY
  /** The oldest ping since the server was last heard. */
  let waitingSince: number | undefined

  const nextPingAt = () => lastPingAt + (waitingSince === undefined ? INTERVAL_MS : HURRY_MS)
  return {
    heard: (now) => {
      heardAt = now
      waitingSince = undefined
    },
    suspect: (now) => waitingSince !== undefined && now - waitingSince >= SUSPECT_MS,
    deadAt: () => heardAt + DEAD_MS,
    next: (now) => {
      if (now < nextPingAt()) return undefined
      lastPingAt = now
      waitingSince ??= now
      number += 1
      return { name: 'tower_ping', data: { v: 1, id: `ping-${number}` } }
    },
    dueAt: () => Math.min(nextPingAt(), heardAt + DEAD_MS),
  }
}
