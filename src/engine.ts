/**
 * What decides: observations in, decisions into the ledger, alerts into the outbox. No hosts, no Towers, and no timers but
 * the clock's. The daemon (app.ts) and the simulator run the same one.
 */
import type { Config } from './config/config.ts'
import type { Clock } from './ports/clock.ts'
import type { Ledger } from './ports/ledger.ts'
import type { Log } from './ports/log.ts'
import { type Journal, openJournal } from './watches/journal.ts'
import { type Mutes, startMutes } from './watches/mutes.ts'
import { type Notifier, startNotifier } from './watches/notifier.ts'
import { occurrencesOf } from './watches/occurrences.ts'
import { type Outbox, openOutbox } from './watches/outbox.ts'
import { openRoster, type Roster } from './watches/roster.ts'

export interface EnginePorts {
  ledger: Ledger
  clock: Clock
  log: Log
  /** A fresh id for an alert, unique for ever. */
  newId: () => string
  /** The watch has given this agent up. */
  isGivenUp?: (agent: string) => boolean
}

export interface Engine {
  roster: Roster
  journal: Journal
  mutes: Mutes
  notifier: Notifier
  outbox: Outbox
  /** Every five seconds: judges whoever says nothing, and tries again what the ledger could not take. */
  sweep(): void
  /** When time alone changes something next; a sweep before it would find nothing. */
  dueMs(): number
  /** Takes over another declaration of the fleet. */
  declare(config: Config): void
  /** Resolves when all is written that can be. The ledger stays open. */
  stop(): Promise<void>
}

/** Throws LedgerError where the ledger can't be read. */
export function openEngine(initial: Config, ports: EnginePorts): Engine {
  const { ledger, clock, log, newId, isGivenUp } = ports
  let config = initial
  const journal = openJournal(ledger, log)
  const roster = openRoster(config, { ledger, journal, clock, log })
  const occurrences = (fromMs: number, toMs: number) => occurrencesOf(config, clock, fromMs, toMs)
  const mutes = startMutes(() => config, { ledger, journal, clock, occurrences })
  const notifier = startNotifier(() => config, { roster, mutes, journal, ledger, clock, log, newId, isGivenUp })
  const outbox = openOutbox({ ledger, journal, clock, log, unwritten: notifier.unwritten })
  return {
    roster,
    journal,
    mutes,
    notifier,
    outbox,
    sweep: () => {
      journal.flush()
      roster.tick()
    },
    dueMs: () => (journal.isBroken() ? clock.now() : roster.dueMs()),
    declare: (next) => {
      config = next
      roster.declare(next)
      mutes.declare()
    },
    stop: () => {
      notifier.stop()
      mutes.stop()
      return journal.settled()
    },
  }
}
