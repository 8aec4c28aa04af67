/**
 * The alerts that each receiver (the Tower, each sink) has still to be told. They are in the ledger; while that can't be
 * written, the newest ones are in memory, and so is who has heard them.
 */
import type { Clock } from '../ports/clock.ts'
import { type AlertRecord, type Ledger, LedgerError, type LedgerFact } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import type { Journal } from './journal.ts'

export interface Outbox {
  /** Not told to this receiver yet and made at or after `fromMs`, oldest first, at most `limit`. */
  untold(receiver: string, limit: number, fromMs?: number): AlertRecord[]
  /** This receiver has heard it. `facts` are written together with that. */
  told(receiver: string, alertId: string, facts?: readonly LedgerFact[]): void
}

export interface OutboxPorts {
  ledger: Ledger
  journal: Journal
  clock: Clock
  log: Log
  /** Alerts that the ledger could not take yet, oldest first. */
  unwritten: () => readonly AlertRecord[]
}

export function openOutbox(ports: OutboxPorts): Outbox {
  const { ledger, journal, clock, log } = ports
  /** Told, and on its way into the ledger. Behind the alerts themselves, because the journal keeps the order. */
  const toldMeanwhile = new Map<string, Set<string>>()
  let isReadable = true

  /** Nothing where the ledger can't be read: said once, and tried again by whoever asks next. */
  function written(receiver: string, limit: number, fromMs: number | undefined): AlertRecord[] {
    try {
      const alerts = ledger.untold(receiver, limit, fromMs)
      isReadable = true
      return alerts
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
      if (isReadable) log.error({ receiver, err: error.message }, 'the outbox could not be read; it is tried again')
      isReadable = false
      return []
    }
  }

  return {
    untold: (receiver, limit, fromMs) => {
      const told = toldMeanwhile.get(receiver)
      const isUntold = (alert: AlertRecord) => !told?.has(alert.id)
      const kept = written(receiver, limit + (told?.size ?? 0), fromMs)
      const ids = new Set(kept.map(({ id }) => id))
      const fresh = ports.unwritten().filter(({ id, at }) => !ids.has(id) && at >= (fromMs ?? Number.NEGATIVE_INFINITY))
      return [...kept, ...fresh].filter(isUntold).slice(0, limit)
    },
    told: (receiver, alertId, facts = []) => {
      const told = toldMeanwhile.get(receiver) ?? new Set()
      toldMeanwhile.set(receiver, told.add(alertId))
      void journal.write([{ kind: 'told', receiver, alertId, atMs: clock.now() }, ...facts]).then(() => told.delete(alertId))
    },
  }
}
