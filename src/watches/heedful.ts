/**
 * The roster and the clock for whoever brings what was seen. Right after a sleep or a long stall he may come before the
 * sweep: then the watch has to find out first that it was not looking, or what he brings is taken for what happened before.
 */
import type { Clock } from '../ports/clock.ts'
import type { Roster } from './roster.ts'

/** `heed` is the sweep's. */
export function heedful(ports: { roster: Roster; clock: Clock }, heed: () => void): { roster: Roster; clock: Clock } {
  const { roster, clock } = ports
  return {
    roster: {
      ...roster,
      observe: (agent, event) => {
        heed()
        roster.observe(agent, event)
      },
      observeHost: (host, event) => {
        heed()
        roster.observeHost(host, event)
      },
    },
    clock: {
      ...clock,
      // He looks at the clock before he tells of what he saw.
      now: () => {
        heed()
        return clock.now()
      },
    },
  }
}
