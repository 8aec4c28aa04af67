/** What a Tower may ask of the watch: the fleet to mirror, alerts to tell, operations to do. */
import type { Desk } from '../operations/desk.ts'
import type { Operation, Outcome } from '../operations/operation.ts'
import type { Clock } from '../ports/clock.ts'
import { type AlertRecord, type Ledger, LedgerError } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import type { Alert, TowerHandlers, TowerRequest } from '../ports/tower.ts'
import type { Roster } from './roster.ts'

/** The only Tower there is so far: what it was told is kept under this name, whatever its address. */
const theTower = 'tower'
const maxLines = 400
const maxLineLength = 400

export interface TowerRequestPorts {
  roster: Roster
  desk: Desk
  ledger: Ledger
  clock: Clock
  log: Log
  operations: readonly Operation[]
  fleet: TowerHandlers['fleet']
}

export function towerHandlers(ports: TowerRequestPorts): TowerHandlers {
  const { roster, desk, ledger, clock, log } = ports
  /** Alerts that were told while the ledger could not be written. */
  const toldMeanwhile = new Set<string>()

  function unacknowledged(limit: number): Alert[] {
    const written = quietly<AlertRecord[]>([], () => ledger.unacknowledged(theTower, limit))
    const fromMemory = roster.unwritten().filter((alert) => !toldMeanwhile.has(alert.id))
    return [...written, ...fromMemory].slice(0, limit)
  }
  /** Throws LedgerError where it can't be noted: the session then tells it to us again, not to the Tower. */
  function acknowledged(alertId: string): void {
    if (roster.toldFromMemory(theTower, alertId)) toldMeanwhile.add(alertId)
    else {
      ledger.acknowledge(theTower, alertId, clock.now())
      toldMeanwhile.delete(alertId)
    }
  }

  function quietly<T>(otherwise: T, work: () => T): T {
    try {
      return work()
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
      log.error({ err: error.message }, 'the outbox could not be used; it is tried again')
      return otherwise
    }
  }

  return {
    fleet: ports.fleet,
    unacknowledged,
    acknowledged,
    request: (request, answer) => void serve(request, answer),
    refused: ({ operation, arguments: args, actor, reason }) => {
      desk.refusedElsewhere({ operation, arguments: args, actor, via: 'tower' }, reason)
    },
  }

  async function serve(request: TowerRequest, answer: Parameters<TowerHandlers['request']>[1]): Promise<void> {
    const { id, operation, actor } = request
    const say = (status: Outcome['status'] | 'accepted' | 'running', lines: string[]) =>
      answer({ id, operation, status, actor, lines: lines.slice(0, maxLines).map((line) => line.slice(0, maxLineLength)) })
    if (ports.operations.find(({ name }) => name === operation)?.effect === 'acts') say('accepted', [])
    // The Tower speaks for its accounts only: whoever it names, it is never the watch itself nor a user of this machine.
    const asked = { operation, arguments: request.arguments, actor: { ...actor, kind: 'account' as const }, via: 'tower' as const }
    const outcome = await desk.request(asked, (line) => say('running', [line]))
    say(outcome.status, outcome.lines)
  }
}
