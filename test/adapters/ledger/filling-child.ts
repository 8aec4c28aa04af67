/** Writes to the ledger named by argv until that fails; says what failed, and whether what is in it can still be read. */
import { openLedger } from '../../../src/adapters/ledger/sqlite.ts'
import { LedgerError } from '../../../src/ports/ledger.ts'

const ledger = openLedger(process.argv[2] ?? '')
let written = 0
let failure: unknown
while (failure === undefined && written < 10_000) {
  try {
    ledger.record({
      subject: { kind: 'agent', id: 'timmy' },
      record: { facts: {}, status: { state: 'down', sinceMs: written } },
      transitions: [{ from: 'up', to: 'down', atMs: written, noticedMs: written }],
      alert: { id: `alert-${written}`, kind: 'problem', subject: 'agent', subjectId: 'timmy', at: written, text: 'x'.repeat(1_000) },
    })
    written++
  } catch (error) {
    failure = error
  }
}
const isLedgerError = failure instanceof LedgerError
const message = failure instanceof Error ? failure.message : String(failure)
process.stdout.write(JSON.stringify({ isLedgerError, message, written, readable: ledger.unacknowledged('tower', 100_000).length }))
