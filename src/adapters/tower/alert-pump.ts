/**
 * Sends the alerts of the outbox until the Tower has acknowledged each. Many are under way at once, because a lock step of
 * send and ack costs 44 ms each in a stock Evennia; but never two about one subject, so that a lost "down" that is sent
 * again cannot come after its "back up".
 */

import type { Log } from '../../ports/log.ts'
import type { Alert, TowerHandlers } from '../../ports/tower.ts'
import { watchMessages } from '../../protocol/messages.ts'
import type { Feed } from './feed.ts'

const WINDOW = 16
const RESEND_MS = 5_000
const RESEND_CAP_MS = 60_000

interface UnderWay {
  alert: Alert
  dueAt: number
  /** Times the Tower said that it could not take it. */
  refusals: number
}

export interface AlertPump extends Feed {
  /** A fresh connection or a fresh server: everything unacknowledged goes again. */
  start(): void
  waiting(): void
  /** True if the id was an alert's. */
  acknowledged(id: string, ok: boolean, error: string | undefined, now: number): boolean
}

export function alertPump(handlers: Pick<TowerHandlers, 'unacknowledged' | 'acknowledged'>, log: Log): AlertPump {
  const underWay = new Map<string, UnderWay>()
  /** Said by the Tower, but the outbox could not be told: not sent again, told again. */
  const untold = new Set<string>()
  /** Alerts that are no legal message. They stay in the outbox for a person to find and hold up nobody. */
  const broken = new Set<string>()
  let dirty = false
  let tellAgainAt = Number.POSITIVE_INFINITY

  const tell = (id: string, now: number) => {
    try {
      handlers.acknowledged(id)
      untold.delete(id)
    } catch (error) {
      untold.add(id)
      tellAgainAt = now + RESEND_MS
      log.error({ alert: id, error: String(error) }, 'An alert was said, but the outbox could not be told; trying again')
    }
  }

  const toResend = (now: number): UnderWay | undefined => {
    for (const entry of underWay.values()) if (entry.dueAt <= now) return entry
    return undefined
  }

  const fresh = (): Alert | undefined => {
    if (!dirty || inWindow() >= WINDOW) return undefined
    const taken = new Set([...underWay.values()].flatMap(({ alert }) => subjectsOf(alert)))
    for (const alert of handlers.unacknowledged(WINDOW + underWay.size + untold.size + broken.size)) {
      if (underWay.has(alert.id) || untold.has(alert.id) || broken.has(alert.id)) continue
      const subjects = subjectsOf(alert)
      if (subjects.some((subject) => taken.has(subject))) {
        // Later alerts about others may go; later ones about any of its subjects wait behind it.
        for (const subject of subjects) taken.add(subject)
        continue
      }
      const valid = watchMessages.tower_alert.safeParse({ v: 1, ...alert })
      if (valid.success) return alert
      broken.add(alert.id)
      log.error({ alert: alert.id, faults: valid.error.issues.map((issue) => issue.path.join('.')) }, 'An alert is no legal message')
    }
    dirty = false
    return undefined
  }

  /** Those that the Tower refuses again and again must not fill the window for the others. */
  const inWindow = () => [...underWay.values()].filter((entry) => entry.refusals === 0).length

  return {
    start: () => {
      underWay.clear()
      dirty = true
    },
    waiting: () => {
      dirty = true
    },
    acknowledged: (id, ok, error, now) => {
      const entry = underWay.get(id)
      if (entry === undefined) return false
      dirty = true
      if (ok) {
        underWay.delete(id)
        tell(id, now)
      } else {
        entry.refusals += 1
        entry.dueAt = now + Math.min(RESEND_CAP_MS, RESEND_MS * 2 ** entry.refusals)
        log.error({ alert: id, refusals: entry.refusals, error }, 'The Tower could not take an alert; trying again')
      }
      return true
    },
    next: (now) => {
      if (now >= tellAgainAt) {
        tellAgainAt = Number.POSITIVE_INFINITY
        for (const id of untold) tell(id, now)
      }
      const again = toResend(now)
      const alert = again?.alert ?? fresh()
      if (alert === undefined) return undefined
      underWay.set(alert.id, { alert, dueAt: now + resendAfter(again), refusals: again?.refusals ?? 0 })
      return { name: 'tower_alert', data: { v: 1, ...alert } }
    },
    dueAt: () => Math.min(tellAgainAt, ...[...underWay.values()].map((entry) => entry.dueAt)),
  }
}

const resendAfter = (entry: UnderWay | undefined): number => Math.min(RESEND_CAP_MS, RESEND_MS * 2 ** (entry?.refusals ?? 0))
/** The watch itself is a subject, too, where an alert names no other. */
const subjectsOf = ({ subjects }: Alert): string[] => (subjects.length === 0 ? ['watch'] : subjects.map(({ kind, id }) => `${kind}:${id}`))
