import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openClock } from '../adapters/clock.ts'
import { openLedger } from '../adapters/ledger/sqlite.ts'
import { thisMachine } from '../adapters/own-beat/machine.ts'
import type { Config } from '../config/config.ts'
import { type Ledger, LedgerError } from '../ports/ledger.ts'
import { exitCode, ShellError } from './shell.ts'

export function ledgerFile(config: Config): string {
  return join(config.stateDir, 'ledger.sqlite')
}

/**
 * Reads the ledger, whether or not a watch is running. `nowMs` is this moment as the watch counts time, which need not be what
 * the clock on the wall shows. Undefined where there is no ledger yet; throws ShellError where it can't be read.
 */
export function readLedger<T>(path: string, read: (ledger: Ledger, nowMs: number) => T): T | undefined {
  if (!existsSync(path)) return undefined
  try {
    const ledger = openLedger(path, 'read')
    try {
      return read(ledger, openClock(thisMachine(), ledger.looking()).now())
    } finally {
      void ledger.close()
    }
  } catch (error) {
    if (error instanceof LedgerError) throw new ShellError(error.message, exitCode.failed)
    throw error
  }
}
