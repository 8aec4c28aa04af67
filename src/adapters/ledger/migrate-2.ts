/** From version 2, which had no chain: what was asked for until now is put into one, as it stands. */
import type { DatabaseSync } from 'node:sqlite'
import { chainer } from './chain.ts'
import { auditSchema } from './schema.ts'
import { preparer } from './statements.ts'

/** Runs inside a transaction. */
export function fromVersion2(db: DatabaseSync): void {
  db.exec('DROP INDEX IF EXISTS operations_begun')
  // What comes from version 1 has the tables already.
  db.exec(auditSchema)
  const chain = chainer(preparer(db))
  for (const { record } of db.prepare('SELECT record FROM operations ORDER BY number').iterate()) chain(String(record))
}
