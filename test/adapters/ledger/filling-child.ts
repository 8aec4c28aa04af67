/** Writes to the ledger named by argv until that fails; says what failed, and whether what is in it can still be read. */
import { openLedger } from '../../../src/adapters/ledger/sqlite.ts'
import { newAgent } from '../../../src/domain/agent.ts'
import { LedgerError } from '../../../src/ports/ledger.ts'
import { alertOf, timmy, transition } from '../../support/ledger-facts.ts'

const ledger = openLedger(process.argv[2] ?? '')
let written = 0
let failure: unknown
while (failure === undefined && written < 10_000) {
  try {
    await ledger.write([
      { kind: 'agent', id: timmy.id, record: newAgent(written) },
      transition('up', 'down', written),
      { kind: 'alert', alert: { ...alertOf(`alert-${written}`, written), text: 'x'.repeat(400) } },
    ])
    written++
  } catch (error) {
    failure = error
  }
}
const isLedgerError = failure instanceof LedgerError
const message = failure instanceof Error ? failure.message : String(failure)
process.stdout.write(JSON.stringify({ isLedgerError, message, written, readable: ledger.untold('tower', 100_000).length }))
