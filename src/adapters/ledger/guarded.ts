import { messageOf } from '../../domain/failure.ts'
import { LedgerError } from '../../ports/ledger.ts'

/** Whatever is thrown in `work` becomes a LedgerError that says what was to be done ("read the outbox") and why it failed. */
export function guarded<T>(what: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw failure(what, error)
  }
}

export function failure(what: string, error: unknown): LedgerError {
  if (error instanceof LedgerError) return error
  return new LedgerError(`The ledger could not ${what}: ${messageOf(error)}`, { cause: error })
}
