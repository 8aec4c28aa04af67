import type { DatabaseSync, StatementSync } from 'node:sqlite'

/** Compiles each text once: for one connection, as long as that is open. */
export function preparer(db: DatabaseSync): (sql: string) => StatementSync {
  const known = new Map<string, StatementSync>()
  return (sql) => {
    let statement = known.get(sql)
    if (!statement) {
      statement = db.prepare(sql)
      known.set(sql, statement)
    }
    return statement
  }
}
