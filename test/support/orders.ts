/** Orders to act, each with a number of its own, as the audit of one watch would give them. */
import type { Order } from '../../src/ports/host.ts'

export function orders(watch = 'test'): () => Order {
  // By the clock, as one ledger's numbers only grow, also from one run of the tests to the next.
  let number = Date.now() - 1_790_000_000_000
  return () => ({ attempt: { watch, number: ++number }, isDryRun: false })
}
