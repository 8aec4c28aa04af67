/** The fleet without what the wire would refuse: one agent with a fault must not hide the five hundred sent beside it. */

import type { Log } from '../../ports/log.ts'
import type { TowerHandlers } from '../../ports/tower.ts'
import { agentView, hostView } from '../../protocol/messages.ts'

export function validFleet(fleet: TowerHandlers['fleet'], log: Log): TowerHandlers['fleet'] {
  /** Told once each: the fleet is asked for every second. */
  const told = new Set<string>()
  const keep = <View extends { id: string }>(what: string, schema: typeof agentView | typeof hostView, views: View[]): View[] =>
    views.filter((view) => {
      const parsed = schema.safeParse(view)
      if (parsed.success) return true
      if (!told.has(`${what} ${view.id}`)) {
        told.add(`${what} ${view.id}`)
        log.error(
          { [what]: view.id, faults: parsed.error.issues.map((issue) => issue.path.join('.')) },
          `The Tower cannot be shown this ${what}`,
        )
      }
      return false
    })
  return (only) => {
    const { hosts, agents } = fleet(only)
    return { hosts: keep('host', hostView, hosts), agents: keep('agent', agentView, agents) }
  }
}
