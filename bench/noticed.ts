import { existsSync } from 'node:fs'
import { openLedger } from '../src/adapters/ledger/sqlite.ts'

/**
 * When the watch last noticed that an agent went into this state, by its own clock; undefined where it never has. Read from
 * its ledger, as another process may.
 */
export async function lastNoticedMs(ledgerFile: string, agent: string, state: string): Promise<number | undefined> {
  if (!existsSync(ledgerFile)) return undefined
  const ledger = openLedger(ledgerFile, 'read')
  try {
    const all = ledger.transitions({ subject: { kind: 'agent', id: agent }, fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 100_000 })
    const noticed = all.filter(({ to }) => to === state).map(({ noticedMs }) => noticedMs)
    return noticed.length === 0 ? undefined : Math.max(...noticed)
  } finally {
    await ledger.close()
  }
}
