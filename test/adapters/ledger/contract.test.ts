import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLedger } from '../../../src/adapters/ledger/sqlite.ts'
import { ledgerContract } from '../../contracts/ledger.ts'

ledgerContract('in memory', () => {
  const ledger = openLedger(':memory:')
  return { ledger, stop: () => ledger.close() }
})

ledgerContract('in a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tw-ledger-'))
  const ledger = openLedger(join(folder, 'ledger.sqlite'))
  return {
    ledger,
    stop: async () => {
      await ledger.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
})
