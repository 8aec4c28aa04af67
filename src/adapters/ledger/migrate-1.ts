/** Version 1 knew neither groups of alerts, nor mutes, nor who paused an agent, and kept its times with fractions. */
import type { DatabaseSync } from 'node:sqlite'

export function fromVersion1(_db: DatabaseSync): void {
  throw new Error('not yet')
}
