/**
 * What decides: observations in, decisions into the ledger, alerts into the outbox. No hosts, no Towers, and no timers but
 * the clock's. The daemon (app.ts) and the simulator run the same one.
 */
import type { Config } from './config/config.ts'
import type { Clock } from './ports/clock.ts'
import type { Ledger } from './ports/ledger.ts'
import type { Log } from './ports/log.ts'
import { type Journal, openJournal } from './watches/journal.ts'
import { openRoster, type Roster } from './watches/roster.ts'

export interface EnginePorts {
  ledger: Ledger
  clock: Clock
  log: Log
  /** A fresh id for an alert, unique for ever. */
  newId: () => string
}

export interface Engine {
  roster: Roster
  journal: Journal
  /** Every five seconds: judges whoever says nothing, and tries again what the ledger could not take. */
  sweep(): void
  /** When time alone changes something next; a sweep before it would find nothing. */
  dueMs(): number
  /** Resolves when all is written that can be. The ledger stays open. */
  stop(): Promise<void>
}

/** Throws LedgerError where the ledger can't be read. */
export function openEngine(config: Config, ports: EnginePorts): Engine {
  const { ledger, clock, log } = ports
  const journal = openJournal(ledger, log)
  const roster = openRoster(config, { ledger, journal, clock, log })
  return {
    roster,
    journal,
    sweep: () => {
      journal.flush()
      roster.tick()
    },
    dueMs: () => (journal.isBroken() ? clock.now() : roster.dueMs()),
    stop: () => journal.settled(),
  }
}
