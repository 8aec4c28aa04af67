import { openLedger } from '../../src/adapters/ledger/sqlite.ts'
import { type Ledger, LedgerError } from '../../src/ports/ledger.ts'

export interface BrittleLedger extends Ledger {
  /** Every write from now on fails (all, or only those of these methods). */
  breakWrites(only?: readonly (keyof Ledger)[]): void
  mend(): void
  readonly recorded: Parameters<Ledger['record']>[0][]
}

const writes = [
  'record',
  'alive',
  'activity',
  'acknowledge',
  'beginOperation',
  'endOperation',
  'refusedOperation',
  'setNote',
  'upkeep',
] as const

/** A ledger (in memory unless another is given) whose disk can be full for a while. */
export function brittleLedger(real: Ledger = openLedger(':memory:')): BrittleLedger {
  let broken: readonly string[] = []
  const recorded: BrittleLedger['recorded'] = []
  const check = (method: string) => {
    if (broken.includes(method)) throw new LedgerError('The ledger could not be written: database or disk is full')
  }
  return {
    ...real,
    record: (decision) => {
      check('record')
      const result = real.record(decision)
      recorded.push(decision)
      return result
    },
    alive: (nowMs) => {
      check('alive')
      real.alive(nowMs)
    },
    activity: (agent, span) => {
      check('activity')
      real.activity(agent, span)
    },
    acknowledge: (tower, alertId, nowMs) => {
      check('acknowledge')
      real.acknowledge(tower, alertId, nowMs)
    },
    beginOperation: (operation) => {
      check('beginOperation')
      return real.beginOperation(operation)
    },
    endOperation: (number, status, lines, nowMs) => {
      check('endOperation')
      real.endOperation(number, status, lines, nowMs)
    },
    refusedOperation: (operation, reason) => {
      check('refusedOperation')
      real.refusedOperation(operation, reason)
    },
    setNote: (name, value) => {
      check('setNote')
      real.setNote(name, value)
    },
    upkeep: (beforeMs) => {
      check('upkeep')
      return real.upkeep(beforeMs)
    },
    remembered: () => {
      check('remembered')
      return real.remembered()
    },
    breakWrites: (only = writes) => {
      broken = only
    },
    mend: () => {
      broken = []
    },
    recorded,
  }
}
