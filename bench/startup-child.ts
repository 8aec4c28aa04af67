/** Reads the ledger named by argv as a watch does when it starts; says how long each part took. */
import { openLedger } from '../src/adapters/ledger/sqlite.ts'
import type { Startup } from './watch/startup.ts'

const windowMs = 31 * 86_400_000

const startMs = performance.now()
const ledger = openLedger(process.argv[2] ?? '')
const openedMs = performance.now()
const { agents } = ledger.remembered()
ledger.incidents({ limit: 10_000 })
ledger.mutes(0)
ledger.untold('tower', 100)
const recalledMs = performance.now()
let changes = 0
for (const id of agents.keys()) changes += ledger.timeline({ kind: 'agent', id }, Date.now() - windowMs).length
const readMs = performance.now()
const said: Startup = { openMs: openedMs - startMs, recallMs: recalledMs - openedMs, timelinesMs: readMs - recalledMs, changes }
process.stdout.write(JSON.stringify(said))
await ledger.close()
