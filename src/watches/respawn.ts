/**
 * Restarts what is dead, by policy: `auto` agents only, only what its host confirms to be dead, never on a host that can't
 * be seen, and with a growing wait between attempts. It asks for the same operation as a person would, so that the audit
 * and the verification are the same.
 */
import type { Config } from '../config/config.ts'
import { recentAttempts, waitBeforeAttemptMs } from '../domain/remedy.ts'
import type { Desk } from '../operations/desk.ts'
import type { Clock } from '../ports/clock.ts'
import { type Ledger, LedgerError } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import type { Roster } from './roster.ts'

/** While somebody is at work there: how often to look whether he is done. */
const maintenanceMs = 60_000
/** Where the reason to refuse will pass by itself: how long to let it. */
const passingMs = 30_000

const watchItself = { kind: 'watch', id: 'watch', name: 'the watch' } as const

export interface RespawnPorts {
  roster: Roster
  desk: Desk
  ledger: Ledger
  clock: Clock
  log: Log
  /** In [0, 1). */
  random: () => number
  /** Somebody works on the agent or on its host at this moment: nothing is restarted behind his back. */
  inMaintenance: (agent: string) => boolean
}

export function startRespawn(config: () => Config, ports: RespawnPorts): { stop(): void } {
  const { roster, desk, ledger, clock, log } = ports
  const planned = new Map<string, { cancel(): void }>()
  let stopped = false

  const mayRestart = (agent: string) => !stopped && config().agents.get(agent)?.policy === 'auto'

  function plan(agent: string, leastMs = 0): void {
    if (planned.has(agent) || !mayRestart(agent)) return
    const waitMs = Math.max(leastMs, waitBeforeAttemptMs(attempts(agent), ports.random()))
    if (waitMs > 0) log.info({ agent, waitMs }, 'waiting before the next automatic restart')
    planned.set(
      agent,
      clock.after(waitMs, () => void attempt(agent)),
    )
  }

  function attempts(agent: string): number {
    try {
      const nowMs = clock.now()
      const tried = ledger.operations({ operation: 'restart', agent, actorKind: 'watch', sinceMs: nowMs - 86_400_000, limit: 200 })
      return recentAttempts(
        tried.map((operation) => operation.requestedMs),
        nowMs,
      )
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
      // Nothing can be changed now in any case, since the audit can't be written: come back after a moderate wait.
      return 3
    }
  }

  const isGone = (agent: string) => roster.agent(agent)?.facts.gone !== undefined

  async function attempt(agent: string): Promise<void> {
    const isStillDown = () => roster.agent(agent)?.status.state === 'down'
    const wasGone = isGone(agent)
    if (mayRestart(agent) && isStillDown() && ports.inMaintenance(agent)) {
      planned.delete(agent)
      plan(agent, maintenanceMs)
      return
    }
    if (mayRestart(agent) && isStillDown()) {
      const outcome = await desk.request({ operation: 'restart', arguments: { agent }, actor: watchItself, via: 'watch' }, () => {})
      log.info({ agent, status: outcome.status, lines: outcome.lines }, 'automatic restart')
      planned.delete(agent)
      if (!isStillDown()) return
      if (outcome.passes) plan(agent, passingMs)
      // Refused for good: it lives after all, though it is silent. A person decides about that one, unless it dies indeed.
      else if (outcome.status !== 'refused' || isGone(agent) !== wasGone) plan(agent)
      return
    }
    planned.delete(agent)
  }

  const off = roster.on((event) => {
    if (event.kind === 'down') plan(event.agent)
  })
  return {
    stop: () => {
      stopped = true
      off()
      for (const timer of planned.values()) timer.cancel()
    },
  }
}
