/** When a freshly started watch can be said to be ready: the Tower is connected, and every agent has been looked at. */
import type { Config } from '../config/config.ts'
import type { Clock } from '../ports/clock.ts'
import type { Tower } from '../ports/tower.ts'
import type { Roster } from './roster.ts'

const lookEveryMs = 100

export function startReadiness(ports: {
  roster: Roster
  clock: Clock
  config: () => Config
  tower: () => ReturnType<Tower['link']> | undefined
}): { ready: Promise<void>; stop(): void } {
  const { roster, clock, config, tower } = ports
  let timer: { cancel(): void } | undefined

  const isReady = () => {
    const link = tower()
    if (link && link.state.kind !== 'connected') return false
    for (const agent of config().agents.values()) {
      const host = roster.host(agent.host)?.status.state
      const state = roster.agent(agent.id)?.status.state
      if (host === 'unreachable') continue
      if (host !== 'up' || state === 'unknown') return false
    }
    return true
  }

  const ready = new Promise<void>((resolve) => {
    const look = () => {
      if (isReady()) resolve()
      else timer = clock.after(lookEveryMs, look)
    }
    look()
  })
  return { ready, stop: () => timer?.cancel() }
}
