/**
 * Checks the audit's chain when the watch starts and once a day, and puts its head into the log once an hour: a head that is
 * noted elsewhere than in the ledger is what tells later that the chain was cut off, or made anew.
 */
import type { AuditHead } from '../domain/audit.ts'
import type { Clock } from '../ports/clock.ts'
import { type Ledger, LedgerError } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'

const everyMs = 3_600_000
const checksEvery = 24

export interface AuditHeadPorts {
  ledger: Pick<Ledger, 'auditHead' | 'verifyAudit'>
  clock: Clock
  log: Log
  /** Tells everybody. */
  tell(text: string): void
}

export function startAuditHead({ ledger, clock, log, tell }: AuditHeadPorts): { stop(): Promise<void> } {
  let isStopped = false
  /** The last one that was seen: what is cut off while the watch runs is told by that. */
  let noted: AuditHead | undefined
  let running = look(0)
  let next = clock.after(everyMs, () => again(1))

  function again(time: number): void {
    running = look(time)
    next = clock.after(everyMs, () => again(time + 1))
  }

  async function look(time: number): Promise<void> {
    try {
      if (time % checksEvery === 0) await check()
      if (isStopped) return
      noted = ledger.auditHead()
      log.info({ ...noted }, 'the head of the audit')
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
      if (!isStopped) log.error({ err: error.message }, 'the audit could not be checked')
    }
  }

  async function check(): Promise<void> {
    const verdict = await ledger.verifyAudit(noted)
    // In a day without an operation all of it may be forgotten, in order.
    if (verdict.kind !== 'broken' || isStopped) return
    log.error({ seq: verdict.seq, why: verdict.why }, 'the audit is not what was written')
    tell(`The audit of the watch is not what was written: at entry ${verdict.seq} ${verdict.why}. See towerwatch audit --verify`)
  }

  return {
    stop: async () => {
      isStopped = true
      next.cancel()
      await running
    },
  }
}
