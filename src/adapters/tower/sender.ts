/** Sends what the feeds of a connection have to say, in order of urgency and within what the game takes. */
import type { Clock } from '../../ports/clock.ts'
import type { Log } from '../../ports/log.ts'
import type { TowerConnection } from '../../ports/tower-transport.ts'
import type { Feed } from './feed.ts'
import { frameLimiter } from './limiter.ts'

const FRAMES_PER_SECOND = 20
/** A game that reads slowly gets nothing more until it has caught up. */
const MAX_BUFFERED_BYTES = 512 * 1024
const BUFFER_CHECK_MS = 200
const FEED_RETRY_MS = 5_000

export interface Sender {
  /**
   * Sends what is due, and calls `wakeAt` for what is due later. `first` goes out even to a game that reads slowly. Groups come
   * one after the other; within a group the feeds take turns, so that none starves another.
   */
  serve(connection: TowerConnection, first: Feed, groups: Feed[][]): void
}

/** The limit of frames holds over all connections: a game counts by the second, whoever came anew. */
export function sender({ clock, log, wakeAt }: { clock: Clock; log: Log; wakeAt(at: number): void }): Sender {
  const limiter = frameLimiter(FRAMES_PER_SECOND, 1_000)
  /** Feeds that failed, and until when they are left alone. */
  const resting = new Map<Feed, number>()

  /** False where the feed has nothing to send now. */
  const sendOne = (source: Feed, connection: TowerConnection, now: number): boolean => {
    if (now < (resting.get(source) ?? 0)) return false
    try {
      const message = source.next(now)
      if (message === undefined) return false
      limiter.sent(now)
      connection.send(message)
      return true
    } catch (error) {
      // A handler of the watch failed. The other feeds go on.
      log.error(
        { error: error instanceof Error ? (error.stack ?? error.message) : String(error) },
        'A feed of the Tower failed; trying again',
      )
      resting.set(source, now + FEED_RETRY_MS)
      return false
    }
  }

  const dueAt = (source: Feed, now: number) => Math.max(source.dueAt(now), resting.get(source) ?? 0)

  return {
    serve: (connection, first, groups) => {
      const now = clock.now()
      const behind = connection.bufferedBytes > MAX_BUFFERED_BYTES
      if (behind) wakeAt(now + BUFFER_CHECK_MS)
      for (const group of behind ? [[first]] : [[first], ...groups]) {
        let busy = group
        const mayGo = () => limiter.freeAt() <= now
        while (busy.length > 0 && mayGo()) busy = busy.filter((source) => !mayGo() || sendOne(source, connection, now))
        for (const source of group) wakeAt(busy.includes(source) ? limiter.freeAt() : dueAt(source, now))
      }
    },
  }
}
