import type { TowerHandlers } from '../../../src/ports/tower.ts'

/** Of a watch without a fleet, that has nothing to say and does nothing: for tests that are about the connection. */
export const idleHandlers: TowerHandlers = {
  fleet: () => ({ hosts: [], agents: [] }),
  history: () => Promise.withResolvers<never>().promise,
  unacknowledged: () => [],
  acknowledged: () => {},
  request: () => {},
  refused: () => {},
}
