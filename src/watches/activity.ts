/** Busy or idle, from the agents' own word, as intervals in the ledger: what capacity is worked out from. */
import type { Config } from '../config/config.ts'
import type { Clock } from '../ports/clock.ts'
import { type Ledger, LedgerError } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import type { Roster } from './roster.ts'

/** How much of an open interval a crash may cost. */
const flushEveryMs = 60_000

interface OpenSpan {
  fromMs: number
  toMs: number
  busy: boolean
  writtenMs: number
}

export function startActivity(config: () => Config, ports: { roster: Roster; ledger: Ledger; clock: Clock; log: Log }): { stop(): void } {
  const open = new Map<string, OpenSpan>()

  function write(agent: string, span: OpenSpan): void {
    if (span.toMs === span.fromMs) return
    try {
      ports.ledger.activity(agent, { fromMs: span.fromMs, toMs: span.toMs, busy: span.busy })
      span.writtenMs = span.toMs
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
      ports.log.error({ agent, err: error.message }, 'activity could not be written')
    }
  }

  const off = ports.roster.on((event) => {
    if (event.kind !== 'beat' || event.beat.busy === undefined) return
    const { agent, beat } = event
    const timing = config().agents.get(agent)?.timing
    const span = open.get(agent)
    // A beat speaks for the time since the one before, but never for a hole in which the agent counted as down.
    const isGap = !span || !timing || beat.atMs - span.toMs > timing.periodMs + timing.graceMs
    if (span && !isGap && beat.atMs > span.toMs) span.toMs = beat.atMs
    if (span && !isGap && span.busy === beat.busy) {
      if (span.toMs - span.writtenMs >= flushEveryMs) write(agent, span)
      return
    }
    if (span) write(agent, span)
    open.set(agent, { fromMs: beat.atMs, toMs: beat.atMs, busy: beat.busy === true, writtenMs: beat.atMs })
  })

  return {
    stop: () => {
      off()
      for (const [agent, span] of open) write(agent, span)
    },
  }
}
