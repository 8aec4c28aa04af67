/** Writes decisions to the ledger named by argv as fast as it can; says the number of each once it is written. */
import { openLedger } from '../../../src/adapters/ledger/sqlite.ts'

const ledger = openLedger(process.argv[2] ?? '')
const from = Number(process.argv[3])
for (let n = from; ; n++) {
  ledger.record({
    subject: { kind: 'agent', id: 'timmy' },
    record: { facts: {}, status: { state: 'down', sinceMs: n } },
    transitions: [{ from: 'up', to: 'down', atMs: n, noticedMs: n }],
    incident: { kind: 'open', cause: 'silent', atMs: n },
    alert: { id: `alert-${n}`, kind: 'problem', subject: 'agent', subjectId: 'timmy', at: n, text: `number ${n}` },
  })
  process.stdout.write(`${n}\n`)
}
