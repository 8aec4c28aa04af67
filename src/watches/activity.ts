/**
 * Busy or idle, as intervals in the ledger: what capacity is worked out from. An agent's own word goes first: it holds until
 * its next beat. One that says nothing of it was busy between two beats of one life if its progress moved between them.
 */
import type { Config } from '../config/config.ts'
import type { Beat, Timing } from '../domain/agent.ts'
import { type Ledger, LedgerError } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import type { Roster } from './roster.ts'

/** How much of an open interval a crash may cost. */
const flushEveryMs = 60_000

interface Span {
  fromMs: number
  toMs: number
  busy: boolean
}

interface OpenSpan extends Span {
  writtenMs: number
}

export interface ActivityPorts {
  roster: Pick<Roster, 'on'>
  ledger: Pick<Ledger, 'write'>
  log: Log
}

export function startActivity(config: () => Config, { roster, ledger, log }: ActivityPorts): { stop(): Promise<void> } {
  const lastBeats = new Map<string, Beat>()
  const open = new Map<string, OpenSpan>()
  const underWay = new Set<Promise<void>>()
  let isLost = false

  function write(agent: string, span: OpenSpan): void {
    if (span.toMs === span.writtenMs) return
    const { fromMs, toMs, busy } = span
    const before = span.writtenMs
    span.writtenMs = toMs
    const writing = ledger.write([{ kind: 'activity', agent, span: { fromMs, toMs, busy } }]).then(
      () => {
        isLost = false
      },
      (error: unknown) => {
        if (!(error instanceof LedgerError)) throw error
        // The interval as a whole is written again with its next piece.
        if (span.writtenMs === toMs) span.writtenMs = before
        if (!isLost) log.error({ agent, err: error.message }, 'activity could not be written')
        isLost = true
      },
    )
    underWay.add(writing)
    void writing.finally(() => underWay.delete(writing))
  }

  function extend(agent: string, piece: Span): void {
    const span = open.get(agent)
    if (span && span.busy === piece.busy && span.toMs === piece.fromMs) {
      span.toMs = piece.toMs
      if (span.toMs - span.writtenMs >= flushEveryMs) write(agent, span)
      return
    }
    if (span) write(agent, span)
    open.set(agent, { ...piece, writtenMs: piece.fromMs })
  }

  const off = roster.on((event) => {
    if (event.kind !== 'beat') return
    const { agent, beat } = event
    const last = lastBeats.get(agent)
    if (last && beat.atMs <= last.atMs) return
    lastBeats.set(agent, beat)
    const timing = config().agents.get(agent)?.timing
    if (!last || !timing || beat.atMs - last.atMs > longestMs(last, timing)) return
    const busy = busyBetween(last, beat)
    if (busy !== undefined) extend(agent, { fromMs: last.atMs, toMs: beat.atMs, busy })
  })

  return {
    stop: async () => {
      off()
      for (const [agent, span] of open) write(agent, span)
      await Promise.all(underWay)
    },
  }
}

/** A beat speaks for the time until the next, but never for a hole in which the agent counted as down. */
function longestMs(beat: Beat, timing: Timing): number {
  return beat.intervalMs === undefined ? timing.periodMs + timing.graceMs : 2 * beat.intervalMs
}

function busyBetween(last: Beat, beat: Beat): boolean | undefined {
  if (last.busy !== undefined) return last.busy
  if (beat.busy !== undefined || last.epoch !== beat.epoch || last.progress === undefined || beat.progress === undefined) return undefined
  return last.progress !== beat.progress
}
