/** What the two threads of a ledger say to each other. Batches, and upkeeps, are answered in their order. */
import type { Row } from './rows.ts'

export type ToWriter =
  | { kind: 'write'; calls: readonly (readonly Row[])[] }
  | { kind: 'upkeep'; beforeMs: number }
  /** After what was said before. An upkeep that isn't done is broken off. */
  | { kind: 'close' }

export type FromWriter =
  /** For each call of the batch why it alone was left out. */
  | { kind: 'written'; faults: readonly (string | undefined)[] }
  /** Nothing of the batch was committed. */
  | { kind: 'failed'; fault: string }
  | { kind: 'upkept'; rows: number }
  | { kind: 'not-upkept'; fault: string }
