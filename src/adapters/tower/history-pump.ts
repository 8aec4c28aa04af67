/**
 * Sends the history: after each welcome, and every few minutes. What was lost on the way is not sent again, because the next
 * set replaces all of it; it never waits for an answer, and never holds up an alert.
 */
import { messageOf } from '../../domain/failure.ts'
import type { Log } from '../../ports/log.ts'
import type { HistoryPart, TowerHandlers } from '../../ports/tower.ts'
import { watchMessages } from '../../protocol/messages.ts'
import type { Feed } from './feed.ts'

const EVERY_MS = 300_000
/** After a change that pages should show soon: an incident has begun or ended. */
const SOON_MS = 10_000
const RETRY_MS = 30_000

export interface HistoryPump extends Feed {
  start(boot: string, now: number): void
  /** Something happened that the history tells of. */
  changed(now: number): void
}

export function historyPump(handlers: Pick<TowerHandlers, 'history'>, newId: () => string, wake: () => void, log: Log): HistoryPump {
  let boot = ''
  let askAt = Number.POSITIVE_INFINITY
  /** The set that is being worked out; another one begun since makes it worthless. */
  let asking: object | undefined
  let waiting: HistoryPart[] = []
  let history = ''

  function ask(now: number): void {
    const mine = {}
    asking = mine
    askAt = now + EVERY_MS
    handlers.history().then(
      (parts) => {
        if (asking !== mine) return
        asking = undefined
        history = newId()
        waiting = [...parts]
        wake()
      },
      (error: unknown) => {
        if (asking !== mine) return
        asking = undefined
        askAt = Math.min(askAt, now + RETRY_MS)
        log.error({ err: messageOf(error) }, 'The history for the Tower could not be worked out')
        wake()
      },
    )
  }

  return {
    start: (ofServer, now) => {
      boot = ofServer
      waiting = []
      asking = undefined
      askAt = now
    },
    changed: (now) => {
      askAt = Math.min(askAt, now + SOON_MS)
    },
    next: (now) => {
      if (askAt <= now && !asking && waiting.length === 0) ask(now)
      const part = waiting.shift()
      if (!part) return undefined
      const parsed = watchMessages.tower_history.safeParse({ v: 1, boot, history, ...part })
      if (parsed.success) return { name: 'tower_history', data: parsed.data }
      log.error({ faults: parsed.error.issues.map(({ path }) => path.join('.')).slice(0, 5) }, 'The Tower cannot be shown this history')
      waiting = []
      return undefined
    },
    dueAt: (now) => {
      if (waiting.length > 0) return now
      return asking ? Number.POSITIVE_INFINITY : askAt
    },
  }
}
