/** Writes to the ledger named by argv, and leaves without another word. */
import { openLedger } from '../../../src/adapters/ledger/sqlite.ts'
import { alert } from '../../support/ledger-facts.ts'

const [, , file = '', how] = process.argv
const ledger = openLedger(file)
await ledger.write([alert('a')])
process.stdout.write('written\n')
void ledger.write([alert('b')])
if (how === 'close') void ledger.close()
