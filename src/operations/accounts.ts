/** What the ledger knows of agents and hosts, as uptime is worked out from it. */
import { type Grounds, hostAccount, maintenanceOf, type Timeline } from '../domain/uptime.ts'
import type { Ledger } from '../ports/ledger.ts'

export interface Account {
  timeline: Timeline
  grounds: Grounds
}

export interface Accounts {
  agent(agent: { id: string; host: string }): Account
  host(id: string): Account
}

/** From `fromMs` on. Throws LedgerError where the ledger can't be read; so do its methods. */
export function openAccounts(ledger: Pick<Ledger, 'timeline' | 'proofs' | 'mutes'>, fromMs: number): Accounts {
  const mutes = ledger.mutes(fromMs)
  return {
    agent: ({ id, host }) => ({
      timeline: ledger.timeline({ kind: 'agent', id }, fromMs),
      grounds: { excluded: maintenanceOf(mutes, { kind: 'agent', id }, host), proved: ledger.proofs(id, fromMs) },
    }),
    host: (id) => ({
      timeline: hostAccount(ledger.timeline({ kind: 'host', id }, fromMs)),
      grounds: { excluded: maintenanceOf(mutes, { kind: 'host', id }) },
    }),
  }
}
