import type { DatabaseSync } from 'node:sqlite'
import { fromVersion1 } from './migrate-1.ts'
import { fromVersion2 } from './migrate-2.ts'

/** By the version that is brought to the next one. Each runs inside a transaction, and says nothing of the version itself. */
export const migrations: Readonly<Record<number, (db: DatabaseSync) => void>> = { 1: fromVersion1, 2: fromVersion2 }
