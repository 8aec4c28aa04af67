import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import { openLedger } from '../../../src/adapters/ledger/sqlite.ts'
import type { Ledger } from '../../../src/ports/ledger.ts'

export interface LedgerFolder {
  /** Fresh for each test. */
  folder: string
  /** A ledger that is not there yet, in a folder that isn't either. */
  file: string
  /** Opens the file; it is closed after the test. */
  opened(access?: 'write' | 'read'): Ledger
}

/** A folder with a ledger for each test of the file that calls this. */
export function ledgerFolder(): LedgerFolder {
  let open: Ledger[] = []
  const here: LedgerFolder = {
    folder: '',
    file: '',
    opened: (access = 'write') => {
      const ledger = openLedger(here.file, access)
      open.push(ledger)
      return ledger
    },
  }
  beforeEach(() => {
    here.folder = mkdtempSync(join(tmpdir(), 'tw-ledger-'))
    here.file = join(here.folder, 'var', 'ledger.sqlite')
    open = []
  })
  afterEach(async () => {
    for (const ledger of open) await ledger.close()
    rmSync(here.folder, { recursive: true, force: true })
  })
  return here
}
