/**
 * Writes to the ledger named by argv, many calls at a time, each of several facts; says the number of each call once it is
 * written.
 */
import { openLedger } from '../../../src/adapters/ledger/sqlite.ts'
import { newAgent } from '../../../src/domain/agent.ts'
import { alert, incident, timmy, transition } from '../../support/ledger-facts.ts'

const ledger = openLedger(process.argv[2] ?? '')
const from = Number(process.argv[3])

async function write(n: number): Promise<void> {
  const record = { ...newAgent(n), status: { state: 'down' as const, sinceMs: n } }
  await ledger.write([{ kind: 'agent', id: timmy.id, record }, transition('up', 'down', n), incident(n), alert(`alert-${n}`, n)])
  process.stdout.write(`${n}\n`)
}

for (let n = from; ; n += 3) await Promise.all([write(n), write(n + 1), write(n + 2)])
